//! A UDP socket for quinn, connected to one server: the kernel drops what others send, and socket errors
//! are noted, because QUIC itself does not report them.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use crate::model::{MessageText, message};

/// A socket that sends to one server and receives from it alone.
#[derive(Debug)]
pub(crate) struct ServerSocket {
    io: UdpSocket,
    server: SocketAddr,
    /// How many datagrams arrived.
    received: AtomicU64,
    refused: AtomicBool,
    /// The last error other than a refusal.
    error: Mutex<Option<io::Error>>,
}

impl ServerSocket {
    /// Wraps a socket that is connected to this server.
    pub(crate) fn new(io: UdpSocket, server: SocketAddr) -> ServerSocket {
        let (received, refused, error) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(None));
        ServerSocket { io, server, received, refused, error }
    }

    fn note(&self, error: io::Error) {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            self.refused.store(true, Ordering::Relaxed);
        } else {
            *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }

    /// Takes the last error of the socket other than a refusal, if there was one.
    pub(crate) fn take_error(&self) -> Option<io::Error> {
        // An error does not wake a reader: one may still be pending in the socket.
        if let Ok(Some(error)) = self.io.take_error() {
            self.note(error);
        }
        self.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What arrived instead of an answer, for a message.
    pub(crate) fn instead_of_an_answer(&self) -> MessageText {
        match self.received.load(Ordering::Relaxed) {
            0 if self.refused.load(Ordering::Relaxed) => "its host says that nothing listens on the UDP port".into(),
            0 => "no datagram came back: nothing listens there, or UDP does not get through".into(),
            1 => "one datagram came back, which is no handshake in QUIC".into(),
            count => message!("{count} datagrams came back, none of which is a handshake in QUIC"),
        }
    }
}

impl AsyncUdpSocket for ServerSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable(self))
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        // The first try may return the error of an earlier datagram.
        for _ in 0..2 {
            match self.io.try_send(transmit.contents) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(error) => self.note(error),
            }
        }
        // Equivalent to a lost packet: QUIC sends it again.
        Ok(())
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(meta)) = (buffers.first_mut(), metas.first_mut()) else { return Poll::Ready(Ok(0)) };
        loop {
            let mut read = ReadBuf::new(buffer);
            match ready!(self.io.poll_recv(context, &mut read)) {
                Ok(()) => {
                    let length = read.filled().len();
                    self.received.fetch_add(1, Ordering::Relaxed);
                    *meta = RecvMeta { addr: self.server, len: length, stride: length, ..RecvMeta::default() };
                    return Poll::Ready(Ok(1));
                }
                Err(error) => self.note(error),
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }
}

/// Reports when a socket can send again.
#[derive(Debug)]
struct Writable(Arc<ServerSocket>);

impl UdpPoller for Writable {
    fn poll_writable(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.io.poll_send_ready(context)
    }
}
