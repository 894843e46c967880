//! A small HTTP/1.1 server: one request per connection, and limits on everything that a client could make large or
//! long.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinHandle};

use crate::export::error::ExportError;

use super::hosts::AllowedHosts;
use super::metrics::Metrics;
use super::negotiation;
use super::negotiation::Format;

/// Maximum number of connections. One more closes the oldest, which has had enough time: an answer takes milliseconds,
/// and a slow client blocks nobody.
const CONNECTIONS: usize = 32;
/// Maximum size of a request head, in bytes.
const HEAD_LIMIT: usize = 16 * 1024;
/// Maximum time for a request head.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// Maximum lifetime of a connection.
const CONNECTION_TIME: Duration = Duration::from_secs(30);

/// A running server.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(
        address: SocketAddr,
        hosts: AllowedHosts,
        metrics: Arc<Metrics>,
    ) -> Result<Server, ExportError> {
        let listening = |source| ExportError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let stop = Arc::new(Notify::new());
        let served = Arc::new(Served { hosts, metrics });
        let task = tokio::spawn(accept(listener, served, Arc::clone(&stop)));
        Ok(Server { address, stop, task })
    }

    /// Stops accepting. Answers in progress end with the runtime.
    pub(super) async fn stop(self) {
        self.stop.notify_one();
        let _ = self.task.await;
    }
}

/// The served metrics, and the host names they are served for.
struct Served {
    hosts: AllowedHosts,
    metrics: Arc<Metrics>,
}

async fn accept(listener: TcpListener, served: Arc<Served>, stop: Arc<Notify>) {
    let mut connections: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        tokio::select! {
            () = stop.notified() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.retain(|connection| !connection.is_finished());
                    if connections.len() >= CONNECTIONS && let Some(oldest) = connections.pop_front() {
                        oldest.abort();
                    }
                    let serving = tokio::time::timeout(CONNECTION_TIME, serve(stream, Arc::clone(&served)));
                    connections.push_back(tokio::spawn(serving).abort_handle());
                }
                // Mostly there are no file descriptors left; checks come first.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
        }
    }
}

async fn serve(stream: TcpStream, served: Arc<Served>) -> hyper::Result<()> {
    let service = service_fn(move |request| answer(request, Arc::clone(&served)));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_LIMIT)
        .keep_alive(false)
        // A client may close its half once it has asked, as `nc -N` does.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn answer(request: Request<Incoming>, served: Arc<Served>) -> Result<Response<Full<Bytes>>, Infallible> {
    if !served.hosts.allow(request.uri(), request.headers()) {
        let why = "this host name is not served; --listen-host names those that are\n";
        return Ok(plain(StatusCode::MISDIRECTED_REQUEST, why));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered\n");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Ok(response);
    }
    let only = match target(request.uri(), &served.metrics) {
        Ok(only) => only,
        Err((status, text)) => return Ok(plain(status, text)),
    };
    let (format, gzip) = (Format::wanted(request.headers()), negotiation::takes_gzip(request.headers()));
    let body = move || {
        let plain = served.metrics.answer(format, only.as_deref());
        if gzip { compressed(&plain) } else { plain }
    };
    let Ok(bytes) = tokio::task::spawn_blocking(body).await else {
        return Ok(plain(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written\n"));
    };
    let mut response = with_type(StatusCode::OK, format.content_type(), bytes);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
    if gzip {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

/// The one probe that a path names, none if it names all; otherwise the error response.
fn target(uri: &Uri, metrics: &Metrics) -> Result<Option<String>, (StatusCode, &'static str)> {
    match uri.path() {
        "/metrics" => Ok(None),
        "/probe" => {
            let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
            let target = query.into_iter().find(|(name, _)| name == "target").map(|(_, value)| value.into_owned());
            match target {
                Some(name) if metrics.has_probe(&name) => Ok(Some(name)),
                Some(_) => Err((StatusCode::NOT_FOUND, "target is not the name of a configured probe\n")),
                None => Err((StatusCode::BAD_REQUEST, "name a configured probe: /probe?target=NAME\n")),
            }
        }
        "/" => Err((
            StatusCode::OK,
            "uptick: metrics for Prometheus are at /metrics, those of one probe at /probe?target=NAME\n",
        )),
        _ => Err((StatusCode::NOT_FOUND, "nothing here; metrics are at /metrics\n")),
    }
}

fn compressed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 8), Compression::fast());
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("a vector takes every write")
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    with_type(status, "text/plain; charset=utf-8", text.into())
}

fn with_type(status: StatusCode, kind: &'static str, bytes: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(bytes)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
