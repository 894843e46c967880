//! Why the demo's origin could not be started.

use std::io;

/// Why an origin could not be started.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// A socket or a file could not be created.
    #[error("cannot start the demo's origin: {0}")]
    Io(#[from] io::Error),
    /// A certificate could not be created.
    #[error("cannot make the demo's certificates: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS could not be configured.
    #[error("cannot set up the demo's TLS: {0}")]
    Tls(#[from] rustls::Error),
}
