//! A small HTTP/1.1 server: one request a connection, and a bound on everything a client could
//! make large or long.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinHandle};

use crate::export::error::ExportError;
use crate::metric::text;

use super::hosts::AllowedHosts;
use super::metrics::{Format, Metrics};
use super::protobuf;

/// Connections at once, at most. One more closes the oldest, which has had its time: an answer takes
/// milliseconds, and who is slow holds nobody up.
const CONNECTIONS: usize = 32;
/// The largest request head, in bytes.
const HEAD_LIMIT: usize = 16 * 1024;
/// The longest a request head may take.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// The longest a connection may last.
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

    /// Stops accepting. Answers under way are broken off with the runtime.
    pub(super) async fn stop(self) {
        self.stop.notify_one();
        let _ = self.task.await;
    }
}

/// What is served, and under which names.
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
                // Most often there are no file descriptors left; checks come first.
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
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn answer(request: Request<Incoming>, served: Arc<Served>) -> Result<Response<Full<Bytes>>, Infallible> {
    if !served.hosts.allow(request.uri(), request.headers()) {
        let why = "this host name is not served; --listen-host names those that are\n";
        return Ok(plain(StatusCode::MISDIRECTED_REQUEST, why));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(plain(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n"));
    }
    match request.uri().path() {
        "/metrics" => {}
        "/" => return Ok(plain(StatusCode::OK, "uptick: metrics for Prometheus are at /metrics\n")),
        _ => return Ok(plain(StatusCode::NOT_FOUND, "nothing here; metrics are at /metrics\n")),
    }
    let format = wanted(request.headers());
    let Ok(bytes) = tokio::task::spawn_blocking(move || served.metrics.answer(format)).await else {
        return Ok(plain(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written\n"));
    };
    let kind = match format {
        Format::Text => text::CONTENT_TYPE,
        Format::Protobuf => protobuf::CONTENT_TYPE,
    };
    Ok(with_type(StatusCode::OK, kind, bytes))
}

/// Protobuf, where the client names it and does not like text better.
fn wanted(headers: &HeaderMap) -> Format {
    let (mut protobuf, mut text) = (0.0, 0.0);
    for value in headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()) {
        for choice in value.split(',') {
            let mut parts = choice.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let parameter = |name: &str| parts.clone().find_map(|part| part.strip_prefix(name));
            let quality = parameter("q=").and_then(|quality| quality.parse::<f64>().ok()).unwrap_or(1.0);
            let is_delimited = parameter("encoding=").is_none_or(|encoding| encoding == "delimited");
            match kind.as_str() {
                "application/vnd.google.protobuf" if is_delimited => protobuf = quality.max(protobuf),
                "text/plain" | "text/*" | "*/*" => text = quality.max(text),
                _ => {}
            }
        }
    }
    if protobuf > 0.0 && protobuf >= text { Format::Protobuf } else { Format::Text }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    with_type(status, "text/plain; charset=utf-8", text.into())
}

fn with_type(status: StatusCode, kind: &'static str, bytes: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(bytes)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, value.parse().expect("a value"))])
    }

    #[test]
    fn protobuf_is_served_to_who_prefers_it() {
        let prometheus = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,\
                          application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(wanted(&accepting(prometheus)), Format::Protobuf);
        assert_eq!(wanted(&accepting("application/openmetrics-text,text/plain;q=0.5,*/*;q=0.1")), Format::Text);
        assert_eq!(wanted(&accepting("application/vnd.google.protobuf;encoding=text")), Format::Text);
        assert_eq!(wanted(&accepting("application/vnd.google.protobuf;q=0.1, text/plain")), Format::Text);
        assert_eq!(wanted(&HeaderMap::new()), Format::Text);
    }
}
