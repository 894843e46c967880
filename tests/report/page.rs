//! The page of `report --format html`, tested with rules that need no browser, and in a real one,
//! Chromium, if it is installed.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use uptick::render::{ReportFormat, TerminalStyle};
use uptick::report::Report;

use crate::hostile::PAYLOADS;
use crate::report::render;
use crate::scenario;

fn page(report: &Report) -> String {
    render(ReportFormat::Html, report, TerminalStyle::default())
}

/// The tags of a page in order, as `<p` and `</p`. Asserts that they are properly nested.
fn tags(page: &str) -> Vec<String> {
    const VOID: [&str; 4] = ["meta", "link", "br", "wbr"];
    let mut tags = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if rest.starts_with("!doctype") {
            continue;
        }
        let end = end_of_tag(rest);
        let tag = &rest[..end];
        let name: String =
            tag.chars().take_while(|character| character.is_ascii_alphanumeric() || *character == '/').collect();
        let name = name.trim_end_matches('/').to_owned();
        assert!(!name.is_empty(), "a bare < in {:?}", &rest[..rest.len().min(80)]);
        tags.push(name.clone());
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(closed), "before {:?}", &rest[..rest.len().min(80)]);
        } else if !tag.ends_with('/') && !VOID.contains(&name.as_str()) {
            open.push(name.clone());
        }
        rest = &rest[end..];
        if name == "style" || name == "script" {
            rest = &rest[rest.find("</").expect("its end")..];
        }
    }
    assert!(open.is_empty(), "{open:?}");
    tags
}

/// The offset at which a tag ends: a `>` in a quoted value does not end it.
fn end_of_tag(tag: &str) -> usize {
    let mut quoted = false;
    for (at, character) in tag.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '>' if !quoted => return at,
            _ => {}
        }
    }
    panic!("a tag without an end");
}

#[test]
fn every_tag_is_closed_in_its_turn_and_every_id_is_there_once() {
    let day = scenario::day("14:00:00", "14:30:00");
    for report in [scenario::march(), &scenario::quiet(), &scenario::nothing(), &day] {
        let page = page(report);
        assert!(tags(&page).len() > 100);
        let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
        for target in page.split("aria-labelledby=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(target.split(' ').all(|id| ids.contains(&id)), "{target}");
        }
        for target in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(ids.contains(&target), "{target}");
        }
        for target in page.split("url(#").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(ids.contains(&target), "{target}");
        }
    }
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    let page = page(scenario::march());
    assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'; img-src data:"));
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.contains("<script type=\"application/json\" id=\"uptick-report\">"));
    for link in page.split("href=\"").skip(1) {
        assert!(link.starts_with('#') || link.starts_with("data:,\""), "{}", &link[..40]);
    }
    for word in [
        " src=", "<img", "<iframe", "<object", "<embed", "@import", "url(h", "url(/", " onload", " onclick", "<form",
        "<base",
    ] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn hostile_text_leaves_the_structure_of_the_page_as_it_is() {
    let harmless = tags(&page(&scenario::hostile("plain")));
    for payload in PAYLOADS {
        let report = scenario::hostile(payload);
        // Names may be broken into lines, and empty evidence is left out.
        let kept = |tags: Vec<String>| -> Vec<String> { tags.into_iter().filter(|tag| tag != "wbr").collect() };
        assert_eq!(kept(tags(&page(&report))), kept(harmless.clone()), "{payload:?}");
    }
}

/// The text between two markers, without tags and with entities resolved, and the rest of the page.
fn between<'p>(page: &'p str, from: &str, to: &str) -> (String, &'p str) {
    let (_, rest) = page.split_once(from).unwrap_or_else(|| panic!("{from} is not there"));
    let (inner, rest) = rest.split_once(to).unwrap_or_else(|| panic!("{from} has no end"));
    (plain(inner), rest)
}

fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for character in html.chars() {
        match character {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            _ if !in_tag => text.push(character),
            _ => {}
        }
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

/// The tiles of the banner: name, value, and the remark below.
fn tiles(page: &str) -> Vec<(String, String, String)> {
    let (_, rest) = page.split_once("<dl class=\"facts\">").expect("tiles");
    let (banner, _) = rest.split_once("</dl>").expect("their end");
    let tile = |tile: &str| {
        let (name, rest) = between(tile, "<dt>", "</dt>");
        let (value, rest) = between(rest, "<dd>", "<small>");
        (name, value, plain(rest.split("</small>").next().unwrap_or_default()))
    };
    banner.split("<div>").skip(1).map(tile).collect()
}

/// The rows of a table by its caption, as cells.
fn table(page: &str, caption: &str) -> Vec<Vec<String>> {
    let (_, rest) = page.split_once(&format!("<caption>{caption}</caption>")).expect("the table");
    let (_, rest) = rest.split_once("<tbody>").expect("its rows");
    let (body, _) = rest.split_once("</tbody>").expect("their end");
    let cells = |row: &str| -> Vec<String> {
        let marked = row.replace("</th>", "\u{1}").replace("</td>", "\u{1}");
        plain(&marked).split('\u{1}').map(str::to_owned).filter(|cell| !cell.is_empty()).collect()
    };
    body.split("</tr>").filter(|row| row.contains("<t")).map(|row| cells(row.trim())).collect()
}

fn count(n: u64) -> String {
    let digits = n.to_string();
    let grouped: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).expect("digits")).collect();
    grouped.join(",")
}

#[test]
fn the_tiles_the_headline_and_the_tables_of_a_page_say_the_same() {
    let days = [scenario::day("14:00:00", "14:30:00"), scenario::day("23:20:00", "23:59:59")];
    for report in [scenario::march(), &scenario::quiet(), &days[0], &days[1]] {
        let page = page(report);
        let verdict = &report.verdict;
        let word = verdict.state.name().to_uppercase();
        let (headline, _) = between(&page, "<h1>", "</h1>");
        assert_eq!(format!("{word}  {headline}"), verdict.headline);
        let (chip, _) = between(&page, "<span class=\"chip ", "</span>");
        assert!(chip.ends_with(&format!("now {word}")), "{chip}");

        let tiles = tiles(&page);
        let tile = |name: &str| tiles.iter().find(|(known, ..)| known.starts_with(name));
        let (_, coverage, made) = tile("coverage").expect("coverage");
        assert!(coverage.ends_with('%'));
        let of = (count(report.coverage.observed), count(report.coverage.expected));
        assert_eq!(made, &format!("{} of {} checks made", of.0, of.1));

        // The rows of the table are those of the report, and the headline names all surfaces.
        let rows = table(&page, "Surfaces");
        assert_eq!(rows.len(), report.surfaces.len());
        for (row, surface) in rows.iter().zip(&report.surfaces) {
            assert_eq!(row[0], surface.label().as_str());
            assert_eq!(row[1], surface.state.name().to_uppercase());
            assert_eq!((&row[2], &row[3]), (&count(surface.figures.checks), &count(surface.figures.down)));
            let named = headline.contains(surface.label().as_str());
            assert!(named || surface.control, "{headline} does not name {row:?}");
        }
        let failed: u64 = report.surfaces.iter().filter(|row| !row.control).map(|row| row.figures.down).sum();
        let of_incidents: u64 = report.incidents.iter().map(|incident| incident.actual_failures).sum();
        assert!(of_incidents <= failed, "{of_incidents} of {failed}");

        // There are as many incidents and waves as the tile says, each with the figures of the
        // report.
        assert_eq!(page.matches("id=\"incident-").count(), report.incidents.len());
        if let Some((_, _, told)) = tile("lasting") {
            let waves: usize = report.incidents.iter().map(|incident| incident.waves.len()).sum();
            let of = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
            assert_eq!(told, &format!("{}, {}", of(report.incidents.len(), "incident"), of(waves, "wave")));
        }
        if let (Some(wave), Some((_, told, more))) = (&verdict.since, tile("since")) {
            let since = verdict.incident_since.unwrap_or(*wave);
            for (bracket, told) in [(since, told), (*wave, if since.by < wave.by { more } else { told })] {
                let by = bracket.by.strftime("%H:%M:%S").to_string();
                assert!(told.ends_with(&by), "{told} does not end with {by}");
                let short = by.strip_suffix(":00").unwrap_or(&by);
                assert!(headline.contains(short), "{headline} does not say {short}");
            }
        }
        if let Some((_, told, _)) = tile("where").filter(|_| verdict.state.is_failing()) {
            let scope = &verdict.scope;
            assert_eq!(told, &format!("{} of {} vantages", scope.vantages.len(), scope.vantages_judged));
            assert!(headline.contains(&format!("all {} vantages", scope.vantages_judged)), "{headline}");
        }
        if let (Some(kind), Some((_, told, share))) = (&verdict.kind, tile("what")) {
            assert_eq!(told, &kind.phrase());
            assert!(headline.contains(told.as_str()), "{headline} does not say {told}");
            let n = format!(" of {} failures", count(kind.of));
            assert!(share.contains(&n), "{share} does not say {n}");
        }
    }
}

