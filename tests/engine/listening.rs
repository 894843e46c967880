//! Waits for external servers to listen.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::PATIENCE;

/// Waits until a server accepts connections. Fails with the content of its log if it exits or takes
/// too long.
#[track_caller]
pub(crate) fn wait_until_it_listens(child: &mut Child, address: SocketAddr, log: &Path) {
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        let ended = child.try_wait().unwrap();
        let said = fs::read_to_string(log).unwrap_or_default();
        assert!(ended.is_none() && start.elapsed() < PATIENCE, "it does not start ({ended:?}): {said}");
        thread::sleep(Duration::from_millis(20));
    }
}
