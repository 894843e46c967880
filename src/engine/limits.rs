//! How much of one answer is taken, whatever version of HTTP it comes over.

/// The most interim answers (1xx) before the answer.
pub(super) const INTERIM: usize = 50;

/// The largest header list accepted over HTTP/2 and HTTP/3, in bytes after decompression.
pub(super) const HEADER_LIST: u32 = 256 * 1024;

/// How much of a body may be under way to us over HTTP/2 and HTTP/3, per stream and in all, in bytes.
pub(super) const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
pub(super) const CONNECTION_WINDOW: u32 = 5 * 1024 * 1024;
