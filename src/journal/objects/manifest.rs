//! The manifest of a merged object: the objects it was made of.

use serde::{Deserialize, Serialize};

use crate::journal::JournalError;
use crate::journal::wire;

/// The manifest of a merged object: the objects it was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The version of the manifest's format: 1.
    pub(super) v: u32,
    /// The span of its windows, in hours.
    pub(super) span_h: i64,
    /// The names of the objects, without the day.
    pub(super) of: Vec<String>,
    /// The checksum, as that of a line; `None` in a manifest of an older version, which had none. Without it a damaged
    /// name would count a part twice.
    #[serde(default, skip_serializing)]
    crc: Option<String>,
}

impl Manifest {
    pub(super) const fn new(span_h: i64, of: Vec<String>) -> Manifest {
        Manifest { v: 1, span_h, of, crc: None }
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, JournalError> {
        let mut bytes = serde_json::to_vec(self).map_err(|_| JournalError::Unreadable)?;
        bytes.pop();
        wire::seal(&mut bytes, 0);
        Ok(bytes)
    }

    /// Reads what [`Manifest::to_bytes`] writes; `None` if it is damaged or of a newer version.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Manifest> {
        let manifest: Manifest = serde_json::from_slice(bytes).ok()?;
        let is_intact = manifest.crc.is_none() || wire::is_intact(bytes);
        (manifest.v == 1 && is_intact).then_some(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_damaged_byte_makes_another_manifest() {
        let manifest = Manifest::new(24, vec!["iad-1.0123.jsonl".into(), "iad-1.merged-1.jsonl".into()]);
        let bytes = manifest.to_bytes().expect("memory takes it");
        let read = Manifest::from_bytes(&bytes).expect("what was written");
        assert_eq!((read.span_h, &read.of), (24, &manifest.of));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            // Where the checksum's name is what is damaged, it is a manifest without one, as older versions wrote.
            let other = Manifest::from_bytes(&changed).map(|read| (read.span_h, read.of));
            assert!(other.is_none_or(|other| other == (24, manifest.of.clone())), "byte {at}");
        }
    }

    #[test]
    fn a_manifest_of_an_older_version_has_no_checksum_and_one_of_a_newer_version_is_not_read() {
        let older = Manifest::from_bytes(br#"{"v":1,"span_h":1,"of":["a.jsonl"]}"#).expect("an older manifest");
        assert_eq!(older, Manifest::new(1, vec!["a.jsonl".into()]));
        assert_eq!(Manifest::from_bytes(br#"{"v":2,"span_h":1,"of":["a.jsonl"]}"#), None);
    }
}
