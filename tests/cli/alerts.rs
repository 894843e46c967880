//! Alerts: which events are sent, to whom, how often, and what happens if no receiver answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support;
use crate::support::server::{Server, answer, refusing_port};
use jiff::Timestamp;
use serde_json::Value as Json;
use uptick::alert::{Alerts, Backoff, CheckFindings, Deliveries, UnmetWarning};
use uptick::config::Config;
use uptick::model::{
    CertificateFacts, Check, Failure, FailureClass, Mismatch, NetworkRules, Outcome, Phase, Probe, SafeText, Secret,
    TlsFacts, Value, Verdict,
};
use uptick::report::{Fold, Integrity, Question, Report};
use uptick::window::Collector;
use uptick::{alert, config};

const INTERVAL: Duration = Duration::from_secs(30);

fn start() -> Timestamp {
    "2026-03-10T09:00:00Z".parse().unwrap()
}

fn after(checks: usize) -> Timestamp {
    start() + INTERVAL * u32::try_from(checks).unwrap()
}

/// One outcome: `u` is up, `x` is unknown, any other letter is down.
fn outcome(probe: &Arc<Probe>, checks: usize, letter: char) -> Outcome {
    let check = Check { probe: Arc::clone(probe), scheduled_at: after(checks), lag: Duration::ZERO };
    let class = if letter == 'x' { FailureClass::ProberFdLimit } else { FailureClass::ConnectTimeout };
    let failure = Failure::new(class, Some(Phase::Connect), SafeText::message("no answer"));
    let down = Outcome::without_measurement(&check, "lon", after(checks), failure);
    if letter == 'u' { Outcome { verdict: Verdict::Up, failure: None, ..down } } else { down }
}

/// The report on surfaces with one letter for each check, judged at the last check.
pub(crate) fn report_of(config: &Config, surfaces: &[(&str, &str)]) -> Report {
    report_after(config, surfaces, 0)
}

/// The same, with the first check so many intervals later.
pub(crate) fn report_after(config: &Config, surfaces: &[(&str, &str)], later: usize) -> Report {
    let mut collector = Collector::new("lon", Duration::from_mins(1));
    let question = Question { surfaces: config.surfaces.clone(), ..Question::default() };
    let mut fold = Fold::new(question);
    let length = surfaces.iter().map(|(_, letters)| letters.len()).max().unwrap();
    for checks in 0..length {
        for (surface, letters) in surfaces {
            let probe = Arc::new(Probe::plain(&format!("probe-{surface}"), surface, "http://x.test/", INTERVAL));
            let letter = letters.chars().nth(checks).unwrap();
            if let Some(window) = collector.record(&outcome(&probe, later + checks, letter)) {
                fold.window(&window);
            }
        }
    }
    collector.close_all().iter().for_each(|window| fold.window(window));
    uptick::report::answer(&mut fold, after(later + length), Integrity::default())
}

fn configured(folder: &Path, alerts: &str) -> Config {
    let text = format!(
        "{alerts}\n[surface.web]\nlabel = \"The shop\"\nobjective = \"99.9% over 30d\"\n\
         [[probe]]\nname = \"w\"\nsurface = \"web\"\nurl = \"http://x.test/\"\n\
         [[probe]]\nname = \"a\"\nsurface = \"app\"\nurl = \"http://x.test/\"\nauth.bearer = \"${{TOKEN}}\"\n"
    );
    let path = folder.join("probes.toml");
    std::fs::write(&path, text).unwrap();
    let env = |name: &str| (name == "TOKEN").then(|| "s3cr3t-token".to_owned());
    config::load(&path, &env).unwrap_or_else(|error| panic!("{error}"))
}

/// A folder for the journal, and a configuration with alerts.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    pub(crate) config: Config,
}

