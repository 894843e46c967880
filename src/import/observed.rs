//! The responses of a URL as a probe: expectations that they met, and comments on those that cannot
//! be derived from a few responses.

use std::time::Duration;

use crate::config::toml_text::quoted;
use crate::import::draft::ProbeDraft;
use crate::import::request::{self, ImportedRequest};
use crate::import::secrets::Secrets;
use crate::import::template::literal;
use crate::model::quantity::show_duration;

/// Observations of one URL from a few checks.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// The URL that was checked.
    pub url: String,
    /// Why there was no response; `None` if there was one.
    pub failure: Option<String>,
    /// Whether its certificate is of a CA that is not trusted here.
    pub is_untrusted: bool,
    /// The status code of the response.
    pub status: Option<u16>,
    /// The value of its header content-type.
    pub content_type: Option<String>,
    /// The start of its body, with line breaks as escapes.
    pub body: Option<String>,
    /// The remaining days of its certificate.
    pub certificate_days: Option<i64>,
    /// The URL of the final response, if redirects led to another one.
    pub final_url: Option<String>,
    /// The duration of each check.
    pub times: Vec<Duration>,
    /// Whether the responses differed.
    pub is_unsteady: bool,
}

/// Fewer remaining days than this are unusual: an automatic renewal happens earlier.
const CERTIFICATE_DAYS: i64 = 14;

/// The latency limit, as a multiple of the slowest sample.
const HEADROOM: u32 = 5;

/// Round limits, as a person would write them, in milliseconds.
const LIMITS_MS: [u64; 10] = [500, 1_000, 1_500, 2_000, 3_000, 4_000, 5_000, 6_000, 8_000, 9_000];

/// Keys of JSON whose value says whether a service is healthy.
const HEALTH_KEYS: [&str; 8] = ["status", "state", "health", "healthy", "ok", "success", "result", "ready"];

/// The probe of a URL about which nothing is known yet.
pub(crate) fn bare(url: &str, secrets: &mut Secrets) -> ProbeDraft {
    let url = literal(url);
    let mut draft = ProbeDraft::new(&request::name_of(&url));
    request::set(&mut draft, secrets, ImportedRequest { url, ..ImportedRequest::default() });
    draft
}

/// The probe of a URL with expectations derived from its responses.
pub(crate) fn draft(seen: &Observation, secrets: &mut Secrets) -> ProbeDraft {
    let mut draft = bare(&seen.url, secrets);
    if let Some(failure) = &seen.failure {
        draft.remark(&format!("it was not up when it was asked: {failure}"));
        if seen.is_untrusted {
            draft.remark("not assumed: a CA of your own, whose certificate checks it: tls.ca-file = \"ca.pem\"");
        }
        draft.remark("not assumed: what must hold of its answer; add `expect.…` when it is up");
        return draft;
    }
    match seen.status {
        Some(200..=299) | None => {}
        Some(status @ (408 | 429 | 500..)) => {
            let what = match status {
                429 => "which limits how often it is asked: a longer `interval` may help",
                _ => "a failure of the server",
            };
            draft.remark(&format!(
                "it answered {status}, {what}; nothing of that answer is expected, and it is down until it recovers"
            ));
            draft.remark(&format!("not assumed: that this is what it should answer: expect.status = {status}"));
            certificate(&mut draft, seen);
            return draft;
        }
        Some(status) => {
            draft.set("expect.status", status.to_string());
            draft.remark(&format!(
                "it answers {status}; where that is not what it should do, write another `expect.status`"
            ));
        }
    }
    let kind = media_type(seen);
    if seen.is_unsteady {
        draft.remark("not assumed: its type and content, which changed when it was asked again");
        certificate(&mut draft, seen);
        return draft;
    }
    if let Some(kind) = &kind {
        draft.set("expect.header", format!("{{ content-type = {} }}", quoted(&literal(kind))));
    }
    content(&mut draft, seen, kind.as_deref().unwrap_or_default());
    certificate(&mut draft, seen);
    latency(&mut draft, &seen.times);
    if let Some(url) = &seen.final_url {
        draft.remark(&format!("not assumed: that redirects lead to expect.final-url = {}", quoted(&literal(url))));
    }
    draft
}

/// The only line of a short answer such as `OK` or `pong`; none if it may be another one next time, as a number may.
fn word(body: &str) -> Option<&str> {
    const LONGEST: usize = 40;
    let line = body.trim_end_matches("\\n").trim_end_matches("\\r").trim();
    let is_word = |c: char| c.is_alphabetic() || matches!(c, ' ' | '-' | '_' | '.' | '!' | ',');
    (!line.is_empty() && line.len() <= LONGEST && line.chars().all(is_word)).then_some(line)
}

fn media_type(seen: &Observation) -> Option<String> {
    let kind = seen.content_type.as_deref()?.split(';').next()?.trim().to_ascii_lowercase();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '+' | '.');
    (kind.contains('/') && kind.chars().all(is_plain)).then_some(kind)
}

