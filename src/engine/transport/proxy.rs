//! Connects through a proxy. CONNECT and SOCKS 5 are implemented here so that the proxy's reply is
//! evidence, and its own failure is told from what it reports about the target.

use std::net::{IpAddr, SocketAddr};
use std::{fmt, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::{Host, Url};

use crate::engine::limits::QUOTED;
use crate::engine::transport::stream::Stream;

/// The longest head of an answer to CONNECT, in bytes.
const HEAD: usize = 16 * 1024;

/// The most answers to CONNECT that are read: interim responses (1xx) may precede the final one.
const INTERIM: usize = 10;

/// A proxy, as configured.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    pub(crate) scheme: ProxyScheme,
    pub(crate) host: Host<String>,
    pub(crate) port: u16,
    /// User and password, decoded.
    login: Option<(Vec<u8>, Vec<u8>)>,
}

/// The protocol of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyScheme {
    Http,
    Https,
    Socks5 {
        /// Whether it gets names, and resolves them itself.
        names: bool,
    },
}

/// The target as sent to a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProxyTarget {
    Address(SocketAddr),
    Name(String, u16),
}

impl fmt::Display for ProxyTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProxyTarget::Address(address) => write!(f, "{address}"),
            ProxyTarget::Name(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

/// Why a proxy did not connect to the target.
#[derive(Debug)]
pub(crate) enum ProxyError {
    /// The connection to it broke before it answered.
    Io(io::Error),
    /// It closed the connection without an answer.
    Closed,
    /// Its reply is neither HTTP nor SOCKS.
    Garbage,
    /// It answered CONNECT with this status code and status line.
    Status { code: u16, said: String },
    /// It answered with this SOCKS 5 reply code (RFC 1928 section 6).
    Socks(u8),
    /// It accepts none of the logins offered.
    SocksLogin,
}

impl ProxyError {
    /// Whether a SOCKS proxy reports it about one address of the target: another may be reachable.
    pub(crate) fn is_of_target(&self) -> bool {
        matches!(self, ProxyError::Socks(3..=6))
    }
}

impl Proxy {
    /// Whether the proxy forwards the request itself, instead of opening a tunnel to the target.
    pub(crate) fn forwards(&self, is_https: bool) -> bool {
        !is_https && !matches!(self.scheme, ProxyScheme::Socks5 { .. })
    }

    /// Parses a proxy's URL.
    ///
    /// # Errors
    /// What is wrong with it, without its password.
    pub(crate) fn parse(text: &str) -> Result<Proxy, String> {
        let url = Url::parse(text).map_err(|_| "the proxy's URL cannot be used")?;
        let (scheme, port) = match url.scheme() {
            "http" => (ProxyScheme::Http, 80),
            "https" => (ProxyScheme::Https, 443),
            "socks5" => (ProxyScheme::Socks5 { names: false }, 1080),
            "socks5h" => (ProxyScheme::Socks5 { names: true }, 1080),
            scheme => return Err(format!("`{scheme}` is not a proxy scheme")),
        };
        let host = match url.host().ok_or("the proxy's URL has no host")? {
            // `Url` parses addresses only for special schemes.
            Host::Domain(name) => match name.parse::<std::net::Ipv4Addr>() {
                Ok(address) => Host::Ipv4(address),
                Err(_) => Host::Domain(name.to_owned()),
            },
            address => address.to_owned(),
        };
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let has_login = !url.username().is_empty() || url.password().is_some();
        let login = has_login.then(|| (decoded(url.username()), decoded(url.password().unwrap_or_default())));
        Ok(Proxy { scheme, host, port: url.port().unwrap_or(port), login })
    }

    /// `host:port`, for messages.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The value of a proxy-authorization header, if the URL has a login.
    pub(crate) fn authorization(&self) -> Option<String> {
        let (user, password) = self.login.as_ref()?;
        Some(format!("Basic {}", STANDARD.encode([user, &b":"[..], password].concat())))
    }

    /// Agrees with the proxy on the protocol, as far as that is done before it is told the target.
    ///
    /// # Errors
    /// Why it does not serve.
    pub(crate) async fn greet(&self, stream: &mut Stream) -> Result<(), ProxyError> {
        match self.scheme {
            ProxyScheme::Http | ProxyScheme::Https => Ok(()),
            ProxyScheme::Socks5 { .. } => self.log_in(stream).await,
        }
    }

    /// Makes the proxy connect to the target. If the target sends nothing before the client does
    /// (`is_asked_first`), bytes after the proxy's answer are the proxy's own.
    ///
    /// # Errors
    /// Why the proxy did not connect.
    pub(crate) async fn open(
        &self,
        mut stream: Stream,
        target: &ProxyTarget,
        is_asked_first: bool,
    ) -> Result<Stream, ProxyError> {
        let ahead = match self.scheme {
            ProxyScheme::Http | ProxyScheme::Https => self.connect(&mut stream, target).await?,
            ProxyScheme::Socks5 { .. } => {
                ask_socks5(&mut stream, target).await?;
                Bytes::new()
            }
        };
        match ahead.is_empty() {
            true => Ok(stream),
            false if is_asked_first => Err(ProxyError::Garbage),
            false => Ok(Stream::Ahead(Box::new((ahead, stream)))),
        }
    }

    /// Sends CONNECT; returns the bytes read after the answer.
    async fn connect(&self, stream: &mut Stream, target: &ProxyTarget) -> Result<Bytes, ProxyError> {
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some(authorization) = self.authorization() {
            request.push_str(&format!("Proxy-Authorization: {authorization}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.map_err(ProxyError::Io)?;
        stream.flush().await.map_err(ProxyError::Io)?;
        let mut unread = BytesMut::new();
        for _ in 0..INTERIM {
            let (head, is_whole) = read_head(stream, &mut unread).await?;
            let (code, said) = status_line(&head).ok_or(ProxyError::Garbage)?;
            match code {
                100 | 102..200 => {}
                200..300 if is_whole => return Ok(unread.freeze()),
                200..300 => return Err(ProxyError::Closed),
                _ => return Err(ProxyError::Status { code, said }),
            }
        }
        Err(ProxyError::Garbage)
    }

    /// Offers SOCKS 5 the ways to log in, and logs in (RFC 1928 section 3, RFC 1929).
    async fn log_in(&self, stream: &mut Stream) -> Result<(), ProxyError> {
        const NO_LOGIN: u8 = 0;
        const PASSWORD: u8 = 2;
        let hello: &[u8] = if self.login.is_some() { &[5, 2, NO_LOGIN, PASSWORD] } else { &[5, 1, NO_LOGIN] };
        let [version, method] = ask(stream, hello).await?;
        match (version, method, &self.login) {
            (5, NO_LOGIN, _) => Ok(()),
            (5, PASSWORD, Some((user, password))) => {
                let mut login = vec![1];
                for part in [user, password] {
                    login.push(u8::try_from(part.len()).map_err(|_| ProxyError::SocksLogin)?);
                    login.extend_from_slice(part);
                }
                let [_, status] = ask(stream, &login).await?;
                if status == 0 { Ok(()) } else { Err(ProxyError::SocksLogin) }
            }
            (5, _, _) => Err(ProxyError::SocksLogin),
            _ => Err(ProxyError::Garbage),
        }
    }
}

/// Makes a SOCKS 5 proxy connect to the target (RFC 1928 section 4).
async fn ask_socks5(stream: &mut Stream, target: &ProxyTarget) -> Result<(), ProxyError> {
    match ask(stream, &socks_request(target)?).await? {
        [5, 0] => {}
        // Some proxies send no more than that.
        [5, reply] => return Err(ProxyError::Socks(reply)),
        _ => return Err(ProxyError::Garbage),
    }
    let [_, kind] = read(stream).await?;
    match kind {
        1 => skip(stream, 4 + 2).await,
        4 => skip(stream, 16 + 2).await,
        3 => {
            let [length] = read(stream).await?;
            skip(stream, usize::from(length) + 2).await
        }
        _ => Err(ProxyError::Garbage),
    }
}

fn socks_request(target: &ProxyTarget) -> Result<Vec<u8>, ProxyError> {
    const CONNECT: u8 = 1;
    let mut request = vec![5, CONNECT, 0];
    let port = match target {
        ProxyTarget::Address(address) => {
            match address.ip() {
                IpAddr::V4(v4) => {
                    request.push(1);
                    request.extend(v4.octets());
                }
                IpAddr::V6(v6) => {
                    request.push(4);
                    request.extend(v6.octets());
                }
            }
            address.port()
        }
        ProxyTarget::Name(host, port) => {
            // A name of more than 255 bytes is not a DNS name either.
            let length = u8::try_from(host.len()).map_err(|_| ProxyError::Socks(8))?;
            request.extend([3, length]);
            request.extend(host.as_bytes());
            *port
        }
    };
    request.extend(port.to_be_bytes());
    Ok(request)
}

async fn ask<const N: usize>(stream: &mut Stream, bytes: &[u8]) -> Result<[u8; N], ProxyError> {
    stream.write_all(bytes).await.map_err(ProxyError::Io)?;
    stream.flush().await.map_err(ProxyError::Io)?;
    read(stream).await
}

async fn read<const N: usize>(stream: &mut Stream) -> Result<[u8; N], ProxyError> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await.map_err(ended)?;
    Ok(bytes)
}

async fn skip(stream: &mut Stream, bytes: usize) -> Result<(), ProxyError> {
    stream.read_exact(&mut vec![0; bytes]).await.map_err(ended)?;
    Ok(())
}

fn ended(error: io::Error) -> ProxyError {
    if error.kind() == io::ErrorKind::UnexpectedEof { ProxyError::Closed } else { ProxyError::Io(error) }
}

/// The head of an answer to CONNECT, and whether it is whole. Bytes after it stay in `unread`.
async fn read_head(stream: &mut Stream, unread: &mut BytesMut) -> Result<(Bytes, bool), ProxyError> {
    loop {
        if let Some(end) = find_end(unread) {
            return Ok((unread.split_to(end).freeze(), true));
        }
        if unread.len() >= HEAD || !b"HTTP/".starts_with(&unread[..unread.len().min(5)]) {
            return Err(ProxyError::Garbage);
        }
        unread.reserve(1024);
        if stream.read_buf(unread).await.map_err(ProxyError::Io)? == 0 {
            // A proxy that refuses may close without the blank line: what it sent says why.
            return if unread.is_empty() { Err(ProxyError::Closed) } else { Ok((unread.split().freeze(), false)) };
        }
    }
}

fn find_end(head: &[u8]) -> Option<usize> {
    let end_of = |end: &[u8]| head.windows(end.len()).position(|part| part == end).map(|at| at + end.len());
    end_of(b"\r\n\r\n").into_iter().chain(end_of(b"\n\n")).min()
}

/// The status code of a head, and its first line without the version.
fn status_line(head: &[u8]) -> Option<(u16, String)> {
    let line = head.split(|byte| *byte == b'\n').next()?.trim_ascii_end();
    let said = line.strip_prefix(b"HTTP/1.")?.get(2..)?.trim_ascii();
    let code = std::str::from_utf8(said.get(..3)?).ok()?.parse().ok().filter(|code| *code >= 100)?;
    Some((code, String::from_utf8_lossy(&said[..said.len().min(QUOTED)]).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_s_url_is_read_and_its_login_decoded() {
        let proxy = Proxy::parse("http://us%40er:p%3Aw@proxy.test").expect("a proxy");
        assert_eq!((proxy.name().as_str(), proxy.port), ("proxy.test:80", 80));
        assert_eq!(proxy.authorization(), Some(format!("Basic {}", STANDARD.encode("us@er:p:w"))));
        let socks = Proxy::parse("socks5h://127.0.0.1").expect("a proxy");
        assert_eq!((socks.scheme, socks.port), (ProxyScheme::Socks5 { names: true }, 1080));
        assert_eq!(socks.host, Host::<String>::Ipv4([127, 0, 0, 1].into()));
        assert!(Proxy::parse("ftp://proxy.test").is_err());
    }

    #[test]
    fn what_a_proxy_answers_is_quoted_as_it_said_it() {
        let said = status_line(b"HTTP/1.1 407 Proxy Authentication Required\r\nvia: x\r\n\r\n");
        assert_eq!(said, Some((407, "407 Proxy Authentication Required".to_owned())));
        assert_eq!(status_line(b"HTTP/1.0 200\n\n"), Some((200, "200".to_owned())));
        let long = format!("403 {}", "x".repeat(300));
        let said = status_line(format!("HTTP/1.1 {long}\r\n\r\n").as_bytes());
        assert_eq!(said, Some((403, long)), "a message is cut where secrets are taken out of it, and not before");
        for garbage in [&b"SSH-2.0-x\r\n"[..], b"HTTP/1.1 xx OK\r\n", b"", b"HTTP/1.1 2"] {
            assert_eq!(status_line(garbage), None);
        }
    }

    #[test]
    fn a_target_is_told_by_address_or_by_name() {
        let address = socks_request(&ProxyTarget::Address(([127, 0, 0, 1], 443).into())).expect("a request");
        assert_eq!(address, [5, 1, 0, 1, 127, 0, 0, 1, 1, 187]);
        let name = socks_request(&ProxyTarget::Name("a.test".into(), 80)).expect("a request");
        assert_eq!(name, [&[5, 1, 0, 3, 6][..], b"a.test", &[0, 80]].concat());
        assert!(socks_request(&ProxyTarget::Name("x".repeat(256), 80)).is_err());
    }
}