impl Stage {
    pub(crate) fn new(alerts: &str) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let config = configured(folder.path(), alerts);
        Stage { folder, config }
    }

    /// The same journal with other alerts.
    pub(crate) fn with(self, alerts: &str) -> Stage {
        let config = configured(self.folder.path(), alerts);
        Stage { config, ..self }
    }

    /// Sends the alerts that one separate run with these checks would send.
    pub(crate) async fn notify(&self, surfaces: &[(&str, &str)]) -> Deliveries {
        self.tell_at(surfaces, 0).await
    }

    async fn tell_at(&self, surfaces: &[(&str, &str)], later: usize) -> Deliveries {
        let report = report_of(&self.config, surfaces);
        let now = report.generated_at + INTERVAL * u32::try_from(later).unwrap();
        self.alerts().notify(&report, &CheckFindings::default(), now).await.unwrap()
    }

    pub(crate) fn alerts(&self) -> Alerts {
        let backoff = Backoff { first: Duration::from_millis(1), longest: Duration::from_millis(4) };
        let journal = self.folder.path().join("journal");
        Alerts::new(&self.config.alerts, &self.config.redactor, self.config.network, &journal).with_backoff(backoff)
    }

    pub(crate) fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("journal").join(alert::STATE_FILE)
    }
}

pub(crate) fn taker() -> Server {
    Server::answers(answer(200, &[], "ok"))
}

pub(crate) fn webhook(server: &Server) -> String {
    format!("[[alert]]\nname = \"ops\"\nwebhook = \"{}\"\n", server.url("/hook"))
}

pub(crate) fn bodies(server: &Server) -> Vec<Json> {
    let body = |request: &String| {
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
    };
    server.requests_text().iter().map(body).collect()
}