/// Expects a title or a key of JSON: a 200 with the wrong page is not up.
fn content(draft: &mut ProbeDraft, seen: &Observation, kind: &str) {
    let body = seen.body.as_deref().unwrap_or_default();
    if kind.ends_with("json") {
        let fields = fields(body);
        let health = HEALTH_KEYS.iter().find_map(|key| fields.iter().find(|(name, _)| name == key));
        match (health, fields.first()) {
            (Some((key, value)), _) => {
                draft.set("expect.json", format!("[{{ path = \"$.{key}\", equals = {value} }}]"));
            }
            (None, Some((key, _))) => draft.set("expect.json", format!("[{{ path = \"$.{key}\", exists = true }}]")),
            (None, None) => draft.remark("not assumed: anything in its JSON: expect.json = [{ path = \"$.…\" }]"),
        }
        return;
    }
    if kind == "text/plain" {
        return match word(body) {
            Some(word) => draft.set_text("expect.body-contains", &literal(word)),
            None => draft.remark("not assumed: a text of its body: expect.body-contains = \"…\""),
        };
    }
    if !kind.starts_with("text/html") {
        return;
    }
    match title(body) {
        Some(title) => draft.set_text("expect.body-contains", &literal(title)),
        None => draft.remark(
            "not assumed: a text of the page, since it has no title of one plain line near its start: expect.body-contains = \"…\"",
        ),
    }
    draft.remark("not assumed: that what the page links to loads too: expect.assets = { limit = 20 }");
}

/// The title of a page with its tag, if it is likely to be the same each time; `None` otherwise.
fn title(body: &str) -> Option<&str> {
    const LONGEST: usize = 80;
    let lower = body.to_ascii_lowercase();
    let start = start_of_title(&lower)?;
    let open = start + lower.get(start..)?.find('>')? + 1;
    let length = lower.get(open..)?.find("</title")?;
    let title = body.get(open..open + length)?.trim();
    // A digit may be a counter, and a backslash is a line break or an unprintable character.
    let is_steady = !title.is_empty() && title.len() <= LONGEST && !title.contains(['\\', '\u{fffd}']);
    (is_steady && !title.bytes().any(|byte| byte.is_ascii_digit())).then_some(title)
}

/// Where the title of a page in lower case begins: the first that is not within a picture, a script or a comment.
fn start_of_title(page: &str) -> Option<usize> {
    const OTHERS: [(&str, &str); 5] = [
        ("<!--", "-->"),
        ("<script", "</script"),
        ("<style", "</style"),
        ("<svg", "</svg"),
        ("<template", "</template"),
    ];
    let mut at = 0;
    loop {
        let title = at + page.get(at..)?.find("<title")?;
        let before = page.get(at..title)?;
        let first = OTHERS.iter().filter_map(|(open, close)| Some((before.find(open)?, close))).min();
        let Some((other, close)) = first else { return Some(title) };
        at += other + page.get(at + other..)?.find(close)? + close.len();
    }
}

/// The top-level texts and booleans of a JSON object that may be cut off, with values in TOML.
fn fields(body: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut rest = blank(body);
    let Some(inside) = rest.trim_start_matches(' ').strip_prefix('{') else { return fields };
    rest = inside.to_owned();
    loop {
        let mut values = serde_json::Deserializer::from_str(rest.trim_start_matches([' ', ','])).into_iter::<String>();
        let Some(Ok(key)) = values.next() else { return fields };
        let after = rest.trim_start_matches([' ', ',']).get(values.byte_offset()..).unwrap_or_default().to_owned();
        let Some(after) = after.trim_start_matches(' ').strip_prefix(':') else { return fields };
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<serde_json::Value>();
        let Some(Ok(value)) = values.next() else { return fields };
        let is_plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && key.starts_with(|c: char| c.is_ascii_alphabetic());
        match value {
            serde_json::Value::String(text) if is_plain && text.len() <= 40 => {
                fields.push((key, quoted(&literal(&text))));
            }
            serde_json::Value::Bool(boolean) if is_plain => fields.push((key, boolean.to_string())),
            _ => {}
        }
        after.get(values.byte_offset()..).unwrap_or_default().clone_into(&mut rest);
    }
}

/// JSON whose line breaks are escapes, with blanks for those outside of its strings.
fn blank(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    let (mut in_string, mut escaped) = (false, false);
    let mut characters = body.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if !in_string => {
                characters.next();
                text.push(' ');
                continue;
            }
            '"' if !escaped => in_string = !in_string,
            _ => {}
        }
        escaped = in_string && character == '\\' && !escaped;
        text.push(character);
    }
    text
}

fn certificate(draft: &mut ProbeDraft, seen: &Observation) {
    let Some(days) = seen.certificate_days else { return };
    if days > CERTIFICATE_DAYS {
        draft.set("expect.certificate-days", CERTIFICATE_DAYS.to_string());
        draft.remark(&format!("its certificate is valid for {days} days more"));
    } else {
        draft.remark(&format!(
            "its certificate is valid for {days} days only: expect.certificate-days = {CERTIFICATE_DAYS} would fail now"
        ));
    }
}

