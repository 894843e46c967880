//! Windows and failures on disk, append-only: the only code that touches the journal's files.
//! `docs/journal.md` describes the format for other programs.

mod batch;
mod compact;
mod disk;
mod error;
mod integrity;
mod line;
mod lock;
mod memory;
#[cfg(feature = "object-store")]
mod objects;
#[cfg(feature = "object-store")]
mod outbox;
mod read;
mod remote;
mod spool;
mod store;
#[cfg(test)]
mod sweep;
mod wire;

pub use compact::CompactRules;
pub use compact::Compacted;
pub use compact::compact;
pub use error::JournalError;
pub use integrity::Integrity;
pub use line::Line;
pub use line::Range;
pub use memory::keep_last_good;
pub use memory::last_good;
#[cfg(feature = "object-store")]
pub use objects::Objects;
#[cfg(feature = "object-store")]
pub use objects::PATIENCE;
pub use read::Reader;
pub use read::fold;
pub use read::read;
pub use remote::Shipped;
pub use remote::compact_store;
pub use remote::folder_name;
pub use remote::gather;
pub use remote::is_url;
pub use remote::ship;
pub use store::Journal;
pub use store::Options;
pub use store::Recorded;
pub use store::Sharing;
pub use wire::Decoder;
pub use wire::LINE_LIMIT;
pub use wire::LineError;
pub use wire::VERSION;
pub use wire::Writer;
pub use wire::schema;
