//! `uptick schema`: prints the JSON Schema of a document, as in the folder `schemas/`. These files
//! are derived from the types that write the documents, and a test compares the two. The binary
//! contains the files, compressed by `build.rs`, so that it needs no code to derive them.

use std::io;
use std::io::Write;

use flate2::bufread::ZlibDecoder;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::check_report::CheckReport;
use crate::cli::SchemaDocument;
use crate::model::Outcome;
use crate::report::Report;
use crate::{config, journal};

/// A file of `schemas/` as compressed by `build.rs`.
macro_rules! compressed {
    ($name:literal) => {
        &include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".zlib"))[..]
    };
}

/// Prints the schema of a document, indented, with a line feed at its end.
pub(super) fn write(document: SchemaDocument, out: &mut dyn Write) -> io::Result<()> {
    let compressed = match document {
        SchemaDocument::Probes => compressed!("probes.json"),
        SchemaDocument::Outcome => compressed!("outcome.json"),
        SchemaDocument::Check => compressed!("check.json"),
        SchemaDocument::Journal => compressed!("journal.json"),
        SchemaDocument::Report => compressed!("report.json"),
    };
    io::copy(&mut ZlibDecoder::new(compressed), out).map(drop)
}

/// The schema of a document, derived from the types that write it. The file under `schemas/` must
/// be equal to it.
#[must_use]
pub fn derived_schema(document: SchemaDocument) -> Value {
    match document {
        SchemaDocument::Probes => config::schema(),
        SchemaDocument::Outcome => of::<Outcome>("uptick outcome").into(),
        SchemaDocument::Check => of::<CheckReport>("uptick.check/1").into(),
        SchemaDocument::Journal => journal::schema().into(),
        SchemaDocument::Report => of::<Report>("uptick.report/1").into(),
    }
}

/// The schema of a serialized type, with a title of the contract.
fn of<T: JsonSchema>(title: &str) -> Schema {
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema
}
