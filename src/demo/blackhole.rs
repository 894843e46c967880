//! A blackhole is a listener that leaves connection requests unanswered, like a filter that drops
//! packets: its accept queue is made short and then filled. It can open again.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

/// The length of the accept queue while the listener is open.
const QUEUE: i32 = 1024;

/// The connections that fill the queue of a closed listener. Linux queues one more than configured;
/// the others make sure that it is full.
const FILLERS: usize = 3;

pub(super) struct BlackholeListener {
    listener: TcpListener,
    fillers: Vec<Socket>,
}

impl BlackholeListener {
    /// An open listener on a free port.
    pub(super) async fn open_at_a_free_port() -> io::Result<BlackholeListener> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(BlackholeListener { listener, fillers: Vec::new() })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> io::Result<TcpStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }

    /// From now on connection requests are not answered. A second call changes nothing.
    pub(super) fn close(&mut self) -> io::Result<()> {
        if !self.fillers.is_empty() {
            return Ok(());
        }
        SockRef::from(&self.listener).listen(0)?;
        let address = self.address()?.into();
        for _ in 0..FILLERS {
            let filler = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            filler.set_nonblocking(true)?;
            // The connection may stay in progress; a refusal would look like an open listener.
            let _ = filler.connect(&address);
            self.fillers.push(filler);
        }
        Ok(())
    }

    /// From now on connection requests are answered. A second call changes nothing.
    pub(super) fn open(&mut self) -> io::Result<()> {
        self.fillers.clear();
        SockRef::from(&self.listener).listen(QUEUE)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_closed_gate_does_not_answer_and_an_open_one_does() {
        let mut listener = BlackholeListener::open_at_a_free_port().await.unwrap();
        let address = listener.address().unwrap();
        for _ in 0..3 {
            listener.close().unwrap();
            let knock = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await;
            assert!(knock.is_err(), "a closed listener answered: {knock:?}");

            listener.open().unwrap();
            let mut peers = 0;
            let knock = TcpStream::connect(address);
            tokio::pin!(knock);
            loop {
                tokio::select! {
                    stream = &mut knock => { stream.unwrap(); break }
                    stream = listener.accept() => { stream.unwrap(); peers += 1 }
                }
            }
            assert!(peers <= 5, "{peers} peers were let in");
        }
    }
}
