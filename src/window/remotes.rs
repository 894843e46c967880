//! The remote addresses that answered or refused, and how the checks there ended: they reveal a failure of one address
//! family or of a part of the pool.

use std::net::IpAddr;

use smallvec::SmallVec;

/// How many addresses are counted one by one; the rest are counted by family.
const APART: usize = 16;

/// How many checks at an address were up, and how many were down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoteCounts {
    /// Checks that were up.
    pub up: u64,
    /// Checks that were down.
    pub down: u64,
}

impl RemoteCounts {
    const fn merge(&mut self, other: RemoteCounts) {
        self.up = self.up.saturating_add(other.up);
        self.down = self.down.saturating_add(other.down);
    }

    /// All checks there.
    #[must_use]
    pub const fn judged(&self) -> u64 {
        self.up.saturating_add(self.down)
    }
}

/// Checks by remote address: at most sixteen addresses, the rest by family. Merging is commutative and associative: an
/// order of the addresses decides which sixteen are kept, not their counts, and an address that is not among the first
/// sixteen of a part is not among those of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remotes {
    /// In the order that decides which are kept.
    apart: SmallVec<[(IpAddr, RemoteCounts); 1]>,
    other_v4: RemoteCounts,
    other_v6: RemoteCounts,
}

impl Remotes {
    /// Counts checks at an address.
    pub fn add(&mut self, address: IpAddr, counts: RemoteCounts) {
        if counts.judged() == 0 {
            return;
        }
        match self.apart.binary_search_by_key(&order(address), |(other, _)| order(*other)) {
            Ok(at) => self.apart[at].1.merge(counts),
            Err(at) => {
                self.apart.insert(at, (address, counts));
                if self.apart.len() > APART
                    && let Some((last, counts)) = self.apart.pop()
                {
                    self.add_other(last.is_ipv6(), counts);
                }
            }
        }
    }

    /// Counts checks of a family at addresses that are not counted one by one.
    pub(crate) fn add_other(&mut self, is_v6: bool, counts: RemoteCounts) {
        if is_v6 { self.other_v6.merge(counts) } else { self.other_v4.merge(counts) }
    }

    /// Adds the checks of another.
    pub fn merge(&mut self, other: &Remotes) {
        for (address, counts) in &other.apart {
            self.add(*address, *counts);
        }
        self.add_other(false, other.other_v4);
        self.add_other(true, other.other_v6);
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.apart.is_empty() && self.other_v4.judged() == 0 && self.other_v6.judged() == 0
    }

    /// The addresses that are counted one by one, at most sixteen, in no meaningful order.
    pub fn apart(&self) -> impl Iterator<Item = (IpAddr, RemoteCounts)> {
        self.apart.iter().copied()
    }

    /// The checks of a family at all other addresses.
    #[must_use]
    pub const fn other(&self, is_v6: bool) -> RemoteCounts {
        if is_v6 { self.other_v6 } else { self.other_v4 }
    }

    /// All checks of a family.
    #[must_use]
    pub(crate) fn of_family(&self, is_v6: bool) -> RemoteCounts {
        let mut sum = self.other(is_v6);
        for (_, counts) in self.apart.iter().filter(|(address, _)| address.is_ipv6() == is_v6) {
            sum.merge(*counts);
        }
        sum
    }
}

/// The order that decides which addresses are kept: the smallest CRC-32 first, so that the sixteen are a sample that
/// favours no network and no family.
fn order(address: IpAddr) -> (u32, IpAddr) {
    let sum = match address {
        IpAddr::V4(v4) => crc32fast::hash(&v4.octets()),
        IpAddr::V6(v6) => crc32fast::hash(&v6.octets()),
    };
    (sum, address)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn remotes(addresses: &[(u8, bool, bool)]) -> Remotes {
        let mut remotes = Remotes::default();
        for (last, v6, up) in addresses {
            let address = if *v6 {
                IpAddr::from([0, 0, 0, 0, 0, 0, 1, u16::from(*last)])
            } else {
                IpAddr::from([192, 0, 2, *last])
            };
            remotes.add(address, RemoteCounts { up: u64::from(*up), down: u64::from(!*up) });
        }
        remotes
    }

    proptest! {
        #[test]
        fn adding_is_commutative_and_associative_and_no_check_is_lost(
            a in prop::collection::vec(any::<(u8, bool, bool)>(), 0..40),
            b in prop::collection::vec(any::<(u8, bool, bool)>(), 0..40),
            c in prop::collection::vec(any::<(u8, bool, bool)>(), 0..40),
        ) {
            let merged = |one: &Remotes, other: &Remotes| { let mut sum = one.clone(); sum.merge(other); sum };
            let whole = remotes(&[a.as_slice(), &b, &c].concat());
            for v6 in [false, true] {
                let all = a.iter().chain(&b).chain(&c).filter(|(_, is_v6, _)| *is_v6 == v6).count();
                prop_assert_eq!(whole.of_family(v6).judged(), all as u64);
            }
            prop_assert!(whole.apart().count() <= APART);
            let (a, b, c) = (remotes(&a), remotes(&b), remotes(&c));
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(merged(&merged(&a, &b), &c), whole);
        }
    }
}
