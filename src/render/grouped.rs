//! Groups rows in one pass, so that no part of a large report is searched for each of its surfaces.

use std::collections::HashMap;
use std::hash::Hash;

/// The rows by their keys, each group in the order of the rows.
pub(super) fn grouped<K: Eq + Hash, T>(rows: impl Iterator<Item = (K, T)>) -> HashMap<K, Vec<T>> {
    let mut groups: HashMap<K, Vec<T>> = HashMap::new();
    for (key, row) in rows {
        groups.entry(key).or_default().push(row);
    }
    groups
}
