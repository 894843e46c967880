//! A check as a command line that a person can run, with the usual tool for its protocol.

use url::Url;

use crate::engine::connect::route::host_of;
use crate::engine::evidence::curl;
use crate::engine::evidence::shell_word::ShellWriter;
use crate::engine::expectation::body_rules;
use crate::model::{Auth, DnsQuestion, HttpVersionPreference, IpFamily, Probe, Protocol, Redactor, Request, Resolver};

/// The command that repeats one request of a probe; none if its target depends on a captured value or no
/// tool can send it.
pub(crate) fn command(probe: &Probe, request: &Request, redactor: &Redactor) -> Option<String> {
    let shell = ShellWriter { redactor };
    match request.protocol {
        Protocol::Http => Some(curl::command(probe, request, shell)),
        Protocol::Tcp => netcat(probe, request, shell),
        Protocol::Tls => openssl(probe, request, shell),
        Protocol::Dns => dig(probe, request, shell),
        // No tool opens a WebSocket over HTTP/2.
        Protocol::WebSocket if probe.transport.http_version == HttpVersionPreference::Http2 => None,
        Protocol::WebSocket => Some(websocat(probe, request, shell)),
        Protocol::Grpc => grpcurl(probe, request, shell),
    }
}

/// Whom to connect to.
struct Target {
    /// The URL's host.
    host: String,
    /// The host or address, and the port, to connect to.
    dialed: (String, u16),
    /// Whether these are not the URL's own.
    is_elsewhere: bool,
}

fn target(probe: &Probe, request: &Request) -> Option<Target> {
    let url = Url::parse(&request.url.to_string()).ok()?;
    let host = host_of(&url)?.to_string();
    let own = (host.trim_matches(['[', ']']).to_owned(), url.port_or_known_default()?);
    let instead = probe.transport.instead_of(&own.0, own.1);
    let is_elsewhere = instead.is_some();
    Some(Target { host, dialed: instead.unwrap_or(own), is_elsewhere })
}

fn netcat(probe: &Probe, request: &Request, shell: ShellWriter) -> Option<String> {
    let (host, port) = target(probe, request)?.dialed;
    let family = match probe.transport.ip {
        IpFamily::Any => "",
        IpFamily::V4 => " -4",
        IpFamily::V6 => " -6",
    };
    if let Some(path) = &probe.transport.unix_socket {
        let path = shell.plain(&path.to_string_lossy());
        let input =
            request.send.as_ref().map_or_else(|| "true".to_owned(), |send| format!("printf %s {}", shell.quote(send)));
        return Some(format!("{input} | nc -v -U {path}"));
    }
    let (seconds, host) = (probe.timeout.as_secs().max(1), shell.plain(&host));
    Some(match &request.send {
        Some(send) => format!("printf %s {} | nc{family} -v -w {seconds} {host} {port}", shell.quote(send)),
        // Without a query, only what the server sends unasked is read.
        None if reads(probe) => format!("nc{family} -v -w {seconds} {host} {port} </dev/null"),
        None => format!("nc{family} -z -v -w {seconds} {host} {port}"),
    })
}

/// Whether the probe expects to receive anything on the connection.
fn reads(probe: &Probe) -> bool {
    let mut connections = probe.steps.iter().filter(|step| step.request.protocol == Protocol::Tcp);
    connections.any(|step| body_rules::needs_body(&step.expect))
}

fn dig(probe: &Probe, request: &Request, shell: ShellWriter) -> Option<String> {
    let url = Url::parse(&request.url.to_string()).ok()?;
    let question = DnsQuestion::of_url(&url).ok()?;
    let host = host_of(&url).map(|host| host.to_string().trim_matches(['[', ']']).to_owned()).unwrap_or_default();
    let port = url.port().unwrap_or(53);
    let server = match (probe.transport.instead_of(&host, port), probe.transport.resolver) {
        (Some(instead), _) => Some(instead),
        (None, Resolver::Udp(server)) if host.is_empty() => Some((server.ip().to_string(), server.port())),
        (None, _) => Some((host, port)).filter(|(host, _)| !host.is_empty()),
    };
    let plain = |text: &str| shell.plain(text);
    let mut words = vec!["dig".to_owned()];
    if let Some((host, port)) = server {
        words.push(plain(&format!("@{host}")));
        words.extend((port != 53).then(|| format!("-p {port}")));
    }
    words.push(format!("{} {}", plain(&format!("{}.", question.name)), question.kind));
    Some(words.join(" "))
}

