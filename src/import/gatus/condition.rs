//! Splits a condition of Gatus, such as `[BODY].status == UP`, into its parts: what is compared,
//! how, and with what.

use std::time::Duration;

use crate::config::toml_text::quoted;
use crate::import::gatus::pattern::{function_of, pattern_of};
use crate::import::secrets::is_secret;
use crate::import::template::with_dollar_variables;
use crate::model::quantity;

/// The three parts of a condition.
pub(super) struct Condition<'c> {
    pub(super) left: &'c str,
    pub(super) operator: &'static str,
    pub(super) right: &'c str,
}

/// Longest first, so that `<=` is not taken for `<`.
const OPERATORS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];

/// Splits a condition so that the part of the response is on the left. `None` if it is no
/// comparison.
pub(super) fn cut(condition: &str) -> Option<Condition<'_>> {
    let operator = OPERATORS.into_iter().find(|operator| condition.contains(&format!(" {operator} ")))?;
    let (left, right) = condition.split_once(&format!(" {operator} "))?;
    let (left, right) = (left.trim(), right.trim());
    if !has_placeholder(left) && has_placeholder(right) {
        let flipped = match operator {
            "<" => ">",
            ">" => "<",
            "<=" => ">=",
            ">=" => "<=",
            same => same,
        };
        return Some(Condition { left: right, operator: flipped, right: left });
    }
    Some(Condition { left, operator, right })
}

/// Whether a condition is met where nothing answers.
pub(super) fn is_met_by_failure(condition: &str) -> bool {
    cut(condition).is_some_and(|cut| cut.left == "[CONNECTED]" && cut.operator == "==" && cut.right == "false")
}

/// Whether a side has a placeholder for a part of the response.
pub(super) fn has_placeholder(side: &str) -> bool {
    const NAMES: [&str; 8] = [
        "[STATUS]",
        "[RESPONSE_TIME]",
        "[IP]",
        "[BODY]",
        "[CONNECTED]",
        "[CERTIFICATE_EXPIRATION]",
        "[DOMAIN_EXPIRATION]",
        "[DNS_RCODE]",
    ];
    NAMES.iter().any(|name| side.contains(name))
}

/// `500`, `500ms` or `48h` as a duration. A plain number is in `unit`.
pub(super) fn time(text: &str, unit: Duration) -> Option<Duration> {
    match text.parse::<u32>() {
        Ok(number) => Some(unit.saturating_mul(number)),
        Err(_) => quantity::positive_duration(text).ok(),
    }
    .filter(|time| !time.is_zero())
}

/// `[BODY].user.name` → `$.user.name`. `None` for the whole body.
pub(super) fn path(left: &str) -> Option<String> {
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

/// A value that is not a string in JSON: whole numbers and booleans. Gatus compares texts, and
/// other numbers may be written in different ways.
fn value(text: &str) -> Option<String> {
    let is_integer = text.parse::<i64>().is_ok_and(|number| number.to_string() == text);
    (is_integer || matches!(text, "true" | "false")).then(|| text.to_owned())
}

/// A condition that compares a field whose name means a secret, without its value; `None` for others.
pub(super) fn without_secret(condition: &str) -> Option<String> {
    let Condition { left, operator, right } = cut(condition)?;
    path(left)?;
    let field = left.rsplit('.').next()?;
    let is_open = value(right).is_some() || right == "null" || !right.contains(char::is_alphanumeric);
    let is_hidden = is_secret(field) && !is_open && !has_placeholder(right) && !right.contains("{{");
    is_hidden.then(|| format!("{left} {operator} …"))
}

/// The rule for the values at a JSON path.
pub(super) fn json_rule(cut: &Condition) -> Result<String, &'static str> {
    let right = cut.right;
    let is_pattern = function_of(right, "pat").is_some() || function_of(right, "any").is_some();
    let number = || {
        let number = right.parse::<f64>().ok().filter(|number| number.is_finite());
        number.map(|number| number.to_string()).ok_or("only numbers have an order here")
    };
    // Gatus compares texts: 5 is equal to "5", and `true` to "true".
    let may_be_text = value(right).is_some() || right.parse::<f64>().is_ok();
    let value = || value(right).unwrap_or_else(|| quoted(&with_dollar_variables(right)));
    match cut.operator {
        _ if right == "null" => Err("TOML has no null; `exists` tells whether there is something"),
        // A pattern matches `5` both as a text and as a number.
        "==" if is_pattern || may_be_text => Ok(format!("matches = {}", quoted(&pattern_of(right)))),
        "!=" if is_pattern => Err("no expectation means the same"),
        "==" => Ok(format!("equals = {}", value())),
        "!=" => Ok(format!("not-equals = {}", value())),
        "<=" => Ok(format!("max = {}", number()?)),
        ">=" => Ok(format!("min = {}", number()?)),
        "<" => Ok(format!("max = {0}, not-equals = {0}", number()?)),
        _ => Ok(format!("min = {0}, not-equals = {0}", number()?)),
    }
}
