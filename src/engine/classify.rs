//! A typed error of a phase → a failure class, the phase and one sentence. A server's words are quoted
//! only if they name the problem; they are redacted and cleaned when they become a failure.

pub(super) mod http2_fault;
#[cfg(feature = "http3")]
pub(super) mod http3_fault;
pub(super) mod phase_error;
mod tls_alert;
pub(super) mod tls_fault;

use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use crate::engine::classify::tls_fault::{client_cert_required, tls_error, tls_fault};
use crate::engine::connect::dial::ConnectError;
use crate::engine::fault::Fault;
use crate::engine::host::os_error::{connect_class, is_reset, is_unreachable, ours};
use crate::engine::host::own_route;
use crate::engine::http::head::{Arrived, HEADERS, Refused};
use crate::engine::http::http1;
use crate::engine::resolve::NoAddress;
use crate::engine::tls::handshake::HandshakeFacts;
use crate::engine::transport::proxy::ProxyError;
use crate::model::{FailureClass, MessageText, Phase, message};

/// The server at the other end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// Its address, or its name before it is resolved.
    pub(super) target: String,
    /// The name that its certificate must match.
    pub(super) name: String,
    /// The facts of its TLS handshake; absent without TLS.
    pub(super) handshake: Option<HandshakeFacts>,
}

pub(super) fn resolve_fault(host: &str, failure: &NoAddress) -> Fault {
    let message = match failure.class {
        FailureClass::DnsNotFound => message!("no such host {host} (").then(failure.detail.clone()).then(")"),
        FailureClass::DnsNoAddress => {
            message!("{host} has no address of the wanted family (").then(failure.detail.clone()).then(")")
        }
        FailureClass::DnsTimeout => message!("no resolver answered for {host}: ").then(failure.detail.clone()),
        _ => message!("{host} could not be resolved: ").then(failure.detail.clone()),
    };
    Fault::new(failure.class, Phase::Resolve, message)
}

pub(super) fn connect_fault(failed: &ConnectError) -> Fault {
    let ConnectError { address, error, tried } = failed;
    if own_route::may_be_missing(error)
        && let Some(why) = own_route::missing(*address)
    {
        return Fault::new(FailureClass::ProberNoRoute, Phase::Connect, why);
    }
    let class = connect_class(error);
    let mut message = match class {
        FailureClass::ConnectRefused => message!("{address} refused the connection"),
        FailureClass::ConnectTimeout => message!("{address} did not accept the connection: {error}"),
        FailureClass::ConnectUnreachable => message!("{address} cannot be reached: {error}"),
        FailureClass::ConnectionReset => message!("{address} reset the connection"),
        _ => message!("{address}: {error}"),
    };
    if *tried > 1 {
        message = message.then(message!(" ({tried} addresses tried)"));
    }
    Fault::new(class, Phase::Connect, message)
}

/// A Unix socket cannot be connected to. A path that does not exist counts as refused: nothing listens there.
pub(super) fn unix_socket_fault(path: &Path, error: &io::Error) -> Fault {
    let class = match error.kind() {
        io::ErrorKind::NotFound => FailureClass::ConnectRefused,
        _ => connect_class(error),
    };
    let is_other_file = path.metadata().is_ok_and(|found| !found.file_type().is_socket());
    let path = path.display();
    let message = match class {
        FailureClass::ConnectRefused if is_other_file => message!("unix:{path} is not a socket: nothing listens there"),
        FailureClass::ConnectRefused if error.kind() == io::ErrorKind::NotFound => {
            message!("unix:{path} does not exist: nothing listens there")
        }
        FailureClass::ConnectRefused => message!("unix:{path} refused the connection"),
        _ => message!("unix:{path}: {error}"),
    };
    Fault::new(class, Phase::Connect, message)
}

/// A proxy does not connect to the target: what it reports about the target is the target's fault, and
/// the rest is its own.
pub(super) fn proxy_fault(error: &ProxyError, proxy: &str, target: &str) -> Fault {
    let of_target = |class, what: MessageText| {
        let message = message!("{target} cannot be reached through the proxy {proxy}: ").then(what);
        Fault::new(class, Phase::Connect, message)
    };
    let of_proxy = |what: MessageText| refused_by_proxy(proxy, what);
    match error {
        ProxyError::Io(error) => match ours(error) {
            Some(class) => Fault::new(class, Phase::Connect, message!("proxy {proxy}: {error}")),
            None if is_reset(error) => of_proxy("it reset the connection".into()),
            None => of_proxy(message!("it broke off: {error}")),
        },
        ProxyError::Closed => of_proxy("it closed the connection without an answer".into()),
        ProxyError::Garbage => of_proxy("its answer is not that of a proxy".into()),
        ProxyError::Status { code: 504, said } => of_target(FailureClass::ConnectTimeout, said.clone().into()),
        ProxyError::Status { code: 502 | 503, said } => {
            of_target(FailureClass::ConnectUnreachable, said.clone().into())
        }
        ProxyError::Status { code, said } => refused_status(proxy, *code, said),
        ProxyError::Socks(3) => of_target(FailureClass::ConnectUnreachable, "network unreachable (SOCKS 3)".into()),
        ProxyError::Socks(4) => of_target(FailureClass::ConnectUnreachable, "host unreachable (SOCKS 4)".into()),
        ProxyError::Socks(5) => of_target(FailureClass::ConnectRefused, "connection refused (SOCKS 5)".into()),
        ProxyError::Socks(6) => of_target(FailureClass::ConnectTimeout, "TTL expired (SOCKS 6)".into()),
        ProxyError::Socks(code) => of_proxy(MessageText::from(socks_meaning(*code)).then(message!(" (SOCKS {code})"))),
        ProxyError::SocksLogin => of_proxy(MessageText::from("it accepts none of the logins offered; ").then(LOGIN)),
    }
}

