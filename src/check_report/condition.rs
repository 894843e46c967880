//! Conditions of `--fail-on`: what makes a run fail, instead of the default "at least one down".
//! Each is evaluated per probe, from counts. This module knows neither files nor formats.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::format;
use crate::model::{Counts, SafeText, Verdict, quantity};
use crate::report::statistics;
use crate::window::{Histogram, Window};

/// A condition, as in `p95 > 800ms`, `failed > 1%` or `flaky`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    /// More than a share of the up checks took longer than a limit: `p95 > 800ms` means more than 5
    /// % of them. This counts checks instead of computing a percentile, so it is exact even for few
    /// checks.
    Slower {
        /// The percentile, in (0, 1); 1 for `max`.
        quantile: f64,
        /// The limit.
        limit: Duration,
    },
    /// More than a share of the judged checks were down.
    Failed {
        /// The share, in [0, 1].
        ratio: f64,
    },
    /// More than `most` checks ended this way.
    Count {
        /// Which checks are counted.
        what: Counted,
        /// The largest number that does not fail the run.
        most: u64,
    },
    /// An error budget is spent, or burns too fast. Only a report has error budgets.
    Slo,
    /// Never met: the run does not fail.
    Never,
}

/// What [`Condition::Count`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Checks that were down.
    Down,
    /// Checks that could not be judged.
    Unknown,
    /// Checks that were due but not run.
    Missed,
    /// Checks that passed only on a later attempt.
    Flaky,
}

impl Counted {
    const ALL: [(&'static str, Counted); 4] = [
        (Verdict::Down.name(), Counted::Down),
        (Verdict::Unknown.name(), Counted::Unknown),
        (Verdict::Missed.name(), Counted::Missed),
        ("flaky", Counted::Flaky),
    ];

    const fn of(self, checks: &ProbeChecks<'_>) -> u64 {
        match self {
            Counted::Down => checks.counts.down,
            Counted::Unknown => checks.counts.unknown,
            Counted::Missed => checks.counts.missed,
            Counted::Flaky => checks.flaky,
        }
    }
}

/// All checks of a probe, as a condition sees them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProbeChecks<'c> {
    pub(crate) counts: Counts,
    pub(crate) flaky: u64,
    /// How long the up checks took.
    pub(crate) latency: &'c Histogram,
}

/// A condition that a probe meets.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Violation {
    /// The probe.
    pub probe: String,
    /// The condition, as written on the command line.
    pub condition: String,
    /// What was found, with its counts and its 95 % interval.
    pub found: SafeText,
}

impl Condition {
    /// Whether the condition decides about checks that are down. With any other condition, a check
    /// that is down still fails the run.
    #[must_use]
    pub(crate) const fn is_of_availability(&self) -> bool {
        matches!(
            self,
            Condition::Failed { .. } | Condition::Count { what: Counted::Down, .. } | Condition::Slo | Condition::Never
        )
    }

    /// Evaluates the condition on the sum of one probe's windows. `None` if it is not met.
    #[must_use]
    pub fn judge(&self, window: &Window) -> Option<Violation> {
        let checks = ProbeChecks { counts: window.counts, flaky: window.flaky, latency: &window.latency.total };
        self.found(checks).map(|found| Violation {
            probe: window.probe.to_string(),
            condition: self.to_string(),
            found: SafeText::message(&found),
        })
    }

    /// Evaluates the condition on all checks of a probe: what was found. `None` if it is not met.
    pub(crate) fn found(&self, checks: ProbeChecks<'_>) -> Option<String> {
        match *self {
            Condition::Slower { quantile, limit } => {
                let n = checks.latency.count();
                let slower = n - checks.latency.count_within(limit).min(n);
                let is_met = slower > 0 && over(slower, n, 1.0 - quantile);
                is_met.then(|| format!("{} took longer than {limit:?}", share(slower, n, "up check")))
            }
            Condition::Failed { ratio } => {
                let (down, n) = (checks.counts.down, checks.counts.judged());
                (down > 0 && over(down, n, ratio)).then(|| format!("{} failed", share(down, n, "check")))
            }
            Condition::Count { what, most } => {
                let n = what.of(&checks);
                let all = checks.counts.scheduled();
                (n > most).then(|| format!("{} of {}", format::count(n), format::counted(all, "check")))
            }
            Condition::Slo | Condition::Never => None,
        }
    }
}

/// Whether `k` of `n` is more than `share`. Exactly the share is not more.
#[expect(clippy::cast_precision_loss, reason = "counts of checks stay far below 2^52")]
fn over(k: u64, n: u64, share: f64) -> bool {
    k as f64 > share * n as f64 + 1e-9
}

