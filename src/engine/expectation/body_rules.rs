//! Rules for the body of an answer: its size, text and JSON.

use http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::engine::expectation::judge::Judge;
use crate::engine::expectation::{json, text};
use crate::engine::http::body::Body;
use crate::model::text::hexadecimal;
use crate::model::{Expect, JsonDocument, JsonNode, JsonRule, JsonSchema, TextRule, message};

/// Whether a rule reads the body, so that a body that cannot be decoded fails it.
pub(crate) fn needs_body(expect: &Expect) -> bool {
    !expect.body.is_empty()
        || !expect.json.is_empty()
        || expect.json_schema.is_some()
        || expect.sha256.is_some()
        || expect.min_bytes.is_some()
        || expect.max_bytes.is_some()
        || expect.assets.is_some()
        || !expect.message.is_empty()
        || !expect.message_json.is_empty()
}

impl Judge<'_> {
    pub(crate) fn body(&mut self, expect: &Expect, body: &Body, headers: &HeaderMap) {
        if let Some(least) = expect.min_bytes
            && body.read < least
        {
            self.unless_cut(body, "min-bytes", message!("at least {least} bytes"), message!("{} bytes", body.read));
        }
        if let Some(most) = expect.max_bytes {
            if body.read > most {
                self.miss("max-bytes", message!("at most {most} bytes"), message!("{} bytes", body.read));
            } else if body.cut {
                self.beyond_limit = true;
            }
        }
        if let Some(expected) = expect.sha256 {
            let actual: [u8; 32] = Sha256::digest(&body.bytes).into();
            if actual != expected {
                self.unless_cut(body, "sha256", hexadecimal(&expected), hexadecimal(&actual));
            }
        }
        if !expect.body.is_empty() {
            let text = text::of(&body.bytes, headers);
            for rule in &expect.body {
                self.text("body", rule, &text, body);
            }
        }
        if !expect.json.is_empty() {
            self.json("json", &expect.json, body, headers);
        }
        if let Some(schema) = &expect.json_schema {
            self.json_schema(schema, body, headers);
        }
        if !expect.message.is_empty() {
            let text = text::of(&body.bytes, &HeaderMap::new());
            for rule in &expect.message {
                self.text("message", rule, &text, body);
            }
        }
        if !expect.message_json.is_empty() {
            self.json("message-json", &expect.message_json, body, &HeaderMap::new());
        }
    }

    /// Judges a rule for a text; `of` is the prefix of the rule's key.
    fn text(&mut self, of: &str, rule: &TextRule, text: &str, body: &Body) {
        match rule {
            TextRule::Contains(wanted) => {
                if !text.contains(&self.fill(wanted)) {
                    self.unless_cut(body, &format!("{of}-contains"), wanted.to_string(), beginning(text).to_owned());
                }
            }
            TextRule::Matches(pattern) => {
                if !pattern.is_match(text) {
                    self.unless_cut(
                        body,
                        &format!("{of}-matches"),
                        pattern.as_str().to_owned(),
                        beginning(text).to_owned(),
                    );
                }
            }
            TextRule::Lacks(unwanted) => {
                if text.contains(&self.fill(unwanted)) {
                    self.miss(&format!("{of}-lacks"), message!("no {unwanted}"), unwanted.to_string());
                } else if body.cut {
                    self.beyond_limit = true;
                }
            }
            TextRule::NotMatches(pattern) => match pattern.capture(text) {
                Some(found) => {
                    self.miss(&format!("{of}-not-matches"), message!("no {}", pattern.as_str()), found.to_owned());
                }
                None if body.cut => self.beyond_limit = true,
                None => {}
            },
        }
    }

    fn json(&mut self, key: &str, rules: &[JsonRule], body: &Body, headers: &HeaderMap) {
        if body.cut {
            self.beyond_limit = true;
            return;
        }
        match JsonDocument::read(&text::json(&body.bytes, headers)) {
            Ok(document) => {
                for rule in rules {
                    self.json_rule(key, rule, document.root());
                }
            }
            Err(error) => self.miss(key, "a JSON document", message!("not JSON: {error}")),
        }
    }

    fn json_schema(&mut self, schema: &JsonSchema, body: &Body, headers: &HeaderMap) {
        if body.cut {
            self.beyond_limit = true;
            return;
        }
        let name = schema.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match JsonDocument::read(&text::json(&body.bytes, headers)) {
            Ok(document) => match schema.violation(document.root()) {
                Ok(Some(violation)) => self.miss("json-schema", name, violation),
                Ok(None) => {}
                Err(error) => {
                    self.host_lacks = Some(message!("no thread can be started to judge the body by {name}: {error}"));
                }
            },
            Err(error) => self.miss("json-schema", "a JSON document", message!("not JSON: {error}")),
        }
    }

    fn json_rule(&mut self, key: &str, rule: &JsonRule, root: JsonNode<'_>) {
        let expected = || message!("{} ", rule.path.as_str()).then(json::expected(&rule.rule));
        match rule.path.find(root) {
            Ok(found) if json::holds(&rule.rule, &found) => {}
            Ok(found) => {
                let actual = match &found[..] {
                    [] => "nothing".into(),
                    [one] => beginning(one.source()).to_owned().into(),
                    [first, ..] => message!("{} nodes, the first {}", found.len(), beginning(first.source())),
                };
                self.miss(key, expected(), actual);
            }
            Err(error) => self.miss(key, expected(), error.to_string()),
        }
    }
}

/// As much of a text as a message may need. It is cut to [`SHOWN`] characters only after redaction: half a secret would
/// not be recognized.
fn beginning(text: &str) -> &str {
    const ENOUGH: usize = 128 * 1024;
    &text[..text.floor_char_boundary(ENOUGH)]
}
