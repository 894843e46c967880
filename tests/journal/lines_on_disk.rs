//! The journal's lines as they are on disk. They must stay readable forever, so they are
//! kept here. `docs/journal.md` describes them. Their size has a limit, which is tested too.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use jiff::Timestamp;
use uptick::journal::{Decoder, Line, Writer};
use uptick::model::{
    Check, Evidence, Failure, FailureClass, Gap, GapReason, Outcome, Phase, Probe, RecordedPlan, SafeText, Shard,
    Timings, Verdict,
};
use uptick::window::Collector;

const FROM: &str = "2025-03-10T09:31:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// The nth check of a probe: up, with realistic times, always the same for each n.
fn up(probe: &str, n: u64, secure: bool) -> Outcome {
    // A small random generator with the same sequence on every machine.
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

/// The only window of these outcomes.
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
    outcomes.push(Outcome { status: Some(503), ..down("home", 3, FailureClass::Status, Phase::Transfer) });
    let mut offline = down("home", 4, FailureClass::ControlFailed, Phase::Connect);
    offline.failure.as_mut().expect("it failed").own_class = Some(FailureClass::ConnectTimeout);
    outcomes.push(offline);
    outcomes.push(up("home", 5, true));
    window(Duration::from_mins(1), outcomes)
}

fn many() -> Line {
    window(Duration::from_hours(1), (0..170).map(|n| up("timeline", n, true)))
}

fn plan() -> Line {
    let probes = [Probe::plain("home", "web", "https://x.example/", Duration::from_secs(30))];
    let shard = Some(Shard { index: 1, of: 4 });
    Line::from(RecordedPlan::parts("local", shard, at(FROM), &probes).remove(0))
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

/// The lines that are kept, by file name.
fn kept() -> [(&'static str, Line); 7] {
    [
        ("window-http", http()),
        ("window-https", https()),
        ("window-outage", outage()),
        ("window-many", many()),
        ("failure", failure()),
        ("gap", gap()),
        ("plan", plan()),
    ]
}

/// A line with the bytes of its histograms as they are before compression, and without its checksum: how well they are
/// compressed is up to zlib, and any reader reads them.
fn uncompressed(line: &str) -> String {
    const HDR: &str = "\"hdr\":\"";
    let without_checksum = line.rsplit_once(",\"crc\":").map_or(line, |(line, _)| line);
    let mut parts = without_checksum.split(HDR);
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (text, rest) = part.split_once('"').expect("a string ends");
        let bytes = STANDARD.decode(text).expect("base64");
        let mut counts = Vec::new();
        // A cookie and a length precede the compressed histogram.
        ZlibDecoder::new(&bytes[8..]).read_to_end(&mut counts).expect("zlib");
        plain += &format!("{HDR}{counts:02x?}\"{rest}");
    }
    plain
}

#[test]
fn lines_are_written_as_ever_and_read_for_ever() {
    for (name, line) in kept() {
        let path = Path::new("tests/golden/journal").join(name).with_extension("jsonl");
        let golden = fs::read_to_string(&path).unwrap_or_default();
        let (now, kept) = (uncompressed(&written(&line)), uncompressed(&golden));
        assert_eq!(now, kept, "{} is kept, or the version is raised", path.display());
        assert_eq!(Decoder::default().decode(golden.trim_end().as_bytes()), Ok(line));
    }
}

#[test]
#[ignore = "writes tests/golden/journal/*.jsonl"]
fn write_the_kept_lines() {
    for (name, line) in kept() {
        fs::write(Path::new("tests/golden/journal").join(name).with_extension("jsonl"), written(&line)).unwrap();
    }
}

/// Lines of version 1 keep their meaning, and are written again unchanged.
#[test]
fn lines_of_version_1_are_read_as_before() {
    let read = |name: &str| {
        let text = fs::read_to_string(Path::new("tests/golden/journal/v1").join(name)).expect("a kept line");
        let line = Decoder::default().decode(text.trim_end().as_bytes()).expect("a line of version 1");
        let (now, kept) = (uncompressed(&written(&line)), uncompressed(&text));
        assert_eq!(now, kept, "{name} is written with the version it needs");
        line
    };
    read("failure.jsonl");
    read("gap.jsonl");
    read("window-http.jsonl");
    read("window-https.jsonl");
    let Line::Window(outage) = read("window-outage.jsonl") else { panic!("a window") };
    let counts = outage.counts;
    assert_eq!((counts.up, counts.down, counts.unknown, counts.missed), (3, 2, 1, 0));
    assert_eq!(outage.failures[&FailureClass::Status], 1);
    assert!(outage.codes.is_empty() && outage.set_aside.is_empty() && outage.remotes.is_empty());
    assert_eq!(outage.latency.total.exact_micros(), Some(&[166_536, 224_451, 291_111][..]));
    let half = outage.from + Duration::from_secs(30);
    let cut = |from, to| outage.cut(from, to).expect("checks").counts.scheduled();
    assert_eq!((cut(outage.from, half), cut(half, outage.to)), (3, 3));
    // A compacted window of version 1 has runs whose instants follow from their ends.
    let Line::Window(many) = read("window-many.jsonl") else { panic!("a window") };
    let middle = many.from + Duration::from_mins(46);
    let parts =
        [(many.from, middle), (middle, many.to)].map(|(from, to)| many.cut(from, to).expect("checks").counts.up);
    assert_eq!(parts.iter().sum::<u64>(), 170);
    assert_eq!(parts[0], 90);
}

/// Lines of both versions for the same probe can be merged into one window.
#[test]
fn lines_of_both_versions_add_up() {
    let old = fs::read_to_string("tests/golden/journal/v1/window-outage.jsonl").expect("a kept line");
    let Ok(Line::Window(mut sum)) = Decoder::default().decode(old.trim_end().as_bytes()) else { panic!("a window") };
    let Line::Window(new) = outage() else { panic!("a window") };
    sum.merge(&new);
    assert_eq!((sum.counts.up, sum.counts.down, sum.counts.unknown), (6, 4, 2));
    assert_eq!(sum.failures[&FailureClass::Status], 2);
    assert_eq!(sum.codes[&(FailureClass::Status, 503)], 1);
    let line = Line::from(*sum);
    assert_eq!(Decoder::default().decode(written(&line).trim_end().as_bytes()), Ok(line));
}

#[test]
fn a_check_that_is_up_costs_at_most_a_hundred_bytes() {
    // One check every ten seconds in one-minute windows: six checks per line.
    for (kind, line, most) in [("http", http(), 600), ("https", https(), 600), ("outage", outage(), 700)] {
        let bytes = written(&line).len();
        assert!(bytes <= most, "{kind}: {bytes} bytes a window");
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
