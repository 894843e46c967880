//! The conditions of an endpoint of Gatus as expectations.

use std::time::Duration;

use crate::config::toml_text::{list, one_or_list, quoted};
use crate::import::draft::ProbeDraft;
use crate::import::gatus::condition::{Condition, cut, has_placeholder, json_rule, path, time};
use crate::import::gatus::pattern::{alternatives, function_of, is_met, pattern_of};
use crate::import::template::{has_variable, with_dollar_variables};
use crate::model::Protocol;
use crate::model::quantity::show_duration;

const DAY: Duration = Duration::from_hours(24);

/// The expectations of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// The status codes that meet every condition on the status; `None` without such a condition.
    status: Option<Vec<u16>>,
    latency: Option<Duration>,
    certificate_days: Option<u64>,
    json: Vec<String>,
    contains: Vec<String>,
    lacks: Vec<String>,
    matches: Vec<String>,
    not_matches: Vec<String>,
    rcode: Vec<String>,
    answer: Vec<String>,
    protocol: Option<Protocol>,
}

impl Expected {
    /// Starts without expectations, for an endpoint of this protocol.
    pub(crate) fn of(protocol: Protocol) -> Expected {
        Expected { protocol: Some(protocol), ..Expected::default() }
    }

    fn is_of(&self, protocol: Protocol) -> bool {
        self.protocol == Some(protocol)
    }

