//! Gatus' conditions, such as `[STATUS] == 200`, as expectations.

use std::time::Duration;

use crate::config::toml_text::{list, one_or_list, quoted};
use crate::import::draft::ProbeDraft;
use crate::import::template::with_dollar_variables;
use crate::model::Protocol;
use crate::model::quantity::{self, show_duration};

/// The expectations of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// Status codes that meet every condition on them; none where nothing is said of the status.
    status: Option<Vec<u16>>,
    latency: Option<Duration>,
    certificate_days: Option<u64>,
    json: Vec<String>,
    contains: Vec<String>,
    lacks: Vec<String>,
    matches: Vec<String>,
    not_matches: Vec<String>,
    min_bytes: Option<u64>,
    max_bytes: Option<u64>,
    rcode: Vec<String>,
    answer: Vec<String>,
    protocol: Option<Protocol>,
}

/// A condition cut in its three parts.
struct Condition<'c> {
    left: &'c str,
    operator: &'static str,
    right: &'c str,
}

const DAY: Duration = Duration::from_hours(24);

/// Longest first: `<=` is not `<`.
const OPERATORS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];

fn cut(condition: &str) -> Option<Condition<'_>> {
    let operator = OPERATORS.into_iter().find(|operator| condition.contains(&format!(" {operator} ")))?;
    let (left, right) = condition.split_once(&format!(" {operator} "))?;
    Some(Condition { left: left.trim(), operator, right: right.trim() })
}

impl Expected {
    /// No expectations yet of an endpoint of this protocol.
    pub(crate) fn of(protocol: Protocol) -> Expected {
        Expected { protocol: Some(protocol), ..Expected::default() }
    }

    fn is_of(&self, protocol: Protocol) -> bool {
        self.protocol == Some(protocol)
    }

