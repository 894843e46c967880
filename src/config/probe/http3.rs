//! What HTTP/3 cannot be combined with: it is rejected here, since another version would be used.

use crate::config::reader::ConfigReader;
use crate::config::value::layers::Layers;
use crate::model::{HttpVersionPreference, Protocol, Step, Transport};

/// Checks a probe or session that requires HTTP/3.
pub(crate) fn check(reader: &mut ConfigReader, layers: &Layers, steps: &[Step], transport: &Transport) {
    alt_svc(reader, layers, steps, transport);
    websocket(reader, layers, steps, transport);
    let mut requests = steps.iter().map(|step| &step.request).filter(|request| request.protocol == Protocol::Http);
    let Some(node) = layers.get("http-version") else { return };
    if transport.http_version != HttpVersionPreference::Http3 || requests.clone().next().is_none() {
        return;
    }
    if !cfg!(feature = "http3") {
        reader.advise(
            &node.span,
            "this build of uptick has no HTTP/3",
            "build it with the feature `http3`, or leave `http-version` out",
        );
        return;
    }
    if requests.any(|request| request.url.to_string().to_ascii_lowercase().starts_with("http://")) {
        reader.advise(&node.span, "HTTP/3 needs TLS, and a URL of the probe is http://", "write it as https://");
    }
    let of_key = |key: &str| layers.get(key).unwrap_or(node);
    if transport.may_have_proxy() {
        let message = "`proxy` cannot be used with HTTP/3, whose datagrams no proxy forwards";
        reader.advise(&of_key("proxy").span, message, "leave one of them out");
    }
    if transport.unix_socket.is_some() {
        let message = "a Unix socket cannot be used with HTTP/3, which runs over UDP";
        reader.problem(&of_key("address").span, message);
    }
    if transport.reuse {
        let message =
            "`connection = \"reuse\"` cannot be used with HTTP/3: between checks a QUIC connection can end unnoticed";
        reader.advise(&of_key("connection").span, message, "leave one of them out");
    }
}

/// Ignores the HTTP/3 of `[defaults]` in a probe that only opens `WebSocket`s.
pub(crate) fn leave_to_others(layers: &Layers, steps: &[Step], transport: &mut Transport) {
    if transport.http_version == HttpVersionPreference::Http3
        && layers.own("http-version").is_none()
        && is_of_websockets(steps)
    {
        transport.http_version = HttpVersionPreference::Auto;
    }
}

fn is_of_websockets(steps: &[Step]) -> bool {
    steps.iter().all(|step| step.request.protocol == Protocol::WebSocket)
}

/// Rejects HTTP/3 in a probe that only opens `WebSocket`s.
fn websocket(reader: &mut ConfigReader, layers: &Layers, steps: &[Step], transport: &Transport) {
    if let Some(node) = layers.own("http-version")
        && transport.http_version == HttpVersionPreference::Http3
        && is_of_websockets(steps)
    {
        reader.advise(
            &node.span,
            "a WebSocket over HTTP/3 (RFC 9220) is not among what uptick can check",
            "write `\"2\"`, `\"1.1\"`, or leave `http-version` out",
        );
    }
}

/// Checks an expectation about `alt-svc`, which mostly offers HTTP/3.
fn alt_svc(reader: &mut ConfigReader, layers: &Layers, steps: &[Step], transport: &Transport) {
    if !steps.iter().any(|step| step.expect.alt_svc || step.warn.alt_svc) {
        return;
    }
    let said =
        ["expect", "warn"].iter().find_map(|table| layers.inner(table).get("alt-svc").map(|node| node.span.clone()));
    let Some(span) = said.or_else(|| layers.get("step").map(|node| node.span.clone())) else { return };
    if !cfg!(feature = "http3") {
        let help = "build it with the feature `http3`, or leave `alt-svc` out";
        reader.advise(&span, "this build of uptick has no HTTP/3, which `alt-svc` offers", help);
    } else if transport.may_have_proxy() || transport.unix_socket.is_some() {
        let message =
            "`alt-svc` cannot be used with a proxy or a Unix socket, through which the services are not reached";
        reader.advise(&span, message, "leave one of them out");
    }
}
