//! Templates: texts as in a probe file, in which `${NAME}` is a variable and `$${` is the literal
//! text `${`.

/// Literal text as a template without variables.
pub(crate) fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

/// The literal text of a template without variables.
pub(crate) fn unescaped(template: &str) -> String {
    template.replace("$${", "${")
}

/// Whether a template has a variable.
pub(crate) fn has_variable(template: &str) -> bool {
    variables(template).next().is_some()
}

/// The byte offsets at which the variables of a template start.
fn variables(template: &str) -> impl Iterator<Item = usize> {
    let is_escaped = |at: usize| template.get(..at).is_some_and(|before| before.ends_with('$'));
    template.match_indices("${").map(|(at, _)| at).filter(move |at| !is_escaped(*at))
}

/// The first `{{name}}` of a text, a value that an earlier step captures, with the texts before and after it.
pub(crate) fn captured(text: &str) -> Option<(&str, &str, &str)> {
    let mut starts = text.match_indices("{{").map(|(at, _)| at);
    starts.find_map(|at| {
        let length = text[at + 2..].find("}}").filter(|length| is_capture(&text[at + 2..at + 2 + length]))?;
        let end = at + length + 4;
        Some((&text[..at], &text[at..end], &text[end..]))
    })
}

fn is_capture(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Whether a template begins with a variable that may have the scheme of a URL: its default has one, or it has none.
pub(crate) fn may_begin_url(template: &str) -> bool {
    let inside = template.strip_prefix("${").and_then(|rest| rest.split('}').next());
    inside.is_some_and(|inside| inside.split_once(":-").is_none_or(|(_, default)| default.contains("://")))
}

/// The template with every variable marked as a secret.
pub(crate) fn with_secret_variables(template: &str) -> String {
    let mut marked = String::with_capacity(template.len() + 8);
    let mut copied = 0;
    for at in variables(template) {
        let after = at + 2;
        marked.push_str(template.get(copied..after).unwrap_or_default());
        copied = after;
        let inside = template.get(after..).unwrap_or_default();
        let has_default = inside.split('}').next().is_some_and(|inside| inside.contains(":-"));
        if !has_default && !inside.starts_with("secret:") && !inside.starts_with("file:") {
            marked.push_str("secret:");
        }
    }
    marked.push_str(template.get(copied..).unwrap_or_default());
    marked
}

/// The template with the known variables filled in, whatever their default. Values stay as they are, and a text that
/// has become long is filled in no further.
pub(crate) fn filled<'v>(template: &str, value_of: impl Fn(&str) -> Option<&'v str>) -> String {
    const LONGEST: usize = 64 * 1024;
    let mut text = String::with_capacity(template.len());
    let mut copied = 0;
    for at in variables(template) {
        let Some(length) = template[at..].find('}') else { break };
        let inside = &template[at + 2..at + length];
        let name = inside.split_once(":-").map_or(inside, |(name, _)| name);
        if let Some(value) = value_of(name).filter(|_| text.len() < LONGEST) {
            text.push_str(&template[copied..at]);
            text.push_str(value);
            copied = at + length + 1;
        }
    }
    text.push_str(&template[copied..]);
    text
}

/// The template with every variable without its default.
pub(crate) fn without_defaults(template: &str) -> String {
    let mut text = String::with_capacity(template.len());
    let mut copied = 0;
    for at in variables(template) {
        let Some(length) = template[at..].find('}') else { break };
        if let Some(default) = template[at..at + length].find(":-") {
            text.push_str(&template[copied..at + default]);
            copied = at + length;
        }
    }
    text.push_str(&template[copied..]);
    text
}

/// Converts a text in which `$NAME` and `${NAME}` are variables and `$$` is a dollar sign, as in
/// Gatus and shells.
pub(crate) fn with_dollar_variables(text: &str) -> String {
    let mut template = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        template.push_str(before);
        let after = after.get(1..).unwrap_or_default();
        if let Some(unescaped) = after.strip_prefix('$') {
            template.push('$');
            rest = unescaped;
            continue;
        }
        let braced = after.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let braced = braced.filter(|(name, _)| is_name(name));
        let length = after.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let bare = after.split_at(length);
        if let Some((name, behind)) = braced.or_else(|| is_name(bare.0).then_some(bare)) {
            template.push_str(&variable(name));
            rest = behind;
        } else {
            template.push_str(if after.starts_with('{') { "$$" } else { "$" });
            rest = after;
        }
    }
    template.push_str(rest);
    template
}

/// A template that consists of an environment variable.
pub(crate) fn variable(name: &str) -> String {
    format!("${{{name}}}")
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_of_other_tools_become_variables_or_stay_text() {
        assert_eq!(with_dollar_variables("Bearer $TOKEN"), "Bearer ${TOKEN}");
        assert_eq!(with_dollar_variables("${HOST}:8080/$$x/$1/${a b}"), "${HOST}:8080/$x/$1/$${a b}");
        assert_eq!(
            with_secret_variables("Bearer ${TOKEN} $${x} ${secret:A} ${B:-c}"),
            "Bearer ${secret:TOKEN} $${x} ${secret:A} ${B:-c}"
        );
        assert_eq!(without_defaults("${A:-b://c}/${D}/$${E:-f}"), "${A}/${D}/$${E:-f}");
        let known = |name: &str| (name != "C").then_some("${A}");
        assert_eq!(filled("${A}/${B:-x}/${C:-y}/$${A}/${A", known), "${A}/${A}/${C:-y}/$${A}/${A");
        assert!(!has_variable(&literal("${x}")));
        assert_eq!(unescaped(&literal("${x}")), "${x}");
    }
}
