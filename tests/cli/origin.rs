//! Servers and probe files of these tests.

use std::fmt::Write as _;

use crate::support::server::{Server, ok, refusing_port};

/// A server that answers 200 at once.
pub(crate) fn healthy() -> Server {
    Server::answers(ok("fine"))
}

/// A server that takes the request and never answers.
pub(crate) fn hanging() -> Server {
    Server::start(|conn| {
        conn.request();
        conn.stall();
    })
}

/// A URL whose port refuses connections.
pub(crate) fn refusing() -> String {
    format!("http://127.0.0.1:{}/", refusing_port())
}

/// One probe with a name, a URL and further keys, one per line.
pub(crate) fn probe(name: &str, url: &str, keys: &[&str]) -> String {
    let mut text = format!("[[probe]]\nname = \"{name}\"\nurl = \"{url}\"\n");
    for key in keys {
        let _ = writeln!(text, "{key}");
    }
    text
}
