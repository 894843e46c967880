//! What to write instead of a text that is not a URL of an accepted scheme.

use url::Url;

use crate::model::suggest;

use super::url_schemes::{PROXY, TARGETS};

/// What was meant by a text without a scheme.
pub(super) fn without_scheme(text: &str, schemes: &[&str]) -> Option<String> {
    let is_word = !text.contains(|c: char| c.is_whitespace() || c == '@');
    let is_host = is_word && Url::parse(&format!("https://{text}")).is_ok();
    match (is_host, schemes == PROXY) {
        (_, false) if let Some(name) = text.strip_prefix('$').filter(|name| is_variable(name)) => {
            Some(format!("write the variable in braces: ${{{name}}}"))
        }
        (_, false) if is_word && let Some(meant) = misspelt_url(text) => Some(format!("did you mean {meant}?")),
        (true, false) => Some(format!("did you mean https://{text}?")),
        (_, true) if text == "env" => Some("did you mean \"environment\"?".to_owned()),
        // Without a port, a proxy would be contacted on port 80, where none listens.
        (true, true) if text.contains(':') => Some(format!("did you mean http://{text}?")),
        (_, true) => Some("write it as \"http://proxy.example.com:3128\", or \"environment\"".to_owned()),
        (false, false) => None,
    }
}

/// What to write instead of a scheme that is not one of these.
pub(super) fn other_scheme(scheme: &str, schemes: &[&str]) -> Option<String> {
    match scheme {
        "ping" | "icmp" => Some("ICMP is not spoken; tcp://HOST:PORT asks whether a port answers".to_owned()),
        "unix" | "http+unix" | "https+unix" if schemes == TARGETS => {
            Some("write the URL as http://HOST/, and the socket as address = \"unix:/PATH\"".to_owned())
        }
        "h2c" | "h2" if schemes == TARGETS => {
            Some("write the URL with http:// or https://, and http-version = \"2\"".to_owned())
        }
        "h3" | "quic" if schemes == TARGETS => Some("write the URL with https://, and http-version = \"3\"".to_owned()),
        _ if schemes == TARGETS && OTHER_SERVERS.contains(&scheme) => {
            Some("tcp://HOST:PORT asks whether a port answers, tls://HOST:PORT whether it speaks TLS".to_owned())
        }
        // The rest may hold secrets.
        _ => suggest::nearest(scheme, schemes.iter().copied())
            .filter(|near| near.chars().next() == scheme.chars().next())
            .map(|near| format!("did you mean {near}://?")),
    }
}

/// Schemes of servers whose protocol is not supported.
const OTHER_SERVERS: [&str; 28] = [
    "ftp",
    "ftps",
    "sftp",
    "ssh",
    "telnet",
    "smtp",
    "smtps",
    "imap",
    "imaps",
    "pop3",
    "pop3s",
    "ldap",
    "ldaps",
    "redis",
    "rediss",
    "postgres",
    "postgresql",
    "mysql",
    "mongodb",
    "amqp",
    "amqps",
    "mqtt",
    "mqtts",
    "kafka",
    "nats",
    "memcached",
    "rtsp",
    "sip",
];

/// The URL that was meant if the end of its scheme is misspelt: `https:x.test`, `http:/x.test`, `http//x.test`.
#[must_use]
pub(crate) fn misspelt_url(word: &str) -> Option<String> {
    // In reverse, so that `https` comes before its prefix `http`.
    let (scheme, rest) = TARGETS.iter().rev().find_map(|scheme| Some((scheme, word.strip_prefix(scheme)?)))?;
    let is_end = rest.starts_with(':') || rest.starts_with("//") || rest.starts_with(";//");
    let rest = rest.trim_start_matches([':', ';', '/']);
    // A host may have that name: http:8080.
    let is_host = rest.contains(['.', ':']) || rest.starts_with("localhost");
    (is_end && is_host).then(|| format!("{scheme}://{rest}"))
}

/// Whether a text can be the name of a variable.
fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_scheme_is_told_from_a_host() {
        for word in ["https:x.test", "https:/x.test", "https//x.test", "https;//x.test"] {
            assert_eq!(misspelt_url(word).as_deref(), Some("https://x.test"), "{word}");
        }
        for word in ["http:8080", "https", "http/health", "httpbin.org:80", "http.test:8080"] {
            assert_eq!(misspelt_url(word), None, "{word}");
        }
    }
}
