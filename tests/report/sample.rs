//! Fixed runs, made by hand with the same builder that `check` uses.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support::pass::Checks;
use jiff::Timestamp;
use uptick::check_report::CheckReport;
use uptick::model::{
    AssetOutcome, CertificateFacts, Check, EarlierAttempt, Evidence, Failure, FailureClass, Hop, HttpExchange,
    HttpVersion, Mismatch, Outcome, Phase, Probe, SafeText, StepOutcome, Timings, TlsFacts, Verdict,
};

/// The instant at which every sample starts.
pub(crate) fn start() -> Timestamp {
    "2025-03-10T09:31:00Z".parse().expect("an instant")
}

/// A probe with one GET request.
pub(crate) fn probe(name: &str, surface: &str, url: &str, line: usize) -> Probe {
    let file = Some(Arc::from(Path::new("/workspace/probes.toml")));
    Probe { file, line, ..Probe::plain(name, surface, url, Duration::from_secs(30)) }
}

pub(crate) fn ms(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1000.0)
}

/// An outcome that was up, with every phase.
pub(crate) fn up(probe: &Probe, after: Duration, factor: f64) -> Outcome {
    let mut timings = Timings::default();
    let phases = [0.31, 4.2, 12.1, 88.0, 1.19];
    for (phase, time) in Phase::ALL.into_iter().zip(phases) {
        timings.add(phase, ms(time * factor));
        timings.total += ms(time * factor);
    }
    let due = start() + after;
    let check = Check { probe: Arc::new(probe.clone()), scheduled_at: due, lag: Duration::from_micros(120) };
    let failure = Failure::new(FailureClass::Status, None, SafeText::message("not up"));
    Outcome {
        verdict: Verdict::Up,
        failure: None,
        timings,
        status: Some(200),
        http_version: Some(HttpVersion::V2),
        remote: "104.244.42.1:443".parse().ok(),
        tls: Some(TlsFacts {
            version: Some("1.3".to_owned()),
            cipher: Some("TLS13_AES_256_GCM_SHA384".to_owned()),
            verified: true,
            certificate: Some(certificate()),
            chain: Vec::new(),
        }),
        body_bytes: 12_345,
        ..Outcome::without_measurement(&check, "lhr", due + Duration::from_millis(1), failure)
    }
}

fn certificate() -> CertificateFacts {
    CertificateFacts {
        subject: SafeText::message("CN=x.com"),
        issuer: SafeText::message("CN=Example Root R1, O=Example Trust"),
        names: vec![SafeText::message("x.com"), SafeText::message("*.x.com")],
        names_total: 5,
        not_before: "2024-12-01T00:00:00Z".parse().expect("an instant"),
        not_after: "2025-04-01T00:00:00Z".parse().expect("an instant"),
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        chain_length: 3,
    }
}

/// An outcome that failed in a phase.
pub(crate) fn failed(
    probe: &Probe,
    after: Duration,
    class: FailureClass,
    phase: Option<Phase>,
    message: &str,
) -> Outcome {
    let mut outcome = up(probe, after, 1.0);
    outcome.verdict = class.verdict();
    outcome.failure = Some(Failure::new(class, phase, SafeText::message(message)));
    outcome.tls = None;
    outcome.status = None;
    outcome.http_version = None;
    outcome.body_bytes = 0;
    outcome.timings = Timings::default();
    outcome
}

/// A connection refused after a lookup.
pub(crate) fn refused(probe: &Probe, after: Duration) -> Outcome {
    let message = "127.0.0.1:9 refused the connection";
    let mut outcome = failed(probe, after, FailureClass::ConnectRefused, Some(Phase::Connect), message);
    outcome.timings.add(Phase::Resolve, Duration::from_micros(310));
    outcome.timings.add(Phase::Connect, Duration::from_micros(95));
    outcome.timings.total = Duration::from_micros(420);
    outcome.remote = "127.0.0.1:9".parse().ok();
    outcome.evidence = Some(Evidence {
        url: SafeText::message("https://api.x.com/2/timeline"),
        headers: Vec::new(),
        body: None,
        curl: Some(SafeText::message(
            "curl -sS -m 10 -H \"authorization: Bearer $PROBE_TOKEN\" https://api.x.com/2/timeline",
        )),
        addresses: vec!["127.0.0.1:9".parse().expect("an address"), "127.0.0.2:9".parse().expect("an address")],
        diagnosis: None,
    });
    outcome
}

