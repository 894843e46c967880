//! The scenarios that every report must judge correctly, played by real servers on this machine.
//! The binary probes them in two ways: as one long `watch`, and as processes that cron could have
//! started, one per interval. Time is compressed by short intervals; all findings are real.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uptick::config::{Config, Settings};
use uptick::demo::{Origin, Playback, Scenario};
use uptick::model::Resolver;
use uptick::{config, demo};

/// How the binary is run.
#[derive(Clone, Copy, Debug)]
enum RunMode {
    /// `uptick watch`
    Watch,
    /// `uptick check --record`, one process per interval, which may overlap.
    Cron,
}

/// A scenario that is being played.
struct RunningScenario {
    scenario: Scenario,
    playback: Playback,
    origin: Origin,
    /// Its start by the test's clock.
    began: Instant,
    folder: TempDir,
    // Dropped last, because the origin runs in it.
    _runtime: Runtime,
}

/// The report and the exit code of the binary.
struct ScenarioResult {
    report: Value,
    code: i32,
}

impl RunningScenario {
    /// Starts to play a scenario from its first vantages with some of its endpoints, for `run`
    /// seconds.
    fn new(vantages: usize, name: &str, endpoints: &[&str], run: f64, interval: f64) -> RunningScenario {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut scenario = demo::by_name(name).unwrap();
        scenario.vantages.truncate(vantages);
        if !endpoints.is_empty() {
            scenario.endpoints.retain(|endpoint| endpoints.contains(&endpoint.name));
            assert_eq!(scenario.endpoints.len(), endpoints.len(), "{name} has all of {endpoints:?}");
        }
        // A check that times out must end before the next one is due; otherwise that would be
        // missed.
        let interval = Duration::from_secs_f64(interval);
        // After one second the kernel would repeat connection requests, which would change the
        // story.
        let timeout = interval.mul_f64(0.7).min(Duration::from_millis(900));
        let playback = Playback { run: Duration::from_secs_f64(run), interval, timeout };
        let origin = runtime.block_on(Origin::start(&scenario, playback)).unwrap();
        let stage = RunningScenario {
            scenario,
            playback,
            origin,
            began: Instant::now(),
            folder: tempfile::tempdir().unwrap(),
            _runtime: runtime,
        };
        stage.write_configs();
        stage
    }

    /// Writes one probe file per vantage, as a person could have written it.
    fn write_configs(&self) {
        let join_within = self.story(Duration::from_hours(4).as_secs_f64() / 60.0).as_millis();
        for view in &self.origin.views {
            let settings =
                Settings { vantage: view.vantage.clone(), window: Duration::from_secs(1), ..Settings::default() };
            let config = Config::of(settings, view.probes.clone());
            let probes: String = view.probes.iter().map(|probe| config::explain(&config, probe)).collect();
            let second = self.second_resolver(&view.vantage);
            let head = format!(
                "[settings]\nvantage = \"{}\"\nwindow = \"1s\"\n{second}\n[incident]\njoin-within = \"{join_within}ms\"\n\n",
                view.vantage
            );
            fs::write(self.config(&view.vantage), head + &probes).unwrap();
        }
    }

    /// The line for the second resolver that probes of this vantage use; empty if there is none.
    fn second_resolver(&self, vantage: &str) -> String {
        let view = self.origin.views.iter().find(|view| view.vantage == vantage).unwrap();
        let resolvers: Vec<Resolver> = view.probes.iter().map(|probe| probe.transport.resolver).collect();
        match resolvers.iter().find(|resolver| **resolver != resolvers[0]) {
            Some(Resolver::Udp(server)) => format!("second-resolver = \"udp://{server}\"\n"),
            _ => String::new(),
        }
    }

    fn config(&self, vantage: &str) -> PathBuf {
        self.folder.path().join(format!("{vantage}.toml"))
    }

    fn journal(&self, vantage: &str) -> PathBuf {
        self.folder.path().join(vantage)
    }

    fn vantages(&self) -> impl Iterator<Item = &str> {
        self.origin.views.iter().map(|view| view.vantage.as_str())
    }

    /// A time of the story, in minutes, as time of the run.
    fn story(&self, minutes: f64) -> Duration {
        self.playback.run.mul_f64(minutes * 60.0 / self.scenario.story.as_secs_f64())
    }

