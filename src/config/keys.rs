//! The keys of `probes.toml`: the single list behind validation, suggestions, the reference and the JSON Schema.

mod file;
pub(crate) mod json_schema;
mod other_forms;
mod other_words;
pub(crate) mod reference;
pub(crate) mod tables;
mod text_form;
pub(crate) mod type_check;