/// A page with status 200 after a redirect, but with the wrong content.
pub(crate) fn wrong_page(probe: &Probe, after: Duration) -> Outcome {
    let mut outcome = up(probe, after, 1.4);
    outcome.verdict = Verdict::Down;
    let mut failure =
        Failure::new(FailureClass::AssertionFailed, None, SafeText::message("2 expectations were not met"));
    failure.mismatches = vec![
        Mismatch {
            assertion: "body-contains".to_owned(),
            expected: SafeText::message("\"<title\""),
            actual: SafeText::message("a body of 104 bytes without it"),
        },
        Mismatch {
            assertion: "header.content-type".to_owned(),
            expected: SafeText::message("contains \"text/html\""),
            actual: SafeText::message("\"application/json\""),
        },
    ];
    outcome.failure = Some(failure);
    outcome.redirects = vec![Hop {
        url: SafeText::message("https://t.co/abc"),
        status: 302,
        location: SafeText::message("https://x.com/i/links?id=1"),
        method: "GET".to_owned(),
        remote: "104.244.42.5:443".parse().ok(),
        timings: Timings { total: ms(22.0), ..Timings::default() },
        tls: None,
    }];
    outcome.body_bytes = 104;
    outcome.evidence = Some(Evidence {
        url: SafeText::message("https://x.com/i/links?id=1"),
        headers: vec![
            ("server".to_owned(), SafeText::message("cloudflare envoy")),
            ("content-type".to_owned(), SafeText::message("application/json")),
            ("retry-after".to_owned(), SafeText::message("30")),
        ],
        body: Some(SafeText::message(
            r#"{"errors":[{"message":"Your current API plan does not include access to this endpoint","code":467}]}"#,
        )),
        curl: Some(SafeText::message("curl -sS -L -m 10 https://t.co/abc")),
        addresses: vec!["104.244.42.1:443".parse().expect("an address")],
        diagnosis: None,
    });
    outcome
}

/// Probes of two surfaces and a control target: one for each kind of result.
pub(crate) fn probes() -> Vec<Arc<Probe>> {
    let mut staging = probe("staging", "web", "https://staging.x.com/", 40);
    staging.transport.tls.insecure = true;
    let mut control = probe("internet", "control", "https://www.example.com/", 6);
    control.control = true;
    vec![
        Arc::new(probe("home", "web", "https://x.com/", 12)),
        Arc::new(probe("short link", "web", "https://t.co/abc", 21)),
        Arc::new(staging),
        Arc::new(probe("timeline", "app", "https://api.x.com/2/timeline", 52)),
        Arc::new(probe("notifications for everybody", "app", "https://api.x.com/2/notifications", 60)),
        Arc::new(control),
    ]
}

/// One check per probe.
pub(crate) fn single() -> CheckReport {
    let probes = probes();
    let mut fold = Checks::new("lhr", &probes, Duration::from_mins(1), start());
    let mut flaky = up(&probes[2], ms(4.0), 1.1);
    flaky.flaky = true;
    flaky.attempts = 2;
    let reset = Failure::new(
        FailureClass::ConnectionReset,
        Some(Phase::Processing),
        SafeText::message("104.244.42.1:443 reset the connection"),
    );
    flaky.earlier_attempts =
        vec![EarlierAttempt { failure: reset, timings: Timings::default(), remote: "104.244.42.1:443".parse().ok() }];
    let interrupted =
        failed(&probes[4], ms(5.0), FailureClass::Interrupted, None, "the run was interrupted after 2.00 s");
    for outcome in [
        up(&probes[0], ms(0.0), 1.0),
        refused(&probes[3], ms(2.0)),
        wrong_page(&probes[1], ms(1.0)),
        flaky,
        up(&probes[5], ms(3.0), 0.5),
        interrupted,
    ] {
        fold.record(outcome);
    }
    fold.finish(Duration::from_millis(1310), &["the control target is asked once".to_owned()])
}

/// One check per probe, all up.
pub(crate) fn all_up() -> CheckReport {
    let probes: Vec<Arc<Probe>> = probes().into_iter().filter(|probe| !probe.transport.tls.insecure).collect();
    let mut fold = Checks::new("lhr", &probes, Duration::from_mins(1), start());
    for (at, probe) in (0u32..).zip(&probes) {
        fold.record(up(probe, ms(f64::from(at)), 1.0 + f64::from(at) / 10.0));
    }
    fold.finish(Duration::from_millis(130), &[])
}

