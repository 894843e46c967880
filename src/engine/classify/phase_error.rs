//! Where a request ended, and which fault that is: the only path from the error of a phase to a failure
//! class, with what is known about the connection by then.

use std::io;
use std::path::PathBuf;

use http::StatusCode;

use crate::engine::classify::http2_fault::{http2_body_fault, http2_head_fault, not_agreed_on};
#[cfg(feature = "http3")]
use crate::engine::classify::http3_fault::{http3_body_fault, http3_head_fault, quic_fault};
use crate::engine::classify::tls_fault::{handshake_fault, unsupported_parameter};
use crate::engine::classify::{
    Peer, connect_fault, http1_body_fault, http1_head_fault, proxy_fault, refused_by_proxy, refused_status,
    resolve_fault, unix_socket_fault,
};
use crate::engine::connect::dial::ConnectError;
#[cfg(feature = "http3")]
use crate::engine::connect::quic::QuicError;
use crate::engine::connect::route::Route;
#[cfg(feature = "http3")]
use crate::engine::connect::server_socket::ServerSocket;
use crate::engine::connect::trace::ConnectionTrace;
use crate::engine::fault::{Deadline, Fault, timed_out};
#[cfg(feature = "http3")]
use crate::engine::host::os_error::ours;
use crate::engine::http::body::Intake;
use crate::engine::http::coding::CodingError;
use crate::engine::http::connection::{BodyError, HeadError, Retry};
use crate::engine::resolve::NoAddress;
use crate::engine::tls::UnsupportedParameter;
use crate::engine::transport::proxy::{Proxy, ProxyError};
use crate::model::{FailureClass, HttpVersionPreference, MessageText, Phase, message};

/// Where and why a request ended.
#[derive(Debug)]
pub(crate) enum PhaseError {
    Resolve {
        host: String,
        error: NoAddress,
    },
    /// An address is in a denied network.
    Denied(MessageText),
    Connect(ConnectError),
    UnixSocket {
        path: PathBuf,
        error: io::Error,
    },
    /// The proxy itself cannot be reached.
    ProxyUnreachable(MessageText),
    Proxy(ProxyError),
    Tls(io::Error),
    /// The URL's host is not a name that TLS can send.
    Nameless,
    /// The server requires something in TLS that this prober does not support.
    Unsupported(UnsupportedParameter),
    #[cfg(feature = "http3")]
    Quic(QuicError),
    /// The probe's TLS settings were not prepared.
    Unprepared,
    Head(HeadError),
    Body(BodyError),
    Decode(CodingError),
    /// Decoding ran past the deadline.
    OutOfTime,
}

/// A request that ended before its answer was read.
pub(crate) struct Ending<'a> {
    pub(crate) route: &'a Route,
    pub(crate) deadline: Deadline,
    pub(crate) trace: &'a ConnectionTrace,
    /// The part of the body that arrived.
    pub(crate) intake: Option<&'a Intake>,
}

