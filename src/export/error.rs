//! Why an exporter cannot start. Once it runs, errors are counted and not returned.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::model::SafeText;

/// Why an exporter cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No thread could be started.
    #[error("cannot start a thread for the exporters")]
    Runtime(#[source] io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// The URL of a backend cannot be used.
    #[error("cannot export to `{url}`: {why}")]
    Url {
        /// The URL, without its secrets.
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
        /// The error of the system.
        source: io::Error,
    },
    /// A client cannot be built from the settings.
    #[error("cannot prepare the connection to `{url}`: {why}")]
    Client {
        /// The URL, without its secrets.
        url: SafeText,
        /// The error of the client.
        why: SafeText,
    },
}
