//! Packed checks in about three bytes each: a check is kept as how much longer or shorter it came after the one before
//! than that one after its own, and its result where that changed.

use crate::model::UnixMillis;
use crate::report::fold::logged_check::{began, found, packed};
use crate::window::short_number;

/// The most checks of a block: who looks for an instant reads one block in vain.
const BLOCK: usize = 256;

/// Blocks of checks. Each is in order; the blocks are in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub(super) struct PackedChecks {
    blocks: Vec<Block>,
}

/// Some checks in order. It has its own memory: growing all of a log would take twice as much while it is copied.
#[derive(Clone, Debug)]
struct Block {
    first: u64,
    /// The instant of the last check.
    last_at: UnixMillis,
    /// The checks after the first, each as a number or two.
    more: Box<[u8]>,
}

impl PackedChecks {
    /// Adds checks that are in order.
    pub(super) fn add(&mut self, checks: &[u64]) {
        let mut bytes = Vec::new();
        for some in checks.chunks(BLOCK) {
            bytes.clear();
            let mut distance = 0;
            for pair in some.windows(2) {
                let next = began(pair[1]) - began(pair[0]);
                let longer = next - distance;
                let is_changed = found(pair[0]) != found(pair[1]);
                short_number::write(&mut bytes, longer << 1 | i64::from(is_changed));
                if is_changed {
                    short_number::write(&mut bytes, found(pair[1]).cast_signed());
                }
                distance = next;
            }
            let (first, last_at) = (some[0], began(some[some.len() - 1]));
            self.blocks.push(Block { first, last_at, more: bytes.as_slice().into() });
        }
    }

    /// Adds the blocks of others.
    pub(super) fn append(&mut self, mut other: PackedChecks) {
        self.blocks.append(&mut other.blocks);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// All checks.
    pub(super) fn iter(&self) -> impl Iterator<Item = u64> {
        self.blocks.iter().flat_map(Block::checks)
    }

    /// The checks from an instant on. All must have been added in order.
    pub(super) fn from(&self, at: UnixMillis) -> impl Iterator<Item = u64> {
        let first = self.blocks.partition_point(|block| block.last_at < at);
        self.blocks[first..].iter().flat_map(Block::checks).skip_while(move |check| began(*check) < at)
    }

    /// The instant of the last check. All must have been added in order.
    pub(super) fn last_at(&self) -> Option<UnixMillis> {
        self.blocks.last().map(|block| block.last_at)
    }
}

impl Block {
    fn checks(&self) -> impl Iterator<Item = u64> {
        let (mut rest, mut check, mut distance) = (&*self.more, self.first, 0);
        let more = std::iter::from_fn(move || {
            let number = next(&mut rest)?;
            distance += number >> 1;
            let found = if number & 1 == 1 { next(&mut rest)?.cast_unsigned() } else { found(check) };
            check = packed(began(check) + distance, found);
            Some(check)
        });
        std::iter::once(self.first).chain(more)
    }
}

/// Takes a number off the front; `None` at the end.
fn next(bytes: &mut &[u8]) -> Option<i64> {
    let number;
    (number, *bytes) = short_number::read(bytes)?;
    Some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn checks_come_back_as_they_were_from_any_instant_on(
            steps in prop::collection::vec((prop_oneof![0_i64..40_000, Just(30_000), Just(1 << 43)], 0_u64..3), 0..600),
            cut in 0_usize..600,
            at in 0_i64..20_000_000,
        ) {
            let most = (1 << 44) - 1;
            let instants = steps.iter().scan(0_i64, |at, (step, found)| {
                *at = (*at + step).min(most);
                Some(packed(UnixMillis(*at), *found << 18))
            });
            let mut checks: Vec<u64> = instants.collect();
            checks.sort_unstable();
            let (some, others) = checks.split_at(cut.min(checks.len()));
            let (mut all, mut rest) = (PackedChecks::default(), PackedChecks::default());
            all.add(some);
            rest.add(others);
            all.append(rest);
            let at = UnixMillis(at);
            prop_assert_eq!(all.iter().collect::<Vec<_>>(), checks.clone());
            let from: Vec<u64> = checks.iter().copied().filter(|check| began(*check) >= at).collect();
            prop_assert_eq!(all.from(at).collect::<Vec<_>>(), from);
            prop_assert_eq!(all.last_at(), checks.last().map(|check| began(*check)));
        }
    }

    #[test]
    fn a_check_at_an_uneven_instant_takes_three_bytes() {
        let uneven = |n: i64| packed(UnixMillis(1_741_600_860_250 + n * 30_000 + n * 7_919 % 997), 0);
        let checks: Vec<u64> = (0..10_000).map(uneven).collect();
        let mut kept = PackedChecks::default();
        kept.add(&checks);
        let bytes: usize = kept.blocks.iter().map(|block| block.more.len() + size_of::<Block>()).sum();
        assert!(bytes <= 3 * checks.len(), "{bytes} bytes");
    }
}