#[test]
fn a_page_about_an_outage_opens_on_it() {
    let page = page(scenario::march());
    let place = |id: &str| page.find(&format!("<section id=\"{id}\"")).expect("a section");
    assert!(place("incidents") < place("over-time") && place("over-time") < place("method"));
}

#[test]
fn charts_begin_where_data_does() {
    let report = scenario::quiet();
    let wide = Report {
        window: uptick::report::Span {
            from: report.window.from - jiff::SignedDuration::from_hours(24 * 30),
            ..report.window.clone()
        },
        ..report.clone()
    };
    let drawn = |report: &Report| axis(&page(report), "strip-chart").expect("the strip");
    assert_eq!(drawn(&report), drawn(&wide), "a month without data is not drawn");
}

/// The labels on a chart's time axis; `None` if there is no such chart.
fn axis(page: &str, chart: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("id=\"{chart}\""))?;
    let names = |axis: &str| plain(axis.split("</g>").next().unwrap_or_default().trim_start_matches('>'));
    rest.split("class=\"axis\"").skip(1).map(names).find(|names| names.contains(':'))
}

#[test]
fn charts_open_on_what_the_first_line_speaks_of() {
    for (from, to, drawn, not_drawn) in
        [("14:00:00", "14:30:00", "14:00", "03:00"), ("23:20:00", "23:59:59", "22:00", "12:00")]
    {
        let report = scenario::day(from, to);
        let page = page(&report);
        let (zoomed, whole) = (axis(&page, "strip-chart"), axis(&page, "strip-whole-chart"));
        let (zoomed, whole) = (zoomed.expect("the strip"), whole.expect("the whole range"));
        assert!(zoomed.contains(drawn) && !zoomed.contains(not_drawn), "{zoomed}");
        assert!(whole.contains(not_drawn), "{whole}");
        for chart in ["expected-0-chart", "classes-0-chart", "latency-0-chart"] {
            assert_eq!(axis(&page, chart).as_deref().map(|axis| axis.contains(not_drawn)), Some(false), "{chart}");
        }
        assert!(page.contains("the whole range is drawn below"));
    }
    for report in [scenario::march(), &scenario::quiet()] {
        assert_eq!(axis(&page(report), "strip-whole-chart"), None, "what is told is most of the range, or nothing");
    }
}

#[test]
fn the_data_in_the_page_is_the_report() {
    for report in [scenario::quiet(), scenario::hostile("</script><!-- <script>")] {
        let page = page(&report);
        let (_, rest) = page.split_once("id=\"uptick-report\">").expect("the data");
        let (data, _) = rest.split_once("</script>").expect("its end");
        let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
        assert_eq!(data["verdict"]["sentence"], report.verdict.sentence.as_str());
    }
}

#[test]
fn a_week_of_ten_probes_is_below_500_kilobytes() {
    let report = scenario::long(7, 10, &["iad", "lhr", "sjc"], Duration::from_mins(5));
    let page = page(&report);
    assert!(report.series.len() > 900, "{} points", report.series.len());
    assert!(page.len() < 500_000, "{} bytes", page.len());
}

#[test]
fn a_fleet_and_a_long_time_stay_a_page_that_can_be_mailed() {
    let vantages: Vec<String> = (0..30).map(|number| format!("place-{number:02}")).collect();
    let vantages: Vec<&str> = vantages.iter().map(String::as_str).collect();
    let page = page(&scenario::long(30, 4, &vantages, Duration::from_hours(1)));
    assert!(page.len() < 700_000, "{} bytes", page.len());
}

/// Writes the pages as files, to be looked at.
#[test]
#[ignore = "writes files; run it to look at the pages"]
fn write_the_pages() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).expect("the folder");
    let week = scenario::long(7, 10, &["iad", "lhr", "sjc"], Duration::from_mins(5));
    let pages = [
        ("march", page(scenario::march())),
        ("quiet", page(&scenario::quiet())),
        ("day", page(&scenario::day("14:00:00", "14:30:00"))),
        ("night", page(&scenario::day("23:20:00", "23:59:59"))),
        ("nothing", page(&scenario::nothing())),
        ("week", page(&week)),
        ("hostile", page(&scenario::hostile("<script>document.title='ran'</script>"))),
    ];
    for (name, page) in pages {
        std::fs::write(folder.join(format!("{name}.html")), page).expect("a page");
    }
}

