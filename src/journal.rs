//! Windows and failures on disk, append-only. Only this module accesses the journal's files.
//! `docs/journal.md` describes the format for other programs.

mod batch;
mod compact;
mod disk;
mod error;
#[cfg(test)]
mod fault_injection_tests;
pub(crate) mod held_lock;
mod integrity;
mod last_good;
mod line;
mod lock;
#[cfg(feature = "object-store")]
mod objects;
#[cfg(feature = "object-store")]
mod outbox;
mod read;
pub(crate) mod regular_file;
mod remote;
mod shipped;
mod spool;
mod store;
mod wire;

pub use compact::{CompactRules, Compacted, compact};
pub use error::JournalError;
pub use integrity::Integrity;
pub(crate) use last_good::{keep_last_good, last_good};
pub use line::{Line, Range};
#[cfg(feature = "object-store")]
pub use objects::Objects;
pub use read::{Reader, fold, read};
pub use remote::ship;
pub(crate) use remote::{compact_store, folder_name, gather};
pub use shipped::Shipped;
pub use store::{Journal, Options, Recorded, Sharing};
pub(crate) use wire::LINE_LIMIT;
pub use wire::{Decoder, LineError, VERSION, Writer, schema};