    /// Adds one condition.
    ///
    /// # Errors
    /// Why it has no expectation that means the same.
    pub(crate) fn add(&mut self, condition: &str) -> Result<(), &'static str> {
        let cut = cut(condition).ok_or("this is no comparison")?;
        match cut.left {
            "[STATUS]" => self.status(&cut),
            "[RESPONSE_TIME]" => self.latency(&cut),
            "[CERTIFICATE_EXPIRATION]" => self.certificate(&cut),
            "[CONNECTED]" if cut.operator == "==" && cut.right == "true" => Ok(()),
            "[IP]" => Err("no expectation compares addresses; `address` connects to one"),
            "[DOMAIN_EXPIRATION]" => Err("registries are not asked"),
            "[DNS_RCODE]" if self.is_of(Protocol::Dns) && cut.operator == "==" => {
                self.rcode = alternatives(cut.right);
                Ok(())
            }
            "[BODY]" if self.is_of(Protocol::Dns) => self.answer(&cut),
            "[DNS_RCODE]" | "[CONNECTED]" => Err("no expectation means the same"),
            left if self.is_of(Protocol::Tcp) && left.starts_with("[BODY].") => {
                Err("JSON is expected of HTTP and WebSockets alone")
            }
            left if left.contains("[CONTEXT]") || cut.right.contains("[CONTEXT]") => {
                Err("a value of an earlier step is a capture of `[[probe.step]]`")
            }
            left => self.body(left, &cut),
        }
    }

    fn status(&mut self, cut: &Condition) -> Result<(), &'static str> {
        let numbers: Vec<u16> = alternatives(cut.right).iter().filter_map(|text| text.parse().ok()).collect();
        let first = *numbers.first().ok_or("this is no status code")?;
        let is_met = |code: &u16| match cut.operator {
            "==" => numbers.contains(code),
            "!=" => !numbers.contains(code),
            "<=" => *code <= first,
            ">=" => *code >= first,
            "<" => *code < first,
            _ => *code > first,
        };
        let before = self.status.take().unwrap_or_else(|| (100..=599).collect());
        let met: Vec<u16> = before.iter().copied().filter(is_met).collect();
        if met.is_empty() {
            self.status = Some(before);
            return Err("no status code meets it and the conditions before it");
        }
        self.status = Some(met);
        Ok(())
    }

    fn latency(&mut self, cut: &Condition) -> Result<(), &'static str> {
        if !matches!(cut.operator, "<" | "<=") {
            return Err("a latency has only a maximum");
        }
        let limit = time(cut.right, Duration::from_millis(1)).ok_or("this is no time")?;
        self.latency = Some(self.latency.map_or(limit, |before| before.min(limit)));
        Ok(())
    }

    fn certificate(&mut self, cut: &Condition) -> Result<(), &'static str> {
        if !matches!(cut.operator, ">" | ">=") {
            return Err("a certificate has only a minimum of days");
        }
        let least = time(cut.right, Duration::from_millis(1)).ok_or("this is no time")?;
        self.certificate_days = Some(least.as_secs().div_ceil(DAY.as_secs()));
        Ok(())
    }

    fn body(&mut self, left: &str, cut: &Condition) -> Result<(), &'static str> {
        let function = |name: &str| left.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(inner) = function("len") {
            return self.length(path(inner), cut);
        }
        if let Some(inner) = function("has") {
            let path = path(inner).ok_or("this is no part of the body")?;
            let exists = (cut.right == "true") == (cut.operator == "==");
            self.json.push(format!("{{ path = {}, exists = {exists} }}", quoted(&path)));
            return Ok(());
        }
        if left == "[BODY]" {
            return self.whole_body(cut);
        }
        let path = path(left).ok_or("this placeholder is not known")?;
        let rule = json_rule(cut)?;
        self.json.push(format!("{{ path = {}, {rule} }}", quoted(&path)));
        Ok(())
    }

    /// The records that a name server answers with.
    fn answer(&mut self, cut: &Condition) -> Result<(), &'static str> {
        if cut.operator != "==" {
            return Err("no expectation means the same");
        }
        let pattern = function_of(cut.right, "pat");
        match pattern.map(|pattern| pattern.trim_matches('*')) {
            Some(inner) if inner.is_empty() || inner.contains(['*', '?', '[', '\\']) => {
                Err("`expect.answer` knows texts and no patterns")
            }
            Some(inner) => {
                self.answer.push(format!("contains = {}", quoted(&with_dollar_variables(inner))));
                Ok(())
            }
            None if cut.right.starts_with("any(") => Err("no expectation means the same"),
            None => {
                self.answer.push(format!("equals = {}", quoted(&with_dollar_variables(cut.right))));
                Ok(())
            }
        }
    }

    fn length(&mut self, path: Option<String>, cut: &Condition) -> Result<(), &'static str> {
        let number: u64 = cut.right.parse().map_err(|_| "this is no length")?;
        let (least, most) = match cut.operator {
            "==" => (Some(number), Some(number)),
            "<" => (None, Some(number.checked_sub(1).ok_or("no length is below 0")?)),
            "<=" => (None, Some(number)),
            ">" => (Some(number + 1), None),
            ">=" => (Some(number), None),
            _ => return Err("no expectation means the same"),
        };
        if let Some(path) = path {
            let mut rule = format!("{{ path = {}", quoted(&path));
            least.iter().for_each(|least| rule.push_str(&format!(", min-length = {least}")));
            most.iter().for_each(|most| rule.push_str(&format!(", max-length = {most}")));
            self.json.push(format!("{rule} }}"));
        } else {
            self.min_bytes = least.or(self.min_bytes);
            self.max_bytes = most.or(self.max_bytes);
        }
        Ok(())
    }

    fn whole_body(&mut self, cut: &Condition) -> Result<(), &'static str> {
        let equal = match cut.operator {
            "==" => true,
            "!=" => false,
            _ => return Err("a body has no order"),
        };
        let right = cut.right;
        if let Some(pattern) = function_of(right, "pat") {
            let inner = pattern.strip_prefix('*').and_then(|pattern| pattern.strip_suffix('*'));
            if let Some(inner) = inner.filter(|inner| !inner.is_empty() && !inner.contains(['*', '?', '[', '\\'])) {
                let kept = if equal { &mut self.contains } else { &mut self.lacks };
                kept.push(with_dollar_variables(inner));
                return Ok(());
            }
        }
        let pattern = pattern_of(right);
        let kept = if equal { &mut self.matches } else { &mut self.not_matches };
        kept.push(pattern);
        Ok(())
    }

    /// Whether a condition was about time.
    pub(crate) const fn measures_time(&self) -> bool {
        self.latency.is_some()
    }

    /// Sets the expectations. Without a condition on the status Gatus takes any.
    pub(crate) fn set(&self, draft: &mut ProbeDraft, protocol: Protocol) {
        let is_http = protocol == Protocol::Http;
        match &self.status {
            Some(_) if !is_http => draft.not_carried("a condition on the status", "only HTTP has one"),
            Some(codes) => draft.set("expect.status", one_or_list(ranges(codes).into_iter())),
            None if is_http => {
                draft.set("expect.status", "\"100-599\"");
                draft.remark(
                    "no condition is on the status, so any will do, as in Gatus; write `expect.status = \"2xx\"`",
                );
            }
            None => {}
        }
        if let Some(limit) = self.latency {
            draft.set("expect.latency.total", quoted(&show_duration(limit)));
        }
        if let Some(days) = self.certificate_days {
            draft.set("expect.certificate-days", days.to_string());
        }
        if !self.rcode.is_empty() {
            draft.set("expect.rcode", one_or_list(self.rcode.iter().map(|code| quoted(code))));
        }
        if !self.answer.is_empty() {
            draft.set("expect.answer", format!("{{ {} }}", self.answer.join(", ")));
        }
        if protocol == Protocol::WebSocket {
            self.set_message(draft);
            return;
        }
        draft.set_texts("expect.body-contains", &self.contains);
        draft.set_texts("expect.body-lacks", &self.lacks);
        draft.set_texts("expect.body-matches", &self.matches);
        draft.set_texts("expect.body-not-matches", &self.not_matches);
        if !self.json.is_empty() {
            draft.set("expect.json", list(self.json.iter().cloned()));
        }
        for (key, bytes) in [("expect.min-bytes", self.min_bytes), ("expect.max-bytes", self.max_bytes)] {
            if let Some(bytes) = bytes {
                draft.set(key, bytes.to_string());
            }
        }
    }
}

