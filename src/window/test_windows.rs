//! Arbitrary windows for property tests: made by a collector from arbitrary outcomes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use crate::model::{Check, Failure, FailureClass, Outcome, Probe, SafeText, Timings, Verdict};

use super::{Collector, Window};

/// An outcome of the probe `home`, due in the ten minutes after `minute`.
pub(crate) fn outcome(minute: i64) -> impl Strategy<Value = Outcome> {
    let class = prop::option::weighted(0.4, 0..FailureClass::ALL.len());
    let phase = || prop::option::of(0_u64..20_000_000);
    let phases = (phase(), phase(), phase(), phase(), phase());
    let total = prop_oneof![9 => 0_u64..60_000_000, 1 => 0_u64..90_000_000_000];
    (0_i64..600_000, -50_i64..5_000, class, phases, total, any::<bool>(), any::<bool>()).prop_map(
        move |(due, late, class, phases, total, flaky, missed)| {
            let class = class.map(|at| FailureClass::ALL[at]);
            let at = |millisecond| Timestamp::from_millisecond(minute * 60_000 + millisecond).expect("an instant");
            let missed = missed && class.is_none() && total % 7 == 0;
            let failure = |class| Failure {
                own_class: (class == FailureClass::ControlFailed).then_some(FailureClass::Status),
                ..Failure::new(class, None, SafeText::message("no"))
            };
            let lag = Duration::from_millis(late.max(0).unsigned_abs());
            let probe = Arc::new(Probe::plain("home", "web", "http://x.test/", Duration::from_secs(10)));
            let check = Check { probe, scheduled_at: at(due), lag };
            let failed = failure(class.unwrap_or(FailureClass::Status));
            Outcome {
                verdict: if missed { Verdict::Missed } else { class.map_or(Verdict::Up, FailureClass::verdict) },
                failure: class.map(failure),
                timings: Timings {
                    resolve: phases.0.map(Duration::from_micros),
                    connect: phases.1.map(Duration::from_micros),
                    tls: phases.2.map(Duration::from_micros),
                    processing: phases.3.map(Duration::from_micros),
                    transfer: phases.4.map(Duration::from_micros),
                    total: Duration::from_micros(total),
                },
                flaky: flaky && class.is_none() && !missed,
                status: (total % 3 == 0).then_some(500 + u16::try_from(total % 5).unwrap_or(0)),
                remote: (total % 4 > 0)
                    .then(|| SocketAddr::from(([192, 0, 2, u8::try_from(total % 23).unwrap_or(0)], 443))),
                insecure: total % 31 == 0,
                ..Outcome::without_measurement(&check, "here", at(due + late), failed)
            }
        },
    )
}

/// The first minute of 2025, since the epoch.
pub(crate) const MINUTE: i64 = 28_928_160;

/// The window of the probe `home` with these outcomes in the first ten minutes of 2025, its strip joined or not.
pub(crate) fn window_of(outcomes: &[Outcome], joined: bool) -> Window {
    let mut collector = Collector::new("here", Duration::from_mins(10));
    for outcome in outcomes {
        assert_eq!(collector.record(outcome), None, "the span holds all of them");
    }
    let empty = || Window::empty(&"here".into(), &"home".into(), &"web".into(), false);
    let mut window = collector.close_all().pop().unwrap_or_else(empty);
    if joined {
        window.strip.join_even();
    }
    window
}

/// A window of the probe `home` with up to sixty checks in the first ten minutes of 2025.
pub(crate) fn window() -> impl Strategy<Value = Window> {
    (prop::collection::vec(outcome(MINUTE), 1..60), any::<bool>())
        .prop_map(|(outcomes, joined)| window_of(&outcomes, joined))
}
