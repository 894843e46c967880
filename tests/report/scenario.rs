//! Reports to be laid out: generated checks, added up into windows and folded as the program does.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use uptick::model::{
    Evidence, FailureClass, LatencyObjective, Objective, Outcome, Phase, Probe, SafeText, Surface, Timings,
};
use uptick::report::{Fold, Integrity, Question, Report};
use uptick::window::Collector;

use crate::sample;
use crate::sample::ms;

/// Numbers that look random but are always the same (Knuth's MMIX generator).
pub(crate) struct SeededRandom(u64);

impl SeededRandom {
    /// A number in [0, 1).
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 32).unwrap_or_default()) / f64::from(u32::MAX)
    }

    /// A factor around 1, occasionally a much larger one.
    fn spread(&mut self) -> f64 {
        let sum: f64 = (0..6).map(|_| self.next()).sum::<f64>() / 3.0 - 1.0;
        let tail = if self.next() < 0.01 { 3.0 + 6.0 * self.next() } else { 1.0 };
        (0.55 * sum).exp() * tail
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// The failures of a probe from a vantage at an instant: the failed ratio and the slowness.
type FailureModel<'w> = &'w dyn Fn(&Probe, &str, Timestamp) -> (f64, f64);

/// What is checked, from where, how often and for how long.
pub(crate) struct Plan<'p> {
    pub(crate) probes: Vec<Arc<Probe>>,
    pub(crate) vantages: &'p [&'p str],
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) every: Duration,
    pub(crate) suspended: Vec<(&'p str, Timestamp, Timestamp)>,
}

impl Plan<'_> {
    /// Plays the plan into a fold, with the failures of a model.
    pub(crate) fn play(&self, failures: FailureModel<'_>, fold: &mut Fold) {
        let mut random = SeededRandom(42);
        for vantage in self.vantages {
            let mut collector = Collector::new(vantage, Duration::from_mins(1));
            let mut evidence = 0_u32;
            for (number, probe) in (0_u32..).zip(&self.probes) {
                let mut due = self.from + Duration::from_millis(u64::from(number * 1_700 % 25_000));
                while due < self.to {
                    if self
                        .suspended
                        .iter()
                        .all(|(suspended, from, to)| suspended != vantage || due < *from || due >= *to)
                    {
                        let (failing, slow) = failures(probe, vantage, due);
                        let outcome = check(probe, vantage, due, failing, slow, &mut random);
                        if outcome.failure.is_some() && evidence.is_multiple_of(7) {
                            fold.failure(&outcome);
                        }
                        evidence += u32::from(outcome.failure.is_some());
                        collector.record(&outcome).iter().for_each(|window| fold.window(window));
                    }
                    due += self.every;
                }
                collector.close_all().iter().for_each(|window| fold.window(window));
            }
        }
    }
}

/// One generated check.
fn check(probe: &Probe, vantage: &str, due: Timestamp, failing: f64, slow: f64, random: &mut SeededRandom) -> Outcome {
    let after = Duration::try_from(due.duration_since(sample::start())).unwrap_or_default();
    let mut outcome =
        if random.next() < failing { failure(probe, after, random) } else { sample::up(probe, after, 1.0) };
    vantage.clone_into(&mut outcome.vantage);
    outcome.scheduled_at = due;
    outcome.lag = Duration::from_micros(80).mul_f64(random.spread());
    outcome.started_at = due + outcome.lag;
    if outcome.failure.is_none() {
        let far = match vantage {
            "iad" => 0.7,
            "sjc" => 0.9,
            _ => 1.3,
        };
        let mut timings = Timings::default();
        let phases = [1.2, 14.0 * far, 24.0 * far, 62.0 * slow, 4.0];
        for (phase, time) in Phase::ALL.into_iter().zip(phases) {
            let time = ms(time * random.spread());
            timings.add(phase, time);
            timings.total += time;
        }
        outcome.timings = timings;
    }
    outcome
}