impl Expected {
    /// Sets what is expected of the first message of a WebSocket.
    fn set_message(&self, draft: &mut ProbeDraft) {
        draft.set_texts("expect.message-contains", &self.contains);
        if !self.json.is_empty() {
            draft.set("expect.message-json", list(self.json.iter().cloned()));
        }
        let others = [&self.lacks, &self.matches, &self.not_matches];
        if others.iter().any(|rules| !rules.is_empty()) || self.min_bytes.is_some() || self.max_bytes.is_some() {
            draft
                .not_carried("patterns and lengths of the message", "see `expect.message-contains` and `message-json`");
        }
    }
}

/// Codes as numbers and ranges in TOML.
fn ranges(codes: &[u16]) -> Vec<String> {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for code in codes {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *code => *last = *code,
            _ => ranges.push((*code, *code)),
        }
    }
    let written = ranges.into_iter().map(|(first, last)| {
        if first == last {
            first.to_string()
        } else if first % 100 == 0 && last == first + 99 {
            format!("\"{}xx\"", first / 100)
        } else {
            format!("\"{first}-{last}\"")
        }
    });
    written.collect()
}

/// `500`, `500ms`, `48h`
fn time(text: &str, unit: Duration) -> Option<Duration> {
    match text.parse::<u32>() {
        Ok(number) => Some(unit.saturating_mul(number)),
        Err(_) => quantity::positive_duration(text).ok(),
    }
    .filter(|time| !time.is_zero())
}

fn function_of<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

/// What is between the parentheses of `any(…)`, or the one value.
fn alternatives(text: &str) -> Vec<String> {
    match function_of(text, "any") {
        Some(inner) => inner.split(',').map(|value| value.trim().to_owned()).collect(),
        None => vec![text.to_owned()],
    }
}

/// `[BODY].user.name` → `$.user.name`; the whole body has no path.
fn path(left: &str) -> Option<String> {
    let rest = left.strip_prefix("[BODY]")?;
    if rest.is_empty() {
        return None;
    }
    let mut path = "$".to_owned();
    for part in rest.split('.').enumerate().filter(|(at, part)| *at > 0 || !part.is_empty()).map(|(_, part)| part) {
        let (name, index) = part.split_at(part.find('[').unwrap_or(part.len()));
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        match name {
            "" => {}
            name if is_plain => path.push_str(&format!(".{name}")),
            name => path.push_str(&format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"))),
        }
        path.push_str(index);
    }
    Some(path)
}

/// A value as Gatus compares it: numbers and booleans as such.
fn value(text: &str) -> String {
    if matches!(text, "true" | "false") || text.parse::<i64>().is_ok() {
        return text.to_owned();
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && text.contains('.') => number.to_string(),
        _ => quoted(&with_dollar_variables(text)),
    }
}

fn json_rule(cut: &Condition) -> Result<String, &'static str> {
    let right = cut.right;
    let is_pattern = function_of(right, "pat").is_some() || function_of(right, "any").is_some();
    let number = || right.parse::<f64>().map_err(|_| "only numbers have an order here").map(|_| value(right));
    match cut.operator {
        _ if right == "null" => Err("TOML has no null; `exists` tells whether there is something"),
        "==" if is_pattern => Ok(format!("matches = {}", quoted(&pattern_of(right)))),
        "!=" if is_pattern => Err("no expectation means the same"),
        "==" => Ok(format!("equals = {}", value(right))),
        "!=" => Ok(format!("not-equals = {}", value(right))),
        "<=" => Ok(format!("max = {}", number()?)),
        ">=" => Ok(format!("min = {}", number()?)),
        "<" => Ok(format!("max = {0}, not-equals = {0}", number()?)),
        _ => Ok(format!("min = {0}, not-equals = {0}", number()?)),
    }
}

