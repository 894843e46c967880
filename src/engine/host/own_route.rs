//! Whether this host has a route to an address at all: looked up after a connection failed, to tell this
//! host's missing route from one that a network on the way reports.

use std::io;
use std::net::{IpAddr, SocketAddr};

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use crate::model::{MessageText, message};

/// Why this host cannot send to an address; none if it can. Nothing is sent: the kernel looks up the
/// route when a UDP socket is connected.
pub(crate) fn missing(address: SocketAddr) -> Option<MessageText> {
    let error = look_up(address).err()?;
    let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
    match Errno::from_io_error(&error)? {
        Errno::INVAL if is_link_local(address.ip()) => {
            let ip = address.ip();
            Some(message!("{ip} is an address of one link: `source-interface` says which of this host's it is"))
        }
        Errno::AFNOSUPPORT => Some(MessageText::from("this host has no ").then(family)),
        Errno::NETUNREACH | Errno::ADDRNOTAVAIL | Errno::NETDOWN if is_without(family) => {
            Some(MessageText::from("this host has no ").then(family).then(message!(" (no route to {})", address.ip())))
        }
        Errno::NETUNREACH | Errno::ADDRNOTAVAIL | Errno::NETDOWN => {
            Some(message!("this host has no route to {}", address.ip()))
        }
        _ => None,
    }
}

/// Whether an error may come from a missing route.
pub(crate) fn may_be_missing(error: &io::Error) -> bool {
    let own = [Errno::NETUNREACH, Errno::ADDRNOTAVAIL, Errno::AFNOSUPPORT, Errno::NETDOWN, Errno::INVAL];
    Errno::from_io_error(error).is_some_and(|errno| own.contains(&errno))
}

/// Whether an address is IPv6 link-local (`fe80::/10`).
const fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

fn look_up(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.connect(&address.into())
}

/// Whether there is no route to any public address of a family: that of a root name server stands
/// for all.
fn is_without(family: &str) -> bool {
    let public = if family == "IPv4" { "198.41.0.4:53" } else { "[2001:503:ba3e::2:30]:53" };
    public.parse().is_ok_and(|address| look_up(address).is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_way_to_this_host_itself() {
        assert_eq!(missing(SocketAddr::from(([127, 0, 0, 1], 9))), None);
    }

    #[test]
    fn a_refusal_is_no_missing_route() {
        assert!(may_be_missing(&Errno::NETUNREACH.into()) && may_be_missing(&Errno::ADDRNOTAVAIL.into()));
        assert!(!may_be_missing(&Errno::CONNREFUSED.into()) && !may_be_missing(&Errno::HOSTUNREACH.into()));
    }
}
