//! How much of one answer is taken, whatever version of HTTP it comes over.

/// The most interim answers (1xx) before the answer.
pub(super) const INTERIM: usize = 50;

/// The most bytes of a line that a message quotes. The message is cut to far less, but only once secrets are taken out
/// of it: half of one is no longer found.
pub(super) const QUOTED: usize = 4 * 1024;

/// The largest header list accepted over HTTP/2 and HTTP/3, in bytes after decompression.
pub(super) const HEADER_LIST: u32 = 256 * 1024;

/// How much of a body may be under way to us over HTTP/2 and HTTP/3, per stream and in all, in bytes.
pub(super) const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
pub(super) const CONNECTION_WINDOW: u32 = 5 * 1024 * 1024;

/// How many bytes may come over a connection of HTTP/2 before the head of an answer, and how many beside its body: of frames
/// that are no part of it, and of what was read ahead.
pub(super) const BESIDE_HEAD: u64 = 768 * 1024;
pub(super) const BESIDE_BODY: u64 = 4 * 1024 * 1024;
