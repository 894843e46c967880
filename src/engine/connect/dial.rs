//! Addresses → a TCP connection (RFC 8305): the addresses are tried in order, each a little after the
//! one before, or at once if that one failed, and the first connection wins. Only connections race: no
//! request is sent before one has won.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};

use crate::engine::connect::trace::ConnectionTrace;
use crate::engine::host::os_error::{UnusableSource, connect_class};
use crate::engine::host::own_route;
use crate::engine::transport::stream::Stream;
use crate::model::FailureClass;

/// How long one address is tried before the next is tried as well (RFC 8305 section 5).
pub(crate) const HEAD_START: Duration = Duration::from_millis(250);

/// The most addresses that are tried at a time: each holds a file descriptor, and so do other checks.
const AT_ONCE: usize = 3;

/// How long an address is tried that others wait behind: those that are tried beside it have had their head start.
const PATIENCE: Duration = Duration::from_millis(750);

/// How long to wait before a Unix socket whose queue is full is tried again.
#[cfg(unix)]
const FULL_QUEUE_WAIT: Duration = Duration::from_millis(5);

/// Where on this host a connection starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) address: Option<IpAddr>,
    pub(crate) interface: Option<String>,
}

/// No address can be connected to.
#[derive(Debug)]
pub(crate) struct ConnectError {
    /// The address whose error is the most telling.
    pub(crate) address: SocketAddr,
    pub(crate) error: io::Error,
    pub(crate) tried: usize,
}

/// A connected UDP socket: the kernel drops datagrams from any other server.
pub(crate) fn open_udp(server: SocketAddr, source: &Source) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(server), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    source.bind(server, &SockRef::from(&socket))?;
    socket.connect(&server.into())?;
    UdpSocket::from_std(socket.into())
}

/// Connects to the first of these addresses that answers. `trace.remote` is the first address that is silent
/// so far, and in the end the one that answered.
///
/// # Errors
/// The most telling error of all addresses.
pub(crate) async fn dial(
    addresses: &[SocketAddr],
    source: &Source,
    trace: &mut ConnectionTrace,
) -> Result<TcpStream, ConnectError> {
    if let [address] = addresses {
        trace.remote = Some(*address);
        return connect(*address, source).await.map_err(|error| ConnectError { address: *address, error, tried: 1 });
    }
    race(addresses, |address| connect(address, source), trace).await
}

/// Connects to several addresses, at most [`AT_ONCE`] at a time, until one answers.
async fn race<T, F: Future<Output = io::Result<T>>>(
    addresses: &[SocketAddr],
    connect: impl Fn(SocketAddr) -> F,
    trace: &mut ConnectionTrace,
) -> Result<T, ConnectError> {
    let mut waiting = addresses.iter().copied().enumerate();
    let mut dialed = Vec::with_capacity(addresses.len());
    let mut connecting = FuturesUnordered::new();
    let mut failed: Vec<(SocketAddr, io::Error)> = Vec::new();
    loop {
        if let Some((place, address)) = waiting.next() {
            dialed.push(address);
            // One that is silent makes room for those behind it.
            let most = if place + AT_ONCE < addresses.len() { PATIENCE } else { Duration::MAX };
            let attempt = tokio::time::timeout(most, connect(address));
            connecting.push(async move { (address, attempt.await.unwrap_or(Err(io::ErrorKind::TimedOut.into()))) });
        }
        // One that gave way is as silent as before.
        let has_answered = |(_, error): &&(SocketAddr, io::Error)| error.kind() != io::ErrorKind::TimedOut;
        let hangs = |address: &&SocketAddr| !failed.iter().filter(has_answered).any(|(failed, _)| failed == *address);
        trace.remote = dialed.iter().find(hangs).or(dialed.last()).copied();
        let ended = tokio::select! {
            ended = connecting.next() => ended,
            () = tokio::time::sleep(HEAD_START), if waiting.len() > 0 && connecting.len() < AT_ONCE => continue,
        };
        match ended {
            Some((address, Ok(stream))) => {
                trace.remote = Some(address);
                return Ok(stream);
            }
            Some((address, Err(error))) => failed.push((address, error)),
            None => return Err(most_telling(failed, trace)),
        }
    }
}

/// Connects to a Unix socket. As long as its queue is full it is tried again: the kernel lets a blocking `connect` wait
/// there (unix(7)), and tells a non-blocking one at once.
#[cfg(unix)]
pub(crate) async fn dial_unix(path: &Path) -> io::Result<Stream> {
    loop {
        match tokio::net::UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(FULL_QUEUE_WAIT).await,
            connected => return connected.map(Stream::from),
        }
    }
}

