//! One request to a backend or a receiver of alerts, and what its answer means. The only file of the exporters and
//! alerts that uses reqwest.

use std::io;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use url::Url;

use crate::model::{DeniedNetworks, NetworkRules, Redactor, SafeText, credentials};

use super::error::ExportError;

/// Maximum length of an answer that is read, in bytes.
const ANSWER_LIMIT: usize = 1 << 20;
/// The longest pause that a backend can impose with `Retry-After`.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Where to send, and how.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    client: reqwest::Client,
    url: Url,
    headers: HeaderMap,
    /// Knows the secrets of what is sent: an answer may quote it.
    redactor: Redactor,
    denied: DeniedNetworks,
}

/// What an answer means for the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Accepted. The body, as far as it was read.
    Accepted(Vec<u8>),
    /// Not accepted, but worth another attempt, at the earliest after this time.
    Retry(Option<Duration>, SafeText),
    /// Not accepted, and another attempt would fail too.
    Refused(SafeText),
}

impl Endpoint {
    /// A client for one URL, which connects as the rules allow. Credentials in the URL become a header.
    ///
    /// # Errors
    /// [`ExportError`], if the URL or the certificates cannot be used.
    pub(crate) fn new(
        mut url: Url,
        mut headers: HeaderMap,
        timeout: Duration,
        certificates: Option<&Path>,
        network: NetworkRules,
    ) -> Result<Endpoint, ExportError> {
        let shown = Redactor::default().url(&url);
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(ExportError::Url { url: shown, why: "the address must start with http:// or https://" });
        }
        let redactor = Redactor::new(credentials::of_url(&url).into_iter().chain(credentials::of_headers(&headers)));
        if denied_address(&url, network.denied).is_some() {
            return Err(ExportError::Url { url: shown, why: "network.deny of the configuration forbids this address" });
        }
        if let Some(value) = basic(&url) {
            headers.insert(header::AUTHORIZATION, value);
        }
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let roots = if url.scheme() == "https" { roots(certificates)? } else { RootCertStore::empty() };
        let builder = reqwest::Client::builder();
        let builder = if network.uses_proxy { builder } else { builder.no_proxy() };
        let client = builder
            .dns_resolver(Arc::new(AllowedNames { denied: network.denied }))
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(5)))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("uptick/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls(roots))
            .build()
            .map_err(|error| ExportError::Client { url: shown, why: reason(error, &redactor) })?;
        Ok(Endpoint { client, url, headers, redactor, denied: network.denied })
    }

    /// Sends a body once.
    pub(crate) async fn post(&self, body: Vec<u8>, worth_retrying: fn(StatusCode) -> bool) -> Answer {
        self.ask(self.client.post(self.url.clone()).body(body), &self.redactor, worth_retrying).await
    }

    /// Requests another URL of the same server.
    pub(crate) async fn get(&self, url: Url) -> Answer {
        let redactor = self.redactor.with(credentials::of_url(&url));
        if let Some(network) = denied_address(&url, self.denied) {
            return Answer::Refused(SafeText::message(&format!("network.deny forbids {network} addresses")));
        }
        self.ask(self.client.get(url), &redactor, |status| status.is_server_error()).await
    }

    /// A message that quotes an answer, which may quote what was sent.
    #[cfg(any(feature = "remote-write", feature = "otlp"))]
    pub(crate) fn message(&self, text: String) -> SafeText {
        self.redactor.message(text)
    }

    async fn ask(
        &self,
        request: reqwest::RequestBuilder,
        redactor: &Redactor,
        worth_retrying: fn(StatusCode) -> bool,
    ) -> Answer {
        let mut response = match request.headers(self.headers.clone()).send().await {
            Ok(response) => response,
            Err(error) => return Answer::Retry(None, reason(error, redactor)),
        };
        let status = response.status();
        let after = pause(response.headers());
        let is_gzip = response.headers().get(header::CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
        let mut body = Vec::new();
        let read = loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_LIMIT => body.extend_from_slice(&chunk),
                // The status is all that counts; the rest of a long answer is not needed.
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if is_gzip {
            body = unpacked(&body);
        }
        if status.is_success() {
            return match read {
                Ok(()) => Answer::Accepted(body),
                Err(error) => Answer::Retry(None, reason(error, redactor)),
            };
        }
        let why = match redactor.clean_bytes(&body, 200) {
            said if said.as_str().trim().is_empty() => SafeText::message(&status.to_string()),
            said => SafeText::message(&format!("{status}: {said}")),
        };
        if worth_retrying(status) { Answer::Retry(after, why) } else { Answer::Refused(why) }
    }
}