    /// The instant of a time of the story, in minutes.
    fn at(&self, minutes: f64) -> Timestamp {
        self.origin.started_at + self.story(minutes)
    }

    fn wait_until(&self, minutes: f64) {
        thread::sleep(self.story(minutes).saturating_sub(self.began.elapsed()));
    }

    fn uptick<const N: usize>(&self, vantage: &str, arguments: [&str; N]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uptick"));
        command.args(arguments).arg("-c").arg(self.config(vantage)).env_remove("UPTICK_CONFIG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Probes from every vantage until a time of the story.
    fn probe(&self, how: RunMode, until: f64) {
        match how {
            RunMode::Watch => {
                let watches: Vec<Child> = self.vantages().map(|vantage| self.watch(vantage, until)).collect();
                watches.into_iter().for_each(end);
            }
            RunMode::Cron => self.cron(until),
        }
    }

    fn watch(&self, vantage: &str, until: f64) -> Child {
        let left = self.story(until).saturating_sub(self.began.elapsed()).as_millis();
        let mut command = self.uptick(vantage, ["watch", "-q", "--for", &format!("{left}ms")]);
        command.arg("--journal").arg(self.journal(vantage)).spawn().unwrap()
    }

    fn cron(&self, until: f64) {
        let mut running: Vec<Child> = Vec::new();
        let mut due = self.began.elapsed();
        while due < self.story(until) {
            for vantage in self.vantages() {
                let mut command = self.uptick(vantage, ["check", "-q", "--record", "--diagnose"]);
                running.push(command.arg("--journal").arg(self.journal(vantage)).spawn().unwrap());
            }
            due += self.playback.interval;
            thread::sleep(due.saturating_sub(self.began.elapsed()));
        }
        running.into_iter().for_each(end);
    }

    /// The report on all journals, from the start of the story to a time in it.
    fn report(&self, to: f64) -> ScenarioResult {
        self.report_between(self.origin.started_at, self.at(to))
    }

    fn report_between(&self, from: Timestamp, to: Timestamp) -> ScenarioResult {
        let first = self.vantages().next().unwrap();
        let mut command = self.uptick(first, ["report", "--format", "json"]);
        command.args(["--from", &from.to_string(), "--to", &to.to_string()]);
        command.args(self.vantages().map(|vantage| self.journal(vantage)));
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!text.to_lowercase().contains("attack"));
        let report = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{stderr}"));
        ScenarioResult { report, code: output.status.code().unwrap() }
    }
}

/// Waits for a run. The test fails if the run could not do its job.
fn end(child: Child) {
    let output = child.wait_with_output().unwrap();
    let (code, stderr) = (output.status.code(), String::from_utf8_lossy(&output.stderr));
    assert!(matches!(code, Some(0 | 1 | 3)), "{code:?}: {stderr}");
}

/// What is played: from how many of the scenario's vantages, with which of its endpoints, for how
/// long and at which interval in seconds, and the minute of the story at which it is judged.
#[derive(Clone, Copy)]
struct ScenarioRun<'p> {
    name: &'p str,
    vantages: usize,
    endpoints: &'p [&'p str],
    run: f64,
    interval: f64,
    to: f64,
}

impl ScenarioRun<'_> {
    /// Plays it and makes a report. If the machine was too busy to keep up, it is played again,
    /// more slowly.
    fn told(&self, how: RunMode) -> (RunningScenario, ScenarioResult) {
        let mut slower = 1.0;
        loop {
            let (run, interval) = (self.run * slower, self.interval * slower);
            let stage = RunningScenario::new(self.vantages, self.name, self.endpoints, run, interval);
            stage.probe(how, self.to);
            let told = stage.report(self.to);
            slower *= 2.0;
            if told.was_watched() || slower > 4.0 {
                return (stage, told);
            }
        }
    }

    /// Plays it in both ways at once, each with its own origin, and judges both.
    fn judged(&self, judge: impl Fn(RunMode, &RunningScenario, &ScenarioResult) + Sync) {
        let played = |how: RunMode| {
            let (stage, told) = self.told(how);
            judge(how, &stage, &told);
        };
        in_both_ways(played);
    }
}