/// The option with the credentials of a request, for tools that know headers alone.
fn authorization(request: &Request, shell: ShellWriter) -> Option<String> {
    let header = "authorization: ";
    match request.auth.as_ref()? {
        Auth::Bearer(token) => Some(format!("-H {}", shell.quote_after(&format!("{header}Bearer "), token))),
        Auth::OAuth2(_) => Some(format!("-H \"{header}Bearer $OAUTH2_TOKEN\"")),
        Auth::Basic { user, password } => {
            let pair = shell.quote(&curl::user_and_password(user, password));
            Some(format!("-H \"{header}Basic $(printf %s {pair} | base64 | tr -d '\\n')\""))
        }
        // What they send depends on the answer or on the whole request.
        Auth::Digest { .. } | Auth::AwsSigV4(_) => None,
    }
}

fn websocat(probe: &Probe, request: &Request, shell: ShellWriter) -> String {
    let mut words = vec!["websocat -1".to_owned()];
    words.extend(probe.transport.tls.insecure.then(|| "-k".to_owned()));
    let elsewhere = target(probe, request).filter(|target| target.is_elsewhere);
    let connected_to = elsewhere.map(|target| (curl::bracketed(&target.dialed.0), target.dialed.1));
    words.extend(connected_to.as_ref().map(|(host, port)| {
        let to = shell.plain(&format!("tcp:{host}:{port}"));
        format!("--ws-c-uri {} {to}", shell.url(&request.url))
    }));
    words.extend(authorization(request, shell));
    for (name, value) in &request.headers {
        words.push(format!("-H {}", shell.quote_after(&format!("{name}: "), value)));
    }
    if connected_to.is_none() {
        words.push(shell.url(&request.url));
    }
    let input = match &request.send {
        Some(send) => format!("printf %s {} | ", shell.quote(send)),
        None => String::new(),
    };
    format!("{input}{}", words.join(" "))
}

fn grpcurl(probe: &Probe, request: &Request, shell: ShellWriter) -> Option<String> {
    let url = Url::parse(&request.url.to_string()).ok()?;
    let Target { host, dialed: (dialed, port), is_elsewhere } = target(probe, request)?;
    let dialed = curl::bracketed(&dialed);
    let plain = |text: &str| shell.plain(text);
    let tls = &probe.transport.tls;
    let mut words = vec!["grpcurl".to_owned()];
    words.extend((url.scheme() == "grpc").then(|| "-plaintext".to_owned()));
    words.extend(tls.insecure.then(|| "-insecure".to_owned()));
    words.extend(is_elsewhere.then(|| format!("-authority {}", plain(&host))));
    let files = [("-cacert", &tls.ca_file), ("-cert", &tls.client_cert), ("-key", &tls.client_key)];
    // grpcurl refuses certificate files without TLS.
    for (option, file) in files.into_iter().filter(|_| url.scheme() != "grpc") {
        words.extend(file.as_ref().map(|file| format!("{option} {}", plain(&file.to_string_lossy()))));
    }
    words.extend(authorization(request, shell));
    for (name, value) in &request.headers {
        words.push(format!("-H {}", shell.quote_after(&format!("{name}: "), value)));
    }
    let service = url.path().strip_prefix('/').unwrap_or_default();
    words.push(format!("-d {}", plain(&serde_json::json!({ "service": service }).to_string())));
    words.push(format!("{} grpc.health.v1.Health/Check", plain(&format!("{dialed}:{port}"))));
    Some(words.join(" "))
}

fn openssl(probe: &Probe, request: &Request, shell: ShellWriter) -> Option<String> {
    let Target { host, dialed: (dialed, port), .. } = target(probe, request)?;
    let dialed = curl::bracketed(&dialed);
    let plain = |text: &str| shell.plain(text);
    let tls = &probe.transport.tls;
    let to = match &probe.transport.unix_socket {
        Some(path) => format!("-unix {}", plain(&path.to_string_lossy())),
        None => format!("-connect {}", plain(&format!("{dialed}:{port}"))),
    };
    let mut words = vec![format!("openssl s_client {to}")];
    let name = tls.server_name.as_deref().unwrap_or(&host);
    if name.parse::<std::net::IpAddr>().is_err() && !name.starts_with('[') {
        words.push(format!("-servername {0} -verify_hostname {0}", plain(name)));
    }
    words.extend((!tls.alpn.is_empty()).then(|| format!("-alpn {}", plain(&tls.alpn.join(",")))));
    words.extend(request.starttls.map(|starttls| format!("-starttls {}", starttls.name())));
    for (option, file) in [("-CAfile", &tls.ca_file), ("-cert", &tls.client_cert), ("-key", &tls.client_key)] {
        words.extend(file.as_ref().map(|file| format!("{option} {}", plain(&file.to_string_lossy()))));
    }
    let input = match &request.send {
        Some(send) => format!("printf %s {} | ", shell.quote(send)),
        None => String::new(),
    };
    let ending = if request.send.is_some() { "" } else { " </dev/null" };
    Some(format!("{input}{}{ending}", words.join(" ")))
}
