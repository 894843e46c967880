//! The checks by remote address in a line.

use std::net::IpAddr;

use serde::Serializer;

use crate::window::{RemoteCounts, Remotes};

use super::count::COUNT_LIMIT;
use super::error::LineError;
use super::json::Json;

/// The names under which the addresses beyond the first sixteen are counted.
const OTHER_V4: &str = "other_v4";
const OTHER_V6: &str = "other_v6";

/// Writes the counts in the order of the addresses.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde asks for")]
pub(super) fn write<S: Serializer>(remotes: &&Remotes, serializer: S) -> Result<S::Ok, S::Error> {
    let mut apart: Vec<(IpAddr, RemoteCounts)> = remotes.apart().collect();
    apart.sort_unstable_by_key(|(address, _)| *address);
    let apart = apart.into_iter().map(|(address, counts)| (address.to_string(), counts));
    let others = [(OTHER_V4, remotes.other(false)), (OTHER_V6, remotes.other(true))];
    let others = others.into_iter().filter(|(_, counts)| counts.judged() > 0);
    let all = apart.chain(others.map(|(name, counts)| (name.to_owned(), counts)));
    serializer.collect_map(all.map(|(name, counts)| (name, [counts.up, counts.down])))
}

/// Reads the counts of a line.
pub(super) fn read(json: &mut Json<'_>, remotes: &mut Remotes) -> Result<(), LineError> {
    json.object(|json, name| {
        let (mut numbers, mut at) = ([0, 0], 0);
        json.numbers(|number| {
            *numbers.get_mut(at).ok_or(LineError::Corrupt)? = number.min(COUNT_LIMIT);
            at += 1;
            Ok(())
        })?;
        let counts = RemoteCounts { up: numbers[0], down: numbers[1] };
        match name {
            OTHER_V4 => remotes.add_other(false, counts),
            OTHER_V6 => remotes.add_other(true, counts),
            _ => remotes.add(name.parse().map_err(|_| LineError::Corrupt)?, counts),
        }
        Ok(())
    })
}
