//! Several probers that share the probes of a vantage give the same report as one that runs them
//! all. Probes that none of them ran are no data, and the report says so.

use std::time::Duration;

use super::recorded_journal::{Line, PlayedCheck, RecordedJournal, at, failed, question};
use super::within;
use crate::model::{FailureClass, Probe, RecordedPlan, Shard};
use crate::report::document::report::Report;

const FROM: &str = "2025-03-10T09:00:00Z";
const TO: &str = "2025-03-10T10:00:00Z";

fn names() -> Vec<String> {
    (0..24).map(|n| format!("probe {n}")).collect()
}

fn shards(of: u32) -> Vec<Shard> {
    (0..of).map(|index| Shard::new(index, of).unwrap()).collect()
}

/// The plan of a prober, recorded at the start.
fn plan(shard: Option<Shard>) -> Vec<RecordedPlan> {
    let owned = |name: &String| shard.is_none_or(|shard| shard.owns(name));
    let probe = |name: &String| Probe::plain(name, "web", "http://x.test/", Duration::from_secs(30));
    let probes: Vec<Probe> = names().iter().filter(|name| owned(name)).map(probe).collect();
    RecordedPlan::parts("here", shard, at(FROM), &probes)
}

/// Records one prober: its probes, of which a third fails for ten minutes, and the control target.
fn run(stage: &mut RecordedJournal, shard: Option<Shard>, dead: &[(&str, &str)]) {
    stage.plans.extend(plan(shard));
    for (n, name) in names().iter().enumerate().filter(|(_, name)| shard.is_none_or(|shard| shard.owns(name))) {
        stage.play(Line::new("here", "web", name, 30), FROM, TO, |now| match () {
            () if within(now, dead) => PlayedCheck::Asleep,
            () if n % 3 == 0 && within(now, &[("09:30", "09:40")]) => failed(FailureClass::ConnectRefused, 1),
            () => PlayedCheck::Up(50),
        });
    }
    stage.play(Line::control("here", 30), FROM, TO, |now| {
        if within(now, dead) { PlayedCheck::Asleep } else { PlayedCheck::Up(20) }
    });
}

fn report(shards: &[Option<Shard>]) -> Report {
    let mut stage = RecordedJournal::default();
    shards.iter().for_each(|shard| run(&mut stage, *shard, &[]));
    stage.report(question(FROM, TO))
}

/// The parts of a report that do not depend on control targets.
fn of_targets(report: &Report) -> serde_json::Value {
    let mut document = serde_json::to_value(report).unwrap();
    let document = document.as_object_mut().unwrap();
    for rows in ["surfaces", "places", "probes", "series"] {
        document[rows].as_array_mut().unwrap().retain(|row| row["control"] != true && row["surface"] != "control");
    }
    // Control targets have more checks, and so other limits.
    let is_of_targets = |limit: &serde_json::Value| !limit.as_str().unwrap().contains("of control");
    document["limits"].as_array_mut().unwrap().retain(is_of_targets);
    // Each prober checks the control target, and each has lines and lags of its own.
    for of_probers in ["integrity", "lag_us", "vantages", "expectations"] {
        document.remove(of_probers);
    }
    serde_json::Value::Object(document.clone())
}

#[test]
fn shards_together_give_the_report_of_the_whole() {
    let whole = report(&[None]);
    assert_eq!(whole.incidents.len(), 1, "{}", whole.verdict.sentence);
    for of in [1, 4, 16] {
        let shards: Vec<Option<Shard>> = shards(of).into_iter().map(Some).collect();
        let union = report(&shards);
        assert!(union.unseen.is_empty(), "{:?}", union.unseen);
        let (union, whole) = (of_targets(&union), of_targets(&whole));
        for (field, value) in whole.as_object().unwrap() {
            assert_eq!(union[field], *value, "{field} of {of} shards");
        }
    }
}

#[test]
fn a_shard_that_was_away_is_missing_with_its_probes_and_no_others() {
    let mut stage = RecordedJournal::default();
    for shard in shards(4) {
        let dead: &[(&str, &str)] = if shard.index == 2 { &[("09:10", "09:25")] } else { &[] };
        run(&mut stage, Some(shard), dead);
    }
    let report = stage.report(question(FROM, TO));
    let is_away = Shard::new(2, 4).unwrap();
    let mut away = 0;
    for row in report.probes.iter().filter(|row| !row.control) {
        let is_owned = is_away.owns(row.probe.as_str());
        away += u32::from(is_owned);
        let ratio = row.figures.coverage.ratio.unwrap();
        assert!(if is_owned { (0.7..0.8).contains(&ratio) } else { ratio > 0.98 }, "{}: {ratio}", row.probe);
    }
    assert!(away > 0);
}

