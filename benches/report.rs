//! How the time of a report grows with the number of series: `cargo bench --bench report`. 100,
//! 1,000 and 10,000 series of an hour each, of which a few fail, are added up and answered in this
//! process; then 1,000,000 names, which a report rejects.

#![expect(clippy::print_stdout, reason = "a benchmark's answer")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uptick::model::{FailureClass, Verdict};
use uptick::report::{self, Fold, Integrity, Question};
use uptick::window::{CheckResult, Window};

/// The most times longer that 10,000 series may take than 1,000.
const AT_MOST: f64 = 12.0;

fn main() {
    let times = [100, 1_000, 10_000].map(|series| {
        let mut times: Vec<Duration> = (0..3).map(|_| answer(series)).collect();
        times.sort_unstable();
        println!("report           {series} series in {:?} (median of 3)", times[1]);
        times[1]
    });
    let ratio = times[2].as_secs_f64() / times[1].as_secs_f64();
    println!("report           10,000 series take {ratio:.1} times as long as 1,000");
    assert!(ratio <= AT_MOST, "the report is not linear in its series: {ratio:.1}");
    let began = Instant::now();
    let mut fold = Fold::new(question());
    (0..1_000_000).for_each(|series| fold.window(&window(series, 0)));
    let refused = fold.check_limit().expect_err("a million series are refused");
    println!("report           1,000,000 series in {:?}: {refused}", began.elapsed());
}

fn answer(series: u64) -> Duration {
    let windows: Vec<Window> = (0..series).flat_map(|n| (0..12).map(move |part| window(n, part))).collect();
    let began = Instant::now();
    let mut fold = Fold::new(question());
    windows.iter().for_each(|window| fold.window(window));
    let report = report::answer(&mut fold, start() + Duration::from_hours(1), Integrity::default());
    let length = serde_json::to_vec(&report).expect("a document").len();
    assert!(report.probes.len() as u64 * 2 >= series && length > 0);
    began.elapsed()
}

fn start() -> Timestamp {
    "2026-03-10T09:00:00Z".parse().expect("an instant")
}

fn question() -> Question {
    Question { from: Some(start()), to: Some(start() + Duration::from_hours(1)), ..Question::default() }
}

/// Five minutes of a series: ten checks. Of every fiftieth series, all checks of the last half hour
/// fail. Fifty probes make a surface, and two vantages check each.
fn window(series: u64, part: u64) -> Window {
    let (vantage, probe) = (series % 2, series / 2);
    let name = |text: String| Arc::<str>::from(text);
    let mut window = Window::empty(
        &name(format!("vantage {vantage}")),
        &name(format!("probe {probe}")),
        &name(format!("surface {}", probe / 50)),
        false,
    );
    let fails = probe % 50 == 0 && part >= 6;
    let (verdict, class) =
        if fails { (Verdict::Down, Some(FailureClass::ConnectTimeout)) } else { (Verdict::Up, None) };
    let from = start() + Duration::from_mins(5) * u32::try_from(part).expect("few");
    (window.from, window.to) = (from, from + Duration::from_mins(5));
    for check in 0..10 {
        window.strip.push(from + Duration::from_secs(30) * check, CheckResult::new(verdict, class));
        if fails {
            window.failed_latency.record(Duration::from_secs(10));
        } else {
            window.latency.total.record(Duration::from_millis(80 + series % 40));
        }
    }
    window.counts.add(verdict, 10);
    if let Some(class) = class {
        window.failures.insert(class, 10);
    }
    window
}
