//! One endpoint seen from one vantage: it accepts, or does not, and treats each connection as
//! its stretch of the timeline says.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use crate::demo::gate::Gate;
use crate::demo::page::Page;
use crate::demo::scenario::Behaviour;
use crate::demo::timeline::{Stretch, draw};

/// The longest a peer may hold a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest request head read, in bytes.
const HEAD_LIMIT: usize = 16 * 1024;

/// What a listener plays.
pub(super) struct Part {
    /// The beginning of the run.
    pub(super) start: Instant,
    /// Its stretches; after the last one it is well.
    pub(super) stretches: Vec<Stretch>,
    /// Its stream of chance.
    pub(super) stream: u64,
    /// Its TLS, where it has any.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// The path it answers at.
    pub(super) path: &'static str,
    /// What it answers while it is well.
    pub(super) page: Page,
}

/// Plays a part until it is dropped.
pub(super) async fn play(mut gate: Gate, part: Part) {
    let part = Arc::new(part);
    let mut connections = JoinSet::new();
    let mut number = 0;
    for stretch in &part.stretches {
        let until = part.start + stretch.until;
        // What waits in the queue was let in: it is not left there when the gate closes.
        while let Some(stream) = waiting(&gate).await {
            admit(&mut connections, &part, stream, stretch, &mut number);
        }
        let moved = if stretch.open { gate.open() } else { gate.close() };
        if moved.is_err() {
            // Without a gate the stretch is played open, which a probe sees as it is.
            continue;
        }
        loop {
            tokio::select! {
                () = sleep_until(until) => break,
                stream = gate.accept(), if stretch.open => {
                    if let Ok(stream) = stream {
                        admit(&mut connections, &part, stream, stretch, &mut number);
                    }
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }
    let well = Stretch { until: Duration::MAX, open: true, shares: Vec::new() };
    let _ = gate.open();
    loop {
        tokio::select! {
            stream = gate.accept() => {
                if let Ok(stream) = stream {
                    admit(&mut connections, &part, stream, &well, &mut number);
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A connection that waits already, and no other.
async fn waiting(gate: &Gate) -> Option<TcpStream> {
    tokio::select! {
        biased;
        stream = gate.accept() => stream.ok(),
        () = std::future::ready(()) => None,
    }
}

fn admit(connections: &mut JoinSet<()>, part: &Arc<Part>, stream: TcpStream, stretch: &Stretch, number: &mut u64) {
    let behaviour = chosen(&stretch.shares, draw(part.stream, *number));
    *number += 1;
    let part = Arc::clone(part);
    connections.spawn(async move {
        // Whatever goes wrong here, goes wrong for the peer, who is there to find out.
        let _ = timeout(PATIENCE, receive(stream, &part, &behaviour)).await;
    });
}

/// Which share a number in [0, 1) falls into.
fn chosen(shares: &[(f64, Behaviour)], mut number: f64) -> Behaviour {
    for (share, behaviour) in shares {
        if number < *share {
            return behaviour.clone();
        }
        number -= share;
    }
    Behaviour::Healthy
}

async fn receive(mut stream: TcpStream, part: &Part, behaviour: &Behaviour) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if *behaviour == Behaviour::TlsStall {
        return until_end(&mut stream).await;
    }
    match &part.tls {
        Some(config) => {
            let mut stream = TlsAcceptor::from(Arc::clone(config)).accept(stream).await?;
            if *behaviour == Behaviour::Reset {
                return reset(stream.into_inner().0);
            }
            answer(&mut stream, part, behaviour).await
        }
        None if *behaviour == Behaviour::Reset => reset(stream),
        None => answer(&mut stream, part, behaviour).await,
    }
}

/// Says nothing until the peer leaves.
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
    part: &Part,
    behaviour: &Behaviour,
) -> io::Result<()> {
    let Some(path) = read_path(stream).await? else { return Ok(()) };
    if let Behaviour::Slow(delay) = behaviour {
        tokio::time::sleep(*delay).await;
    }
    let not_found = Page::html(404, "<!doctype html><title>Not found</title>");
    let page = match behaviour {
        _ if path != part.path => &not_found,
        Behaviour::Answers(page) => page,
        _ => &part.page,
    };
    let mut bytes = page.bytes();
    if *behaviour == Behaviour::Truncated {
        bytes.truncate(bytes.len() - page.body.len().div_ceil(2));
    }
    stream.write_all(&bytes).await?;
    stream.shutdown().await
}

/// The path of a request, once its head is complete; none where the peer left before.
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