#[test]
fn a_shard_that_never_started_is_no_data_and_said() {
    let mut stage = RecordedJournal::default();
    for shard in shards(4).into_iter().filter(|shard| shard.index != 1) {
        run(&mut stage, Some(shard), &[]);
    }
    let report = stage.report(question(FROM, TO));
    assert_eq!(report.unseen.len(), 1, "{:?}", report.unseen);
    assert_eq!((report.unseen[0].shard.as_deref(), report.unseen[0].never_started), (Some("1/4"), true));
    assert!(report.limits.iter().any(|limit| limit.contains("nothing of shard 1/4 of here")), "{:?}", report.limits);
}

#[test]
fn of_very_many_shards_that_never_started_the_first_are_listed_and_all_are_counted() {
    let mut stage = RecordedJournal::default();
    run(&mut stage, Some(Shard::new(7, 4_000_000_000).unwrap()), &[]);
    let report = stage.report(question(FROM, TO));
    assert_eq!(report.unseen.len(), 100);
    assert_eq!(
        report.unseen.last().map(|one| (one.shard.as_deref(), one.more_shards)),
        Some((Some("100/4000000000"), 3_999_999_899))
    );
    assert!(report.limits.iter().any(|limit| limit.contains("and 3,999,999,989 more of here")), "{:?}", report.limits);
}

#[test]
fn a_shard_that_cron_never_starts_is_said_too() {
    let mut stage = RecordedJournal::default();
    for shard in shards(3).into_iter().filter(|shard| shard.index != 2) {
        run(&mut stage, Some(shard), &[]);
        // A prober that is started from outside records its shard, but not when it will be started
        // again.
        stage.plans.extend(plan(Some(shard)).into_iter().map(RecordedPlan::on_demand));
    }
    let report = stage.report(question(FROM, TO));
    let unseen: Vec<_> = report.unseen.iter().map(|one| (one.shard.as_deref(), one.due)).collect();
    assert_eq!(unseen, [(Some("2/3"), 0)]);
    assert!(report.coverage.ratio.unwrap() > 0.98, "{:?}", report.coverage);
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn probes_that_never_ran_are_no_data_and_lower_the_coverage() {
    let mut stage = RecordedJournal::default();
    let [one, other] = shards(2).try_into().unwrap();
    run(&mut stage, Some(one), &[]);
    // It records its plan, then dies.
    stage.plans.extend(plan(Some(other)));
    let report = stage.report(question(FROM, TO));
    let owned: Vec<String> = names().into_iter().filter(|name| other.owns(name)).collect();
    let [unseen] = report.unseen.as_slice() else { panic!("{:?}", report.unseen) };
    assert_eq!((unseen.probes, unseen.due), (owned.len() as u64, owned.len() as u64 * 120));
    assert!(unseen.names.iter().all(|name| owned.iter().any(|owned| owned == name.as_str())));
    let ratio = report.coverage.ratio.unwrap();
    assert!((ratio - (24 - owned.len()) as f64 / 24.0).abs() < 0.02, "{ratio}");
    assert!(report.limits.iter().any(|limit| limit.contains("never ran")), "{:?}", report.limits);
}

#[test]
fn a_plan_that_was_replaced_is_no_longer_waited_for() {
    let mut stage = RecordedJournal::default();
    // Four shards became two, an old prober has been gone for days, and a probe was removed.
    let long_ago = at("2025-03-07T00:00:00Z");
    stage.plans.extend(
        shards(4)
            .into_iter()
            .flat_map(|shard| plan(Some(shard)))
            .map(|plan| RecordedPlan { from: at("2025-03-10T08:00:00Z"), ..plan }),
    );
    let gone = Probe::plain("gone", "web", "http://x.test/", Duration::from_secs(30));
    stage.plans.extend(RecordedPlan::parts("elsewhere", None, long_ago, [&gone]));
    stage.plans.extend(RecordedPlan::parts(
        "here",
        Some(Shard::new(0, 2).unwrap()),
        at("2025-03-10T08:30:00Z"),
        [&gone],
    ));
    for shard in shards(2) {
        run(&mut stage, Some(shard), &[]);
    }
    let report = stage.report(question(FROM, TO));
    assert!(report.unseen.is_empty(), "{:?}", report.unseen);
}

#[test]
fn what_began_a_moment_ago_is_not_called_missing() {
    let mut stage = RecordedJournal::default();
    stage.plans.extend(plan(Some(Shard::new(0, 2).unwrap())));
    let report = stage.report(question(FROM, "2025-03-10T09:04:00Z"));
    assert!(report.unseen.is_empty(), "{:?}", report.unseen);
}
