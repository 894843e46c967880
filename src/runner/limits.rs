//! What the machine allows: file descriptors, and the checks that can be under way with them.

/// How many checks may be under way at once, and why that is fewer than was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Checks at once.
    pub concurrency: usize,
    /// Why it is fewer than was asked for.
    pub warning: Option<String>,
}

/// Descriptors kept for everything that is not a check: standard streams, journal, resolver.
const RESERVED: u64 = 64;
/// Descriptors one check may hold: a connection, and a lookup beside it.
const PER_CHECK: u64 = 2;
/// With fewer the runtime and its signals cannot even be set up.
const FEWEST: u64 = 16;

/// A limit of open files that leaves no room for a single check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the limit of {open_files} open files leaves no room for a check; raise it with `ulimit -n {}`",
    RESERVED + PER_CHECK * 256
)]
pub struct TooFewFiles {
    open_files: u64,
}

impl Limits {
    /// Clamps the concurrency asked for to what a limit of open files allows.
    ///
    /// # Errors
    /// A limit that leaves no room for a single check.
    pub fn clamp(asked: usize, open_files: u64) -> Result<Limits, TooFewFiles> {
        if open_files < FEWEST {
            return Err(TooFewFiles { open_files });
        }
        let allowed = usize::try_from(open_files.saturating_sub(RESERVED) / PER_CHECK).unwrap_or(usize::MAX).max(1);
        if asked <= allowed {
            return Ok(Limits { concurrency: asked, warning: None });
        }
        let wanted = RESERVED + PER_CHECK * asked as u64;
        let warning = format!(
            "settings.concurrency is {asked}, but the limit of {open_files} open files allows {allowed} checks at once; \
             raise it with `ulimit -n {wanted}`"
        );
        Ok(Limits { concurrency: allowed, warning: Some(warning) })
    }
}

/// Raises the soft limit of open files to the hard one and returns what it is then. Where the
/// system does not say, a limit that any system has is assumed.
#[must_use]
pub fn raise_file_limit() -> u64 {
    const ANY_SYSTEM: u64 = 256;
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or(ANY_SYSTEM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concurrency_is_clamped_to_the_open_files_and_says_so() {
        assert_eq!(Limits::clamp(256, 20_000), Ok(Limits { concurrency: 256, warning: None }));
        let clamped = Limits::clamp(256, 128).expect("room for a check");
        assert_eq!(clamped.concurrency, 32);
        assert!(clamped.warning.is_some_and(|warning| warning.contains("ulimit -n 576")));
        assert_eq!(Limits::clamp(256, 20).map(|limits| limits.concurrency), Ok(1));
        assert!(Limits::clamp(256, 10).is_err_and(|error| error.to_string().contains("ulimit -n 576")));
    }
}