impl Ending<'_> {
    /// The peer for a message: its address, or the host and the proxy if one is in between.
    pub(crate) fn target(&self) -> String {
        match &self.route.proxy {
            Some(proxy) => format!("{} through the proxy {}", self.route.host, proxy.name()),
            None => self.trace.target(&self.route.host),
        }
    }

    fn out_of_time(&self) -> Fault {
        let phase = self.trace.phase().unwrap_or(Phase::Processing);
        let target = match (phase, &self.route.proxy) {
            (Phase::Resolve, _) => self.route.host.clone(),
            (Phase::Connect, Some(proxy)) if !self.trace.proxy_serves => self.trace.target(&proxy.name()),
            _ => self.target(),
        };
        let mut fault = timed_out(phase, self.deadline, &target);
        #[cfg(feature = "http3")]
        if let (Phase::Connect, Some(socket)) = (phase, &self.trace.udp) {
            return unanswered(fault, socket);
        }
        if let Some(why) = self.reason_for_silence().filter(|_| fault.class == FailureClass::ResponseTimeout) {
            fault.message = fault.message.then(": ").then(why);
        }
        if let Some(intake) = self.intake {
            fault.message = fault.message.then(message!(", {} bytes arrived", intake.read()));
        }
        match &self.route.proxy {
            // The proxy itself does not accept the connection, or does nothing with it.
            Some(proxy) if fault.class == FailureClass::ConnectTimeout && !self.trace.proxy_serves => {
                let silent = MessageText::from("it is not ready ").then(self.deadline.within());
                refused_by_proxy(&proxy.name(), if self.trace.reached { silent } else { fault.message })
            }
            _ => fault,
        }
    }

    /// Why a server gives no answer over HTTP/2, as far as is known.
    fn reason_for_silence(&self) -> Option<&'static str> {
        let silent = self.trace.http2.as_ref()?.reason_for_silence();
        let handshake = self.trace.handshake.as_ref();
        handshake.and_then(|shown| not_agreed_on(&shown.facts())).or(silent)
    }

    pub(crate) fn fault(&self, error: &PhaseError) -> Fault {
        let proxy = self.route.proxy.as_ref().map(Proxy::name).unwrap_or_default();
        match error {
            PhaseError::Resolve { host, error } => resolve_fault(host, error),
            PhaseError::Denied(message) => Fault::new(FailureClass::TargetBlocked, None, message.clone()),
            PhaseError::Connect(failed) => connect_fault(failed),
            PhaseError::UnixSocket { path, error } => unix_socket_fault(path, error),
            PhaseError::ProxyUnreachable(why) => refused_by_proxy(&proxy, why.clone()),
            PhaseError::Proxy(error) => proxy_fault(error, &proxy, &self.route.host),
            PhaseError::Tls(error) => {
                let peer = self.peer();
                handshake_fault(error, &peer.handshake.unwrap_or_default(), &peer.target, &peer.name)
            }
            PhaseError::Nameless => {
                let message = message!("{} is a name that this prober cannot send in TLS", self.route.host);
                Fault::new(FailureClass::ProberUnsupported, Phase::Tls, message)
            }
            PhaseError::Unsupported(unsupported) => unsupported_parameter(*unsupported, &self.peer().target),
            #[cfg(feature = "http3")]
            PhaseError::Quic(error) => quic_fault(error, self.trace.phase().unwrap_or(Phase::Connect), &self.peer()),
            PhaseError::Unprepared => {
                Fault::new(FailureClass::ProberResources, Phase::Tls, "the probe's TLS settings were not prepared")
            }
            PhaseError::Head(error) => self.head_fault(error),
            PhaseError::Body(error) => {
                let peer = self.peer();
                let mut fault = match error {
                    BodyError::Http1(error) => http1_body_fault(error, &peer.target),
                    BodyError::Http2(error) => http2_body_fault(error, &peer.target),
                    #[cfg(feature = "http3")]
                    BodyError::Http3(error) => http3_body_fault(error, &peer),
                };
                if let (FailureClass::BodyTruncated, Some(intake)) = (fault.class, self.intake) {
                    fault.message = fault.message.then(message!(" ({} bytes arrived)", intake.read()));
                }
                fault
            }
            PhaseError::Decode(error) => Fault::new(FailureClass::BodyDecode, Phase::Transfer, error.to_string()),
            PhaseError::OutOfTime => self.out_of_time(),
        }
    }

    fn head_fault(&self, error: &HeadError) -> Fault {
        let mut peer = self.peer();
        if self.route.forwarding_proxy().is_some() {
            peer.target = self.trace.target(&self.route.host);
        }
        let mut fault = match error {
            HeadError::Http1(error) => http1_head_fault(error, &peer),
            HeadError::Http2(error) => http2_head_fault(error, &peer),
            #[cfg(feature = "http3")]
            HeadError::Http3(error) => http3_head_fault(error, &peer),
        };
        if matches!(error.retry(HttpVersionPreference::Auto), Retry::Http1) {
            fault.message = fault.message.then("; ask it with http-version = \"1.1\"");
        }
        match self.route.forwarding_proxy() {
            // The peer that did not answer, or not with HTTP, is the proxy.
            Some(proxy) if is_of_connection(fault.class) => refused_by_proxy(&proxy.name(), fault.message),
            _ => fault,
        }
    }

    pub(crate) fn peer(&self) -> Peer {
        let name = self.route.tls.as_ref().and_then(|tls| Some(tls.name.as_ref()?.to_str().into_owned()));
        Peer {
            target: self.target(),
            name: name.unwrap_or_default(),
            handshake: self.trace.handshake.as_ref().map(|shown| shown.facts().clone()),
        }
    }
}

/// A server did not answer over UDP: what arrived instead, or why this host cannot send to it.
#[cfg(feature = "http3")]
fn unanswered(fault: Fault, socket: &ServerSocket) -> Fault {
    let error = socket.take_error();
    let class = error.as_ref().and_then(ours).filter(|_| fault.class == FailureClass::ConnectTimeout);
    let why = match error {
        Some(error) => message!("this host cannot send there: {error}"),
        None => socket.instead_of_an_answer(),
    };
    Fault::new(class.unwrap_or(fault.class), fault.phase, fault.message.then(" over QUIC: ").then(why))
}

/// Whether a failure comes from the connected peer, not from a wait for what is behind it.
fn is_of_connection(class: FailureClass) -> bool {
    matches!(class, FailureClass::ConnectionReset | FailureClass::EmptyReply | FailureClass::HttpProtocol)
}

/// The refusal of a forwarding proxy, by a status that only a proxy gives (RFC 9110 section 15.5.8, RFC 6585 section 6).
pub(crate) fn refusing_proxy(route: &Route, status: StatusCode) -> Option<Fault> {
    let proxy = route.forwarding_proxy()?;
    let is_of_proxy =
        matches!(status, StatusCode::PROXY_AUTHENTICATION_REQUIRED | StatusCode::NETWORK_AUTHENTICATION_REQUIRED);
    is_of_proxy.then(|| refused_status(&proxy.name(), status.as_u16(), &status.to_string()))
}