/// `3 of 20 checks (15%, 95% interval 5-36%)`
fn share(k: u64, n: u64, noun: &str) -> String {
    let percent = |ratio: f64| (ratio * 1_000.0).round() / 10.0;
    match (statistics::ratio(k, n), statistics::wilson(k, n)) {
        (Some(ratio), Some([low, high])) => {
            let (ratio, low, high) = (percent(ratio), percent(low), percent(high));
            format!("{} of {} ({ratio}%, 95% interval {low}-{high}%)", format::count(k), format::counted(n, noun))
        }
        _ => format!("{} of {}", format::count(k), format::counted(n, noun)),
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Condition::Slower { quantile, limit } if quantile >= 1.0 => write!(f, "max > {limit:?}"),
            Condition::Slower { quantile, limit } => {
                write!(f, "p{} > {limit:?}", (quantile * 100_000.0).round() / 1_000.0)
            }
            Condition::Failed { ratio } => write!(f, "failed > {}%", (ratio * 100_000.0).round() / 1_000.0),
            Condition::Count { what, most } => {
                let name = Counted::ALL.iter().find(|(_, counted)| *counted == what).map_or("", |(name, _)| name);
                if most == 0 { f.write_str(name) } else { write!(f, "{name} > {most}") }
            }
            Condition::Slo => f.write_str("slo"),
            Condition::Never => f.write_str("never"),
        }
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Condition, String> {
        let wrong = || {
            "it is not a condition: write for example \"p95 > 800ms\", \"max > 2s\", \"failed > 1%\", \"down > 2\", down, \
             flaky, unknown, missed, slo or never"
                .to_owned()
        };
        let text = text.trim();
        match text {
            "never" => return Ok(Condition::Never),
            "slo" => return Ok(Condition::Slo),
            _ => {}
        }
        let Some((metric, threshold)) = text.split_once('>') else {
            return counted(text).map(|what| Condition::Count { what, most: 0 }).ok_or_else(wrong);
        };
        let (metric, threshold) = (metric.trim(), threshold.trim());
        let condition = match metric {
            "failed" => percent(threshold).map(|ratio| Condition::Failed { ratio }),
            _ if counted(metric).is_some() => {
                counted(metric).zip(threshold.parse().ok()).map(|(what, most)| Condition::Count { what, most })
            }
            _ => quantile(metric)
                .zip(quantity::positive_duration(threshold).ok())
                .map(|(quantile, limit)| Condition::Slower { quantile, limit }),
        };
        condition.ok_or_else(wrong)
    }
}

fn counted(name: &str) -> Option<Counted> {
    Counted::ALL.iter().find(|(known, _)| *known == name).map(|(_, counted)| *counted)
}

/// `p95`, `p99.9` or `max` as a quantile in (0, 1].
fn quantile(metric: &str) -> Option<f64> {
    if metric == "max" {
        return Some(1.0);
    }
    let percent: f64 = metric.strip_prefix('p')?.parse().ok()?;
    (percent > 0.0 && percent < 100.0).then_some(percent / 100.0)
}

/// `1%` or `0.5%` as a share in [0, 1].
fn percent(text: &str) -> Option<f64> {
    let percent: f64 = text.strip_suffix('%')?.trim().parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::Timings;

    fn window(up_ms: &[u64], down: u64) -> Window {
        let mut window = Window::empty(&Arc::from("here"), &Arc::from("home"), &Arc::from("web"), false);
        for ms in up_ms {
            window.counts.up += 1;
            window.latency.record(&Timings { total: Duration::from_millis(*ms), ..Timings::default() });
        }
        window.counts.down = down;
        window
    }

    fn met(condition: &str, window: &Window) -> Option<String> {
        let condition: Condition = condition.parse().expect("a condition");
        condition.judge(window).map(|violation| violation.found.to_string())
    }

    #[test]
    fn a_percentile_is_judged_by_counting() {
        let mut times = vec![100; 19];
        times.push(900);
        assert_eq!(met("p95 > 800ms", &window(&times, 0)), None, "one of twenty is 5 % and not more");
        times[0] = 900;
        let found = met("p95 > 800ms", &window(&times, 0)).expect("two of twenty are more");
        assert!(found.starts_with("2 of 20 up checks (10%, 95% interval 2.8-30.1%)"), "{found}");
        assert!(met("max > 800ms", &window(&times, 0)).is_some());
        assert_eq!(met("max > 1s", &window(&times, 0)), None);
    }

    #[test]
    fn a_share_of_failures_is_judged_with_its_interval() {
        let ninety_nine = window(&[1; 99], 1);
        assert_eq!(met("failed > 1%", &ninety_nine), None);
        assert!(met("failed > 0.5%", &ninety_nine).is_some());
        assert!(met("down", &ninety_nine).is_some());
        assert_eq!(met("down > 1", &ninety_nine), None);
        assert_eq!(met("never", &ninety_nine), None);
        assert_eq!(met("failed > 0%", &window(&[], 0)), None, "nothing judged, nothing to say");
    }

    #[test]
    fn conditions_are_read_and_written_alike() {
        for text in [
            "p95 > 800ms",
            "p99.9 > 2s",
            "max > 1.5s",
            "failed > 1%",
            "failed > 0.05%",
            "down",
            "flaky",
            "missed > 3",
            "never",
        ] {
            assert_eq!(text.parse::<Condition>().map(|condition| condition.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("  p50>20ms ".parse(), Ok(Condition::Slower { quantile: 0.5, limit: Duration::from_millis(20) }));
        for wrong in [
            "",
            "p95",
            "p95 > 1%",
            "failed > 1",
            "failed > 101%",
            "p0 > 1s",
            "p100 > 1s",
            "speed > 1s",
            "down > x",
            "max > 0s",
        ] {
            assert!(wrong.parse::<Condition>().is_err(), "{wrong}");
        }
    }
}
