//! Which objects a journal has, and which of them count: those that a merged object replaces do
//! not.
//!
//! One day of one vantage consists of parts, `VANTAGE.ID.jsonl`, and merged objects, each made of
//! all objects that counted before: `VANTAGE.merged-1.jsonl`, `VANTAGE.merged-2.jsonl`, … The
//! manifest `VANTAGE.merged-1.json` lists the objects that a merged object was made of, and is
//! written before it. So a reader that finds both the merged object and its parts knows which to
//! skip, even if a compaction was interrupted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use object_store::{ObjectMeta, ObjectStore as _};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time;

use crate::journal::read::may_hold;
use crate::journal::{JournalError, Range};

use super::manifest::Manifest;
use super::{AT_ONCE, Objects};

/// The name of a merged object has this and a number in place of a part's random number.
const MERGED: &str = "merged-";

/// A day of a journal.
#[derive(Debug)]
pub(super) struct Day {
    pub(super) date: Date,
    /// By label of a vantage, as in the names of objects.
    pub(super) stacks: BTreeMap<String, Stack>,
}

/// The objects of one day and vantage.
#[derive(Debug, Default)]
pub(super) struct Stack {
    /// Parts by name.
    pub(super) parts: BTreeMap<String, ObjectMeta>,
    /// Merged objects and their manifests by number.
    pub(super) merged: BTreeMap<u32, Merged>,
}

/// A merged object and its manifest; either may be missing.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) object: Option<ObjectMeta>,
    pub(super) manifest: Option<ObjectMeta>,
}

impl Stack {
    fn add(&mut self, name: &str, rest: &str, object: ObjectMeta) {
        let merged = |end: &str| rest.strip_prefix(MERGED)?.strip_suffix(end)?.parse::<u32>().ok();
        if let Some(number) = merged(".jsonl") {
            self.merged.entry(number).or_default().object = Some(object);
        } else if let Some(number) = merged(".json") {
            self.merged.entry(number).or_default().manifest = Some(object);
        } else if rest.strip_suffix(".jsonl").is_some() {
            self.parts.insert(name.to_owned(), object);
        }
    }

    /// The existing merged object with the highest number.
    pub(super) fn last_merged(&self) -> Option<(u32, &ObjectMeta)> {
        self.merged.iter().rev().find_map(|(number, merged)| Some((*number, merged.object.as_ref()?)))
    }

    /// The existing manifests, by number.
    pub(super) fn manifests(&self) -> impl Iterator<Item = (u32, &ObjectMeta)> {
        self.merged.iter().filter_map(|(number, merged)| Some((*number, merged.manifest.as_ref()?)))
    }

    /// The manifests that say which parts no longer count. Empty if there are no parts.
    pub(super) fn needed_manifests(&self) -> impl Iterator<Item = (u32, &ObjectMeta)> {
        let last = self.last_merged().filter(|_| !self.parts.is_empty()).map_or(0, |(number, _)| number);
        self.manifests().filter(move |(number, _)| *number <= last)
    }

    /// The objects that count: the last merged one, and the parts that neither it nor an earlier
    /// one was made of.
    pub(super) fn counted(&self, manifests: &BTreeMap<u32, Manifest>) -> Vec<&ObjectMeta> {
        let last = self.last_merged();
        let made_of = manifests.range(..=last.map_or(0, |(number, _)| number)).flat_map(|(_, manifest)| &manifest.of);
        let gone: BTreeSet<&String> = made_of.collect();
        let parts = self.parts.iter().filter(|(name, _)| !gone.contains(name)).map(|(_, object)| object);
        last.map(|(_, object)| object).into_iter().chain(parts).collect()
    }

    /// The parts and merged objects with these names.
    pub(super) fn named(&self, names: &[String]) -> impl Iterator<Item = &ObjectMeta> {
        let all = self.parts.values().chain(self.merged.values().filter_map(|merged| merged.object.as_ref()));
        all.filter(|object| object.location.filename().is_some_and(|name| names.iter().any(|other| other == name)))
    }
}

/// The name of the merged object of a vantage with this number.
pub(super) fn merged_name(label: &str, number: u32) -> String {
    format!("{label}.{MERGED}{number}.jsonl")
}

/// The name of the manifest of that object.
pub(super) fn manifest_name(label: &str, number: u32) -> String {
    format!("{label}.{MERGED}{number}.json")
}

