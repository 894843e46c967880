//! What must hold of an answer.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use std::time::Duration;

use http::{HeaderName, StatusCode};

use super::{
    Assets, DnsExpect, GrpcStatus, HttpVersion, JsonPath, JsonSchema, JsonText, Phase, Shared, TlsVersion, Value,
};

/// The expectations of one request, or its `warn` rules. The default expects a status of 200 to 299 and nothing else.
#[derive(Clone, Debug)]
pub struct Expect {
    /// The status is in one of these, if any are given.
    pub status: Vec<StatusSet>,
    /// Rules for the body as text.
    pub body: Vec<TextRule>,
    /// Rules for headers.
    pub headers: Vec<HeaderRule>,
    /// Rules for the body as JSON.
    pub json: Vec<JsonRule>,
    /// Maximum duration of each phase, or of the whole check (`None`).
    pub latency: Vec<(Option<Phase>, Duration)>,
    /// The certificate is valid for at least this many more days.
    pub certificate_days: Option<u32>,
    /// The issuer of the certificate contains each of these texts.
    pub certificate_issuer: Vec<Value>,
    /// The certificate is for each of these names.
    pub certificate_names: Vec<Value>,
    /// The schema of the body as JSON.
    pub json_schema: Option<JsonSchema>,
    /// Rules for the first message of a WebSocket as text.
    pub message: Vec<TextRule>,
    /// Rules for the first message of a WebSocket as JSON.
    pub message_json: Vec<JsonRule>,
    /// The subprotocol that a WebSocket is offered and must choose.
    pub subprotocol: Option<String>,
    /// The statuses that a gRPC call may end with; OK alone if none are given.
    pub grpc_status: Vec<GrpcStatus>,
    /// What must hold of the answer of a name server.
    pub dns: DnsExpect,
    /// The URL that answered, after all redirects.
    pub final_url: Option<Value>,
    /// The HTTP version is one of these, if any are given.
    pub http_version: Vec<HttpVersion>,
    /// The TLS version is one of these, if any are given.
    pub tls_version: Vec<TlsVersion>,
    /// Whether each service that the answer offers by `alt-svc` must answer too.
    pub alt_svc: bool,
    /// Whether the last hop was https.
    pub secure: Option<bool>,
    /// The body has at least this many bytes.
    pub min_bytes: Option<u64>,
    /// The body has at most this many bytes.
    pub max_bytes: Option<u64>,
    /// The SHA-256 of the body.
    pub sha256: Option<[u8; 32]>,
    /// The files that the page links to load too.
    pub assets: Option<Assets>,
}

impl Default for Expect {
    fn default() -> Self {
        Expect {
            status: vec![StatusSet(200..=299)],
            body: Vec::new(),
            headers: Vec::new(),
            json: Vec::new(),
            latency: Vec::new(),
            certificate_days: None,
            certificate_issuer: Vec::new(),
            certificate_names: Vec::new(),
            json_schema: None,
            message: Vec::new(),
            message_json: Vec::new(),
            subprotocol: None,
            grpc_status: Vec::new(),
            dns: DnsExpect::default(),
            final_url: None,
            http_version: Vec::new(),
            tls_version: Vec::new(),
            alt_svc: false,
            secure: None,
            min_bytes: None,
            max_bytes: None,
            sha256: None,
            assets: None,
        }
    }
}

impl Expect {
    /// Expects nothing, not even a status: the default of `warn`. All probes share one instance.
    #[must_use]
    pub fn nothing() -> Shared<Expect> {
        static NOTHING: LazyLock<Shared<Expect>> =
            LazyLock::new(|| Expect { status: Vec::new(), ..Expect::default() }.into());
        NOTHING.clone()
    }

    /// Whether an expectation judges the body: one that goes on past the limit is then a failure, unless the part that
    /// was read decides.
    #[must_use]
    pub(crate) fn judges_body(&self) -> bool {
        !self.body.is_empty()
            || !self.json.is_empty()
            || self.json_schema.is_some()
            || self.sha256.is_some()
            || self.min_bytes.is_some()
            || self.max_bytes.is_some()
    }
}

/// A set of status codes: one, a class (`2xx`) or a range (`200-299`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusSet(pub RangeInclusive<u16>);

