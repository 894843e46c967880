//! What of this host decides how checks are made, in words for a bug report.

use crate::engine::resolve::Names;
use crate::engine::tls;

/// What of this host decides how checks are made.
#[derive(Clone, Debug)]
pub(crate) struct HostFacts {
    /// The library that speaks TLS, and the versions it speaks.
    pub tls: &'static str,
    /// How many root certificates are trusted, and whose they are.
    pub roots: String,
    /// Name servers, search list and options.
    pub resolver: String,
}

impl HostFacts {
    /// Reads what an engine would read.
    #[must_use]
    pub(crate) fn read() -> HostFacts {
        HostFacts {
            tls: "rustls with ring; TLS 1.2 and 1.3",
            roots: tls::describe_host_roots(),
            resolver: Names::default().describe(),
        }
    }
}