fn latency(draft: &mut ProbeDraft, times: &[Duration]) {
    let Some(slowest) = times.iter().max() else { return };
    let shown: Vec<String> = times
        .iter()
        .map(|time| show_duration(Duration::from_millis(time.as_millis().max(1).try_into().unwrap_or(u64::MAX))))
        .collect();
    let wanted = slowest.saturating_mul(HEADROOM);
    match LIMITS_MS.iter().map(|limit| Duration::from_millis(*limit)).find(|limit| *limit >= wanted) {
        Some(limit) => {
            draft.set_text("expect.latency.total", &show_duration(limit));
            draft.remark(&format!(
                "it took {}: the limit is {HEADROOM} times the slowest, rounded up, and at least {}ms",
                shown.join(", "),
                LIMITS_MS[0]
            ));
        }
        None => {
            draft.remark(&format!("it took {}: not assumed: a limit, expect.latency.total = \"…\"", shown.join(", ")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_json_are_found_also_where_its_end_is_missing() {
        let body =
            "{\\n  \"time\": 1, \"name\": \"a \\\"b\\\"\",\\n \"list\": [{\"x\": 1}], \"ok\": true, \"long\": {\"cut";
        assert_eq!(
            fields(body),
            [("name".to_owned(), "\"a \\\"b\\\"\"".to_owned()), ("ok".to_owned(), "true".to_owned())]
        );
        assert!(fields("[1]").is_empty() && fields("").is_empty() && fields("{\"a").is_empty());
    }

    #[test]
    fn a_word_of_plain_text_is_expected_and_a_number_is_not() {
        let of = |body: &str| {
            let seen = Observation {
                url: "https://x.test/".to_owned(),
                status: Some(200),
                content_type: Some("text/plain; charset=utf-8".to_owned()),
                body: Some(body.to_owned()),
                ..Observation::default()
            };
            let draft = draft(&seen, &mut Secrets::default());
            draft.get("expect.body-contains").map(str::to_owned).ok_or_else(|| draft.notes().to_vec())
        };
        assert_eq!(of("OK").as_deref(), Ok("\"OK\""));
        assert_eq!(of("pong\\r\\n").as_deref(), Ok("\"pong\""));
        assert_eq!(of("all is well.\\n").as_deref(), Ok("\"all is well.\""));
        for other in ["", "up 17 days", "a\\nb", "{\"a\": 1}", "a very long text that goes on and on, and on and on"] {
            assert!(of(other).unwrap_err().iter().any(|note| note.contains("a text of its body")), "{other}");
        }
    }

    #[test]
    fn a_certificate_of_a_private_ca_and_a_limit_of_requests_are_named() {
        let notes = |seen: Observation| draft(&seen, &mut Secrets::default()).notes().join("\n");
        let untrusted = Observation { failure: Some(String::new()), is_untrusted: true, ..Observation::default() };
        assert!(notes(untrusted.clone()).contains("tls.ca-file = \"ca.pem\""));
        assert!(!notes(Observation { is_untrusted: false, ..untrusted }).contains("ca-file"));
        let limited = notes(Observation { status: Some(429), ..Observation::default() });
        assert!(
            limited.contains("a longer `interval` may help") && !limited.contains("failure of the server"),
            "{limited}"
        );
    }

    #[test]
    fn an_answer_of_a_broken_server_is_not_expected() {
        let of = |status| Observation {
            url: "https://x.test/".to_owned(),
            status: Some(status),
            content_type: Some("application/json".to_owned()),
            body: Some("{\"error\": \"over capacity\"}".to_owned()),
            ..Observation::default()
        };
        for status in [408, 429, 500, 503, 599] {
            let draft = draft(&of(status), &mut Secrets::default());
            assert_eq!(draft.get("expect.status").or(draft.get("expect.json")), None, "{status}");
            assert!(draft.notes().iter().any(|note| note.ends_with(&format!("expect.status = {status}"))), "{status}");
        }
        assert!(draft(&of(401), &mut Secrets::default()).get("expect.status").is_some());
    }

    #[test]
    fn a_title_is_taken_where_it_stays_the_same() {
        assert_eq!(title("<html><TITLE lang=en> Shop </TITLE>"), Some("Shop"));
        assert_eq!(title("<title>3 new messages</title>"), None);
        assert_eq!(title("<title>half"), None);
        assert_eq!(title("<svg><title>icon</title></svg><h1>Shop</h1>"), None);
        let page = "<!-- <title>old</title> --><script>'<title>fake</title>'</script><SVG><title>icon</title></SVG>";
        assert_eq!(title(&format!("{page}<title>Shop</title>")), Some("Shop"));
        assert_eq!(title("<script><title>Shop</title>"), None);
        assert_eq!(title("<title>a\\nb</title>"), None);
    }
}