    /// Adds one condition.
    ///
    /// # Errors
    /// Why no expectation means the same.
    pub(crate) fn add(&mut self, condition: &str) -> Result<(), &'static str> {
        let cut = cut(condition).ok_or("this is not a comparison")?;
        if has_placeholder(cut.right) {
            return Err("no expectation compares two parts of one answer");
        }
        if has_variable(&with_dollar_variables(cut.right)) && !cut.left.contains("[BODY]") {
            return Err("its value is a variable: write the value");
        }
        if cut.left.contains("{{") || cut.right.contains("{{") {
            return Err("an expectation of JSON cannot use what an earlier step stored");
        }
        match cut.left {
            "[STATUS]" => self.status(&cut),
            "[RESPONSE_TIME]" => self.latency(&cut),
            "[CERTIFICATE_EXPIRATION]" => self.certificate(&cut),
            "[CONNECTED]" if cut.operator == "==" && cut.right == "true" => Ok(()),
            "[IP]" => Err("no expectation compares addresses; `address` connects to one"),
            "[DOMAIN_EXPIRATION]" => Err("domain registries are not queried"),
            "[DNS_RCODE]" if self.is_of(Protocol::Dns) && cut.operator == "==" => {
                self.rcode = alternatives(cut.right);
                Ok(())
            }
            "[BODY]" if self.is_of(Protocol::Dns) => self.answer(&cut),
            "[DNS_RCODE]" | "[CONNECTED]" => Err("no expectation means the same"),
            _ if self.is_of(Protocol::Dns) => Err("see `expect.answer`, which knows the texts of records"),
            left if self.is_of(Protocol::Tcp) && left.starts_with("[BODY].") => {
                Err("JSON is expected of HTTP and WebSockets alone")
            }
            // A service that is not serving is down anyway.
            "[BODY].status" if self.is_of(Protocol::Grpc) && cut.operator == "==" && cut.right == "SERVING" => Ok(()),
            _ if self.is_of(Protocol::Grpc) => Err("the health service answers with its status alone"),
            left => self.body(left, &cut),
        }
    }

    fn status(&mut self, cut: &Condition) -> Result<(), &'static str> {
        let limit: Option<u16> = cut.right.parse().ok();
        let is_one = |code: &u16| is_met(cut.right, &code.to_string());
        let has_order = !matches!(cut.operator, "==" | "!=");
        let limit = limit.or((!has_order).then_some(0)).ok_or("this is not a status code")?;
        let is_met = |code: &u16| match cut.operator {
            "==" => is_one(code),
            "!=" => !is_one(code),
            "<=" => *code <= limit,
            ">=" => *code >= limit,
            "<" => *code < limit,
            _ => *code > limit,
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
        let limit = time(cut.right, Duration::from_millis(1)).ok_or("this is not a time")?;
        self.latency = Some(self.latency.map_or(limit, |before| before.min(limit)));
        Ok(())
    }

    fn certificate(&mut self, cut: &Condition) -> Result<(), &'static str> {
        if !matches!(cut.operator, ">" | ">=") {
            return Err("a certificate has only a minimum of days");
        }
        let least = time(cut.right, Duration::from_millis(1)).ok_or("this is not a time")?;
        self.certificate_days = Some(least.as_secs().div_ceil(DAY.as_secs()));
        Ok(())
    }

    fn body(&mut self, left: &str, cut: &Condition) -> Result<(), &'static str> {
        let function = |name: &str| left.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(inner) = function("len") {
            return self.length(path(inner), cut);
        }
        if let Some(inner) = function("has") {
            let path = path(inner).ok_or("this is not a part of the body")?;
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

    /// A condition on the records in a DNS response.
    fn answer(&mut self, cut: &Condition) -> Result<(), &'static str> {
        if cut.operator != "==" {
            return Err("no expectation means the same");
        }
        let pattern = function_of(cut.right, "pat");
        let is_open = |pattern: &&str| pattern.starts_with('*') && pattern.ends_with('*');
        match pattern.map(|pattern| pattern.trim_matches('*')) {
            // Any record matches, and there must be at least one.
            Some(inner) if inner.bytes().all(|byte| matches!(byte, b'*' | b'.' | b'?')) => Ok(()),
            Some(inner) if inner.contains(['*', '?', '[', '\\']) || !pattern.as_ref().is_some_and(is_open) => {
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
        let number: u64 = cut.right.parse().map_err(|_| "this is not a length")?;
        let (least, most) = match cut.operator {
            "==" => (Some(number), Some(number)),
            "<" => (None, Some(number.checked_sub(1).ok_or("no length is below 0")?)),
            "<=" => (None, Some(number)),
            ">" => (Some(number.checked_add(1).ok_or("no length is above that")?), None),
            ">=" => (Some(number), None),
            _ => return Err("no expectation means the same"),
        };
        let why =
            "of an array it counts the elements, of anything else the bytes; write `min-length` of `$`, or `min-bytes`";
        let mut rule = format!("{{ path = {}", quoted(&path.ok_or(why)?));
        least.iter().for_each(|least| rule.push_str(&format!(", min-length = {least}")));
        most.iter().for_each(|most| rule.push_str(&format!(", max-length = {most}")));
        self.json.push(format!("{rule} }}"));
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

    /// Whether there was a condition on the response time.
    pub(crate) const fn measures_time(&self) -> bool {
        self.latency.is_some()
    }

    /// Sets the expectations. Without a condition on the status Gatus accepts any.
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
    }
}

impl Expected {
    /// Sets the expectations of the first message of a WebSocket.
    fn set_message(&self, draft: &mut ProbeDraft) {
        draft.set_texts("expect.message-contains", &self.contains);
        if !self.json.is_empty() {
            draft.set("expect.message-json", list(self.json.iter().cloned()));
        }
        let others = [&self.lacks, &self.matches, &self.not_matches];
        if others.iter().any(|rules| !rules.is_empty()) {
            draft.not_carried("patterns of the message", "see `expect.message-contains` and `message-json`");
        }
    }
}

/// Status codes as numbers and ranges in TOML.
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
        assert_eq!(keys(&["[STATUS] == pat(2*)", "299 >= [STATUS]"]), "expect.status = \"2xx\"\n");
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
        assert_eq!(one("[BODY].data[0].id == 1"), "expect.json = [{ path = \"$.data[0].id\", matches = \"(?s)^1$\" }]");
        assert_eq!(one("[BODY][0].a-b != true"), "expect.json = [{ path = \"$[0]['a-b']\", not-equals = true }]");
        assert_eq!(one("[BODY].n > 5"), "expect.json = [{ path = \"$.n\", min = 5, not-equals = 5 }]");
        assert_eq!(
            one("[BODY].name == any(a, pat(b*))"),
            "expect.json = [{ path = \"$.name\", matches = \"(?s)^(?:a|b.*)$\" }]"
        );
        assert_eq!(one("len([BODY].items) > 0"), "expect.json = [{ path = \"$.items\", min-length = 1 }]");
        assert_eq!(one("has([BODY].errors) == false"), "expect.json = [{ path = \"$.errors\", exists = false }]");
        assert_eq!(one("[BODY].v == 1.10"), "expect.json = [{ path = \"$.v\", matches = \"(?s)^1\\\\.10$\" }]");
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
            "len([BODY].a) < 0",
            "len([BODY]) < 3",
            "[BODY].age == [BODY].id",
            "[BODY].id == {{id}}",
            "[BODY] == [STATUS]",
        ] {
            assert!(Expected::default().add(condition).is_err(), "{condition}");
        }
    }
}
