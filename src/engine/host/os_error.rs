//! What the operating system's errors mean: whose fault they are, and what happened to a connection.

use std::io;
use std::net::IpAddr;

use rustix::io::Errno;

use crate::model::FailureClass;

/// Why an address of this host cannot be sent from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnusableSource {
    #[error("this host does not have the address {0}, which source-address names")]
    Foreign(IpAddr),
    #[error("source-address is {0}, from which an address of the other family cannot be reached")]
    OtherFamily(IpAddr),
    #[error("this host does not have the network interface {0}, which source-interface names")]
    NoInterface(String),
    #[cfg(not(target_os = "linux"))]
    #[error("source-interface is not known on this system")]
    Unsupported,
}

/// The class of an error that is the prober's own fault.
pub(crate) fn ours(error: &io::Error) -> Option<FailureClass> {
    if error.get_ref().and_then(|inner| inner.downcast_ref::<UnusableSource>()).is_some() {
        return Some(FailureClass::ProberNoRoute);
    }
    match Errno::from_io_error(error)? {
        Errno::MFILE | Errno::NFILE => Some(FailureClass::ProberFdLimit),
        // The first if the kernel chooses the source address, the second if the socket is bound to one.
        Errno::ADDRNOTAVAIL | Errno::ADDRINUSE => Some(FailureClass::ProberPortsExhausted),
        Errno::NOMEM | Errno::NOBUFS | Errno::PERM | Errno::ACCESS | Errno::AGAIN => {
            Some(FailureClass::ProberResources)
        }
        _ => None,
    }
}

/// The class of an error while connecting.
pub(crate) fn connect_class(error: &io::Error) -> FailureClass {
    if let Some(ours) = ours(error) {
        return ours;
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => FailureClass::ConnectRefused,
        io::ErrorKind::TimedOut => FailureClass::ConnectTimeout,
        _ if is_reset(error) => FailureClass::ConnectionReset,
        _ => FailureClass::ConnectUnreachable,
    }
}

/// Whether the peer reset the connection. h2 reports the orderly end of a connection as a broken pipe
/// without an errno: that is not a reset.
pub(crate) fn is_reset(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::CONNRESET | Errno::PIPE | Errno::CONNABORTED))
        || matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted)
}

/// Whether the route to the peer was lost.
pub(crate) fn is_unreachable(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NotConnected
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_provers_own_trouble_is_never_the_targets() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOMEM, Errno::PERM, Errno::ACCESS] {
            let error = io::Error::from(errno);
            assert!(connect_class(&error).is_ours(), "{errno}");
        }
        let source = io::Error::other(UnusableSource::Foreign([192, 0, 2, 1].into()));
        assert_eq!(connect_class(&source), FailureClass::ProberNoRoute);
        assert_eq!(ours(&io::Error::from(Errno::CONNREFUSED)), None);
    }

    #[test]
    fn what_became_of_a_connection_is_told_by_number() {
        assert!(is_reset(&Errno::CONNRESET.into()) && is_reset(&Errno::PIPE.into()));
        assert!(!is_reset(&io::ErrorKind::BrokenPipe.into()));
        assert_eq!(connect_class(&Errno::TIMEDOUT.into()), FailureClass::ConnectTimeout);
        assert_eq!(connect_class(&Errno::HOSTUNREACH.into()), FailureClass::ConnectUnreachable);
    }
}
