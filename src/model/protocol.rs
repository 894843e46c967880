//! The protocol that a check speaks, decided by the scheme of the URL alone. All checks share one sequence of phases;
//! some of them end earlier.

/// The protocol of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// An HTTP request and its answer: `http://` and `https://`.
    Http,
    /// A TLS handshake and the certificates in it: `tls://`.
    Tls,
    /// A TCP connection and, if the probe expects any, the text received over it: `tcp://`.
    Tcp,
    /// The upgrade to a WebSocket, and the first message over it: `ws://` and `wss://`.
    WebSocket,
    /// A gRPC health check: `grpc://` and `grpcs://`.
    Grpc,
    /// A DNS query and its answer: `dns://`.
    Dns,
}

impl Protocol {
    /// Every protocol, the most usual first.
    pub const ALL: [Protocol; 6] =
        [Protocol::Http, Protocol::WebSocket, Protocol::Grpc, Protocol::Tls, Protocol::Tcp, Protocol::Dns];

    /// The schemes of its URLs.
    #[must_use]
    pub(crate) const fn schemes(self) -> &'static [&'static str] {
        match self {
            Protocol::Http => &["http", "https"],
            Protocol::Tls => &["tls"],
            Protocol::Tcp => &["tcp"],
            Protocol::WebSocket => &["ws", "wss"],
            Protocol::Grpc => &["grpc", "grpcs"],
            Protocol::Dns => &["dns"],
        }
    }

    /// The protocol of a scheme in lower case.
    #[must_use]
    pub(crate) fn of_scheme(scheme: &str) -> Option<Protocol> {
        Protocol::ALL.into_iter().find(|protocol| protocol.schemes().contains(&scheme))
    }

    /// The protocol of a URL; HTTP if its scheme is unknown until a value is captured.
    #[must_use]
    pub(crate) fn of_url(url: &str) -> Protocol {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        scheme.and_then(|scheme| Protocol::of_scheme(&scheme)).unwrap_or(Protocol::Http)
    }
}

/// Whether TLS is spoken from the first byte on a connection of this scheme.
#[must_use]
pub(crate) fn is_tls_scheme(scheme: &str) -> bool {
    matches!(scheme, "https" | "wss" | "grpcs" | "tls")
}

/// The plain-text protocol in which a server is asked to start TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Starttls {
    /// RFC 3207.
    Smtp,
    /// RFC 9051 section 6.2.1.
    Imap,
    /// The `SSLRequest` of `PostgreSQL`.
    Postgres,
}

impl Starttls {
    /// Every protocol.
    pub const ALL: [Starttls; 3] = [Starttls::Smtp, Starttls::Imap, Starttls::Postgres];

    /// The word in the probe file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Starttls::Smtp => "smtp",
            Starttls::Imap => "imap",
            Starttls::Postgres => "postgres",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_decides_whatever_its_case() {
        assert_eq!(Protocol::of_url("TCP://x.test:1"), Protocol::Tcp);
        assert_eq!(Protocol::of_url("tls://x.test:1"), Protocol::Tls);
        assert_eq!(Protocol::of_url("https://x.test/?to=tcp://y"), Protocol::Http);
        assert_eq!(Protocol::of_url("{{captured}}"), Protocol::Http);
    }
}
