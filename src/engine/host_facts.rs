//! The facts of this host that decide how checks are made, in words for a bug report.

use crate::engine::resolve::HostResolver;
use crate::engine::tls;

#[derive(Clone, Debug)]
pub(crate) struct HostFacts {
    /// The TLS library and the versions it supports.
    pub tls: &'static str,
    /// How many root certificates are trusted, and where they come from.
    pub roots: String,
    /// Name servers, search list and options.
    pub resolver: String,
}

impl HostFacts {
    /// Reads the same facts as an engine does.
    #[must_use]
    pub(crate) fn read() -> HostFacts {
        HostFacts {
            tls: "rustls with ring; TLS 1.2 and 1.3",
            roots: tls::describe_host_roots(),
            resolver: HostResolver::default().describe(),
        }
    }
}
