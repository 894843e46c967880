//! How much of one answer is read, over any version of HTTP.

/// The most interim responses (1xx) before the answer.
pub(super) const INTERIM: usize = 50;

/// The most bytes of a line that a message quotes. The message is cut to far less, but only after redaction: half a
/// secret would not be recognized.
pub(super) const QUOTED: usize = 4 * 1024;

/// The largest header list accepted over HTTP/2 and HTTP/3, in bytes after decompression.
pub(super) const HEADER_LIST: u32 = 256 * 1024;

/// The flow control windows over HTTP/2 and HTTP/3, per stream and per connection, in bytes.
pub(super) const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
pub(super) const CONNECTION_WINDOW: u32 = 5 * 1024 * 1024;

/// How many bytes an HTTP/2 connection may carry before the head of an answer, and how many besides its body: frames
/// that are not part of it, and bytes read ahead.
pub(super) const BESIDE_HEAD: u64 = 768 * 1024;
pub(super) const BESIDE_BODY: u64 = 4 * 1024 * 1024;
