//! Counts of checks in a line.

use super::error::LineError;
use super::json::Json;

/// The largest count that a line may have. A million million checks is 30,000 years at one check
/// per second, and the sum of millions of such counts still fits into 64 bits.
pub(super) const COUNT_LIMIT: u64 = 1_000_000_000_000;

/// Reads a count. An error above [`COUNT_LIMIT`].
pub(super) fn read_count(json: &mut Json<'_>) -> Result<u64, LineError> {
    json.number().and_then(|count| if count <= COUNT_LIMIT { Ok(count) } else { Err(LineError::Corrupt) })
}
