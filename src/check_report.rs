//! The document of `uptick check`: every format of `check` is a layout of it, so that none can
//! disagree with another. It knows no format and no clock.

mod builder;
pub mod condition;
mod document;
mod judging;
pub mod regression;
mod retained;
mod summaries;

pub use builder::CheckReportBuilder;
pub use document::{CheckReport, ProbeSummary, RecordedSum, SCHEMA, SurfaceSummary};
