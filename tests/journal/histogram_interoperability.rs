//! The histograms are interoperable: the Python package reads the same from uptick's histograms as
//! uptick does, and uptick reads Python's.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

use serde::Deserialize;
use uptick::journal::{Decoder, Line};
use uptick::model::Phase;
use uptick::window::{HdrText, Histogram};

const SCRIPT: &str = "tests/interoperability/histogram.py";
const SAID: &str = "tests/interoperability/histogram.json";

/// The output of the script.
#[derive(Deserialize, PartialEq, Debug)]
struct ScriptOutput {
    /// The buckets of each histogram in the golden line: the highest value, and the count.
    decoded: BTreeMap<String, Vec<(u64, u64)>>,
    encoded: Encoded,
}

/// Values, and Python's histogram of them.
#[derive(Deserialize, PartialEq, Debug)]
struct Encoded {
    values: Vec<u64>,
    text: String,
    buckets: Vec<(u64, u64)>,
}

fn said() -> ScriptOutput {
    serde_json::from_str(&fs::read_to_string(SAID).expect("the fixture")).expect("the fixture is JSON")
}

/// uptick's buckets in Python's form: uptick's end at the exact maximum, Python's at the bucket's
/// end.
fn buckets(histogram: &Histogram, theirs: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let max = histogram.max_micros().expect("it is not empty");
    let top = theirs.last().expect("it is not empty").0;
    let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).expect("it fits");
    histogram.buckets().map(|(time, count)| (if micros(time) == max { top } else { micros(time) }, count)).collect()
}

#[test]
fn python_reads_in_our_histograms_what_we_read() {
    let text = fs::read_to_string("tests/golden/journal/window-many.jsonl").expect("the golden line");
    let Ok(Line::Window(window)) = Decoder::default().decode(text.trim_end().as_bytes()) else { panic!("a window") };
    let said = said().decoded;
    assert_eq!(said.len(), 6);
    assert_eq!(buckets(&window.latency.total, &said["total"]), said["total"]);
    for phase in Phase::ALL {
        assert_eq!(buckets(window.latency.phase(phase), &said[phase.name()]), said[phase.name()], "{phase}");
    }
}

#[test]
fn we_read_what_python_writes_and_count_as_it_counts() {
    let Encoded { values, text, buckets: theirs } = said().encoded;
    let (min, max) = (values.iter().min().copied().unwrap_or(0), values.iter().max().copied().unwrap_or(0));
    let read = Histogram::from_hdr_text(&text, min, max, values.iter().sum()).expect("Python's text");
    let mut recorded = Histogram::default();
    for value in &values {
        recorded.record_micros(*value);
    }
    assert_eq!(read, recorded);
    assert_eq!(buckets(&read, &theirs), theirs);
    let mut ours = String::new();
    HdrText::default().write(&recorded, &mut ours);
    assert_eq!(Histogram::from_hdr_text(&ours, min, max, values.iter().sum()), Ok(read));
}

#[test]
fn python_still_says_what_it_said() {
    let installed = Command::new("python3").args(["-c", "import hdrh"]).stderr(Stdio::null()).status();
    if !installed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: Python's hdrhistogram is not installed, so the fixture was not made again");
        return;
    }
    let output = Command::new("python3").arg(SCRIPT).output().expect("python3 starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let again: ScriptOutput = serde_json::from_slice(&output.stdout).expect("the script writes JSON");
    assert_eq!(again, said());
}