/// Runs a function in both ways at once.
fn in_both_ways(play: impl Fn(RunMode) + Sync) {
    thread::scope(|scope| {
        let cron = scope.spawn(|| play(RunMode::Cron));
        play(RunMode::Watch);
        cron.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

impl ScenarioResult {
    fn state(&self) -> &str {
        self.report["verdict"]["state"].as_str().unwrap()
    }

    fn sentence(&self) -> &str {
        self.report["verdict"]["sentence"].as_str().unwrap()
    }

    fn surface(&self, name: &str) -> &Value {
        self.report["surfaces"].as_array().unwrap().iter().find(|row| row["surface"] == name).unwrap()
    }

    fn incidents(&self) -> &[Value] {
        self.report["incidents"].as_array().unwrap()
    }

    /// The only incident.
    #[track_caller]
    fn incident(&self) -> &Value {
        assert_eq!(self.incidents().len(), 1, "{}\n{:#}", self.sentence(), self.report["incidents"]);
        &self.incidents()[0]
    }

    /// The rows of the signature table that the verdict matched.
    fn rows(&self) -> Vec<&str> {
        let matched = self.report["verdict"]["signature"]["matched"].as_array().unwrap();
        matched.iter().map(|row| row["id"].as_str().unwrap()).collect()
    }

    #[track_caller]
    fn reads_as(&self, wanted: &[&str], unwanted: &[&str]) {
        let rows = self.rows();
        assert!(wanted.iter().all(|row| rows.contains(row)), "{wanted:?}: {rows:?}\n{}", self.sentence());
        assert!(!unwanted.iter().any(|row| rows.contains(row)), "not {unwanted:?}: {rows:?}\n{}", self.sentence());
    }

    /// Whether the prober kept up: the checks that were due were made and judged.
    fn was_watched(&self) -> bool {
        let overloaded: u64 = self.report["surfaces"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|row| row["classes"]["prober_overloaded"]["n"].as_u64())
            .sum();
        self.coverage() >= 0.9 && overloaded == 0
    }

    fn coverage(&self) -> f64 {
        self.report["coverage"]["ratio"].as_f64().unwrap()
    }
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

const PLAY: ScenarioRun<'_> = ScenarioRun { name: "", vantages: 1, endpoints: &[], run: 12.0, interval: 0.4, to: 55.0 };

#[test]
fn x_2025_03_10_is_one_incident_of_three_waves() {
    let endpoints = &["timeline", "login", "home", "link", "internet"];
    // Judged in the third wave.
    let play = ScenarioRun { name: "x-2025-03-10", vantages: 3, endpoints, run: 40.0, to: 500.0, ..PLAY };
    play.judged(|how, _, told| {
        let incident = told.incident();
        assert_eq!(incident["waves"].as_array().unwrap().len(), 3, "{how:?} {:#}", incident["waves"]);
        assert_eq!(incident["surfaces"], serde_json::json!(["app", "web"]));
        told.reads_as(&["S5", "S12"], &["S1", "S2", "S3", "S4", "S9", "S15"]);
        assert!(matches!(told.state(), "down" | "degraded"), "{}", told.sentence());
        assert_eq!((told.code, incident["attribution"].as_str()), (1, Some("undetermined")));
        assert!(incident["vantages"].as_array().unwrap().len() >= 2, "{}", incident["vantages"]);
        // The app fails 61 % of the time and the web 39 %, from three vantages with different
        // shares.
        let share = told.surface("app")["share_per_check"].as_f64().unwrap();
        assert!((0.5..0.72).contains(&share), "{share}");
        let comparison = &told.report["comparisons"][0];
        // With so few checks the two may look alike by chance, but the web never looks worse.
        let reading = comparison["reading"].as_str().unwrap();
        let is_read = matches!(reading, "app is worse than web" | "cannot tell app from web");
        assert!(is_read, "{how:?} {comparison} {}", told.sentence());
        assert_eq!(reading == "app is worse than web", comparison["p"].as_f64().unwrap() <= 0.05, "{comparison}");
    });
}

#[test]
fn twitter_2023_03_06_is_degraded_by_403_while_the_network_is_well() {
    let endpoints = &["timeline", "home", "link", "image", "terms", "internet"];
    let play = ScenarioRun { name: "twitter-2023-03-06", endpoints, run: 16.0, to: 90.0, ..PLAY };
    play.judged(|_, _, told| {
        assert_eq!((told.state(), told.code), ("degraded", 1), "{}", told.sentence());
        assert_eq!(told.incident()["surfaces"], serde_json::json!(["web"]));
        told.reads_as(&["S15", "S20"], &["S5", "S9", "S11"]);
        assert!(told.sentence().contains("status 403"), "{}", told.sentence());
        let not = told.report["verdict"]["signature"]["not_consistent_with"].as_array().unwrap();
        assert!(not.contains(&"network".into()) && not.contains(&"dns".into()), "{not:?}");
    });
}

#[test]
fn twitter_2023_03_01_is_seen_by_an_expectation() {
    let endpoints = &["timeline", "login", "home", "internet"];
    let play = ScenarioRun { name: "twitter-2023-03-01", endpoints, to: 110.0, ..PLAY };
    play.judged(|how, _, told| {
        let states = (told.state(), told.surface("web")["state"].as_str());
        assert_eq!(states, ("degraded", Some("up")), "{how:?} {}", told.sentence());
        told.reads_as(&["S17"], &["S5", "S15"]);
        assert_eq!(told.report["verdict"]["kind"]["class"], "assertion_failed");
    });
}

const NAMES: &[&str] = &["timeline", "home", "home-by-other-resolver", "internet"];

#[test]
fn names_that_fail_everywhere_while_the_address_answers() {
    ScenarioRun { name: "dns-servfail", endpoints: NAMES, ..PLAY }.judged(|_, _, told| {
        assert_eq!(told.report["verdict"]["kind"]["class"], "dns_server_failure", "{}", told.sentence());
        told.reads_as(&["S4"], &["S2", "S3", "S2-S4"]);
    });
}

#[test]
fn names_that_fail_everywhere_and_addresses_that_are_dead() {
    ScenarioRun { name: "dns-servfail-and-dead", endpoints: NAMES, ..PLAY }.judged(|_, _, told| {
        assert_eq!(told.report["verdict"]["kind"]["class"], "dns_server_failure", "{}", told.sentence());
        told.reads_as(&["S2"], &["S3", "S4", "S2-S4"]);
    });
}

#[test]
fn names_that_fail_for_our_resolver_alone() {
    ScenarioRun { name: "dns-one-resolver", endpoints: NAMES, ..PLAY }.judged(|_, _, told| {
        // Every control target uses that resolver too, so this vantage itself cannot judge.
        assert_eq!((told.state(), told.code), ("unknown", 3), "{}", told.sentence());
        assert!(told.incidents().is_empty());
        told.reads_as(&["S3b"], &["S2", "S4"]);
        assert!(told.sentence().contains("our own resolver"), "{}", told.sentence());
    });
}

#[test]
fn a_certificate_expires_and_the_onset_is_known_to_one_interval() {
    let play = ScenarioRun { name: "expired-certificate", endpoints: &["timeline", "home", "internet"], ..PLAY };
    play.judged(|_, stage, told| {
        assert_eq!((told.state(), told.code), ("down", 1), "{}", told.sentence());
        told.reads_as(&["S9"], &["S5", "S10"]);
        let start = &told.incident()["start"];
        let (after, by) = (instant(&start["after"]), instant(&start["by"]));
        // Certificates expire at whole seconds.
        let second = Duration::from_secs(1);
        assert!(after < stage.at(30.0) + second && by > stage.at(30.0) - second, "{start}");
        let late = Duration::from_millis(200);
        assert!(by.duration_since(after).unsigned_abs() <= stage.playback.interval + late, "{start}");
    });
}

#[test]
fn a_content_network_fails_and_its_shallow_probe_hides_nothing() {
    let endpoints = &["timeline", "home", "edge-trace", "same-cdn", "internet"];
    ScenarioRun { name: "cdn-500", endpoints, to: 48.0, ..PLAY }.judged(|_, _, told| {
        assert_eq!(told.surface("web")["state"], "degraded", "{}", told.sentence());
        assert_eq!((told.state(), told.code), ("down", 1), "{}", told.sentence());
        told.reads_as(&["S11"], &["S5", "S9", "S14"]);
        let probe = |name: &str| {
            let probes = told.report["probes"].as_array().unwrap();
            probes.iter().find(|row| row["probe"] == name).unwrap()["state"].clone()
        };
        assert_eq!((probe("edge-trace"), probe("internet")), ("up".into(), "up".into()));
    });
}

#[test]
fn what_oscillates_is_one_flapping_incident() {
    let endpoints = &["timeline", "home", "internet"];
    ScenarioRun { name: "flapping", endpoints, run: 24.0, to: 57.0, ..PLAY }.judged(|_, _, told| {
        let incident = told.incident();
        assert_eq!(incident["flapping"], true, "{incident:#}");
        assert_eq!((told.state(), told.code), ("flapping", 1), "{}", told.sentence());
        told.reads_as(&["S21"], &[]);
    });
}

#[test]
fn a_prober_that_sleeps_sees_no_outage_and_no_uptime() {
    in_both_ways(|how| {
        let stage = RunningScenario::new(1, "healthy", &["timeline", "home", "internet"], 15.0, 0.5);
        let asleep = stage.sleeps(how);
        assert_eq!((asleep.state(), asleep.code), ("unknown", 3), "{how:?} {}", asleep.sentence());
        assert!(asleep.sentence().contains("no check since"), "{how:?} {}", asleep.sentence());
        let awake = stage.report(60.0);
        for told in [&asleep, &awake] {
            assert!(told.incidents().is_empty(), "{how:?} {}", told.sentence());
            assert_eq!(told.surface("app")["down"], 0);
            // Only a watch records its plan. Runs of ten seconds that somebody starts show no
            // schedule that could miss a check.
            if matches!(how, RunMode::Cron) {
                continue;
            }
            let coverage = told.coverage();
            assert!((0.5..0.8).contains(&coverage), "{how:?} {:#} {}", told.report["probes"], told.sentence());
            assert!(!told.report["no_data"].as_array().unwrap().is_empty(), "{how:?}");
        }
    });
}

impl RunningScenario {
    /// Probes, except for a time near the end of the story: a watch that sleeps with its machine,
    /// or a cron that starts nothing. Returns the report that is made meanwhile.
    fn sleeps(&self, how: RunMode) -> ScenarioResult {
        let (falls_asleep, judged, ends) = (40.0, 58.0, 60.0);
        match how {
            RunMode::Watch => {
                let watch = self.watch("iad", ends);
                self.wait_until(falls_asleep);
                signal(&watch, "STOP");
                self.wait_until(judged);
                let asleep = self.report(judged);
                signal(&watch, "CONT");
                end(watch);
                asleep
            }
            RunMode::Cron => {
                self.cron(falls_asleep);
                self.wait_until(judged);
                let asleep = self.report(judged);
                self.cron(ends);
                asleep
            }
        }
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().unwrap();
    assert!(status.success());
}

#[test]
fn when_the_control_target_fails_too_it_is_unknown() {
    let endpoints = &["timeline", "home", "internet"];
    ScenarioRun { name: "control-down", endpoints, ..PLAY }.judged(|_, _, told| {
        assert_eq!((told.state(), told.code), ("unknown", 3), "{}", told.sentence());
        assert!(told.incidents().is_empty(), "{:#}", told.report["incidents"]);
        assert_eq!(told.report["vantages"][0]["set_aside"], true);
        told.reads_as(&["S8"], &[]);
    });
}

#[test]
fn a_green_run_of_twenty_checks_says_what_it_proves() {
    in_both_ways(|how| {
        let stage = twenty_probes();
        let runs = match how {
            // Each probe is due once in its interval.
            RunMode::Watch => vec![stage.uptick("iad", ["watch", "-q", "--for", "4s"])],
            RunMode::Cron => {
                (0..20).map(|n| stage.uptick("iad", ["check", "-q", "--record", &format!("probe {n}")])).collect()
            }
        };
        twenty_green(&stage, runs);
    });
}

#[test]
fn a_green_run_of_twenty_probes_in_ci_says_what_it_proves() {
    let stage = twenty_probes();
    let run = stage.uptick("iad", ["check", "-q", "--record"]);
    twenty_green(&stage, vec![run]);
}

/// Twenty probes of one healthy endpoint.
fn twenty_probes() -> RunningScenario {
    let stage = RunningScenario::new(1, "healthy", &["timeline"], 30.0, 4.0);
    let text = fs::read_to_string(stage.config("iad")).unwrap();
    let (head, probe) = text.split_at(text.find("[[probe]]").unwrap());
    let probes: Vec<String> =
        (0..20).map(|n| probe.replace("name = \"timeline\"", &format!("name = \"probe {n}\""))).collect();
    fs::write(stage.config("iad"), head.to_owned() + &probes.join("\n")).unwrap();
    stage
}

/// Makes the runs, which all are up, one after another, and checks what twenty checks prove.
fn twenty_green(stage: &RunningScenario, runs: Vec<Command>) {
    for mut run in runs {
        let output = run.arg("--journal").arg(stage.journal("iad")).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let told = stage.report_between(stage.origin.started_at - Duration::from_hours(1), Timestamp::now());
    assert_eq!((told.state(), told.code), ("up", 0), "{}", told.sentence());
    let proven = "none of 20 checks failed; availability ≥ 86% (95% confidence); 99.9% needs 2,995 checks";
    assert!(told.sentence().contains(proven), "{}", told.sentence());
}

#[test]
fn a_brown_out_opens_an_incident() {
    let endpoints = &["timeline", "login", "home", "internet"];
    ScenarioRun { name: "brown-out", endpoints, run: 20.0, ..PLAY }.judged(|_, _, told| {
        assert_eq!(told.incident()["surfaces"], serde_json::json!(["app"]), "{}", told.sentence());
        let failed = told.surface("app")["failed_ratio"].as_f64().unwrap();
        assert!((0.15..0.45).contains(&failed), "{failed}");
        assert_eq!(told.incident()["flapping"], false, "{}", told.sentence());
    });
}

#[test]
fn one_vantage_of_three_is_local_trouble() {
    let play = ScenarioRun { name: "one-vantage", vantages: 3, endpoints: &["timeline", "internet"], to: 48.0, ..PLAY };
    play.judged(|_, _, told| {
        assert_eq!(told.report["verdict"]["scope"]["extent"], "local", "{}", told.sentence());
        assert_eq!(told.report["verdict"]["scope"]["vantages"], serde_json::json!(["sjc"]));
        told.reads_as(&["S7"], &["S5"]);
    });
}

#[test]
fn the_report_on_three_journals_has_the_percentiles_of_all_their_checks() {
    let play = ScenarioRun { name: "x-2025-03-10", vantages: 3, endpoints: &["home", "internet"], run: 400.0, ..PLAY };
    // Before the first wave.
    ScenarioRun { to: 18.0, ..play }.judged(|how, stage, _| {
        // Whole windows: the first one starts at a whole second before, and the last checks may
        // have started late.
        let from = stage.origin.started_at - Duration::from_mins(1);
        let told = stage.report_between(from, Timestamp::now());
        let mut totals: Vec<u64> = stage.vantages().flat_map(|vantage| totals(&stage.journal(vantage))).collect();
        totals.sort_unstable();
        let web = told.surface("web");
        assert!(totals.len() >= 60, "{how:?} {}", totals.len());
        assert_eq!(web["latency_us"]["count"], totals.len(), "{how:?}");
        let union = totals[(totals.len() * 95).div_ceil(100) - 1];
        let merged = web["latency_us"]["p95"].as_u64().unwrap();
        assert!(merged.abs_diff(union) * 100 <= union, "{how:?} {merged} {union}");
    });
}

/// The total times of the checks of the web in a journal, in which windows with few checks list
/// each time.
fn totals(journal: &Path) -> Vec<u64> {
    let files = fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path());
    let days = files.filter(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    let text: String = days.map(|file| fs::read_to_string(file).unwrap()).collect();
    let windows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let windows = windows.filter(|line| line["kind"] == "window" && line["surface"] == "web");
    windows.flat_map(|window| each_time(&window["latency"]["total"])).collect()
}

fn each_time(times: &Value) -> Vec<u64> {
    if times.is_null() {
        return Vec::new();
    }
    times.as_array().unwrap().iter().map(|time| time.as_u64().unwrap()).collect()
}
