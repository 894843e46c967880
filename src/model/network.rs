//! Which addresses may be connected to, and how many of a name's addresses must be up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks that must not be connected to: `network.deny`. It is enforced on the resolved address of every hop, so that
/// no spelling of a name or an address gets around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeniedNetworks {
    /// Private, loopback and reserved networks.
    pub private: bool,
    /// Link-local networks.
    pub link_local: bool,
    /// Cloud metadata services.
    pub metadata: bool,
}

impl DeniedNetworks {
    /// Nothing is denied.
    pub const NOTHING: DeniedNetworks = DeniedNetworks { private: false, link_local: false, metadata: false };

    /// The name of the denied network that an address is in, itself or by an IPv4 address inside it.
    #[must_use]
    pub(crate) fn denies(self, address: IpAddr) -> Option<&'static str> {
        let mut addresses = inner(address);
        addresses.push(address);
        let lead_to = |is_in: fn(IpAddr) -> bool| addresses.iter().any(|address| is_in(*address));
        if self.metadata && lead_to(is_metadata) {
            return Some("metadata");
        }
        if self.link_local && lead_to(is_link_local) {
            return Some("link-local");
        }
        (self.private && lead_to(is_private)).then_some("private")
    }
}

/// `[network]` of the probe file, for requests that are not checks: webhooks, heartbeats, exporters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkRules {
    /// Networks that are never connected to.
    pub denied: DeniedNetworks,
    /// Whether `HTTP_PROXY` and its like are used.
    pub uses_proxy: bool,
}

/// The IPv4 addresses that an IPv6 address may embed: mapped, compatible, NAT64 (RFC 6052) and 6to4. A local NAT64 (RFC
/// 8215) may hold it after the first 48 bits or at the end.
fn inner(address: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(v6) = address else { return Vec::new() };
    if v6 == Ipv6Addr::LOCALHOST || v6 == Ipv6Addr::UNSPECIFIED {
        return Vec::new();
    }
    let v4 = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match v6.segments() {
        [0, 0, 0, 0, 0 | 0xffff, 0, high, low]
        | [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => vec![v4(high, low)],
        [0x64, 0xff9b, 1, first, second, third, high, low] => {
            // The octet between the halves is always zero.
            vec![v4(first, (second << 8) | (third >> 8)), v4(high, low)]
        }
        _ => Vec::new(),
    }
}

/// 169.254.169.254 and its relatives: AWS, Google, Azure and its wire server, Oracle, Alibaba, and AWS over IPv6.
fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            matches!(
                v4.octets(),
                [169, 254, 169, 253 | 254]
                    | [169, 254, 170, 2]
                    | [168, 63, 129, 16]
                    | [100, 100, 100, 200]
                    | [192, 0, 0, 192]
            )
        }
        IpAddr::V6(v6) => matches!(v6.segments(), [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23 | 0x253 | 0x254]),
    }
}

/// Whether a name leads to this machine: `localhost` and what is below it are never looked up (RFC 6761 section 6.3);
/// systemd also knows them with `.localdomain` appended.
pub(crate) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let name = name.strip_suffix(".localdomain").unwrap_or(&name);
    name == "localhost" || name.ends_with(".localhost")
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// Loopback, RFC 1918, shared (RFC 6598), unique local, a local NAT64 (RFC 8215), unspecified, and reserved ranges.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_broadcast()
                || v4.is_multicast()
                || a == 0
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (18..20).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || a >= 240
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_multicast()
                || v6.segments()[0] & 0xffc0 == 0xfec0
                || matches!(v6.segments(), [0x64, 0xff9b, 1, ..])
        }
    }
}

/// Which of a name's addresses are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addresses {
    /// The first that connects.
    #[default]
    First,
    /// Each one separately; this many must be up.
    All(Quorum),
}

/// How many of a name's addresses must be up for the probe to be up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quorum {
    /// All of them.
    #[default]
    All,
    /// More than half.
    Majority,
    /// At least this many.
    AtLeast(u32),
}

impl Quorum {
    /// Whether `up` of `all` addresses are enough; with no addresses, never.
    #[must_use]
    pub(crate) const fn is_met(self, up: usize, all: usize) -> bool {
        match self {
            Quorum::All => up == all && all > 0,
            Quorum::Majority => up * 2 > all,
            Quorum::AtLeast(least) => up >= least as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: DeniedNetworks = DeniedNetworks { private: true, link_local: true, metadata: true };

    #[test]
    fn every_way_to_write_an_address_of_our_own_is_denied() {
        let cases = [
            ("127.0.0.1", "private"),
            ("127.8.9.1", "private"),
            ("0.0.0.0", "private"),
            ("0.1.2.3", "private"),
            ("10.0.0.1", "private"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.168.1.1", "private"),
            ("100.64.0.1", "private"),
            ("192.0.0.8", "private"),
            ("198.18.0.1", "private"),
            ("255.255.255.255", "private"),
            ("240.0.0.1", "private"),
            ("224.0.0.1", "private"),
            ("169.254.1.1", "link-local"),
            ("169.254.169.254", "metadata"),
            ("169.254.170.2", "metadata"),
            ("100.100.100.200", "metadata"),
            ("192.0.0.192", "metadata"),
            ("::1", "private"),
            ("::", "private"),
            ("fc00::1", "private"),
            ("fd12:3456::1", "private"),
            ("fec0::1", "private"),
            ("ff02::1", "private"),
            ("fe80::1", "link-local"),
            ("fd00:ec2::254", "metadata"),
            ("::ffff:127.0.0.1", "private"),
            ("::ffff:a9fe:a9fe", "metadata"),
            ("::7f00:1", "private"),
            ("64:ff9b::7f00:1", "private"),
            ("64:ff9b::a9fe:a9fe", "metadata"),
            ("2002:7f00:1::", "private"),
            ("::ffff:0:a00:1", "private"),
            ("168.63.129.16", "metadata"),
            ("::ffff:168.63.129.16", "metadata"),
            ("64:ff9b:1::a9fe:a9fe", "metadata"),
            ("64:ff9b:1:a9fe:a9:fe00::", "metadata"),
            ("64:ff9b:1::101:101", "private"),
            ("64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "private"),
        ];
        for (address, network) in cases {
            assert_eq!(ALL.denies(address.parse().unwrap()), Some(network), "{address}");
        }
    }

    #[test]
    fn the_internet_is_not_denied() {
        for address in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "64:ff9b::101:101",
            "2002:101:101::",
            "168.63.129.15",
            "64:ff9b:2::1",
        ] {
            assert_eq!(ALL.denies(address.parse().unwrap()), None, "{address}");
        }
        assert_eq!(DeniedNetworks::NOTHING.denies(Ipv4Addr::LOCALHOST.into()), None);
    }

    #[test]
    fn a_quorum_is_met_or_not() {
        assert!(Quorum::All.is_met(3, 3) && !Quorum::All.is_met(2, 3) && !Quorum::All.is_met(0, 0));
        assert!(Quorum::Majority.is_met(2, 3) && !Quorum::Majority.is_met(2, 4));
        assert!(Quorum::AtLeast(1).is_met(1, 6) && !Quorum::AtLeast(1).is_met(0, 6));
    }
}
