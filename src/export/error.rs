//! Why an exporter cannot start. Once it runs, what goes wrong is counted and not raised.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::model::SafeText;

/// Why an exporter cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is no thread to be had.
    #[error("cannot start a thread for the exporters")]
    Runtime(#[source] io::Error),
    /// Nobody can listen there.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The address of a backend cannot be used.
    #[error("cannot export to `{url}`: {why}")]
    Url {
        /// The address, without its secrets.
        url: SafeText,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A variable cannot be used. Its value may be a secret and is not shown.
    #[error("cannot use {variable}: {why}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file of certificates cannot be read.
    #[error("cannot read the certificates in {}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A client cannot be made of what was given.
    #[error("cannot prepare the connection to `{url}`: {why}")]
    Client {
        /// The address, without its secrets.
        url: SafeText,
        /// Why not.
        why: SafeText,
    },
}
