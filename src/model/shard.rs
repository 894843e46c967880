//! A shard: the part of the probes that one of several probers of the same vantage runs. Each prober works out its part
//! by itself, without coordination: a probe belongs to the shard whose number and the probe's name together have the
//! highest hash (rendezvous hashing). When a shard is added, only the probes that it takes over move.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::stable_hash::{fnv1a, split_mix};

/// One of several probers' parts of the probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Shard {
    /// Which part, from 0.
    pub index: u32,
    /// Of how many.
    pub of: u32,
}

/// Why a text or a number is not a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// The text does not have the form of a shard.
    #[error("it is written I/N, with I from 0 to N-1 and N at most 4294967295: 0/4 is the first of four shards")]
    Form,
    /// There are no shards.
    #[error("there cannot be 0 shards")]
    None,
    /// The number is not below the number of shards.
    #[error("of {of} shards the last is {}/{of}: they are counted from 0", of - 1)]
    TooHigh {
        /// How many there are.
        of: u32,
    },
}

impl Shard {
    /// The shard of this number, from 0.
    ///
    /// # Errors
    /// [`ShardError`], if `of` is 0 or `index` is not below it.
    pub const fn new(index: u32, of: u32) -> Result<Shard, ShardError> {
        match of {
            0 => Err(ShardError::None),
            _ if index >= of => Err(ShardError::TooHigh { of }),
            _ => Ok(Shard { index, of }),
        }
    }

    /// Whether a probe of this name belongs to it. The result must never change: probers of two versions share a fleet.
    #[must_use]
    pub fn owns(self, probe: &str) -> bool {
        let name = fnv1a(probe.as_bytes());
        let rank = |index: u32| (split_mix(name ^ split_mix(u64::from(index))), index);
        let own = rank(self.index);
        (0..self.of).all(|other| rank(other) <= own)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Shard, ShardError> {
        let (index, of) = text.split_once('/').ok_or(ShardError::Form)?;
        let number = |text: &str| text.trim().parse().map_err(|_| ShardError::Form);
        Shard::new(number(index)?, number(of)?)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        (0..4_000).map(|n| format!("probe {n} (region=eu-{})", n % 7)).collect()
    }

    fn owner(name: &str, of: u32) -> u32 {
        let owners: Vec<u32> = (0..of).filter(|index| Shard { index: *index, of }.owns(name)).collect();
        assert_eq!(owners.len(), 1, "{name}: every probe has one shard of {of}");
        owners[0]
    }

    #[test]
    fn shards_share_the_probes_out_evenly() {
        for of in [1, 2, 4, 16, 100] {
            let mut sizes = vec![0_u32; of as usize];
            names().iter().for_each(|name| sizes[owner(name, of) as usize] += 1);
            let even = 4_000 / of;
            assert!(sizes.iter().all(|size| (even / 2..=even * 2).contains(size)), "{of}: {sizes:?}");
        }
    }

    #[test]
    fn one_shard_more_takes_its_share_and_moves_nothing_else() {
        for of in [1_u32, 4, 15] {
            let moved: Vec<u32> = names()
                .iter()
                .filter_map(|name| Some(owner(name, of + 1)).filter(|after| *after != owner(name, of)))
                .collect();
            assert!(moved.iter().all(|after| *after == of), "what moves goes to the new shard");
            let share = 4_000 / (of as usize + 1);
            assert!((share * 8 / 10..=share * 12 / 10).contains(&moved.len()), "{of}: {}", moved.len());
        }
    }

    #[test]
    fn the_owner_of_a_name_is_the_same_for_ever() {
        let owners = ["home", "api", "checkout", "ünïcødé", ""].map(|name| owner(name, 16));
        assert_eq!(owners, OWNERS);
    }

    /// Fixed values: another result would move the probes of every fleet.
    const OWNERS: [u32; 5] = [6, 9, 4, 15, 4];

    #[test]
    fn a_shard_is_read_and_what_is_none_is_refused_with_the_reason() {
        assert_eq!("3/4".parse(), Ok(Shard { index: 3, of: 4 }));
        assert_eq!(Shard { index: 3, of: 4 }.to_string(), "3/4");
        assert_eq!("0/0".parse::<Shard>(), Err(ShardError::None));
        assert_eq!("4/4".parse::<Shard>(), Err(ShardError::TooHigh { of: 4 }));
        for wrong in ["", "1", "a/4", "1/", "-1/4", "1/4/2", "1.5/4", "1/99999999999"] {
            assert_eq!(wrong.parse::<Shard>(), Err(ShardError::Form), "{wrong}");
        }
    }
}
