//! A journal as tables of Parquet files, for SQL engines: `windows`, the `buckets` of their histograms, the `runs` of
//! their strips, and `failures`. Files are stored under `TABLE/day=DAY/vantage=VANTAGE/`, which engines read as two
//! more columns. A day of a vantage is replaced as a whole, each file at once; nothing else is touched.

mod place;
mod rows;
mod table;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::Outcome;
use crate::window::Window;

use rows::{BUCKETS, FAILURES, RUNS, WINDOWS};
use table::{Table, TableShape};

pub use place::{TablePlace, TablesError};

/// The name of each file: its folder identifies it.
const FILE: &str = "uptick.parquet";

/// Maximum number of rows that wait in memory, all tables together.
const WAITING: usize = 400_000;

/// Characters of a name that stay unencoded in a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportedTables {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Windows.
    pub windows: u64,
    /// Failed checks with evidence.
    pub failures: u64,
}

/// The tables of one day of one vantage.
#[derive(Debug)]
struct Partition {
    windows: Table,
    buckets: Table,
    runs: Table,
    failures: Table,
}

impl Partition {
    fn new(day: Date, vantage: &str) -> Partition {
        // Read back, the name that Hive reserves would be null.
        let vantage = match vantage {
            "__HIVE_DEFAULT_PARTITION__" => "%5F_HIVE_DEFAULT_PARTITION__".into(),
            vantage => utf8_percent_encode(vantage, PLAIN).to_string(),
        };
        let table = |shape: &'static TableShape| {
            Table::new(shape, format!("{}/day={day}/vantage={vantage}/{FILE}", shape.name))
        };
        Partition { windows: table(&WINDOWS), buckets: table(&BUCKETS), runs: table(&RUNS), failures: table(&FAILURES) }
    }

    fn tables(&self) -> [&Table; 4] {
        [&self.windows, &self.buckets, &self.runs, &self.failures]
    }

    fn tables_mut(&mut self) -> [&mut Table; 4] {
        [&mut self.windows, &mut self.buckets, &mut self.runs, &mut self.failures]
    }

    /// Writes the rows of each table that has enough for a group.
    fn write_groups(&mut self, place: &TablePlace) -> io::Result<()> {
        let mut whole = self.tables_mut().into_iter().filter(|table| table.has_group());
        whole.try_for_each(|table| table.write_waiting(place))
    }
}

/// The tables, written a day at a time.
#[derive(Debug)]
pub struct ParquetTables {
    place: TablePlace,
    partitions: BTreeMap<(Date, Arc<str>), Partition>,
    written: ExportedTables,
}

impl ParquetTables {
    /// The tables at a place.
    #[must_use]
    pub fn new(place: TablePlace) -> ParquetTables {
        ParquetTables { place, partitions: BTreeMap::new(), written: ExportedTables::default() }
    }

    /// Adds a window.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn window(&mut self, window: &Window) -> io::Result<()> {
        self.written.windows += 1;
        self.add(window.from, &window.vantage, |partition| {
            rows::window(window, &mut partition.windows);
            rows::buckets(window, &mut partition.buckets);
            rows::runs(window, &mut partition.runs);
        })
    }

    /// Adds the evidence of a failed check.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn failure(&mut self, outcome: &Outcome) -> io::Result<()> {
        self.written.failures += 1;
        let vantage = Arc::from(outcome.vantage.as_str());
        self.add(outcome.scheduled_at, &vantage, |partition| rows::failure(outcome, &mut partition.failures))
    }

    /// Completes the files of everything that was added: they replace the old ones.
    ///
    /// # Errors
    /// If a file cannot be written. Files that were already replaced stay so.
    pub fn finish_files(&mut self) -> Result<(), TablesError> {
        let mut drafts = Vec::new();
        for (_, partition) in std::mem::take(&mut self.partitions) {
            for table in [partition.windows, partition.buckets, partition.runs, partition.failures] {
                let (draft, length) = table.finish(&self.place)?;
                self.written.bytes += length;
                self.written.files += 1;
                drafts.push(draft);
            }
        }
        self.place.replace(drafts)
    }

    /// What was written so far.
    #[must_use]
    pub const fn written(&self) -> ExportedTables {
        self.written
    }

    /// Adds rows to the partition of a day and a vantage.
    fn add(&mut self, at: jiff::Timestamp, vantage: &Arc<str>, rows: impl FnOnce(&mut Partition)) -> io::Result<()> {
        let day = at.to_zoned_datetime(TimeZone::UTC).date();
        let entry = self.partitions.entry((day, Arc::clone(vantage)));
        let partition = entry.or_insert_with(|| Partition::new(day, vantage));
        rows(partition);
        partition.write_groups(&self.place)?;
        self.make_room()
    }

    /// Writes the longest tables if too many rows wait.
    fn make_room(&mut self) -> io::Result<()> {
        let all: usize = self.partitions.values().flat_map(Partition::tables).map(Table::waiting).sum();
        if all < WAITING {
            return Ok(());
        }
        let mut tables: Vec<&mut Table> = self.partitions.values_mut().flat_map(Partition::tables_mut).collect();
        tables.sort_by_key(|table| std::cmp::Reverse(table.waiting()));
        let mut freed = 0;
        for table in tables {
            if freed > WAITING / 2 {
                break;
            }
            freed += table.waiting();
            table.write_waiting(&self.place)?;
        }
        Ok(())
    }
}