fn failure(probe: &Probe, after: Duration, random: &mut SeededRandom) -> Outcome {
    let drawn = random.next();
    let (app, edge) = (probe.surface == "app", "104.244.42.1:443");
    let limit = if app { [0.78, 0.90, 0.94, 0.98] } else { [0.38, 0.50, 0.92, 0.97] };
    let which = limit.iter().filter(|limit| drawn > **limit).count();
    let (class, phase, message) = match which {
        0 => (FailureClass::ConnectTimeout, Some(Phase::Connect), format!("no answer from {edge} within 5.00 s")),
        1 => (
            FailureClass::TlsHandshakeTimeout,
            Some(Phase::Tls),
            format!("{edge} did not finish the TLS handshake within 5.00 s"),
        ),
        2 => (FailureClass::Status, None, "status 522, expected 2xx".to_owned()),
        3 => (
            FailureClass::ResponseTimeout,
            Some(Phase::Processing),
            format!("no response head from {edge} within 10.0 s"),
        ),
        _ => (FailureClass::AssertionFailed, None, "the body lacks \"<title\"".to_owned()),
    };
    let mut outcome = sample::failed(probe, after, class, phase, &message);
    outcome.timings.add(Phase::Resolve, ms(1.1));
    outcome.timings.add(phase.unwrap_or(Phase::Processing), ms(if which < 2 { 5_000.0 } else { 240.0 }));
    outcome.timings.total = ms(if which < 2 { 5_001.1 } else { 290.0 });
    if which == 2 || which == 4 {
        outcome.status = Some(if which == 2 { 522 } else { 200 });
    }
    let last = 1 + u32::from(drawn > 0.5) * 4;
    outcome.remote = format!("104.244.42.{last}:443").parse().ok();
    outcome.evidence = Some(Evidence {
        url: SafeText::message("https://x.com/"),
        headers: vec![
            ("server".to_owned(), SafeText::message("cloudflare")),
            ("cf-ray".to_owned(), SafeText::message("91e2f-IAD")),
        ],
        curl: Some(SafeText::message("curl -sS -m 10 https://x.com/")),
        ..Evidence::default()
    });
    outcome
}

/// The probes of the X scenario.
pub(crate) fn x_probes() -> Vec<Arc<Probe>> {
    let mut control = sample::probe("internet", "control", "https://www.example.com/", 3);
    control.control = true;
    vec![
        Arc::new(sample::probe("timeline api", "app", "https://api.x.com/2/timeline", 10)),
        Arc::new(sample::probe("app config", "app", "https://api.x.com/1.1/config", 20)),
        Arc::new(sample::probe("home", "web", "https://x.com/", 30)),
        Arc::new(sample::probe("image", "web", "https://pbs.twimg.com/media/x.jpg", 40)),
        Arc::new(control),
    ]
}

/// Three waves on 10 March 2025, worse in the app, and worst in the east: the failed ratio and the
/// slowness.
pub(crate) fn x_failures(probe: &Probe, vantage: &str, now: Timestamp) -> (f64, f64) {
    let waves = [("09:32:10", "10:21:00", 0.85), ("13:31:20", "14:28:00", 0.95), ("15:03:40", "23:59:00", 0.75)];
    let strength = waves
        .into_iter()
        .find(|(from, to, _)| now >= at(&format!("2025-03-10T{from}Z")) && now < at(&format!("2025-03-10T{to}Z")))
        .map_or(0.0, |(_, _, strength)| strength);
    if probe.control || strength == 0.0 {
        return (0.001, 1.0);
    }
    let place = match vantage {
        "iad" => 1.0,
        "sjc" => 0.85,
        _ => 0.3,
    };
    let surface = if probe.surface == "app" { 1.0 } else { 0.58 };
    (strength * place * surface, 1.0 + 6.0 * strength * place)
}

/// The question of the X scenario, with labels and objectives.
pub(crate) fn question(from: &str, to: &str) -> Question {
    let mut surfaces = BTreeMap::new();
    let objective = Objective { ratio: 0.999, over: Duration::from_hours(30 * 24) };
    surfaces.insert(
        "app".to_owned(),
        Surface { label: Some("X app".to_owned()), objective: Some(objective), latency_objective: None },
    );
    let latency_objective = Some(LatencyObjective { ratio: 0.95, under: Duration::from_millis(800) });
    surfaces.insert(
        "web".to_owned(),
        Surface { label: Some("X web".to_owned()), objective: Some(objective), latency_objective },
    );
    Question { from: Some(at(from)), to: Some(at(to)), surfaces, ..Question::default() }
}

/// X on 10 March 2025 from three vantages, one of them suspended for a while, with a week of data
/// before it.
pub(crate) fn march() -> &'static Report {
    static MARCH: LazyLock<Report> = LazyLock::new(play_march);
    &MARCH
}

fn play_march() -> Report {
    let mut fold = Fold::new(question("2025-03-10T09:00:00Z", "2025-03-10T18:00:00Z"));
    let plan = |from: &str, to: &str, every: u64| Plan {
        probes: x_probes(),
        vantages: &["iad", "lhr", "sjc"],
        from: at(from),
        to: at(to),
        every: Duration::from_secs(every),
        suspended: vec![("sjc", at("2025-03-10T11:00:00Z"), at("2025-03-10T11:50:00Z"))],
    };
    plan("2025-03-03T09:00:00Z", "2025-03-10T09:00:00Z", 300).play(&|_, _, _| (0.0008, 1.0), &mut fold);
    plan("2025-03-10T09:00:00Z", "2025-03-10T18:00:00Z", 30).play(&x_failures, &mut fold);
    uptick::report::answer(&mut fold, at("2025-03-10T18:00:05Z"), integrity())
}

