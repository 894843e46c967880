//! A tunnel: one HTTP/2 stream that carries another protocol, once the server has agreed (RFC 8441).

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{RecvStream, SendStream};

use crate::engine::http::http2_driver::{Driver, send_all};

/// Both directions of the stream, and the connection below.
pub(crate) struct Tunnel {
    driver: Driver,
    /// Kept because h2 ends the connection once the last sender is dropped.
    _sender: SendRequest<Bytes>,
    incoming: RecvStream,
    outgoing: SendStream<Bytes>,
}

impl Tunnel {
    pub(crate) const fn new(
        driver: Driver,
        sender: SendRequest<Bytes>,
        incoming: RecvStream,
        outgoing: SendStream<Bytes>,
    ) -> Tunnel {
        Tunnel { driver, _sender: sender, incoming, outgoing }
    }

    /// Whether the server has ended the stream with its answer.
    pub(crate) fn is_over(&self) -> bool {
        self.incoming.is_end_stream()
    }

    /// The next bytes; none once the server has ended the stream.
    ///
    /// # Errors
    /// h2's error.
    pub(crate) async fn read(&mut self) -> Result<Option<Bytes>, h2::Error> {
        self.driver.read(&mut self.incoming).await
    }

    /// Sends bytes. If the server accepts no more of them, the next read tells why.
    pub(crate) async fn write(&mut self, bytes: Bytes) {
        self.driver.beside(send_all(&mut self.outgoing, bytes, false)).await;
        self.driver.poll_once();
    }

    /// Ends the sending half of the stream, without waiting.
    pub(crate) fn finish(&mut self) {
        // A stream that the server has reset is over anyway.
        let _ = self.outgoing.send_data(Bytes::new(), true);
        self.driver.poll_once();
    }
}
