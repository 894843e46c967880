//! A reading is the result of one line of the scorecard: a figure, and whether it meets the
//! requirement.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How thoroughly a line is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thoroughness {
    /// Short enough for `.ci/run`.
    Quick,
    /// As much as the line requires.
    Full,
}

impl Thoroughness {
    /// Returns the value for this scale.
    pub(crate) fn pick<T>(self, quick: T, full: T) -> T {
        match self {
            Thoroughness::Quick => quick,
            Thoroughness::Full => full,
        }
    }
}

/// The result of one line.
pub(crate) struct Measurement {
    pub(crate) figure: String,
    pub(crate) result: LineResult,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineResult {
    Pass,
    Fail,
    /// This machine cannot measure the line.
    NotMade,
}

impl Measurement {
    /// A figure, and whether it meets the requirement.
    pub(crate) fn judged(holds: bool, figure: String) -> Measurement {
        Measurement { figure, result: if holds { LineResult::Pass } else { LineResult::Fail } }
    }

    /// A line that cannot be measured here, and why.
    pub(crate) fn not_made(why: &str) -> Measurement {
        Measurement { figure: why.to_owned(), result: LineResult::NotMade }
    }

    /// Combines two readings: fails if either fails, passes if either passes, and is `NotMade` only
    /// if both are. The figure has both texts, so that it also names a part that was not measured.
    pub(crate) fn and(self, other: Measurement) -> Measurement {
        let result = match (self.result, other.result) {
            (LineResult::Fail, _) | (_, LineResult::Fail) => LineResult::Fail,
            (LineResult::Pass, _) | (_, LineResult::Pass) => LineResult::Pass,
            (LineResult::NotMade, LineResult::NotMade) => LineResult::NotMade,
        };
        let Measurement { figure: other, .. } = other;
        Measurement { figure: format!("{}; {other}", self.figure), result }
    }
}

/// Whether a program is installed.
pub(crate) fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Whether this process may create network and mount namespaces.
pub(crate) fn has_namespaces() -> bool {
    Command::new("unshare").args(["--net", "--mount", "true"]).status().is_ok_and(|status| status.success())
}

/// The time that this share of the times does not exceed; sorts the times.
pub(crate) fn quantile(times: &mut [u64], share: f64) -> u64 {
    times.sort_unstable();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "thousands of times"
    )]
    let rank = (share * times.len() as f64).ceil() as usize;
    times.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// Microseconds as text in milliseconds, such as `1.5 ms`.
#[expect(clippy::cast_precision_loss, reason = "times of minutes at most")]
pub(crate) fn ms(micros: u64) -> String {
    format!("{:.1} ms", micros as f64 / 1e3)
}

/// A time in whole microseconds.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Whether the windows of a journal add up: scheduled = up + down + unknown + missed.
pub(crate) fn adds_up([scheduled, up, down, unknown, missed]: [u64; 5]) -> bool {
    scheduled == up + down + unknown + missed
}

/// Every complete line of the files of a journal, as text.
pub(crate) fn lines_of(journal: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(journal).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
            let whole = text.rfind('\n').map_or(0, |end| end + 1);
            lines.extend(text[..whole].lines().map(str::to_owned));
        }
    }
    lines
}