/// A text, `pat(…)` or `any(…)` as a regular expression for the whole text.
fn pattern_of(right: &str) -> String {
    let one = |text: &str| match function_of(text, "pat") {
        Some(glob) => glob_pattern(glob),
        None => escape(text),
    };
    let pattern = match function_of(right, "any") {
        Some(_) => format!("(?:{})", alternatives(right).iter().map(|text| one(text)).collect::<Vec<_>>().join("|")),
        None => one(right),
    };
    // A pattern is a text of the probe file too.
    format!("(?s)^{pattern}$").replace("${", "$${")
}

/// `*` and `?` as the glob of Gatus reads them.
fn glob_pattern(glob: &str) -> String {
    let parts = glob.chars().map(|c| match c {
        '*' => ".*".to_owned(),
        '?' => ".".to_owned(),
        other => escape(&other.to_string()),
    });
    parts.collect()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_punctuation()
            && !matches!(
                character,
                '_' | '"' | '\'' | ',' | ':' | ';' | '<' | '>' | '=' | '/' | '!' | '@' | '%' | '`' | '~' | '&'
            )
        {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(conditions: &[&str]) -> String {
        let (mut expected, mut draft) = (Expected::default(), ProbeDraft::new("x"));
        for condition in conditions {
            expected.add(condition).unwrap_or_else(|why| panic!("{condition}: {why}"));
        }
        expected.set(&mut draft, Protocol::Http);
        draft.toml("x").replace("[[probe]]\nname = \"x\"\n", "")
    }

    #[test]
    fn conditions_on_the_status_become_one_set() {
        assert_eq!(keys(&["[STATUS] == 200"]), "expect.status = 200\n");
        assert_eq!(keys(&["[STATUS] == any(200, 201, 429)"]), "expect.status = [\"200-201\", 429]\n");
        assert_eq!(
            keys(&["[STATUS] < 300", "[STATUS] >= 200", "[STATUS] != 204"]),
            "expect.status = [\"200-203\", \"205-299\"]\n"
        );
        assert!(Expected::default().add("[STATUS] == 999").is_err());
    }

    #[test]
    fn every_kind_of_condition_has_its_key() {
        let one = |condition| keys(&["[STATUS] == 200", condition]).lines().nth(1).unwrap().to_owned();
        assert_eq!(one("[RESPONSE_TIME] < 500"), "expect.latency.total = \"500ms\"");
        assert_eq!(one("[CERTIFICATE_EXPIRATION] > 49h"), "expect.certificate-days = 3");
        assert_eq!(one("[BODY] == pat(*<h1>Hi</h1>*)"), "expect.body-contains = \"<h1>Hi</h1>\"");
        assert_eq!(one("[BODY] == OK."), "expect.body-matches = \"(?s)^OK\\\\.$\"");
        assert_eq!(one("[BODY] != pat(*a?b*)"), "expect.body-not-matches = \"(?s)^.*a.b.*$\"");
        assert_eq!(one("[BODY].status == UP"), "expect.json = [{ path = \"$.status\", equals = \"UP\" }]");
        assert_eq!(one("[BODY].data[0].id == 1"), "expect.json = [{ path = \"$.data[0].id\", equals = 1 }]");
        assert_eq!(one("[BODY][0].a-b != true"), "expect.json = [{ path = \"$[0]['a-b']\", not-equals = true }]");
        assert_eq!(one("[BODY].n > 5"), "expect.json = [{ path = \"$.n\", min = 5, not-equals = 5 }]");
        assert_eq!(
            one("[BODY].name == any(a, pat(b*))"),
            "expect.json = [{ path = \"$.name\", matches = \"(?s)^(?:a|b.*)$\" }]"
        );
        assert_eq!(one("len([BODY].items) > 0"), "expect.json = [{ path = \"$.items\", min-length = 1 }]");
        assert_eq!(one("has([BODY].errors) == false"), "expect.json = [{ path = \"$.errors\", exists = false }]");
        assert_eq!(one("len([BODY]) < 3"), "expect.max-bytes = 2");
    }

    #[test]
    fn what_means_something_else_is_refused_with_the_reason() {
        for condition in [
            "[IP] == 1.2.3.4",
            "[DOMAIN_EXPIRATION] > 720h",
            "[BODY].x == null",
            "[RESPONSE_TIME] > 5",
            "x",
            "[BODY].a < b",
            "len([BODY]) < 0",
        ] {
            assert!(Expected::default().add(condition).is_err(), "{condition}");
        }
    }
}
