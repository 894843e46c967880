//! A check as a `curl` command line that a person can run: secrets as shell variables, every
//! word quoted. It is built from the probe alone, never from what a server sent.

use http::Method;
use url::Url;

use crate::engine::evidence::shell_word::ShellWriter;
use crate::engine::http::multipart;
use crate::model::{
    Auth, Body, FormPart, HttpVersionPreference, IpFamily, Probe, Request, TlsVersion, Transport, Value, ValuePart,
};

/// The command that repeats one request of a probe.
pub(crate) fn command(probe: &Probe, request: &Request, shell: ShellWriter) -> String {
    let mut words = vec!["curl".to_owned(), "-sS".to_owned(), "-i".to_owned(), "--compressed".to_owned()];
    words.push(format!("--max-time {}", probe.timeout.as_secs_f64()));
    if request.redirects > 0 {
        words.push(format!("-L --max-redirs {}", request.redirects));
        // A check does not follow a redirect from https to http, so curl must not either.
        if request.url.to_string().starts_with("https:") && !request.redirects_allow_downgrade {
            words.push("--proto-redir =https".to_owned());
        }
    }
    let mut url = request.url.clone();
    let host = transport_words(&probe.transport, &mut url, &mut words, shell);
    method_words(request, &mut words, shell);
    auth_words(request.auth.as_ref(), &mut words, shell);
    for (name, value) in &request.headers {
        let name = title_case(name.as_str());
        words.push(format!("-H {}", shell.quote_after(&format!("{name}: "), value)));
    }
    if let Some(host) = host
        && !request.headers.iter().any(|(name, _)| name == http::header::HOST)
    {
        words.push(format!("-H {}", shell.plain(&format!("Host: {host}"))));
    }
    for name in &request.omitted_headers {
        words.push(format!("-H '{}:'", title_case(name.as_str())));
    }
    // Some servers answer only curl, others only user agents that they know.
    let mut given = request.headers.iter().map(|(name, _)| name).chain(&request.omitted_headers);
    if !given.any(|name| name == http::header::USER_AGENT) {
        words.push(format!("-A uptick/{}", env!("CARGO_PKG_VERSION")));
    }
    body_words(request, &mut words, shell);
    words.push(shell.url(&url));
    words.join(" ")
}

/// The name of a header as a check writes it over HTTP/1.1, and curl as given: some servers accept no
/// other spelling.
fn title_case(name: &str) -> String {
    let mut is_first = true;
    let letters = name.chars().map(|letter| {
        let titled = if is_first { letter.to_ascii_uppercase() } else { letter };
        is_first = letter == '-';
        titled
    });
    letters.collect()
}

/// Adds the options for how the target is reached. If the TLS name differs from the URL's host, the
/// URL takes that name, and the authority to send as a header is returned.
fn transport_words(
    transport: &Transport,
    url: &mut Value,
    words: &mut Vec<String>,
    shell: ShellWriter,
) -> Option<String> {
    let tls = &transport.tls;
    match transport.http_version {
        HttpVersionPreference::Auto => {}
        HttpVersionPreference::Http1 => words.push("--http1.1".to_owned()),
        HttpVersionPreference::Http2 if url.to_string().starts_with("http:") => {
            words.push("--http2-prior-knowledge".to_owned());
        }
        HttpVersionPreference::Http2 => words.push("--http2".to_owned()),
        HttpVersionPreference::Http3 => words.push("--http3-only".to_owned()),
    }
    match transport.ip {
        IpFamily::Any => {}
        IpFamily::V4 => words.push("-4".to_owned()),
        IpFamily::V6 => words.push("-6".to_owned()),
    }
    if tls.insecure {
        words.push("-k".to_owned());
    }
    let files = [
        ("--cacert", &tls.ca_file),
        ("--crlfile", &tls.crl_file),
        ("--cert", &tls.client_cert),
        ("--key", &tls.client_key),
    ];
    for (option, file) in files {
        if let Some(file) = file {
            words.push(format!("{option} {}", shell.plain(&file.to_string_lossy())));
        }
    }
    if tls.min_version == TlsVersion::V1_3 {
        words.push("--tlsv1.3".to_owned());
    }
    if let Some(interface) = &transport.source_interface {
        words.push(format!("--interface {}", shell.plain(&format!("if!{interface}"))));
    } else if let Some(source) = transport.source_address {
        words.push(format!("--interface {source}"));
    }
    if let Some(path) = &transport.unix_socket {
        words.push(format!("--unix-socket {}", shell.plain(&path.to_string_lossy())));
    }
    if let Some(proxy) = &transport.proxy {
        words.push(format!("--proxy {}", shell.quote(proxy)));
    }
    connect_to(transport, url, words, shell)
}