/// An answer that was compressed, though nothing asked for that, as far as it can be read.
fn unpacked(body: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    // What was read before an error is all there is to tell.
    let _ = flate2::read::MultiGzDecoder::new(body).take(ANSWER_LIMIT as u64).read_to_end(&mut unpacked);
    unpacked
}

/// The name of the denied network of the IP address in a URL; none for a name.
fn denied_address(url: &Url, denied: DeniedNetworks) -> Option<&'static str> {
    match url.host()? {
        url::Host::Domain(_) => None,
        url::Host::Ipv4(address) => denied.denies(address.into()),
        url::Host::Ipv6(address) => denied.denies(address.into()),
    }
}

/// Resolves names as the system does, to addresses that may be connected to.
struct AllowedNames {
    denied: DeniedNetworks,
}

impl Resolve for AllowedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let denied = self.denied;
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> =
                found.iter().copied().filter(|address| denied.denies(address.ip()).is_none()).collect();
            let network = found.iter().find_map(|address| denied.denies(address.ip()));
            match network.filter(|_| allowed.is_empty()) {
                Some(network) => {
                    Err(format!("network.deny forbids {network} addresses, and {name} has no other").into())
                }
                None => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(any(feature = "remote-write", feature = "otlp"))]
/// Parses headers of the form `name=value,name=value`, with values percent-encoded if needed, as in
/// `OTEL_EXPORTER_OTLP_HEADERS`. Their values are secret.
///
/// # Errors
/// [`ExportError::Variable`], if a name or value is invalid.
pub(crate) fn headers(text: &str, variable: &'static str) -> Result<HeaderMap, ExportError> {
    let mut headers = HeaderMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let wrong = |why| ExportError::Variable { variable, why };
        let (name, value) = pair.split_once('=').ok_or_else(|| wrong("a header is written name=value"))?;
        let name = name.trim().parse::<http::HeaderName>().map_err(|_| wrong("invalid header name"))?;
        let value: Vec<u8> = percent_encoding::percent_decode_str(value.trim()).collect();
        let mut value = HeaderValue::from_bytes(&value).map_err(|_| wrong("invalid header value"))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

/// User and password of a URL as a basic authentication header.
fn basic(url: &Url) -> Option<HeaderValue> {
    use base64::Engine as _;

    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let plain = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let mut pair = plain(url.username());
    pair.push(b':');
    pair.extend(plain(url.password().unwrap_or_default()));
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    let mut value = HeaderValue::from_str(&format!("Basic {encoded}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The pause until a `Retry-After`, which is in seconds or a date, capped at [`LONGEST_PAUSE`]. A date is compared with
/// that of the answer, so that it does not matter whether the server's clock is right.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let date = |text| Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp());
    let after = text(header::RETRY_AFTER)?;
    let pause = if let Ok(seconds) = after.parse() {
        Duration::from_secs(seconds)
    } else {
        let now = text(header::DATE).and_then(date).unwrap_or_else(Timestamp::now);
        Duration::try_from(date(after)?.duration_since(now)).unwrap_or_default()
    };
    Some(pause.min(LONGEST_PAUSE))
}

/// The error and its causes, without the URL and its secrets.
fn reason(error: reqwest::Error, redactor: &Redactor) -> SafeText {
    if error.is_timeout() {
        return SafeText::message("no answer in time");
    }
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    redactor.message(text)
}

/// The certificates of a file, otherwise those of the system, otherwise Mozilla's.
fn roots(certificates: Option<&Path>) -> Result<RootCertStore, ExportError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = certificates {
        let broken = |source| ExportError::Certificates { path: path.to_owned(), source };
        for certificate in CertificateDer::pem_file_iter(path).map_err(|e| broken(io::Error::other(e)))? {
            let certificate = certificate.map_err(|e| broken(io::Error::other(e)))?;
            roots.add(certificate).map_err(|e| broken(io::Error::other(e)))?;
        }
        if roots.is_empty() {
            return Err(broken(io::Error::new(io::ErrorKind::InvalidData, "the file has no certificate")));
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
    }
    Ok(roots)
}

fn tls(roots: RootCertStore) -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the ciphers of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_the_url_and_become_a_header() {
        let url = Url::parse("http://u%40x:p%3Aw@host.test/api/v1/write").expect("a URL");
        let endpoint = Endpoint::new(url, HeaderMap::new(), Duration::from_secs(1), None, NetworkRules::default())
            .expect("an endpoint");
        assert_eq!(endpoint.url.as_str(), "http://host.test/api/v1/write");
        assert_eq!(endpoint.headers[header::AUTHORIZATION], "Basic dUB4OnA6dw==");
        assert!(!format!("{endpoint:?}").contains("dUB4"));
    }

    #[test]
    fn a_pause_is_bounded() {
        let pause = |after: &str, date: &str| {
            let header = |name, value: &str| (name, value.parse().expect("a value"));
            pause(&HeaderMap::from_iter([header(header::RETRY_AFTER, after), header(header::DATE, date)]))
        };
        let date = "Wed, 21 Oct 2026 07:28:00 GMT";
        assert_eq!(pause(" 7 ", date), Some(Duration::from_secs(7)));
        assert_eq!(pause("86400", date), Some(LONGEST_PAUSE));
        assert_eq!(pause("Wed, 21 Oct 2026 07:28:09 GMT", date), Some(Duration::from_secs(9)));
        assert_eq!(pause("Thu, 22 Oct 2026 07:28:00 GMT", date), Some(LONGEST_PAUSE));
        assert_eq!(pause("Wed, 21 Oct 2026 07:27:59 GMT", date), Some(Duration::ZERO));
        assert_eq!(pause("Thu, 21 Oct 1999 07:28:00 GMT", "yesterday"), Some(Duration::ZERO));
        assert_eq!(pause("Thu, 31 Dec 9998 07:28:00 GMT", ""), Some(LONGEST_PAUSE));
        assert_eq!(pause("soon", date), None);
        assert_eq!(pause("-1", date), None);
    }

    #[test]
    fn only_http_is_spoken() {
        let url = Url::parse("ftp://host.test/").expect("a URL");
        assert!(Endpoint::new(url, HeaderMap::new(), Duration::from_secs(1), None, NetworkRules::default()).is_err());
    }

    /// A server that rejects one request and quotes it in its answer.
    async fn quoting(status: &'static str) -> std::net::SocketAddr {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.expect("a request");
            let length_said = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all(length_said.as_bytes()).await.expect("written");
            stream.write_all(&head[..length]).await.expect("written");
        });
        address
    }

    #[tokio::test]
    async fn a_backend_that_quotes_the_request_shows_no_credentials_of_it() {
        for status in ["400 Bad Request", "500 Internal Server Error"] {
            let address = quoting(status).await;
            let url = format!("http://someone:hunter22@{address}/w?token=t0k3n");
            let headers = headers("x-scope=tenant77,cookie=c00kie", "HEADERS").expect("headers");
            let url = Url::parse(&url).expect("a URL");
            let endpoint = Endpoint::new(url, headers, Duration::from_secs(9), None, NetworkRules::default())
                .expect("an endpoint");
            let why = match endpoint.post(Vec::new(), |status| status.is_server_error()).await {
                Answer::Refused(why) if status.starts_with('4') => why,
                Answer::Retry(_, why) if status.starts_with('5') => why,
                other => panic!("{other:?}"),
            };
            let why = why.as_str();
            assert!(why.contains(status) && why.contains("/w?token="), "{why}");
            for secret in ["someone", "hunter22", "c29tZW9uZTpodW50ZXIyMg", "t0k3n", "tenant77", "c00kie"] {
                assert!(!why.contains(secret), "{why}");
            }
        }
    }

    #[tokio::test]
    async fn a_denied_network_is_not_connected_to_by_address_nor_by_name() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let denied = DeniedNetworks { private: true, link_local: true, metadata: true };
        let network = NetworkRules { denied, uses_proxy: false };
        let endpoint = |host: &str| {
            let url = Url::parse(&format!("http://{host}:{port}/hook")).expect("a URL");
            Endpoint::new(url, HeaderMap::new(), Duration::from_secs(9), None, network)
        };
        for host in ["127.0.0.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "168.63.129.16"] {
            let error = endpoint(host).expect_err("a denied address").to_string();
            assert!(error.contains("network.deny"), "{host}: {error}");
        }
        let by_name = endpoint("localhost").expect("a name is resolved later");
        match by_name.post(Vec::new(), |_| false).await {
            Answer::Retry(_, why) => assert!(why.as_str().contains("network.deny forbids private"), "{why}"),
            other => panic!("{other:?}"),
        }
        let other = Url::parse(&format!("http://127.0.0.1:{port}/")).expect("a URL");
        assert!(matches!(by_name.get(other).await, Answer::Refused(_)));
        let nobody = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await;
        assert!(nobody.is_err(), "nobody connected");
    }
}