impl Objects {
    /// The days that the journal has.
    pub(super) async fn days(&self) -> Result<Vec<Date>, JournalError> {
        let top = self.bucket.list().await?;
        let date = |key: &object_store::path::Path| key.filename()?.parse::<Date>().ok();
        Ok(top.common_prefixes.iter().filter_map(date).collect())
    }

    /// The objects of the days that overlap a range; several days are listed at once.
    pub(super) async fn list(&self, days: &[Date], range: Range) -> Result<Vec<Day>, JournalError> {
        let mut listings = JoinSet::new();
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        for date in days.iter().copied().filter(|date| may_hold(*date, range)) {
            let key = self.bucket.prefix.clone().join(date.to_string());
            let (store, at_once, patience) =
                (Arc::clone(&self.bucket.store), Arc::clone(&at_once), self.bucket.patience);
            listings.spawn(async move {
                let _permit = at_once.acquire().await;
                let listed = time::timeout(patience, store.list_with_delimiter(Some(&key))).await;
                (key, date, listed)
            });
        }
        let mut days = Vec::new();
        while let Some(listing) = listings.join_next().await {
            let (key, date, listed) =
                listing.map_err(|_| self.bucket.error("list", self.bucket.url(), "the listing broke off"))?;
            let listed = listed.map_err(|_| self.bucket.late("list", &key))?;
            let mut day = Day { date, stacks: BTreeMap::new() };
            for object in listed.map_err(|error| self.bucket.refused("list", &key, &error))?.objects {
                let Some(name) = object.location.filename().map(str::to_owned) else { continue };
                if let Some((label, rest)) = name.split_once('.') {
                    day.stacks.entry(label.to_owned()).or_default().add(&name, rest, object);
                }
            }
            days.push(day);
        }
        days.sort_by_key(|day| day.date);
        Ok(days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str) -> ObjectMeta {
        let location = object_store::path::Path::from(format!("2025-03-10/{name}"));
        ObjectMeta {
            location,
            last_modified: std::time::SystemTime::UNIX_EPOCH.into(),
            size: 1,
            e_tag: None,
            version: None,
        }
    }

    fn stack(names: &[&str]) -> Stack {
        let mut stack = Stack::default();
        for name in names {
            stack.add(name, name.split_once('.').expect("a label").1, object(name));
        }
        stack
    }

    /// Which objects count if the first merged object is made of `of`.
    fn counted(stack: &Stack, of: &[&str]) -> Vec<String> {
        let of = of.iter().map(|name| (*name).to_owned()).collect();
        let manifests = BTreeMap::from([(1, Manifest::new(1, of))]);
        let names = stack.counted(&manifests).into_iter().filter_map(|object| object.location.filename());
        names.map(str::to_owned).collect()
    }

    #[test]
    fn parts_count_until_the_merged_object_is_there() {
        let begun = stack(&["v-1.aa.jsonl", "v-1.bb.jsonl", "v-1.merged-1.json"]);
        assert_eq!(counted(&begun, &["v-1.aa.jsonl", "v-1.bb.jsonl"]), ["v-1.aa.jsonl", "v-1.bb.jsonl"]);
        assert_eq!(begun.needed_manifests().count(), 0);
        let merged = stack(&["v-1.aa.jsonl", "v-1.cc.jsonl", "v-1.merged-1.json", "v-1.merged-1.jsonl"]);
        assert_eq!(merged.needed_manifests().count(), 1);
        assert_eq!(counted(&merged, &["v-1.aa.jsonl", "v-1.bb.jsonl"]), ["v-1.merged-1.jsonl", "v-1.cc.jsonl"]);
    }

    #[test]
    fn of_merged_objects_the_last_counts() {
        let stack = stack(&[
            "v-1.merged-1.jsonl",
            "v-1.merged-2.json",
            "v-1.merged-2.jsonl",
            "v-1.merged-10.jsonl",
            "v-1.merged-11.json",
        ]);
        assert_eq!(stack.last_merged().map(|(number, _)| number), Some(10));
        assert_eq!(counted(&stack, &[]), ["v-1.merged-10.jsonl"]);
        assert_eq!(stack.needed_manifests().count(), 0, "without parts nobody needs to know");
    }
}
