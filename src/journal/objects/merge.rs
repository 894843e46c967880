//! Compaction of a journal in object storage: what one vantage shipped on one day becomes one
//! object with hourly or daily windows, and the objects it was made of are removed later. Objects
//! are created and removed, never changed. The next run resumes an interrupted compaction.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use object_store::{ObjectMeta, ObjectStoreExt as _};

use crate::journal::compact::{Folded, fold, span_for};
use crate::journal::disk::Disk;
use crate::journal::{CompactRules, Compacted, JournalError, Range};
use crate::object_storage::CreateResult;

use super::Objects;
use super::cache::Cache;
use super::listing::{Stack, manifest_name, merged_name};
use super::manifest::Manifest;

/// The age of a merged object at which the objects it was made of are removed: by then every reader
/// that listed the journal before has read them.
const REMOVED_AFTER: Duration = Duration::from_hours(1);

/// The objects to merge into one.
struct Work<'d> {
    date: Date,
    label: &'d str,
    /// The number of the merged object.
    number: u32,
    span: SignedDuration,
    /// The objects it is made of.
    objects: Vec<&'d ObjectMeta>,
    /// Whether the manifest exists already, because an earlier attempt died after writing it.
    is_begun: bool,
}

impl<'d> Work<'d> {
    /// The merge that a day of a vantage needs; `None` if the day is already in one object with
    /// windows of that span or longer.
    fn of(
        date: Date,
        label: &'d str,
        stack: &'d Stack,
        manifests: &BTreeMap<u32, Manifest>,
        span: SignedDuration,
    ) -> Option<Work<'d>> {
        let last = stack.last_merged().map_or(0, |(number, _)| number);
        let span_of = |manifest: &Manifest| SignedDuration::from_hours(manifest.span_h);
        if let Some(begun) = manifests.get(&(last + 1)) {
            let objects = stack.named(&begun.of).collect();
            return Some(Work { date, label, number: last + 1, span: span_of(begun), objects, is_begun: true });
        }
        let objects = stack.counted(manifests);
        let reaches = manifests.get(&last).is_some_and(|manifest| span_of(manifest) >= span);
        let is_done = objects.is_empty() || (objects.len() == 1 && reaches);
        (!is_done).then_some(Work { date, label, number: last + 1, span, objects, is_begun: false })
    }
}

impl Objects {
    /// Compacts those days of a journal that are old enough at `now`, by vantage, and removes
    /// objects that were replaced at least an hour ago. Several processes may do this at once: for
    /// each day only one of them succeeds.
    ///
    /// # Errors
    /// [`JournalError`] if the store does not answer, or if the local disk has no room for one day
    /// of one vantage. Days that are compacted by then stay compacted.
    pub fn compact(&self, now: Timestamp, rules: &CompactRules) -> Result<Compacted, JournalError> {
        let folder = tempfile::tempdir().map_err(JournalError::io("create a folder in", &std::env::temp_dir()))?;
        let place = folder.path().join("manifests");
        let cache = Cache::open(&place)?;
        let days = self.bucket.wait(async {
            let mut dates = self.days().await?;
            dates.retain(|date| span_for(*date, now, rules).is_some());
            self.list(&dates, Range::ALL).await
        })?;
        let manifests = self.bucket.wait(self.manifests(&days, &cache, Stack::manifests))?;
        let (mut compacted, none) = (Compacted::default(), BTreeMap::new());
        for day in &days {
            let Some(span) = span_for(day.date, now, rules) else { continue };
            for (label, stack) in &day.stacks {
                let manifests = manifests.get(&(day.date, label.clone())).unwrap_or(&none);
                self.remove_merged(stack, manifests, now)?;
                if let Some(work) = Work::of(day.date, label, stack, manifests, span) {
                    self.merge(&work, folder.path(), &mut compacted)?;
                }
            }
        }
        Ok(compacted)
    }

    fn merge(&self, work: &Work<'_>, folder: &Path, compacted: &mut Compacted) -> Result<(), JournalError> {
        let objects: Vec<_> = work.objects.iter().map(|object| (work.date, *object)).collect();
        let (parts, whole, merged) = (folder.join("parts"), folder.join("whole"), folder.join("merged"));
        let mut files = self.bucket.wait(self.download(&objects, &Cache::open(&parts)?))?;
        files.sort();
        let before = join(&files, &whole).map_err(JournalError::io("write to", &whole))?;
        fs::remove_dir_all(&parts).map_err(JournalError::io("remove", &parts))?;
        let _ = fs::remove_file(&merged);
        let (windows_before, windows_after) = match fold(&Disk::default(), &whole, &merged, work.span, before)? {
            Folded::Newer => {
                compacted.skipped += work.objects.len() as u64;
                return Ok(());
            }
            // Readers would refuse it.
            Folded::Whole { bytes, .. } if bytes > self.object_limit => {
                compacted.skipped += work.objects.len() as u64;
                return Ok(());
            }
            // One object is better than many, even if no windows could be merged.
            Folded::Whole { windows_before, windows_after, .. } => (windows_before, windows_after),
        };
        let bytes = fs::read(&merged).map_err(JournalError::io("read", &merged))?;
        let after = bytes.len() as u64;
        let name = |object: &&ObjectMeta| object.location.filename().map(str::to_owned);
        let manifest =
            Manifest::new(work.span.as_hours(), work.objects.iter().filter_map(name).collect()).to_bytes()?;
        let day = work.date.to_string();
        let created = self.bucket.wait(async {
            let key = self.key(&day, &manifest_name(work.label, work.number));
            if !work.is_begun && self.bucket.create(&key, manifest).await? != CreateResult::Created {
                return Ok(CreateResult::Taken);
            }
            self.bucket.create(&self.key(&day, &merged_name(work.label, work.number)), bytes).await
        })?;
        if created != CreateResult::Created {
            // Another process has merged this day.
            return Ok(());
        }
        compacted.files += work.objects.len() as u64;
        compacted.windows_before += windows_before;
        compacted.windows_after += windows_after;
        compacted.bytes_before += before;
        compacted.bytes_after += after;
        Ok(())
    }

    /// Removes the objects that merged objects were made of, the earliest merge first. A merged
    /// object that was merged again stays until all of its own parts are gone.
    fn remove_merged(
        &self,
        stack: &Stack,
        manifests: &BTreeMap<u32, Manifest>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        for (number, merged) in &stack.merged {
            let (Some(object), Some(manifest)) = (&merged.object, manifests.get(number)) else { continue };
            let created = SignedDuration::from_secs(object.last_modified.timestamp());
            let age = now.duration_since(Timestamp::UNIX_EPOCH) - created;
            if Duration::try_from(age).is_ok_and(|age| age < REMOVED_AFTER) || age.is_negative() {
                return Ok(());
            }
            for object in stack.named(&manifest.of) {
                let removed =
                    self.bucket.within("remove", &object.location, self.bucket.store.delete(&object.location));
                match self.bucket.wait(removed)? {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(self.bucket.refused("remove", &object.location, &error).into()),
                }
            }
        }
        Ok(())
    }
}

/// Concatenates files into one, and returns its length in bytes.
fn join(files: &[PathBuf], whole: &Path) -> io::Result<u64> {
    let mut out = File::create(whole)?;
    let mut length = 0;
    for file in files {
        let bytes = fs::read(file)?;
        out.write_all(&bytes)?;
        length += bytes.len() as u64;
        if bytes.last().is_some_and(|last| *last != b'\n') {
            // A torn line must not join the next one.
            out.write_all(b"\n")?;
            length += 1;
        }
    }
    Ok(length)
}