/// A quiet day from one vantage, without data before it.
pub(crate) fn quiet() -> Report {
    let mut fold = Fold::new(Question::default());
    let plan = Plan {
        probes: x_probes(),
        vantages: &["home"],
        from: at("2025-03-09T00:00:00Z"),
        to: at("2025-03-10T00:00:00Z"),
        every: Duration::from_mins(1),
        suspended: vec![("home", at("2025-03-09T01:00:00Z"), at("2025-03-09T07:30:00Z"))],
    };
    plan.play(&|_, _, _| (0.0, 1.0), &mut fold);
    uptick::report::answer(&mut fold, at("2025-03-10T00:00:05Z"), integrity())
}

/// A day from three vantages on which nearly everything fails from one time of day to another.
pub(crate) fn day(from: &str, to: &str) -> Report {
    let (from, to) = (at(&format!("2025-03-09T{from}Z")), at(&format!("2025-03-09T{to}Z")));
    let mut fold = Fold::new(question("2025-03-09T00:00:00Z", "2025-03-10T00:00:00Z"));
    let plan = Plan {
        probes: x_probes(),
        vantages: &["iad", "lhr", "sjc"],
        from: at("2025-03-09T00:00:00Z"),
        to: at("2025-03-10T00:00:00Z"),
        every: Duration::from_mins(1),
        suspended: Vec::new(),
    };
    let fails = |probe: &Probe, _: &str, now: Timestamp| {
        if !probe.control && now >= from && now < to { (0.95, 2.0) } else { (0.0, 1.0) }
    };
    plan.play(&fails, &mut fold);
    uptick::report::answer(&mut fold, at("2025-03-10T00:00:05Z"), integrity())
}

/// A report without any data.
pub(crate) fn nothing() -> Report {
    let mut fold = Fold::new(question("2025-03-10T09:00:00Z", "2025-03-10T18:00:00Z"));
    uptick::report::answer(&mut fold, at("2025-03-10T18:00:05Z"), Integrity::default())
}

/// Several days with many probes from several vantages, with failures throughout.
pub(crate) fn long(days: i64, probes: usize, vantages: &[&str], every: Duration) -> Report {
    let to = at("2025-03-10T00:00:00Z");
    let from = to - jiff::SignedDuration::from_hours(24 * days);
    let mut fold = Fold::new(Question { from: Some(from), to: Some(to), ..Question::default() });
    let probes = (0..probes)
        .map(|number| {
            let surface = if number % 2 == 0 { "app" } else { "web" };
            Arc::new(sample::probe(&format!("probe {number:02}"), surface, "https://x.test/", number + 1))
        })
        .collect();
    let plan = Plan { probes, vantages, from, to, every, suspended: Vec::new() };
    let failures = |_: &Probe, _: &str, now: Timestamp| {
        let bad = now.as_second() / 3_600 % 31 < 2;
        if bad { (0.6, 4.0) } else { (0.004, 1.0) }
    };
    plan.play(&failures, &mut fold);
    uptick::report::answer(&mut fold, to, integrity())
}

fn integrity() -> Integrity {
    Integrity { journals: 1, lines: 12_345, ..Integrity::default() }
}

/// A short report in which every name and every message is hostile.
pub(crate) fn hostile(text: &str) -> Report {
    let named = |name: &str, surface: &str, line: usize| {
        Arc::new(sample::probe(&format!("{text}{name}"), &format!("{text}{surface}"), "https://x.test/", line))
    };
    let probes = vec![named("a", "app", 1), named("b", "web", 2)];
    let mut surfaces = BTreeMap::new();
    let objective = Some(Objective { ratio: 0.99, over: Duration::from_hours(24) });
    surfaces.insert(format!("{text}app"), Surface { label: Some(text.to_owned()), objective, latency_objective: None });
    let mut fold = Fold::new(Question { surfaces, ..Question::default() });
    let first = format!("{text}1");
    let vantages = [first.as_str(), "plain"];
    for vantage in vantages {
        let mut collector = Collector::new(vantage, Duration::from_mins(1));
        for probe in &probes {
            for number in 0..40_u64 {
                let after = Duration::from_secs(number * 30);
                let mut outcome = if (10..20).contains(&number) {
                    let mut outcome =
                        sample::failed(probe, after, FailureClass::ConnectTimeout, Some(Phase::Connect), text);
                    let clean = || SafeText::message(text);
                    outcome.evidence = Some(Evidence {
                        url: clean(),
                        headers: vec![("server".to_owned(), clean())],
                        body: Some(clean()),
                        curl: Some(clean()),
                        ..Evidence::default()
                    });
                    outcome
                } else {
                    sample::up(probe, after, 1.0)
                };
                vantage.clone_into(&mut outcome.vantage);
                if outcome.failure.is_some() {
                    fold.failure(&outcome);
                }
                collector.record(&outcome).iter().for_each(|window| fold.window(window));
            }
        }
        collector.close_all().iter().for_each(|window| fold.window(window));
    }
    uptick::report::answer(&mut fold, at("2025-03-10T10:00:00Z"), integrity())
}