/// What to do about a proxy that asks for a login.
const LOGIN: &str = "write the login into the URL of the proxy: SCHEME://USER:PASSWORD@HOST:PORT";

/// The proxy itself answers with a status that is not about the target.
fn refused_status(proxy: &str, code: u16, said: &str) -> Fault {
    let answers = message!("it answers {said}");
    refused_by_proxy(proxy, if code == 407 { answers.then("; ").then(LOGIN) } else { answers })
}

/// The reply codes of RFC 1928 section 6.
fn socks_meaning(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "not allowed by its rules",
        7 => "it does not support CONNECT",
        8 => "it does not know that kind of address",
        _ => "an unknown answer",
    }
}

/// The proxy itself is at fault.
pub(super) fn refused_by_proxy(proxy: &str, what: impl Into<MessageText>) -> Fault {
    let message = message!("the proxy {proxy} does not serve: ").then(what);
    Fault::new(FailureClass::ProxyRefused, Phase::Connect, message)
}

/// The HTTP/1 response head is missing or refused.
pub(super) fn http1_head_fault(failed: &http1::HeadError, peer: &Peer) -> Fault {
    match failed {
        http1::HeadError::Refused(refused) => refused_head(refused, peer),
        // The connection ended before the answer was complete.
        http1::HeadError::Ended(arrived) => ended_before_answer(FailureClass::EmptyReply, peer, *arrived),
        http1::HeadError::Broken { error, arrived } => head_io_fault(error, peer, *arrived),
    }
}

fn refused_head(refused: &Refused, peer: &Peer) -> Fault {
    let target = &peer.target;
    let message = match refused {
        Refused::TooLarge => {
            let message = message!("the response head of {target} is larger than accepted");
            return Fault::new(FailureClass::HeadersTooLarge, Phase::Processing, message);
        }
        Refused::TooMany => {
            let message = message!("the response head of {target} has more than the {HEADERS} header lines accepted");
            return Fault::new(FailureClass::HeadersTooLarge, Phase::Processing, message);
        }
        Refused::Interim => message!("{target} sends too many interim responses (1xx) before the answer"),
        Refused::Line { number, quoted, why } if quoted.is_empty() => {
            message!("line {number} of the response head of {target} is not valid: ").then(*why)
        }
        Refused::Line { number, quoted, why } => {
            message!("line {number} of the response head of {target} is not valid: ")
                .then(*why)
                .then(message!(": `{quoted}`"))
        }
        Refused::Http2 => {
            message!(
                "what {target} answers is not HTTP/1: the port speaks HTTP/2 alone; ask it with http-version = \"2\""
            )
        }
        Refused::Other(protocol) => message!("what {target} answers is not HTTP: the port speaks {protocol}"),
        Refused::NotHttp if peer.handshake.is_some() => message!("what {target} answers is not HTTP"),
        Refused::NotHttp => message!("what {target} answers is not HTTP; the port may speak TLS or another protocol"),
    };
    Fault::new(FailureClass::HttpProtocol, Phase::Processing, message)
}

/// The connection broke before there was an answer.
pub(super) fn head_io_fault(error: &io::Error, peer: &Peer, arrived: Arrived) -> Fault {
    let target = &peer.target;
    let fault = |class, message: MessageText| Fault::new(class, Phase::Processing, message);
    if let Some(class) = ours(error) {
        return fault(class, message!("{target}: {error}"));
    }
    if let (Some(error), Some(facts)) = (tls_error(error), &peer.handshake) {
        return tls_fault(error, facts, target, &peer.name);
    }
    match error.kind() {
        _ if is_reset(error) => ended_before_answer(FailureClass::ConnectionReset, peer, arrived),
        io::ErrorKind::TimedOut => fault(FailureClass::ResponseTimeout, message!("{target}: {error}")),
        io::ErrorKind::UnexpectedEof => ended_before_answer(FailureClass::EmptyReply, peer, arrived),
        _ if is_unreachable(error) => fault(FailureClass::ConnectionReset, message!("{target}: {error}")),
        _ => fault(FailureClass::HttpProtocol, message!("{target}: {error}")),
    }
}