impl StatusSet {
    /// `204`, `2xx`, `200-299`
    pub(crate) fn parse(text: &str) -> Option<StatusSet> {
        let code = |text: &str| text.trim().parse::<u16>().ok().filter(|code| (100..=999).contains(code));
        if let Some(class) = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
            let class = class.parse::<u16>().ok().filter(|class| (1..=5).contains(class))?;
            return Some(StatusSet(class * 100..=class * 100 + 99));
        }
        let (low, high) = match text.split_once('-') {
            Some((low, high)) => (code(low)?, code(high)?),
            None => (code(text)?, code(text)?),
        };
        (low <= high).then_some(StatusSet(low..=high))
    }

    /// Whether a status is in it.
    #[must_use]
    pub fn contains(&self, status: StatusCode) -> bool {
        self.0.contains(&status.as_u16())
    }
}

impl fmt::Display for StatusSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = (*self.0.start(), *self.0.end());
        if low == high {
            write!(f, "{low}")
        } else if low % 100 == 0 && high == low + 99 {
            write!(f, "{}xx", low / 100)
        } else {
            write!(f, "{low}-{high}")
        }
    }
}

/// A regular expression that runs in linear time, with the text it was written as.
#[derive(Clone, Debug)]
pub struct Pattern(regex::Regex);

impl Pattern {
    /// The most memory one compiled pattern may take, in bytes.
    const SIZE_LIMIT: usize = 1 << 20;

    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(pattern: &str) -> Result<Pattern, String> {
        regex::RegexBuilder::new(pattern).size_limit(Self::SIZE_LIMIT).build().map(Pattern).map_err(|error| match error
        {
            regex::Error::CompiledTooBig(_) => "the pattern is too large when compiled".to_owned(),
            other => other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        })
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it is found in a text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The first group of the first match, or the whole match if the pattern has no group.
    #[must_use]
    pub fn capture<'t>(&self, text: &'t str) -> Option<&'t str> {
        let captures = self.0.captures(text)?;
        captures.get(1).or_else(|| captures.get(0)).map(|found| found.as_str())
    }

    /// Fills `$1` and `${name}` in a template with the groups of the first match.
    #[must_use]
    pub(crate) fn expand(&self, text: &str, template: &str) -> Option<String> {
        let mut expanded = String::new();
        self.0.captures(text)?.expand(template, &mut expanded);
        Some(expanded)
    }
}

/// A rule for a text.
#[derive(Clone, Debug)]
pub enum TextRule {
    /// The text is in it.
    Contains(Value),
    /// The text is not in it.
    Lacks(Value),
    /// The pattern is found in it.
    Matches(Pattern),
    /// The pattern is not found in it.
    NotMatches(Pattern),
}

/// A rule for a header.
#[derive(Clone, Debug)]
pub struct HeaderRule {
    /// The header.
    pub name: HeaderName,
    /// What must hold of its values.
    pub rule: HeaderExpectation,
    /// Whether a missing header is fine.
    pub optional: bool,
}

/// What must hold of the values of a header. A header may be sent several times.
#[derive(Clone, Debug)]
pub enum HeaderExpectation {
    /// One of the values has the text in it.
    Contains(Value),
    /// One of the values matches.
    Matches(Pattern),
    /// None of the values matches.
    NotMatches(Pattern),
    /// The header is not sent.
    Absent,
    /// The header is sent.
    Present,
}

/// A rule for the body as JSON.
#[derive(Clone, Debug)]
pub struct JsonRule {
    /// Which nodes.
    pub path: JsonPath,
    /// What must hold of them. A path that finds nothing fails all but `exists = false`.
    pub rule: JsonExpectation,
}

/// What must hold of what a JSON path finds.
#[derive(Clone, Debug)]
pub enum JsonExpectation {
    /// Whether the path finds something.
    Exists(bool),
    /// Every node found equals this.
    Equals(JsonText),
    /// No node found equals this.
    NotEquals(JsonText),
    /// Every node found is a string that has this in it, or an array with this in it.
    Contains(JsonText),
    /// Every node found is a string (or scalar as text) that matches.
    Matches(Pattern),
    /// Every node found is an array, object or string at least this long.
    MinLength(u64),
    /// Every node found is an array, object or string at most this long.
    MaxLength(u64),
    /// Every node found is a number of at least this.
    Min(JsonText),
    /// Every node found is a number of at most this.
    Max(JsonText),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_codes_classes_and_ranges_are_read() {
        let read = |text| StatusSet::parse(text).map(|set| (*set.0.start(), *set.0.end()));
        assert_eq!(read("2xx"), Some((200, 299)));
        assert_eq!(read("204"), Some((204, 204)));
        assert_eq!(read("200-204"), Some((200, 204)));
        assert_eq!(read("999"), Some((999, 999)));
        for wrong in ["6xx", "0xx", "99", "1000", "299-200", "2x", "", "-", "200-", "two"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
