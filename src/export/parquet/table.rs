//! Writes one table to a file: rows wait in columns and are written in groups, and the file gets its name once it is
//! complete.

use std::io;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use tempfile::NamedTempFile;

use super::place::{Draft, TablePlace};

/// Number of rows in a group: what an engine reads at once.
const GROUP: usize = 122_880;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Text,
    OptionalText,
    Number,
    OptionalNumber,
    /// A number that mostly grows from row to row.
    GrowingNumber,
    /// An instant, to the millisecond.
    Instant,
    Flag,
}

/// A table by its name and its columns.
#[derive(Debug)]
pub(super) struct TableShape {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, ColumnKind)],
}

/// The value of a cell.
#[derive(Clone, Copy, Debug)]
pub(super) enum CellValue<'c> {
    Text(&'c str),
    Number(u64),
    Instant(jiff::Timestamp),
    Flag(bool),
    Nothing,
}

/// A table, as far as it is written, and the rows that wait.
#[derive(Debug)]
pub(super) struct Table {
    shape: &'static TableShape,
    /// The name of its file.
    name: String,
    columns: Vec<Column>,
    waiting: usize,
    writer: Option<SerializedFileWriter<NamedTempFile>>,
}

/// The waiting cells of a column. If cells may be empty, `present` says which are not.
#[derive(Debug)]
struct Column {
    values: Values,
    present: Option<Vec<i16>>,
}

#[derive(Debug)]
enum Values {
    Texts(Vec<ByteArray>),
    Numbers(Vec<i64>),
    Flags(Vec<bool>),
}

impl ColumnKind {
    /// The type of a column in Parquet's schema language.
    const fn message(self) -> (&'static str, &'static str, &'static str) {
        match self {
            ColumnKind::Text => ("REQUIRED", "BYTE_ARRAY", " (STRING)"),
            ColumnKind::OptionalText => ("OPTIONAL", "BYTE_ARRAY", " (STRING)"),
            ColumnKind::Number | ColumnKind::GrowingNumber => ("REQUIRED", "INT64", ""),
            ColumnKind::OptionalNumber => ("OPTIONAL", "INT64", ""),
            ColumnKind::Instant => ("REQUIRED", "INT64", " (TIMESTAMP(MILLIS,true))"),
            ColumnKind::Flag => ("REQUIRED", "BOOLEAN", ""),
        }
    }
}

impl Column {
    fn new(kind: ColumnKind) -> Column {
        let values = match kind {
            ColumnKind::Text | ColumnKind::OptionalText => Values::Texts(Vec::new()),
            ColumnKind::Number | ColumnKind::OptionalNumber | ColumnKind::GrowingNumber | ColumnKind::Instant => {
                Values::Numbers(Vec::new())
            }
            ColumnKind::Flag => Values::Flags(Vec::new()),
        };
        let is_optional = matches!(kind, ColumnKind::OptionalText | ColumnKind::OptionalNumber);
        Column { values, present: is_optional.then(Vec::new) }
    }

    fn push(&mut self, cell: CellValue<'_>) {
        if let Some(present) = &mut self.present {
            present.push(i16::from(!matches!(cell, CellValue::Nothing)));
        }
        match (&mut self.values, cell) {
            (Values::Texts(texts), CellValue::Text(text)) => {
                // Neighbours are often equal, and then share their bytes.
                let same = texts.last().filter(|last| last.data() == text.as_bytes()).cloned();
                texts.push(same.unwrap_or_else(|| ByteArray::from(text)));
            }
            (Values::Numbers(numbers), CellValue::Number(number)) => {
                numbers.push(i64::try_from(number).unwrap_or(i64::MAX));
            }
            (Values::Numbers(numbers), CellValue::Instant(at)) => numbers.push(at.as_millisecond()),
            (Values::Flags(flags), CellValue::Flag(flag)) => flags.push(flag),
            // Every cell has the type of its column; an empty one has no value.
            _ => {}
        }
    }
}

impl Table {
    /// A table for a file of this name.
    pub(super) fn new(shape: &'static TableShape, name: String) -> Table {
        let columns = shape.columns.iter().map(|(_, kind)| Column::new(*kind)).collect();
        Table { shape, name, columns, waiting: 0, writer: None }
    }

    /// How many rows wait.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether enough rows wait for a group.
    pub(super) const fn has_group(&self) -> bool {
        self.waiting >= GROUP
    }

    /// Adds a row.
    pub(super) fn push<'c>(&mut self, cells: impl IntoIterator<Item = CellValue<'c>>) {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(cell);
        }
        self.waiting += 1;
    }

    /// Writes the rows that wait.
    pub(super) fn write_waiting(&mut self, place: &TablePlace) -> io::Result<()> {
        let mut writer = self.writer(place)?;
        let columns = self.shape.columns.iter().map(|(_, kind)| Column::new(*kind)).collect();
        let columns = std::mem::replace(&mut self.columns, columns);
        if std::mem::take(&mut self.waiting) > 0 {
            write_group(&mut writer, &columns).map_err(failed)?;
        }
        self.writer = Some(writer);
        Ok(())
    }

    /// Completes the file and returns it with its length.
    pub(super) fn finish(mut self, place: &TablePlace) -> io::Result<(Draft, u64)> {
        self.write_waiting(place)?;
        let file = self.writer(place)?.into_inner().map_err(failed)?;
        let length = file.as_file().metadata()?.len();
        Ok((Draft { name: self.name, path: file.into_temp_path() }, length))
    }

    /// Takes the writer of the file, which is created if there is none.
    fn writer(&mut self, place: &TablePlace) -> io::Result<SerializedFileWriter<NamedTempFile>> {
        if let Some(writer) = self.writer.take() {
            return Ok(writer);
        }
        let schema = parse_message_type(&self.shape.message()).map_err(failed)?;
        let properties = Arc::new(self.shape.properties());
        SerializedFileWriter::new(place.begin(&self.name)?, Arc::new(schema), properties).map_err(failed)
    }
}

impl TableShape {
    /// The table in Parquet's schema language.
    fn message(&self) -> String {
        let column = |(name, kind): &(&str, ColumnKind)| {
            let (repetition, physical, logical) = kind.message();
            format!("{repetition} {physical} {name}{logical};")
        };
        let columns: Vec<String> = self.columns.iter().map(column).collect();
        format!("message {} {{ {} }}", self.name, columns.join(" "))
    }

    fn properties(&self) -> WriterProperties {
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("uptick ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::SNAPPY);
        for (name, kind) in self.columns {
            // The difference between two neighbours takes a few bits.
            if matches!(kind, ColumnKind::Instant | ColumnKind::GrowingNumber) {
                let path = || ColumnPath::from(*name);
                properties = properties
                    .set_column_dictionary_enabled(path(), false)
                    .set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED);
            }
        }
        properties.build()
    }
}

fn write_group(writer: &mut SerializedFileWriter<NamedTempFile>, columns: &[Column]) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for column in columns {
        let Some(mut out) = group.next_column()? else { break };
        let present = column.present.as_deref();
        match &column.values {
            Values::Texts(texts) => out.typed::<ByteArrayType>().write_batch(texts, present, None)?,
            Values::Numbers(numbers) => out.typed::<Int64Type>().write_batch(numbers, present, None)?,
            Values::Flags(flags) => out.typed::<BoolType>().write_batch(flags, present, None)?,
        };
        out.close()?;
    }
    group.close()?;
    Ok(())
}

fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}