/// The connection ended or was reset before there was an answer. A server that requires a client
/// certificate may do so without sending an alert.
fn ended_before_answer(class: FailureClass, peer: &Peer, arrived: Arrived) -> Fault {
    let target = &peer.target;
    if arrived == Arrived::Nothing && peer.handshake.as_ref().is_some_and(|facts| facts.client_cert_missing) {
        return client_cert_required(target);
    }
    let message = match (class, arrived) {
        (FailureClass::ConnectionReset, _) => message!("{target} reset the connection"),
        (_, Arrived::Interim) => {
            message!("{target} closed the connection after an interim response (1xx), before the answer")
        }
        (_, Arrived::Nothing) => message!("{target} closed the connection without an answer"),
        (_, Arrived::Part) => message!("{target} closed the connection in the middle of the response head"),
    };
    Fault::new(class, Phase::Processing, message)
}

/// An HTTP/1 body is not complete.
pub(super) fn http1_body_fault(failed: &http1::BodyError, target: &str) -> Fault {
    match failed {
        http1::BodyError::Chunks(error) => invalid_body(target, error),
        http1::BodyError::Ended => truncated(target),
        http1::BodyError::Broken(error) => body_io_fault(error, target),
    }
}

/// The connection broke in the middle of an answer.
pub(super) fn body_io_fault(error: &io::Error, target: &str) -> Fault {
    let fault = |class, message: MessageText| Fault::new(class, Phase::Transfer, message);
    match error.kind() {
        _ if ours(error).is_some() => {
            fault(ours(error).unwrap_or(FailureClass::ProberResources), message!("{target}: {error}"))
        }
        _ if tls_error(error).is_some() => truncated(target),
        _ if is_reset(error) => fault(FailureClass::ConnectionReset, message!("{target} reset the connection")),
        io::ErrorKind::TimedOut => fault(FailureClass::BodyTimeout, message!("{target}: {error}")),
        io::ErrorKind::UnexpectedEof => truncated(target),
        _ if is_unreachable(error) => fault(FailureClass::ConnectionReset, message!("{target}: {error}")),
        _ => invalid_body(target, error),
    }
}

fn invalid_body(target: &str, error: &dyn std::error::Error) -> Fault {
    Fault::new(FailureClass::HttpProtocol, Phase::Transfer, message!("the body of {target} is not valid HTTP: {error}"))
}

fn truncated(target: &str) -> Fault {
    let message = message!("{target} ended the connection before the body was complete");
    Fault::new(FailureClass::BodyTruncated, Phase::Transfer, message)
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    fn peer(client_cert_missing: bool) -> Peer {
        let handshake = HandshakeFacts { client_cert_missing, ..HandshakeFacts::default() };
        Peer { target: "127.0.0.1:443".into(), name: "x.test".into(), handshake: Some(handshake) }
    }

    #[test]
    fn what_a_proxy_reports_of_the_target_is_told_from_its_own_trouble() {
        let class = |error| proxy_fault(&error, "proxy.test:3128", "x.test:443").class;
        let status = |code| class(ProxyError::Status { code, said: code.to_string() });
        assert_eq!([502, 503, 504].map(status).map(FailureClass::is_ours), [false; 3]);
        assert_eq!([400, 401, 403, 404, 407, 500, 511].map(status), [FailureClass::ProxyRefused; 7]);
        let socks = |code| class(ProxyError::Socks(code));
        assert_eq!([3, 4, 5, 6].map(socks).map(FailureClass::is_ours), [false; 4]);
        assert_eq!([1, 2, 7, 8, 99].map(socks), [FailureClass::ProxyRefused; 5]);
        assert_eq!(socks(5), FailureClass::ConnectRefused);
    }

    #[test]
    fn silence_of_a_server_that_asked_for_a_certificate_is_for_the_certificate() {
        for (asked, class) in [(true, FailureClass::TlsClientCertRequired), (false, FailureClass::ConnectionReset)] {
            assert_eq!(head_io_fault(&Errno::CONNRESET.into(), &peer(asked), Arrived::Nothing).class, class);
        }
        let in_the_middle = head_io_fault(&Errno::CONNRESET.into(), &peer(true), Arrived::Part);
        assert_eq!(in_the_middle.class, FailureClass::ConnectionReset);
    }

    #[test]
    fn an_error_of_a_phase_stays_in_its_phase() {
        for errno in [Errno::CONNRESET, Errno::TIMEDOUT, Errno::HOSTUNREACH, Errno::INVAL, Errno::MFILE] {
            assert_eq!(head_io_fault(&errno.into(), &peer(false), Arrived::Nothing).phase, Some(Phase::Processing));
            assert_eq!(body_io_fault(&errno.into(), "x").phase, Some(Phase::Transfer));
        }
    }
}
