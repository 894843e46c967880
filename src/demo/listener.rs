//! One endpoint as one vantage sees it: it accepts connections or leaves them unanswered, and
//! handles each as the current segment of its script defines.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use crate::demo::blackhole::BlackholeListener;
use crate::demo::response::Response;
use crate::demo::scenario::Behaviour;
use crate::demo::timeline::{Segment, draw};

/// The longest that a peer may hold a connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest request head that is read, in bytes.
const HEAD_LIMIT: usize = 16 * 1024;

/// What a listener does during the run.
pub(super) struct ListenerScript {
    /// Start of the run.
    pub(super) start: Instant,
    /// Its segments; it is healthy after the last one.
    pub(super) segments: Vec<Segment>,
    /// The seed of the random numbers that decide about each connection.
    pub(super) stream: u64,
    /// `None` for an endpoint without TLS.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// The path that it serves.
    pub(super) path: &'static str,
    /// Its response while it is healthy.
    pub(super) response: Response,
}

/// Plays a script until it is dropped.
pub(super) async fn play(mut listener: BlackholeListener, script: ListenerScript) {
    let script = Arc::new(script);
    let mut connections = JoinSet::new();
    let mut number = 0;
    for segment in &script.segments {
        let until = script.start + segment.until;
        // The kernel has already accepted the connections in the queue, so they are handled before
        // the listener closes.
        while let Some(stream) = waiting(&listener).await {
            admit(&mut connections, &script, stream, segment, &mut number);
        }
        let moved = if segment.open { listener.open() } else { listener.close() };
        if moved.is_err() {
            // If a listener cannot change, this segment is skipped.
            continue;
        }
        loop {
            tokio::select! {
                () = sleep_until(until) => break,
                stream = listener.accept(), if segment.open => {
                    if let Ok(stream) = stream {
                        admit(&mut connections, &script, stream, segment, &mut number);
                    }
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }
    let healthy = Segment { until: Duration::MAX, open: true, shares: Vec::new() };
    let _ = listener.open();
    loop {
        tokio::select! {
            stream = listener.accept() => {
                if let Ok(stream) = stream {
                    admit(&mut connections, &script, stream, &healthy, &mut number);
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The next connection that is already waiting; `None` if there is none.
async fn waiting(listener: &BlackholeListener) -> Option<TcpStream> {
    tokio::select! {
        biased;
        stream = listener.accept() => stream.ok(),
        () = std::future::ready(()) => None,
    }
}

fn admit(
    connections: &mut JoinSet<()>,
    script: &Arc<ListenerScript>,
    stream: TcpStream,
    segment: &Segment,
    number: &mut u64,
) {
    let behaviour = chosen(&segment.shares, draw(script.stream, *number));
    *number += 1;
    let script = Arc::clone(script);
    connections.spawn(async move {
        // The peer sees a failure here, which is the purpose.
        let _ = timeout(CONNECTION_TIMEOUT, receive(stream, &script, &behaviour)).await;
    });
}

/// The behaviour whose share a number in [0, 1) falls into.
fn chosen(shares: &[(f64, Behaviour)], mut number: f64) -> Behaviour {
    for (share, behaviour) in shares {
        if number < *share {
            return behaviour.clone();
        }
        number -= share;
    }
    Behaviour::Healthy
}

async fn receive(mut stream: TcpStream, script: &ListenerScript, behaviour: &Behaviour) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if *behaviour == Behaviour::TlsStall {
        return until_end(&mut stream).await;
    }
    match &script.tls {
        Some(config) => {
            let mut stream = TlsAcceptor::from(Arc::clone(config)).accept(stream).await?;
            if *behaviour == Behaviour::Reset {
                return reset(stream.into_inner().0);
            }
            answer(&mut stream, script, behaviour).await
        }
        None if *behaviour == Behaviour::Reset => reset(stream),
        None => answer(&mut stream, script, behaviour).await,
    }
}

/// Sends nothing until the peer closes the connection.
async fn until_end(stream: &mut TcpStream) -> io::Result<()> {
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}

fn reset(stream: TcpStream) -> io::Result<()> {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    drop(stream);
    Ok(())
}

async fn answer(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    script: &ListenerScript,
    behaviour: &Behaviour,
) -> io::Result<()> {
    let Some(path) = read_path(stream).await? else { return Ok(()) };
    if let Behaviour::Slow(delay) = behaviour {
        tokio::time::sleep(*delay).await;
    }
    let not_found = Response::html(404, "<!doctype html><title>Not found</title>");
    let response = match behaviour {
        _ if path != script.path => &not_found,
        Behaviour::Answers(response) => response,
        _ => &script.response,
    };
    let mut bytes = response.bytes();
    if *behaviour == Behaviour::Truncated {
        bytes.truncate(bytes.len() - response.body.len().div_ceil(2));
    }
    stream.write_all(&bytes).await?;
    stream.shutdown().await
}

/// The path of a request, once its head is complete; `None` if the peer left before or the head is
/// too long.
async fn read_path(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if head.len() > HEAD_LIMIT || stream.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    Ok(line.split(|&byte| byte == b' ').nth(1).map(|path| String::from_utf8_lossy(path).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_chosen_by_their_size_and_the_rest_is_well() {
        let shares = [(0.25, Behaviour::Reset), (0.5, Behaviour::Truncated)];
        assert_eq!(chosen(&shares, 0.0), Behaviour::Reset);
        assert_eq!(chosen(&shares, 0.25), Behaviour::Truncated);
        assert_eq!(chosen(&shares, 0.74), Behaviour::Truncated);
        assert_eq!(chosen(&shares, 0.75), Behaviour::Healthy);
    }
}