/// The result of a page in Chromium: its document, its log, its requests and a screenshot.
pub(crate) struct RenderedPage {
    document: String,
    pub(crate) console: String,
    pub(crate) requests: String,
    picture: Vec<u8>,
}

/// Opens a page in headless Chromium. `None`, with a note on stderr, if it is not installed.
pub(crate) fn open(page: &str, width: u32, dark: bool) -> Option<RenderedPage> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.html");
    std::fs::write(&file, page).expect("the page");
    let run = |what: &[&str]| {
        let profile = tempfile::tempdir().expect("a profile");
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--hide-scrollbars",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--enable-logging=stderr",
        ];
        Command::new("chromium")
            .args(flags)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--window-size={width},1400"))
            .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!dark)))
            .arg(format!("--log-net-log={}", folder.path().join("net.json").display()))
            .args(what)
            .arg(format!("file://{}", file.display()))
            .stdin(Stdio::null())
            .output()
    };
    let dumped = match run(&["--dump-dom"]) {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::io::stderr()
                .write_all(b"SKIPPED: chromium is not installed, so no page was opened in it\n")
                .expect("stderr");
            return None;
        }
        Err(error) => panic!("chromium: {error}"),
    };
    let requests = std::fs::read_to_string(folder.path().join("net.json")).unwrap_or_default();
    let picture = folder.path().join("page.png");
    let shot = run(&[&format!("--screenshot={}", picture.display())]).expect("chromium again");
    let said = String::from_utf8_lossy(&dumped.stderr).into_owned() + &String::from_utf8_lossy(&shot.stderr);
    let console = said.lines().filter(|line| line.contains("CONSOLE")).collect::<Vec<_>>().join("\n");
    let document = String::from_utf8_lossy(&dumped.stdout).into_owned();
    assert!(document.contains("</html>"), "chromium gave no document: {said}");
    Some(RenderedPage { document, console, requests, picture: read(&picture) })
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn chromium_draws_the_charts_in_light_and_dark_wide_and_narrow() {
    let page = page(scenario::march());
    let mut pictures = Vec::new();
    for (width, dark) in [(1180, false), (1180, true), (390, false)] {
        let Some(seen) = open(&page, width, dark) else { return };
        assert_eq!(seen.console, "", "the console is silent");
        for id in [
            "strip-title",
            "expected-0-title",
            "classes-0-title",
            "ratios-title",
            "shares-title",
            "latency-0-title",
            "curve-0-title",
            "waterfall-title",
        ] {
            assert!(seen.document.contains(&format!("id=\"{id}\"")), "{id} is drawn");
        }
        assert!(seen.picture.len() > 20_000, "{} bytes of picture", seen.picture.len());
        pictures.push(seen.picture);
    }
    assert_ne!(pictures[0], pictures[1], "dark looks different");
}

#[test]
fn chromium_runs_no_hostile_text_and_asks_no_host() {
    const ATTEMPTS: [&str; 3] = [
        "<script>document.title='ran'</script>",
        "\"><img src=http://evil.test/x onerror=\"document.title='ran'\">",
        "</script></style></title></svg><script src=//evil.test/x></script><svg onload=\"document.title='ran'\">",
    ];
    for attempt in ATTEMPTS {
        let Some(seen) = open(&page(&scenario::hostile(attempt)), 1180, false) else { return };
        assert_eq!(seen.console, "", "{attempt}");
        assert!(!seen.document.contains("<title>ran"), "{attempt}");
        assert!(!seen.requests.contains("//evil.test/x"), "{attempt}");
    }
}

/// Shows that the test above would notice unescaped text.
#[test]
fn chromium_would_have_told_of_text_that_is_markup() {
    let page = page(scenario::march()).replacen("</main>", "<img src=http://evil.test/x></main>", 1);
    let Some(seen) = open(&page, 1180, false) else { return };
    assert!(seen.console.contains("evil.test"), "the policy blocks it, and the console says so: {:?}", seen.console);
}
