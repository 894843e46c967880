//! The byte stream of one connection: a socket, TLS over it, or TLS within the TLS to a proxy.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_rustls::client::TlsStream;

/// A connection with the layers it has so far.
#[derive(Debug)]
pub(crate) enum Stream {
    /// A socket alone.
    Socket(Socket),
    /// TLS over the inner stream.
    Tls(Box<TlsStream<Stream>>),
    /// Bytes that were already read, and the stream they were read from.
    Ahead(Box<(Bytes, Stream)>),
}

impl Stream {
    /// How many bytes were received on the socket.
    pub(crate) fn received(&self) -> u64 {
        match self {
            Stream::Socket(socket) => socket.received,
            Stream::Tls(tls) => tls.get_ref().0.received(),
            Stream::Ahead(ahead) => ahead.1.received(),
        }
    }

    /// Sends TLS `close_notify` if there is TLS, without waiting: servers log a connection that ends without it.
    pub(crate) fn close(mut self) {
        if !matches!(self, Stream::Socket(_)) {
            let _ = Pin::new(&mut self).poll_shutdown(&mut Context::from_waker(Waker::noop()));
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(tcp: TcpStream) -> Stream {
        Stream::Socket(Socket::of(Carrier::Tcp(tcp)))
    }
}

#[cfg(unix)]
impl From<UnixStream> for Stream {
    fn from(unix: UnixStream) -> Stream {
        Stream::Socket(Socket::of(Carrier::Unix(unix)))
    }
}

/// The socket that carries the bytes: TCP or Unix.
#[derive(Debug)]
enum Carrier {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Calls a method of the inner socket.
macro_rules! carried {
    ($carrier:expr, $method:ident($($argument:expr),*)) => {
        match $carrier {
            Carrier::Tcp(tcp) => Pin::new(tcp).$method($($argument),*),
            #[cfg(unix)]
            Carrier::Unix(unix) => Pin::new(unix).$method($($argument),*),
        }
    };
}

/// A socket that reports a failed write only once nothing is left to read: a peer may answer and
/// close in the middle of an upload (413), and that answer counts.
#[derive(Debug)]
pub(crate) struct Socket {
    carrier: Carrier,
    /// Whether a write has failed: later writes are dropped.
    failed: bool,
    /// The error of that write, until a read returns it.
    unread: Option<io::Error>,
    /// How many bytes were received.
    received: u64,
}

impl Socket {
    fn of(carrier: Carrier) -> Socket {
        Socket { carrier, failed: false, unread: None, received: 0 }
    }

    /// Holds the error of a write for the reader.
    fn hold(&mut self, written: Poll<io::Result<usize>>, length: usize) -> Poll<io::Result<usize>> {
        match ready!(written) {
            Err(error) => {
                self.failed = true;
                self.unread = Some(error);
                Poll::Ready(Ok(length))
            }
            written => Poll::Ready(written),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(carried!(&mut this.carrier, poll_read(context, buffer)))?;
        this.received += (buffer.filled().len() - before) as u64;
        match this.unread.take_if(|_| buffer.filled().len() == before && buffer.remaining() > 0) {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.failed {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = carried!(&mut this.carrier, poll_write(context, bytes));
        this.hold(written, bytes.len())
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let length = parts.iter().map(|part| part.len()).sum();
        if this.failed {
            return Poll::Ready(Ok(length));
        }
        let written = carried!(&mut this.carrier, poll_write_vectored(context, parts));
        this.hold(written, length)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing is buffered here.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        carried!(&mut self.get_mut().carrier, poll_shutdown(context))
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Socket(socket) => Pin::new(socket).poll_read(context, buffer),
            Stream::Tls(tls) => Pin::new(tls).poll_read(context, buffer),
            Stream::Ahead(ahead) if ahead.0.is_empty() => Pin::new(&mut ahead.1).poll_read(context, buffer),
            Stream::Ahead(ahead) => {
                let count = ahead.0.len().min(buffer.remaining());
                buffer.put_slice(&ahead.0[..count]);
                ahead.0.advance(count);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Socket(socket) => Pin::new(socket).poll_write(context, bytes),
            Stream::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
            Stream::Ahead(ahead) => Pin::new(&mut ahead.1).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Socket(socket) => Pin::new(socket).poll_write_vectored(context, parts),
            Stream::Tls(tls) => Pin::new(tls).poll_write_vectored(context, parts),
            Stream::Ahead(ahead) => Pin::new(&mut ahead.1).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Socket(socket) => socket.is_write_vectored(),
            Stream::Tls(tls) => tls.is_write_vectored(),
            Stream::Ahead(ahead) => ahead.1.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Socket(socket) => Pin::new(socket).poll_flush(context),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(context),
            Stream::Ahead(ahead) => Pin::new(&mut ahead.1).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Socket(socket) => Pin::new(socket).poll_shutdown(context),
            Stream::Tls(tls) => Pin::new(tls).poll_shutdown(context),
            Stream::Ahead(ahead) => Pin::new(&mut ahead.1).poll_shutdown(context),
        }
    }
}
