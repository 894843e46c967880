//! Recognizes files of tools that have no importer, by their start or content, so that the error
//! can name the tool.

use serde_json::Value;

/// What a text is, as a sentence: a script or a list of requests of another program. `None` if it
/// is unknown.
pub(crate) fn of_text(text: &str) -> Option<String> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_comment = |line: &&str| line.starts_with('#') || line.starts_with("//");
    let first = lines().find(|line| !is_comment(line))?;
    let first = first.strip_prefix("$ ").unwrap_or(first);
    let program = first.split_whitespace().next().unwrap_or_default();
    let title = match program {
        _ if is_of_cmd(text) => {
            return Some("this is a command line of Windows' cmd; copy it as cURL (bash)".to_owned());
        }
        _ if is_of_powershell(text) => return Some("this is PowerShell; copy it as cURL (bash)".to_owned()),
        _ if first.starts_with("fetch(") || first.starts_with("await fetch(") => {
            return Some("this is JavaScript (fetch); copy it as cURL".to_owned());
        }
        _ if program.starts_with("http://") || program.starts_with("https://") => {
            return Some("this is a list of URLs; `uptick check @FILE` asks them".to_owned());
        }
        "wget" => "a command line of wget",
        "http" | "https" => "a command line of HTTPie",
        "xh" | "xhs" => "a command line of xh",
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" if first.contains("://") => {
            let is_hurl = lines().any(|line| line.starts_with("[Asserts]") || is_status_line(line));
            if is_hurl { "a file of Hurl" } else { "a file of an editor's HTTP client" }
        }
        "###" => "a file of an editor's HTTP client",
        "import" if text.contains("k6/http") || text.contains("'k6'") => "a script of k6",
        "import" if text.contains("@playwright/test") => "a test of Playwright",
        "meta" if first.ends_with('{') => "a request of Bruno",
        _ if first.starts_with('<') && text.contains("<jmeterTestPlan") => "a test plan of JMeter",
        _ => return None,
    };
    Some(format!("this is {title}, which is not imported"))
}

/// What a document is, as a sentence: a file of another program. `None` if it is unknown.
pub(crate) fn of_document(document: &Value) -> Option<String> {
    let has = |key: &str| document.get(key).is_some();
    let text = |key: &str| document[key].as_str().unwrap_or_default();
    let schema = document["info"]["schema"].as_str().unwrap_or_default();
    let title = match () {
        () if schema.contains("getpostman.com") || has("_postman_variable_scope") => "a file of Postman",
        () if document["info"].get("_postman_id").is_some() => "a file of Postman",
        () if has("__export_format") || text("type").contains("insomnia.rest") => "an export of Insomnia",
        () if has("openapi") || has("swagger") => "a description of OpenAPI",
        () if has("asyncapi") => "a description of AsyncAPI",
        () if has("scenarios") && has("config") => "a scenario of Artillery",
        () if has("heartbeat.monitors") || document["heartbeat"].get("monitors").is_some() => {
            "a configuration of Elastic Heartbeat"
        }
        () if has("sites") && has("owner") => "a configuration of Upptime",
        () => return None,
    };
    Some(format!("this is {title}, which is not imported"))
}

/// Whether a text is for cmd.exe, which escapes with a caret, also at the ends of continued lines.
pub(crate) fn is_of_cmd(text: &str) -> bool {
    let is_of = |line: &str| line.trim_end().ends_with(" ^") || has_prompt(line);
    text.contains("curl") && (text.contains("^\"") || text.lines().any(is_of))
}

/// Whether a text is for PowerShell, which continues a line with a back quote.
pub(crate) fn is_of_powershell(text: &str) -> bool {
    let is_of = |line: &str| line.trim_end().ends_with(" `") || line.strip_prefix("PS ").is_some_and(has_prompt);
    ["Invoke-WebRequest", "Invoke-RestMethod", "WebRequestSession"].iter().any(|word| text.contains(word))
        || (text.contains("curl") && text.lines().any(is_of))
}

/// Whether a line begins with a prompt of Windows: `C:\Users\me>`.
fn has_prompt(line: &str) -> bool {
    let mut letters = line.chars();
    letters.next().is_some_and(|drive| drive.is_ascii_alphabetic())
        && letters.as_str().starts_with(":\\")
        && line.contains('>')
}

fn is_status_line(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_version = words.next().is_some_and(|word| word == "HTTP" || word.starts_with("HTTP/"));
    is_version
        && words.next().is_some_and(|status| status == "*" || status.parse::<u16>().is_ok())
        && words.next().is_none()
}
