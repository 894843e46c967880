use super::*;
use crate::model::{Check, Failure, Phase, SafeText};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("an instant")
}

fn outcome(probe: &str, second: i64, class: Option<FailureClass>) -> Outcome {
    let probe = Arc::new(Probe::plain(probe, "web", "http://x.test/", Duration::from_secs(10)));
    let check = Check { probe, scheduled_at: at(second), lag: Duration::from_micros(120) };
    let failure = |class| Failure::new(class, Some(Phase::Connect), SafeText::message("no"));
    let failed = failure(class.unwrap_or(FailureClass::ConnectRefused));
    Outcome {
        verdict: class.map_or(Verdict::Up, FailureClass::verdict),
        failure: class.map(failure),
        timings: Timings {
            connect: Some(Duration::from_micros(95)),
            total: Duration::from_micros(400),
            ..Timings::default()
        },
        ..Outcome::without_measurement(&check, "here", at(second), failed)
    }
}

#[test]
fn a_check_of_the_next_span_closes_the_window() {
    let mut collector = Collector::new("here", Duration::from_mins(1));
    for second in [0, 10, 50] {
        assert_eq!(collector.record(&outcome("home", second, None)), None);
    }
    let closed = collector.record(&outcome("home", 60, None)).expect("a window");
    assert_eq!((closed.from, closed.to, closed.counts.up), (at(0), at(60), 3));
    assert_eq!(closed.latency.total.count(), 3);
    assert_eq!(closed.latency.tls.count(), 0);
    assert_eq!(closed.lag.count(), 3);
    let rest = collector.close_all();
    assert_eq!((rest.len(), rest[0].from, rest[0].counts.up), (1, at(60), 1));
    assert!(collector.close_all().is_empty());
}

#[test]
fn the_time_it_took_to_fail_is_kept_apart() {
    let mut collector = Collector::new("here", Duration::from_mins(1));
    let _ = collector.record(&outcome("home", 0, Some(FailureClass::ConnectRefused)));
    let _ = collector.record(&outcome("home", 1, Some(FailureClass::Interrupted)));
    let window = collector.close_all().remove(0);
    assert_eq!((window.counts.down, window.counts.unknown), (1, 1));
    assert_eq!((window.latency.total.count(), window.failed_latency.count()), (0, 1));
    assert_eq!(window.failures[&FailureClass::Interrupted], 1);
}

#[test]
fn only_windows_whose_span_has_ended_are_closed() {
    let mut collector = Collector::new("here", Duration::from_mins(1));
    let _ = collector.record(&outcome("a", 59, None));
    let _ = collector.record(&outcome("b", 60, None));
    assert!(collector.close_ended(at(59)).is_empty());
    let closed: Vec<_> = collector.close_ended(at(60)).iter().map(|window| window.probe.to_string()).collect();
    assert_eq!(closed, ["a"]);
    assert_eq!(collector.close_all().len(), 1);
}

#[test]
fn very_many_windows_are_closed_in_parts_and_each_once() {
    let mut collector = Collector::new("here", Duration::from_mins(1));
    let probes = CLOSED_AT_ONCE * 2 + 1;
    for probe in 0..probes {
        let _ = collector.record(&outcome(&format!("p{probe}"), 0, None));
    }
    let mut closed: Vec<Window> = Vec::new();
    let mut parts = Vec::new();
    loop {
        let part = collector.close_ended(at(60));
        if part.is_empty() {
            break;
        }
        parts.push(part.len());
        closed.extend(part);
    }
    assert_eq!(parts, [CLOSED_AT_ONCE, CLOSED_AT_ONCE, 1]);
    let names: std::collections::BTreeSet<_> = closed.iter().map(|window| &window.probe).collect();
    assert_eq!(names.len(), probes);
}

#[test]
fn the_first_failures_of_each_class_keep_their_evidence_and_all_are_counted() {
    let mut collector = Collector::new("here", Duration::from_mins(1));
    for second in 0..10 {
        let _ = collector.record(&outcome("home", second, Some(FailureClass::ConnectRefused)));
        let _ = collector.record(&outcome("home", second, Some(FailureClass::Status)));
    }
    assert_eq!(collector.take_failures().len(), 2 * EVIDENCE_PER_CLASS);
    assert!(collector.take_failures().is_empty());
    assert_eq!(collector.close_all()[0].counts.down, 20);
}

#[test]
fn ten_thousand_probes_with_open_windows_take_few_megabytes() {
    // Six checks each; a vector's capacity is at most twice its length.
    let bytes = 10_000 * (size_of::<Open>() + 2 * 6 * size_of::<Sample>());
    assert!(bytes < 24 << 20, "{bytes} bytes");
}

#[test]
fn a_window_with_very_many_checks_closes_early() {
    let mut collector = Collector::new("here", Duration::from_mins(1));
    let closed: Vec<_> = (0..=CHECKS_LIMIT).filter_map(|_| collector.record(&outcome("home", 0, None))).collect();
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].counts.up, u64::try_from(CHECKS_LIMIT).expect("it fits"));
    assert_eq!(collector.close_all()[0].counts.up, 1);
}
#[test]
fn a_window_with_very_many_codes_closes_early() {
    let mut collector = Collector::new("here", Duration::from_hours(24));
    let coded = |n: u16| Outcome { grpc_status: Some(n), ..outcome("home", n.into(), Some(FailureClass::GrpcStatus)) };
    let mut closed: Vec<_> = (1..=8_000).filter_map(|n| collector.record(&coded(n))).collect();
    closed.extend(collector.close_all());
    assert!(closed.iter().all(|window| window.codes.len() <= 100));
    assert_eq!(closed.iter().map(|window| window.counts.down).sum::<u64>(), 8_000);
}
