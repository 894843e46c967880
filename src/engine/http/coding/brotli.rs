//! Brotli (RFC 7932), without large windows, which the web does not use.

use std::fmt;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::progress::{CodingError, Progress, invalid};

pub(super) const NAME: &str = "brotli";

/// A decoder of one stream.
pub(super) struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    begun: bool,
    ended: bool,
    ignored: u64,
}

impl fmt::Debug for Brotli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brotli").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Brotli {
    pub(super) fn new() -> Brotli {
        let alloc = StandardAlloc::default;
        Brotli { state: BrotliState::new_strict(alloc(), alloc(), alloc()), begun: false, ended: false, ignored: 0 }
    }

    /// How many bytes after the end were ignored.
    pub(super) fn ignored(&self) -> u64 {
        self.ignored
    }

    pub(super) fn finish(&self) -> Result<(), CodingError> {
        if self.begun && !self.ended { Err(CodingError::Truncated(NAME)) } else { Ok(()) }
    }

    pub(super) fn step(&mut self, input: &[u8], out: &mut [u8], progress: &mut Progress) -> Result<(), CodingError> {
        self.begun |= !input.is_empty();
        if !self.ended && self.begun {
            let (mut available_in, mut available_out) = (input.len(), out.len());
            let mut total = 0;
            let result = BrotliDecompressStream(
                &mut available_in,
                &mut progress.taken,
                input,
                &mut available_out,
                &mut progress.given,
                out,
                &mut total,
                &mut self.state,
            );
            match result {
                BrotliResult::ResultSuccess => self.ended = true,
                BrotliResult::ResultFailure => return Err(invalid(NAME, "damaged data")),
                BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
            }
        }
        if self.ended {
            self.ignored += (input.len() - progress.taken) as u64;
            progress.taken = input.len();
        }
        Ok(())
    }
}