fn connect_to(transport: &Transport, url: &mut Value, words: &mut Vec<String>, shell: ShellWriter) -> Option<String> {
    let parsed = Url::parse(&url.to_string()).ok()?;
    let (host, port) = (parsed.host_str()?.to_owned(), parsed.port_or_known_default()?);
    let name = transport.tls.server_name.as_ref().filter(|name| **name != host && parsed.scheme() == "https");
    let target = match transport.instead_of(&host, port) {
        Some((host, port)) => format!("{}:{port}", bracketed(&host)),
        None if name.is_some() => format!("{host}:{port}"),
        None => return None,
    };
    let asked = name.map_or(host.as_str(), String::as_str);
    words.push(format!("--connect-to {}", shell.plain(&format!("{asked}:{port}:{target}"))));
    let name = name?;
    replace_host(url, &host, name);
    Some(crate::engine::connect::route::authority_of(&parsed))
}

/// An address as written before a port: IPv6 in brackets.
pub(crate) fn bracketed(address: &str) -> String {
    if address.contains(':') { format!("[{address}]") } else { address.to_owned() }
}

fn replace_host(url: &mut Value, host: &str, name: &str) {
    for part in &mut url.parts {
        if let ValuePart::Plain(text) = part
            && let Some(at) = text.find(host)
        {
            text.replace_range(at..at + host.len(), name);
            return;
        }
    }
}

fn method_words(request: &Request, words: &mut Vec<String>, shell: ShellWriter) {
    let implied = if matches!(request.body, Body::Empty) { Method::GET } else { Method::POST };
    if request.method == Method::HEAD {
        words.push("-I".to_owned());
    } else if request.method != implied {
        words.push(format!("-X {}", shell.plain(request.method.as_str())));
    }
}

/// Both as one word, `user:password`.
pub(crate) fn user_and_password(user: &Value, password: &Value) -> Value {
    let colon = ValuePart::Plain(":".to_owned());
    Value { parts: [&user.parts[..], &[colon], &password.parts].concat() }
}

fn auth_words(auth: Option<&Auth>, words: &mut Vec<String>, shell: ShellWriter) {
    match auth {
        Some(Auth::Basic { user, password }) => {
            words.push(format!("-u {}", shell.quote(&user_and_password(user, password))));
        }
        Some(Auth::Digest { user, password }) => {
            words.push(format!("--digest -u {}", shell.quote(&user_and_password(user, password))));
        }
        Some(Auth::AwsSigV4(aws)) => {
            let pair = user_and_password(&aws.access_key, &aws.secret_key);
            let scope = shell.plain(&format!("aws:amz:{}:{}", aws.region, aws.service));
            words.push(format!("--aws-sigv4 {scope} -u {}", shell.quote(&pair)));
            if let Some(token) = &aws.session_token {
                words.push(format!("-H {}", shell.quote_after("x-amz-security-token: ", token)));
            }
        }
        Some(Auth::Bearer(token)) => words.push(format!("-H {}", shell.quote_after("authorization: Bearer ", token))),
        Some(Auth::OAuth2(_)) => words.push("-H \"authorization: Bearer $OAUTH2_TOKEN\"".to_owned()),
        None => {}
    }
}

fn body_words(request: &Request, words: &mut Vec<String>, shell: ShellWriter) {
    match &request.body {
        // curl sends no content-length with a method given by `-X` alone.
        Body::Empty if matches!(request.method, Method::POST | Method::PUT | Method::PATCH) => {
            words.push("-H 'content-length: 0'".to_owned());
        }
        Body::Empty => {}
        Body::Text(text) if request.headers.iter().any(|(name, _)| name == http::header::CONTENT_TYPE) => {
            words.push(format!("--data-raw {}", shell.quote(text)));
        }
        // curl would add a content type of its own, and uptick adds none.
        Body::Text(text) => words.push(format!("-H 'content-type:' --data-raw {}", shell.quote(text))),
        Body::Json(text) => words.push(format!("-H 'content-type: application/json' --data-raw {}", shell.quote(text))),
        Body::Form(fields) => {
            for (name, value) in fields {
                words.push(format!("--data-urlencode {}", shell.quote_after(&format!("{name}="), value)));
            }
        }
        Body::File(file) => {
            let kind = file.content_type.as_deref().unwrap_or(multipart::OCTETS);
            let at = Value::plain(&format!("@{}", file.path.display()));
            words.push(format!(
                "-H {} --data-binary {}",
                shell.plain(&format!("content-type: {kind}")),
                shell.quote(&at)
            ));
        }
        Body::Multipart(parts) => {
            for (name, part) in parts {
                words.push(match part {
                    FormPart::Text(text) => format!("--form-string {}", shell.quote_after(&format!("{name}="), text)),
                    FormPart::File(file) => {
                        let kind = file.content_type.as_ref().map(|kind| format!(";type={kind}")).unwrap_or_default();
                        format!("-F {}", shell.plain(&format!("{name}=@{}{kind}", file.path.display())))
                    }
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_written_as_a_check_sends_it() {
        assert_eq!(title_case("x-request-id"), "X-Request-Id");
    }
}