#[cfg(not(unix))]
pub(crate) async fn dial_unix(_: &Path) -> io::Result<Stream> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Connects to one address.
pub(crate) async fn connect(address: SocketAddr, source: &Source) -> io::Result<TcpStream> {
    let stream = if *source == Source::default() {
        TcpStream::connect(address).await?
    } else {
        bound_to(source, address)?.connect(address).await?
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A TCP socket of this address's family that sends from `source`.
fn bound_to(source: &Source, address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    source.bind(address, &SockRef::from(&socket))?;
    Ok(socket)
}

impl Source {
    /// Binds a socket that is to connect to `to`.
    ///
    /// # Errors
    /// This host has no such address or interface, or must not send from it.
    pub(crate) fn bind(&self, to: SocketAddr, socket: &SockRef<'_>) -> io::Result<()> {
        if let Some(interface) = &self.interface {
            bind_interface(interface, socket).map_err(|error| match Errno::from_io_error(&error) {
                Some(Errno::NODEV) => io::Error::other(UnusableSource::NoInterface(interface.clone())),
                _ => error,
            })?;
        }
        let Some(address) = self.address else { return Ok(()) };
        if address.is_ipv4() != to.is_ipv4() {
            return Err(io::Error::other(UnusableSource::OtherFamily(address)));
        }
        match socket.bind(&SocketAddr::new(address, 0).into()) {
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                Err(io::Error::other(UnusableSource::Foreign(address)))
            }
            bound => bound,
        }
    }
}

#[cfg(target_os = "linux")]
fn bind_interface(interface: &str, socket: &SockRef<'_>) -> io::Result<()> {
    socket.bind_device(Some(interface.as_bytes()))
}

#[cfg(not(target_os = "linux"))]
fn bind_interface(_: &str, _: &SockRef<'_>) -> io::Result<()> {
    Err(io::Error::other(UnusableSource::Unsupported))
}

/// The error of these that says most about the target.
pub(crate) fn most_telling(failed: Vec<(SocketAddr, io::Error)>, trace: &mut ConnectionTrace) -> ConnectError {
    let tried = failed.len();
    let told = failed
        .into_iter()
        .enumerate()
        .max_by_key(|(place, (address, error))| (weight(*address, error), usize::MAX - place));
    let (address, error) = match told {
        Some((_, told)) => told,
        // A name without addresses is reported by its resolution.
        None => (SocketAddr::from(([0, 0, 0, 0], 0)), io::ErrorKind::AddrNotAvailable.into()),
    };
    trace.remote = Some(address);
    ConnectError { address, error, tried }
}

/// How telling a failure to connect is: first that this host lacks something, then that the target
/// refuses, then that it is silent, and last that there is no route, which is how a machine without
/// IPv6 sees every IPv6 address.
fn weight(address: SocketAddr, error: &io::Error) -> u8 {
    if own_route::may_be_missing(error) && own_route::missing(address).is_some() {
        return 0;
    }
    match connect_class(error) {
        FailureClass::ProberFdLimit | FailureClass::ProberResources => 5,
        FailureClass::ConnectRefused | FailureClass::ConnectionReset => 4,
        FailureClass::ConnectTimeout => 3,
        FailureClass::ProberPortsExhausted => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    async fn reached(addresses: &[SocketAddr]) -> (Result<SocketAddr, usize>, ConnectionTrace) {
        let mut trace = ConnectionTrace::new();
        let dialed = dial(addresses, &Source::default(), &mut trace).await;
        let reached = dialed.map(|stream| stream.peer_addr().expect("a peer")).map_err(|error| error.tried);
        (reached, trace)
    }

    #[tokio::test]
    async fn an_address_that_this_host_does_not_have_is_not_taken_for_ports_that_ran_out() {
        let to = SocketAddr::from(([127, 0, 0, 1], 9));
        for source in [IpAddr::from([192, 0, 2, 77]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])] {
            let source = Source { address: Some(source), interface: None };
            let failed = dial(&[to], &source, &mut ConnectionTrace::new()).await.expect_err("no such source");
            assert_eq!(connect_class(&failed.error), FailureClass::ProberNoRoute, "{}", failed.error);
            let address = source.address.map(|address| address.to_string()).unwrap_or_default();
            assert!(failed.error.to_string().contains(&address));
        }
    }

    #[tokio::test]
    async fn a_refused_address_gives_way_at_once_and_the_last_failure_names_how_many_were_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let good = listener.local_addr().expect("an address");
        let closed = TcpListener::bind("127.0.0.2:0").and_then(|gone| gone.local_addr()).expect("an address");
        let (address, trace) = reached(&[closed, good]).await;
        assert_eq!(address, Ok(good));
        assert_eq!(trace.remote, Some(good));
        let (address, trace) = reached(&[closed, closed]).await;
        assert_eq!((address, trace.remote), (Err(2), Some(closed)));
    }

    #[tokio::test(start_paused = true)]
    async fn silent_addresses_give_way_to_those_behind_them_and_few_are_tried_at_a_time() {
        use std::cell::Cell;

        struct Open<'c>(&'c Cell<usize>);
        impl Drop for Open<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() - 1);
            }
        }
        let addresses: Vec<SocketAddr> = (1..=32).map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect();
        for answering in [None, Some(1), Some(17), Some(32)] {
            let (open, most) = (Cell::new(0), Cell::new(0));
            let connect = |address: SocketAddr| {
                open.set(open.get() + 1);
                most.set(most.get().max(open.get()));
                let opened = Open(&open);
                async move {
                    let _opened = opened;
                    if Some(address.port()) != answering {
                        std::future::pending::<()>().await;
                    }
                    Ok(address)
                }
            };
            let mut trace = ConnectionTrace::new();
            let raced = tokio::time::timeout(Duration::from_secs(9), race(&addresses, connect, &mut trace)).await;
            let reached = raced.ok().map(|raced| raced.expect("an answer").port());
            assert_eq!((reached, most.get() <= AT_ONCE), (answering, true), "{} at a time", most.get());
            let told = answering.unwrap_or(1);
            assert_eq!(trace.remote.map(|remote| remote.port()), Some(told), "the first of those that are silent");
        }
    }
}
