//! The journal's lines as they are on disk: they stay readable for ever, so their bytes are kept
//! here. `docs/journal.md` describes them, and the budget of their size is held.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uptick::journal::{Decoder, Line, Writer};
use uptick::model::{
    Check, Evidence, Failure, FailureClass, Gap, GapReason, Outcome, Phase, Probe, SafeText, Timings, Verdict,
};
use uptick::window::Collector;

const FROM: &str = "2025-03-10T09:31:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// The nth check of a probe, up, with times as they are on the internet: the same for each n.
fn up(probe: &str, n: u64, secure: bool) -> Outcome {
    // A small generator of chance, the same on every machine.
    let chance = |salt: u64| (n * 8_191 + salt * 131_071).wrapping_mul(2_654_435_761) % 1_000;
    let micros = Duration::from_micros;
    let resolve = micros(1_200 + chance(1) * 9);
    let connect = micros(18_000 + chance(2) * 4);
    let tls = secure.then(|| micros(41_000 + chance(3) * 11));
    let processing = micros(87_000 + chance(4) * 140);
    let transfer = micros(240 + chance(5));
    let scheduled_at = at(FROM) + Duration::from_millis(n * 10_000 + 3_412);
    let plain = Arc::new(Probe::plain(probe, "web", "https://x.example/", Duration::from_secs(10)));
    let check = Check { probe: plain, scheduled_at, lag: micros(80 + chance(6)) };
    let started_at = scheduled_at + Duration::from_millis(chance(6) % 3);
    let failure = Failure::new(FailureClass::Status, None, SafeText::message("not up"));
    Outcome {
        verdict: Verdict::Up,
        failure: None,
        timings: Timings {
            resolve: Some(resolve),
            connect: Some(connect),
            tls,
            processing: Some(processing),
            transfer: Some(transfer),
            total: resolve + connect + tls.unwrap_or_default() + processing + transfer + micros(31),
        },
        status: Some(200),
        remote: "192.0.2.7:443".parse().ok(),
        body_bytes: 1256,
        ..Outcome::without_measurement(&check, "local", started_at, failure)
    }
}

fn down(probe: &str, n: u64, class: FailureClass, phase: Phase) -> Outcome {
    let message = SafeText::message("192.0.2.7:443 did not answer within 10 s");
    Outcome {
        verdict: class.verdict(),
        failure: Some(Failure::new(class, Some(phase), message)),
        timings: Timings { total: Duration::from_secs(10), ..Timings::default() },
        status: None,
        evidence: Some(Evidence { url: SafeText::message("https://x.example/"), ..Evidence::default() }),
        ..up(probe, n, true)
    }
}

/// The one window that holds these outcomes.
fn window(span: Duration, outcomes: impl IntoIterator<Item = Outcome>) -> Line {
    let mut collector = Collector::new("local", span);
    for outcome in outcomes {
        assert!(collector.record(&outcome).is_none(), "one span");
    }
    let mut windows = collector.close_all();
    assert_eq!(windows.len(), 1);
    Line::from(windows.remove(0))
}

fn http() -> Line {
    window(Duration::from_mins(1), (0..6).map(|n| up("home", n, false)))
}

fn https() -> Line {
    window(Duration::from_mins(1), (0..6).map(|n| up("home", n, true)))
}

fn outage() -> Line {
    let mut outcomes: Vec<Outcome> = (0..2).map(|n| up("home", n, true)).collect();
    outcomes.push(down("home", 2, FailureClass::ConnectTimeout, Phase::Connect));
    outcomes.push(down("home", 3, FailureClass::Status, Phase::Transfer));
    outcomes.push(down("home", 4, FailureClass::ControlFailed, Phase::Connect));
    outcomes.push(up("home", 5, true));
    window(Duration::from_mins(1), outcomes)
}

fn many() -> Line {
    let mut line = window(Duration::from_hours(1), (0..170).map(|n| up("timeline", n, true)));
    if let Line::Window(window) = &mut line {
        window.strip.thin();
    }
    line
}

fn gap() -> Line {
    Line::Gap(Gap {
        vantage: "local".to_owned(),
        from: at(FROM),
        to: at("2025-03-10T10:31:00.250Z"),
        reason: GapReason::Suspended,
    })
}

fn failure() -> Line {
    Line::from(down("home", 2, FailureClass::ConnectTimeout, Phase::Connect))
}

fn written(line: &Line) -> String {
    let mut bytes = Vec::new();
    Writer::default().write(line, &mut bytes).expect("the line is short");
    String::from_utf8(bytes).expect("text")
}

/// Compares a line with the file of that name, both ways.
#[track_caller]
fn holds(name: &str, line: &Line) {
    let path = Path::new("tests/golden/journal").join(name);
    let text = written(line);
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, golden, "{} is kept, or the version is raised", path.display());
    assert_eq!(Decoder::default().decode(golden.trim_end().as_bytes()).as_ref(), Ok(line));
}

#[test]
fn lines_are_written_as_ever_and_read_for_ever() {
    holds("window-http.jsonl", &http());
    holds("window-https.jsonl", &https());
    holds("window-outage.jsonl", &outage());
    holds("window-many.jsonl", &many());
    holds("failure.jsonl", &failure());
    holds("gap.jsonl", &gap());
}

#[test]
fn a_check_costs_at_most_a_hundred_bytes() {
    // One check every ten seconds, one-minute windows: six checks a line.
    for (kind, line) in [("http", http()), ("https", https()), ("outage", outage())] {
        let bytes = written(&line).len();
        assert!(bytes <= 600, "{kind}: {bytes} bytes a window");
    }
}

#[test]
fn the_checksum_is_computed_as_the_page_says() {
    let line = written(&gap());
    let line = line.trim_end();
    let (covered, tail) = line.split_at(line.len() - 18);
    assert_eq!(tail, format!(",\"crc\":\"{:08x}\"}}", crc32fast::hash(covered.as_bytes())));
}

#[test]
fn the_page_shows_a_real_line_and_the_real_sizes() {
    let page = fs::read_to_string("docs/journal.md").expect("the page");
    assert!(page.contains(written(&outage()).trim_end()), "the example of the page is the golden line");
    for line in [http(), https()] {
        let bytes = written(&line).len();
        assert!(page.contains(&bytes.to_string()), "{bytes} bytes");
    }
}