pub(crate) fn events(server: &Server) -> Vec<String> {
    bodies(server).iter().map(|body| body["event"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_incident_is_told_of_once_by_many_runs_and_again_when_it_ends() {
    let server = taker();
    let stage = Stage::new(&webhook(&server));
    assert_eq!(stage.notify(&[("web", "uuuuudd")]).await, Deliveries::default());
    let told = stage.notify(&[("web", "uuuuuddd")]).await;
    assert_eq!(told.sent.len(), 1, "{told:?}");
    assert_eq!(stage.notify(&[("web", "uuuuudddd")]).await, Deliveries::default());
    assert_eq!(stage.notify(&[("web", "uuuuuddddd")]).await, Deliveries::default());
    stage.notify(&[("web", "uuuuudddddduuu")]).await;
    stage.notify(&[("web", "uuuuudddddduuuu")]).await;
    let bodies = bodies(&server);
    assert_eq!(events(&server), ["open", "close"]);
    assert_eq!(bodies[0]["key"], bodies[1]["key"]);
    assert_eq!(bodies[0]["schema"], alert::SCHEMA);
    assert_eq!(bodies[0]["severity"], "critical");
    assert_eq!(bodies[1]["severity"], "resolved");
    let opened = "The shop has been down since 2026-03-10T09:02:30Z (3 in a row), seen from lon, connect timeouts";
    assert_eq!(bodies[0]["summary"], opened);
    assert_eq!(bodies[0]["incident"]["start"]["after"], "2026-03-10T09:02:00.000Z");
    assert!(
        bodies[1]["summary"].as_str().unwrap().starts_with("The shop has been up again since 2026-03-10T09:05:30Z;")
    );
}

#[tokio::test]
async fn what_was_over_before_we_first_looked_is_not_news() {
    let server = taker();
    let stage = Stage::new(&webhook(&server));
    stage.notify(&[("web", "uuddddduuuuu")]).await;
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_incident_between_two_looks_is_told_of_when_it_is_over() {
    let server = taker();
    let stage = Stage::new(&webhook(&server));
    stage.notify(&[("web", "uu")]).await;
    stage.notify(&[("web", "uuddddduuuuu")]).await;
    assert_eq!(events(&server), ["close"]);
}

#[tokio::test]
async fn a_new_wave_is_told_of_as_one_of_the_same_incident() {
    let server = taker();
    let stage = Stage::new(&webhook(&server));
    let first = "uuuudddduuuuuu";
    stage.notify(&[("web", &first[..8])]).await;
    stage.notify(&[("web", first)]).await;
    stage.notify(&[("web", &format!("{first}dddd"))]).await;
    assert_eq!(events(&server), ["open", "close", "wave"]);
    let keys: Vec<Json> = bodies(&server).iter().map(|body| body["key"].clone()).collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn an_incident_that_spreads_keeps_its_key_and_is_not_told_of_anew() {
    let server = taker();
    let stage = Stage::new(&webhook(&server));
    stage.notify(&[("web", "uuuuuddd"), ("app", "uuuuuuuu")]).await;
    stage.notify(&[("web", "uuuuudddddd"), ("app", "uuuuuuuuddd")]).await;
    stage.notify(&[("web", "uuuuuddddddddduuu"), ("app", "uuuuuuuuddddduuuu")]).await;
    assert_eq!(events(&server), ["open", "close"]);
    let bodies = bodies(&server);
    assert_eq!(bodies[0]["key"], bodies[1]["key"]);
}

#[tokio::test]
async fn an_incident_that_goes_on_is_repeated_where_that_is_asked() {
    let server = taker();
    let stage = Stage::new(&format!("{}repeat = \"10m\"\n", webhook(&server)));
    let down = "uuuudddd";
    stage.notify(&[("web", down)]).await;
    stage.tell_at(&[("web", down)], 10).await;
    stage.tell_at(&[("web", down)], 20).await;
    stage.tell_at(&[("web", down)], 21).await;
    let repeated: Vec<bool> = bodies(&server).iter().map(|body| body["repeated"].as_bool().unwrap()).collect();
    assert_eq!(repeated, [false, true]);
    assert!(bodies(&server)[1]["summary"].as_str().unwrap().contains("still down"));
}

#[tokio::test]
async fn a_busy_receiver_is_asked_again_and_one_that_refuses_is_not() {
    let busy = Server::start(|conn| {
        conn.request();
        let status = if conn.number() < 3 { 503 } else { 204 };
        conn.send(answer(status, &[("retry-after", "3600")], ""));
    });
    let stage = Stage::new(&webhook(&busy));
    let told = stage.notify(&[("web", "uuuudddd")]).await;
    assert_eq!((told.sent.len(), told.warnings.len(), busy.connections()), (1, 0, 3));

    let refusing = Server::answers(answer(403, &[], "no s3cr3t-token for you"));
    let stage = Stage::new(&webhook(&refusing));
    let told = stage.notify(&[("web", "uuuudddd")]).await;
    assert_eq!((told.sent.len(), refusing.connections()), (0, 1));
    let expected = "alert \"ops\" was not delivered (open): 403 Forbidden: no [redacted] for you";
    assert_eq!(told.warnings, [SafeText::message(expected)]);
}

#[tokio::test]
async fn a_receiver_that_is_down_is_told_by_a_later_run_and_keeps_nobody_else_waiting() {
    let server = taker();
    let port = refusing_port();
    let dead =
        format!("[[alert]]\nname = \"dead\"\nwebhook = \"http://127.0.0.1:{port}/?key=abcdefgh\"\nretries = 1\n");
    let stage = Stage::new(&format!("{dead}{}", webhook(&server)));
    for _ in 0..2 {
        let told = stage.notify(&[("web", "uuuudddd")]).await;
        assert_eq!(told.warnings.len(), 1, "{told:?}");
        let warning = told.warnings[0].as_str();
        assert!(
            warning.starts_with("alert \"dead\" was not delivered (open)") && warning.ends_with("(2 attempts)"),
            "{warning}"
        );
        assert!(!warning.contains("abcdefgh"), "{warning}");
    }
    assert_eq!(events(&server), ["open"]);
}

#[tokio::test]
async fn only_the_events_and_surfaces_that_were_asked_for_are_told() {
    let server = taker();
    let stage = Stage::new(&format!("{}on = \"close\"\nsurfaces = [\"web\"]\n", webhook(&server)));
    stage.notify(&[("web", "uuuudddd"), ("app", "uuuudddd")]).await;
    stage.notify(&[("web", "uuuudddduuu"), ("app", "uuuuddddddd")]).await;
    stage.notify(&[("web", "uuuudddduuuu"), ("app", "uuuudddduuuu")]).await;
    assert_eq!(events(&server).len(), server.connections());
    assert!(events(&server).iter().all(|event| event == "close"));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn slack_gets_a_text_that_can_mention_nobody() {
    let server = taker();
    let folder = tempfile::tempdir().unwrap();
    let alerts = format!("{}template = \"slack\"\n", webhook(&server));
    let mut config = configured(folder.path(), &alerts);
    config.surfaces.get_mut("web").unwrap().label = Some("<!channel> & co".to_owned());
    let stage = Stage { folder, config };
    stage.notify(&[("web", "uuuudddd")]).await;
    let text = bodies(&server)[0]["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("🔴 &lt;!channel&gt; &amp; co has been down since"), "{text}");
}

#[tokio::test]
async fn pagerduty_gets_an_event_that_is_resolved_under_the_same_key() {
    let server = taker();
    let alerts = format!("{}template = \"pagerduty\"\nrouting-key = \"${{TOKEN}}\"\n", webhook(&server));
    let stage = Stage::new(&alerts);
    stage.notify(&[("web", "uuuudddd")]).await;
    stage.notify(&[("web", "uuuudddduuu")]).await;
    let bodies = bodies(&server);
    let actions: Vec<&str> = bodies.iter().map(|body| body["event_action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["trigger", "resolve"]);
    assert_eq!(bodies[0]["dedup_key"], bodies[1]["dedup_key"]);
    assert_eq!(bodies[0]["routing_key"], "s3cr3t-token");
    let payload = &bodies[0]["payload"];
    assert_eq!((payload["source"].as_str(), payload["severity"].as_str()), (Some("web"), Some("critical")));
    assert!(payload["summary"].as_str().unwrap().starts_with("The shop has been down since"));
    assert!(!payload.to_string().contains("s3cr3t-token"));
}

#[tokio::test]
async fn a_program_gets_the_facts_in_its_environment_and_on_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let script = format!("(env | grep ^UPTICK_ | sort; cat) > {}", out.display());
    let stage = Stage::new(&format!("[[alert]]\nname = \"script\"\nexec = [\"/bin/sh\", \"-c\", \"{script}\"]\n"));
    let told = stage.notify(&[("web", "uuuudddd")]).await;
    assert_eq!((told.sent.len(), told.warnings.len()), (1, 0), "{told:?}");
    let said = std::fs::read_to_string(out).unwrap();
    for line in [
        "UPTICK_ALERT=script",
        "UPTICK_CLASS=connect_timeout",
        "UPTICK_EVENT=open",
        "UPTICK_PROBES=probe-web",
        "UPTICK_SEVERITY=critical",
        "UPTICK_SINCE=2026-03-10T09:02:00.000Z",
        "UPTICK_SURFACES=web",
        "UPTICK_VANTAGES=lon",
    ] {
        assert!(said.lines().any(|said| said == line), "{line} is not in\n{said}");
    }
    let document: Json = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(document["event"], "open");
}

#[tokio::test]
async fn a_program_that_fails_or_does_not_end_is_a_warning() {
    let failing = "[[alert]]\nname = \"failing\"\nexec = [\"/bin/sh\", \"-c\", \"echo broken s3cr3t-token >&2; exit 3\"]\nretries = 0\n";
    let absent = "[[alert]]\nname = \"absent\"\nexec = [\"/nowhere/program\"]\nretries = 5\n";
    let endless = "[[alert]]\nname = \"endless\"\nexec = [\"/bin/sleep\", \"600\"]\nretries = 0\ntimeout = \"100ms\"\n";
    let stage = Stage::new(&format!("{failing}{absent}{endless}"));
    let told = stage.notify(&[("web", "uuuudddd")]).await;
    let mut warnings: Vec<&str> = told.warnings.iter().map(SafeText::as_str).collect();
    warnings.sort_unstable();
    assert_eq!(told.sent, []);
    assert!(warnings[0].starts_with("alert \"absent\" was not delivered (open): /nowhere/program cannot be run:"));
    assert_eq!(warnings[1], "alert \"endless\" was not delivered (open): the program did not end in time (1 attempt)");
    let expected = "alert \"failing\" was not delivered (open): /bin/sh: exit status: 3: broken [redacted] (1 attempt)";
    assert_eq!(warnings[2], expected);
}

#[tokio::test]
async fn a_certificate_is_told_of_at_each_threshold() {
    let server = taker();
    let stage = Stage::new(&format!("{}on = \"certificate-expiring\"\n", webhook(&server)));
    let report = report_of(&stage.config, &[("web", "uuuu")]);
    let probe = Arc::new(Probe::plain("home", "web", "https://x.test/", INTERVAL));
    let days = |days: i64| {
        let certificate = CertificateFacts {
            subject: SafeText::message("CN=x.test"),
            issuer: SafeText::message("CN=ca"),
            names: Vec::new(),
            names_total: 0,
            not_before: start(),
            not_after: start() + jiff::SignedDuration::from_hours(24 * 30),
            sha256: String::new(),
            chain_length: 1,
        };
        let tls = TlsFacts { certificate: Some(certificate), verified: true, ..TlsFacts::default() };
        let outcome = Outcome { tls: Some(tls), ..outcome(&probe, 0, 'u') };
        let now = start() + jiff::SignedDuration::from_hours(24 * (30 - days) - 1);
        let certificate = outcome.tls.as_ref().unwrap().certificate.as_ref().unwrap();
        (alert::expiring(&outcome, certificate, now), now)
    };
    for left in [20, 13, 12, 6, 5, 2, 0, -1] {
        let (expiring, now) = days(left);
        let expiring = [("home".to_owned(), expiring)].into();
        let found = CheckFindings { expiring, ..CheckFindings::default() };
        stage.alerts().notify(&report, &found, now).await.unwrap();
    }
    let told: Vec<i64> =
        bodies(&server).iter().map(|body| body["certificate"]["days_left"].as_i64().unwrap()).collect();
    assert_eq!(told, [13, 6, 2, 0]);
    let summary = "the certificate that probe \"home\" sees expires in 13 days, 2026-04-09T09:00:00Z";
    assert_eq!(bodies(&server)[0]["summary"], summary);
}

#[tokio::test]
async fn a_warning_is_told_to_whoever_asks_for_it_once_until_it_held_in_between() {
    let unmet = |assertion: &str| UnmetWarning {
        probe: "home".to_owned(),
        surface: "web".to_owned(),
        unmet: Mismatch {
            assertion: assertion.to_owned(),
            expected: SafeText::message("at least 30 days"),
            actual: SafeText::message("12 days"),
        },
    };
    let days = || vec![unmet("certificate-days")];
    let both = || vec![unmet("certificate-days"), unmet("latency.total")];
    for (on, expected) in [("\"warning\"", 3), ("[\"open\", \"close\"]", 0)] {
        let server = taker();
        let stage = Stage::new(&format!("{}on = {on}\n", webhook(&server)));
        let report = report_of(&stage.config, &[("web", "uuuu")]);
        for warnings in [days(), days(), both(), Vec::new(), days()] {
            let warnings = [("home".to_owned(), warnings)].into();
            let found = CheckFindings { warnings, ..CheckFindings::default() };
            stage.alerts().notify(&report, &found, report.generated_at).await.unwrap();
        }
        let told = bodies(&server);
        assert_eq!(told.len(), expected, "{told:?}");
        if let Some(first) = told.first() {
            assert_eq!((&first["event"], &first["severity"]), (&"warning".into(), &"warning".into()));
            let summary = "warning of probe \"home\": certificate-days: expected at least 30 days, got 12 days";
            assert_eq!(first["summary"], summary);
            assert_eq!(first["warning"]["unmet"]["assertion"], "certificate-days");
        }
    }
}

#[tokio::test]
async fn a_vantage_that_cannot_judge_says_so_once() {
    let server = taker();
    let stage = Stage::new(&webhook(&server));
    for (web, app, expected) in [
        ("uuuuuuuu", "uuuuuuuu", 0),
        ("uuuuuuuuxx", "uuuuuuuuxx", 0),
        // One probe that cannot be judged does not make the vantage blind.
        ("uuuuuuuuxxx", "uuuuuuuuxxu", 0),
        ("uuuuuuuuxxxxxx", "uuuuuuuuxxuxxx", 1),
        ("uuuuuuuuxxxxxxxxx", "uuuuuuuuxxuxxxxxx", 1),
        ("uuuuuuuuxxxxxxxxxuu", "uuuuuuuuxxuxxxxxxuu", 1),
        ("uuuuuuuuxxxxxxxxxuuxxx", "uuuuuuuuxxuxxxxxxuuxxx", 2),
    ] {
        stage.notify(&[("web", web), ("app", app)]).await;
        assert_eq!(events(&server), vec!["cannot-judge"; expected], "{web} {app}");
    }
    let body = &bodies(&server)[0];
    assert_eq!(body["severity"], "warning");
    assert!(body["summary"].as_str().unwrap().starts_with("lon cannot judge: its own checks cannot be made"), "{body}");
}

#[tokio::test]
async fn a_budget_that_burns_is_told_of_once_while_it_burns() {
    let server = taker();
    let stage = Stage::new(&format!("{}on = \"slo-burn\"\n", webhook(&server)));
    let good = "u".repeat(100);
    let burning = format!("{good}{}", "d".repeat(40));
    stage.notify(&[("web", &good)]).await;
    stage.notify(&[("web", &burning)]).await;
    stage.notify(&[("web", &format!("{burning}d"))]).await;
    assert_eq!(events(&server), ["slo-burn"]);
    let body = &bodies(&server)[0];
    assert_eq!(body["severity"], "critical");
    assert!(body["summary"].as_str().unwrap().starts_with("The shop burns its error budget "), "{body}");
    assert_eq!(body["slo"]["objective"], 0.999);
}

#[tokio::test]
async fn a_damaged_state_is_set_aside_and_a_newer_one_is_left_alone() {
    let server = taker();
    let stage = Stage::new(&webhook(&server));
    stage.notify(&[("web", "uuuudddd")]).await;
    std::fs::write(stage.state(), "{\"v\":1,\"alerts\":").unwrap();
    let told = stage.notify(&[("web", "uuuuddddd")]).await;
    assert!(told.warnings[0].as_str().contains("was damaged and is now"), "{told:?}");
    assert_eq!(events(&server), ["open", "open"]);

    std::fs::write(stage.state(), "{\"v\":2,\"new\":[]}").unwrap();
    let report = report_of(&stage.config, &[("web", "uuuudddddd")]);
    let error = stage.alerts().notify(&report, &CheckFindings::default(), report.generated_at).await.unwrap_err();
    assert!(error.to_string().contains("was written by a newer version (format 2)"), "{error}");
    assert_eq!(std::fs::read_to_string(stage.state()).unwrap(), "{\"v\":2,\"new\":[]}");
}

#[tokio::test]
async fn the_state_is_for_us_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = taker();
    let stage = Stage::new(&webhook(&server));
    stage.notify(&[("web", "uuuudddd")]).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&stage.state()), 0o600);
    assert_eq!(mode(stage.state().parent().unwrap()), 0o700);
}

#[tokio::test]
async fn runs_at_the_same_moment_tell_once() {
    let server = taker();
    let stage = Stage::new(&webhook(&server));
    let report = report_of(&stage.config, &[("web", "uuuudddd")]);
    let tell = || async {
        stage.alerts().notify(&report, &CheckFindings::default(), report.generated_at).await.unwrap().sent.len()
    };
    let (a, b, c) = tokio::join!(tell(), tell(), tell());
    assert_eq!(a + b + c, 1);
    assert_eq!(events(&server), ["open"]);
}

#[tokio::test]
async fn a_heartbeat_is_asked_after_a_pass() {
    let server = taker();
    let url = Value::plain(&server.url("/ping/1234?x=1"));
    let redactor = uptick::model::Redactor::default();
    for verdict in [Verdict::Up, Verdict::Unknown, Verdict::Down] {
        alert::heartbeat(&url, verdict, &redactor, NetworkRules::default()).await.unwrap();
    }
    let lines: Vec<String> =
        server.requests_text().iter().map(|request| request.lines().next().unwrap().to_owned()).collect();
    let expected = ["GET /ping/1234?x=1 HTTP/1.1", "GET /ping/1234?x=1 HTTP/1.1", "GET /ping/1234/fail?x=1 HTTP/1.1"];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_secret_is_redacted_in_what_an_alert_quotes_and_not_in_its_words() {
    let server = taker();
    let mut stage =
        Stage::new(&format!("{}template = \"slack\"\n{}", webhook(&server), webhook(&server).replace("ops", "shop")));
    stage.config.redactor = uptick::model::Redactor::new(["down", "DNS_", "open", "shop"].map(Secret::new));
    let told = stage.notify(&[("web", "uuuuuddd")]).await;
    assert_eq!(told.sent.len(), 2, "{told:?}");
    let bodies = bodies(&server);
    let document = bodies.iter().find(|body| body["event"] == "open").expect("a document");
    assert_eq!(document["alert"], "[redacted]");
    let slack = bodies.iter().find_map(|body| body["text"].as_str()).expect("a text");
    for said in [document["summary"].as_str().unwrap(), slack] {
        assert!(said.contains("The [redacted] has been down since "), "{said}");
    }
    let verdict = document["verdict"].as_str().unwrap();
    assert!(verdict.contains("The [redacted]") && verdict.contains("DOWN"), "{verdict}");
}

#[tokio::test]
async fn what_a_heartbeat_is_answered_shows_no_secret_of_the_probe_file() {
    let server = Server::start(|conn| {
        conn.request();
        conn.send(answer(403, &[], "no access for hunter22-of-a-probe"));
    });
    let redactor = uptick::model::Redactor::new([Secret::new("hunter22-of-a-probe")]);
    let url = Value::plain(&server.url("/ping"));
    let why = alert::heartbeat(&url, Verdict::Up, &redactor, NetworkRules::default()).await.unwrap_err();
    assert!(why.as_str().contains("no access for [redacted]"), "{why}");
}

/// Watches a target that is down until the alert arrives. Returns each event with its time of
/// arrival.
fn watched(more: &'static [&'static str]) -> (Vec<(String, Timestamp)>, support::run::Ran) {
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (note, opened) = (Arc::clone(&heard), Arc::clone(&heard));
    let receiver = Server::start(move |conn| {
        let request = String::from_utf8(conn.request()).unwrap();
        let body: Json = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
        note.lock().unwrap().push((body["event"].as_str().unwrap().to_owned(), Timestamp::now()));
        conn.send(answer(200, &[], "ok"));
    });
    let target = Server::start(move |conn| {
        conn.request();
        let is_down = opened.lock().unwrap().is_empty();
        conn.send(answer(if is_down { 500 } else { 200 }, &[], "x"));
    });
    // The window of one hour ends with the run; by then all events must have been sent.
    let file = format!(
        "[settings]\nwindow = \"1h\"\n{}[[probe]]\nname = \"home\"\ninterval = \"1500ms\"\nurl = \"{}\"\n",
        webhook(&receiver),
        target.url("/")
    );
    let ran = support::run::Run::new([&["watch", "-v", "--for", "30s"], more].concat()).config(&file).run();
    let heard = heard.lock().unwrap().clone();
    (heard, ran)
}

#[test]
fn a_watch_tells_soon_after_the_check_that_is_news() {
    let watches = [&[][..], &["--no-record"]].map(|more| std::thread::spawn(move || watched(more)));
    for (heard, ran) in watches.map(|watch| watch.join().unwrap()) {
        assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
        let [(open, opened), (close, closed)] = &heard[..] else { panic!("{heard:?}: {}", ran.stderr) };
        assert_eq!((open.as_str(), close.as_str()), ("open", "close"));
        // When each check began, and whether it was up.
        let checks: Vec<(Timestamp, bool)> = ran
            .stderr
            .lines()
            .filter_map(|line| {
                let (at, rest) = line.split_once(' ')?;
                let is_check = ["up ", "down "].iter().any(|verdict| rest.starts_with(verdict));
                Some((at.parse().ok().filter(|_| is_check)?, rest.starts_with("up ")))
            })
            .collect();
        let begun = |state: bool, before: &Timestamp| {
            checks.iter().filter(|(at, is_up)| *is_up == state && at < before).count()
        };
        // The third check with the same verdict triggers the event. A judgement waits ten times as long as the one
        // before it took, at most ten seconds, in which six more checks begin.
        assert!((3..=9).contains(&begun(false, opened)), "{heard:?}: {}", ran.stderr);
        assert!((3..=9).contains(&begun(true, closed)), "{heard:?}: {}", ran.stderr);
        assert!(checks.iter().any(|(at, _)| at > closed), "the watch went on: {heard:?}: {}", ran.stderr);
    }
}

#[test]
#[cfg(feature = "object-store")]
fn a_run_that_records_to_an_object_store_tells_what_it_and_the_runs_before_saw() {
    let (receiver, target) = (taker(), Server::answers(answer(500, &[], "x")));
    let folder = tempfile::tempdir().unwrap();
    let store = format!("file://{}/store/", folder.path().display());
    let file = folder.path().join("probes.toml");
    std::fs::create_dir(folder.path().join("store")).unwrap();
    std::fs::write(&file, format!("{}[[probe]]\nname = \"home\"\nurl = \"{}\"\n", webhook(&receiver), target.url("/")))
        .unwrap();
    let check = || {
        let words = ["check", "--record", "--single-instance", "--journal", &store, "--config"];
        let ran = support::run::Run::new(words.into_iter().chain(file.to_str())).run();
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        ran.expect_code(1);
        events(&receiver)
    };
    assert_eq!([check(), check(), check(), check()].map(|events| events.len()), [0, 0, 1, 1]);
    let kept = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let kept: std::collections::BTreeSet<_> = kept.collect();
    assert_eq!(kept, ["probes.toml", "store", "uptick-outbox"].map(Into::into).into());
}