/// A redirect and linked files, with everything that `-vv --body` keeps.
pub(crate) fn verbose() -> CheckReport {
    let probe = Arc::new(probe("home", "web", "https://x.com/", 1));
    let mut fold = Checks::new("lhr", std::slice::from_ref(&probe), Duration::from_mins(1), start());
    let mut outcome = up(&probe, ms(0.0), 1.0);
    let timings = outcome.timings;
    outcome.redirects = vec![Hop {
        url: SafeText::message("http://x.com/"),
        status: 301,
        location: SafeText::message("https://x.com/"),
        method: "GET".to_owned(),
        remote: "104.244.42.1:80".parse().ok(),
        timings,
        tls: None,
    }];
    let step = |name: &str, asked| StepOutcome {
        name: name.to_owned(),
        asked,
        class: None,
        status: asked.then_some(200),
        timings,
    };
    outcome.steps = vec![step("login page", true), step("log in", true)];
    let asset = |path: &str, class, status| AssetOutcome {
        url: SafeText::message(&format!("https://cdn.x.com/{path}")),
        class,
        status: Some(status),
        content_type: Some(SafeText::message("text/css")),
        bytes: 20_480,
        timings,
    };
    outcome.assets = vec![asset("app.css", None, 200), asset("gone.css", Some(FailureClass::Status), 404)];
    outcome.warnings = vec![Mismatch {
        assertion: "certificate-days".to_owned(),
        expected: SafeText::message("at least 30"),
        actual: SafeText::message("22"),
    }];
    let header = |name: &str, value: &str| (name.to_owned(), SafeText::message(value));
    outcome.exchanges = vec![HttpExchange {
        step: Some("log in".to_owned()),
        method: "POST".to_owned(),
        url: SafeText::message("https://x.com/login"),
        request_headers: vec![header("host", "x.com"), header("cookie", "[redacted]")],
        status: Some(200),
        http_version: Some(HttpVersion::V2),
        content_type: Some(SafeText::message("application/json")),
        coding: Some(SafeText::message("gzip")),
        note: Some(SafeText::message("2 bytes after the end of the gzip data were ignored")),
        encoded_bytes: 1_532,
        response_headers: vec![header("server", "edge"), header("content-encoding", "gzip")],
        body: Some("{\n\t\"status\": \"ok\"\n}\n".to_owned()),
    }];
    fold.record(outcome);
    fold.finish(Duration::from_millis(130), &[])
}

/// `count` probes of two surfaces, each checked once; the last `down` of them fail, in three ways.
pub(crate) fn sized(count: usize, down: usize) -> CheckReport {
    let named = |number: usize| {
        let surface = ["app", "web"][number % 2];
        Arc::new(probe(&format!("probe-{number:03}"), surface, &format!("https://x.test/{number}"), number + 1))
    };
    let probes: Vec<Arc<Probe>> = (0..count).map(named).collect();
    let mut fold = Checks::new("lhr", &probes, Duration::from_mins(1), start());
    for (number, probe) in probes.iter().enumerate() {
        let after = Duration::from_millis(number as u64);
        fold.record(match number {
            _ if number + down < count => up(probe, after, 1.0 + f64::from(u8::try_from(number % 50).expect("small"))),
            _ if number % 3 == 0 => wrong_page(probe, after),
            _ => refused(probe, after),
        });
    }
    fold.finish(Duration::from_millis(310), &[])
}

/// Two checks of one probe; the second fails.
pub(crate) fn twice() -> CheckReport {
    let probe = Arc::new(probe("home", "web", "https://x.test/", 1));
    let mut fold = Checks::new("lhr", std::slice::from_ref(&probe), Duration::from_mins(1), start());
    fold.record(up(&probe, ms(0.0), 1.0));
    fold.record(refused(&probe, ms(200.0)));
    fold.finish(Duration::from_millis(310), &[])
}

/// Many checks per probe: one probe fails for a while, one has missed checks.
pub(crate) fn many() -> CheckReport {
    let probes: Vec<Arc<Probe>> = probes().into_iter().take(4).collect();
    let mut fold = Checks::new("lhr", &probes, Duration::from_mins(1), start());
    for at in 0..320_u32 {
        for (number, probe) in probes.iter().enumerate() {
            let after = Duration::from_millis(u64::from(at) * 1000);
            match number {
                3 if (100..148).contains(&at) => fold.record(refused(probe, after)),
                1 if at % 97 == 5 => fold.record(wrong_page(probe, after)),
                2 if at >= 20 => fold.missed(probe, start() + after),
                _ => fold.record(up(probe, after, 1.0 + f64::from((at * 37) % 100) / 50.0)),
            }
        }
    }
    fold.finish(Duration::from_secs(320), &[])
}

/// Many probes that are all down, with as many headers as evidence may have.
pub(crate) fn all_down(count: usize) -> CheckReport {
    let probes: Vec<Arc<Probe>> = (0..count)
        .map(|number| Arc::new(probe(&format!("probe {number:04}"), "web", "https://x.test/", number + 1)))
        .collect();
    let mut fold = Checks::new("lhr", &probes, Duration::from_mins(1), start());
    for probe in &probes {
        let mut outcome = wrong_page(probe, Duration::ZERO);
        if let Some(evidence) = &mut outcome.evidence {
            let value = SafeText::clean(&"日".repeat(2_000), 2_000);
            evidence.headers = (0..40).map(|number| (format!("x-{number}"), value.clone())).collect();
        }
        fold.record(outcome);
    }
    fold.finish(Duration::from_secs(9), &[])
}

/// One probe that is checked very often: every hundredth check fails, including the last.
pub(crate) fn long_run(checks: u64) -> CheckReport {
    let probes = [Arc::new(probe("home", "web", "https://x.test/", 1))];
    let mut fold = Checks::new("lhr", &probes, Duration::from_mins(1), start());
    for number in 1..=checks {
        let after = Duration::from_millis(number * 10);
        fold.record(if number % 100 == 0 { refused(&probes[0], after) } else { up(&probes[0], after, 1.0) });
    }
    fold.finish(Duration::from_mins(5), &[])
}
