//! Outcomes of checks that were never made.

use jiff::SignedDuration;
use uptick::model::{Check, Failure, FailureClass, Outcome, Phase, SafeText, Verdict};

/// The outcome of a check: it was up, or failed with this class and message.
pub fn ended(check: &Check, vantage: &str, class: Option<FailureClass>, message: &str) -> Outcome {
    let started_at = check.scheduled_at + SignedDuration::try_from(check.lag).unwrap();
    let failed = Failure::new(class.unwrap_or(FailureClass::Status), Some(Phase::Connect), SafeText::message(message));
    Outcome {
        verdict: class.map_or(Verdict::Up, FailureClass::verdict),
        failure: class.map(|_| failed.clone()),
        status: match class {
            Some(FailureClass::Status) => Some(503),
            Some(_) => None,
            None => Some(200),
        },
        remote: "192.0.2.7:443".parse().ok(),
        ..Outcome::without_measurement(check, vantage, started_at, failed)
    }
}
