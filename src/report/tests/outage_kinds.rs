//! The kinds of outage that a report must judge right under messy conditions: something else is
//! already failing, a failure is partial, a control target shares the fault.

use super::recorded_journal::{Line, PlayedCheck, RecordedJournal, at, failed, question, status};
use super::within;
use crate::model::{FailureClass, SafeText, Verdict};
use crate::report::document::answer::{Extent, State};
use crate::report::document::report::Report;
use crate::report::statistics::chance::Chance;

const FROM: &str = "2025-01-01T08:00:00Z";
const TO: &str = "2025-01-01T10:00:00Z";

fn not_found() -> PlayedCheck {
    status(404, 20, &[], "no")
}

fn unavailable() -> PlayedCheck {
    status(503, 20, &[], "busy")
}

/// The probes of each incident, in order of their onsets.
fn probes(report: &Report) -> Vec<Vec<&str>> {
    report.incidents.iter().map(|one| one.probes.iter().map(SafeText::as_str).collect()).collect()
}

#[test]
fn what_has_failed_for_long_swallows_nothing_new() {
    let mut stage = RecordedJournal::default();
    stage.play(Line::new("here", "web", "cart", 30), FROM, TO, |_| not_found());
    let fails = |now| if within(now, &[("09:30", "09:50")]) { unavailable() } else { PlayedCheck::Up(50) };
    stage.play(Line::new("here", "web", "home", 30), FROM, TO, fails);
    stage.play(Line::new("here", "app", "api", 30), FROM, TO, fails);
    let report = stage.report(question(FROM, TO));
    assert_eq!(probes(&report), [vec!["cart"], vec!["api", "home"]], "{:#?}", report.incidents);
    let new = &report.incidents[1];
    assert_eq!(new.kind.as_ref().map(|kind| (kind.status, kind.n == kind.of)), Some((Some(503), true)));
    assert_eq!((new.actual_failures, new.judged), (80, 80), "the old failures are not counted with the new");
    assert!(new.end.is_some() && report.incidents[0].end.is_none());
    assert!(new.start.by.to_string().starts_with("2025-01-01T09:30"));
}

#[test]
fn what_another_open_incident_shows_is_not_ruled_out() {
    let mut stage = RecordedJournal::default();
    stage.play(Line::new("here", "web", "cart", 30), FROM, TO, |_| failed(FailureClass::TlsCertExpired, 20));
    stage.play(Line::new("here", "web", "home", 30), FROM, TO, |now| {
        if within(now, &[("09:30", "10:00")]) { unavailable() } else { PlayedCheck::Up(50) }
    });
    let report = stage.report(question(FROM, TO));
    let (old, new) = (&report.incidents[0].signature, &report.incidents[1].signature);
    assert!(old.consistent_with.iter().any(|cause| new.not_consistent_with.contains(cause)), "{old:#?} {new:#?}");
    let ruled_out = &report.verdict.signature.not_consistent_with;
    assert!(!old.consistent_with.iter().any(|cause| ruled_out.contains(cause)), "{ruled_out:?}");
}

#[test]
fn what_no_vantage_alone_shows_is_not_said_to_be_seen_from_everywhere() {
    let mut stage = RecordedJournal::default();
    for (vantage, first, second) in [("iad", "09:47", "09:53"), ("lhr", "09:49", "09:55"), ("sjc", "09:51", "09:57")] {
        stage.play(Line::new(vantage, "web", "home", 60), FROM, TO, |now| {
            let fails = [first, second].contains(&&now.to_string()[11..16]);
            if fails { unavailable() } else { PlayedCheck::Up(50) }
        });
    }
    let verdict = stage.report(question(FROM, TO)).verdict;
    assert_eq!((verdict.state, verdict.scope.extent), (State::Degraded, Extent::Unclear), "{}", verdict.headline);
    assert!(verdict.headline.contains("web, it cannot be told yet from where, status 503"), "{}", verdict.headline);
}

#[test]
fn kind_and_signature_are_of_the_same_incident() {
    // All of web has failed since 09:10; a certificate of app, since 09:30, is no smaller matter of it.
    let mut stage = RecordedJournal::default();
    for probe in ["home", "login"] {
        stage.play(Line::new("here", "web", probe, 30), FROM, TO, |now| {
            if within(now, &[("09:10", "10:00")]) { unavailable() } else { PlayedCheck::Up(50) }
        });
    }
    for (probe, from) in [("api", "09:30"), ("feed", "11:00")] {
        stage.play(Line::new("here", "app", probe, 30), FROM, TO, |now| {
            let fails = within(now, &[(from, "10:00")]);
            if fails { failed(FailureClass::TlsCertExpired, 20) } else { PlayedCheck::Up(50) }
        });
    }
    let report = stage.report(question(FROM, TO));
    let verdict = &report.verdict;
    let told = report.incident_told().expect("an incident");
    assert_eq!((verdict.state, told.surfaces[0].as_str()), (State::Down, "web"), "{}", verdict.headline);
    assert_eq!(verdict.kind.as_ref().map(|kind| kind.status), Some(Some(503)));
    assert_eq!(verdict.incident_since, Some(told.start));
    assert!(!verdict.signature.consistent_with.contains(&"certificate"), "{:?}", verdict.signature);
    assert!(!verdict.signature.consistent_with.is_empty() && report.incidents.len() == 2);
}

#[test]
fn the_same_cause_at_another_probe_hours_later_is_an_incident_of_its_own() {
    let mut stage = RecordedJournal::default();
    stage.play(Line::new("here", "web", "cart", 30), FROM, TO, |_| not_found());
    stage.play(Line::new("here", "web", "home", 30), FROM, TO, |now| {
        if within(now, &[("09:30", "10:00")]) { not_found() } else { PlayedCheck::Up(50) }
    });
    let report = stage.report(question(FROM, TO));
    assert_eq!(probes(&report), [["cart"], ["home"]]);
    let ids: Vec<&str> = report.incidents.iter().map(|one| one.id.as_str()).collect();
    assert_ne!(ids[0], ids[1]);
    assert!(report.verdict.since.is_some_and(|since| since.by >= at("2025-01-01T09:29:00Z")), "the new one is told");
}

#[test]
fn an_incident_keeps_its_name_from_open_to_close() {
    let mut stage = RecordedJournal::default();
    for (surface, probe, from) in [("web", "home", "09:10"), ("app", "api", "09:11")] {
        stage.play(Line::new("here", surface, probe, 30), FROM, TO, |now| {
            if within(now, &[(from, "09:30")]) { unavailable() } else { PlayedCheck::Up(50) }
        });
    }
    let id = |to: &str| stage.report(question(FROM, to)).incidents[0].id.clone();
    let first = id("2025-01-01T09:13:00Z");
    for to in ["2025-01-01T09:20:00Z", "2025-01-01T09:35:00Z", TO] {
        assert_eq!(id(to), first, "{to}");
    }
}

#[test]
fn a_steady_share_of_failures_is_never_up_nor_local_and_its_onset_stays() {
    let onset = at("2025-01-01T08:30:00Z");
    for seed in [1, 2, 3] {
        for share in [0.2, 0.3] {
            let mut chance = Chance::new(seed);
            let mut stage = RecordedJournal::default();
            for vantage in ["iad", "lhr", "sjc"] {
                stage.play(Line::control(vantage, 60), FROM, TO, |_| PlayedCheck::Up(40));
                for probe in ["a", "b", "c", "d"] {
                    stage.play(Line::new(vantage, "app", probe, 30), FROM, TO, |now| {
                        let fails = now >= onset && chance.happens(share);
                        if fails { failed(FailureClass::ConnectTimeout, 10_000) } else { PlayedCheck::Up(40) }
                    });
                }
            }
            let mut errors: Vec<i64> = Vec::new();
            for minute in (15..=90).step_by(5) {
                let to = (onset + std::time::Duration::from_mins(minute)).to_string();
                let report = stage.report(question(FROM, &to));
                let verdict = &report.verdict;
                assert!(verdict.state.is_failing(), "{seed} {share} {minute}: {}", verdict.sentence);
                assert_ne!(verdict.scope.extent, Extent::Local, "{seed} {share} {minute}: {}", verdict.sentence);
                let since = verdict.since.map_or(i64::MAX, |since| (since.by.as_second() - onset.as_second()).abs());
                errors.push(since);
            }
            errors.sort_unstable();
            let median = errors[errors.len() / 2];
            assert!(median <= 300, "{seed} {share}: since is {median} s wrong: {errors:?}");
        }
    }
}

#[test]
fn a_control_target_that_answers_proves_that_we_are_online() {
    for answer in [500, 404] {
        let mut stage = RecordedJournal::default();
        stage.play(Line::control("here", 60), FROM, TO, |_| status(answer, 20, &[], "no"));
        stage.play(Line::new("here", "app", "api", 30), FROM, TO, |_| PlayedCheck::Up(40));
        stage.play(Line::new("here", "web", "home", 30), FROM, TO, |now| {
            if within(now, &[("09:30", "10:00")]) { unavailable() } else { PlayedCheck::Up(50) }
        });
        let report = stage.report(question(FROM, TO));
        assert!(!report.vantages[0].set_aside, "{answer}");
        assert_eq!(report.verdict.state, State::Down, "{}", report.verdict.sentence);
        assert_eq!(probes(&report), [["home"]]);
    }
}

#[test]
fn a_control_target_that_is_dead_for_good_does_not_make_us_blind() {
    let mut stage = RecordedJournal::default();
    stage.play(Line::control("here", 60), FROM, TO, |_| failed(FailureClass::ConnectTimeout, 10_000));
    for probe in ["api", "timeline"] {
        stage.play(Line::new("here", "app", probe, 30), FROM, TO, |_| PlayedCheck::Up(40));
    }
    let report = stage.report(question(FROM, TO));
    assert!(!report.vantages[0].set_aside, "{}", report.verdict.sentence);
    assert_eq!(report.verdict.state, State::Up);
}

#[test]
fn more_failures_than_are_allowed_are_not_up_without_three_in_a_row() {
    let mut stage = RecordedJournal::default();
    let mut n = 0;
    stage.play(Line::new("here", "app", "api", 30), FROM, TO, |now| {
        n += 1;
        if within(now, &[("09:30", "10:00")]) && n % 4 == 0 { unavailable() } else { PlayedCheck::Up(40) }
    });
    let report = stage.report(question(FROM, TO));
    assert_eq!(report.verdict.state, State::Degraded, "{}", report.verdict.sentence);
}

#[test]
fn the_first_line_is_what_is_said_aloud() {
    let mut stage = RecordedJournal::default();
    for vantage in ["iad", "lhr", "sjc"] {
        stage.play(Line::control(vantage, 60), FROM, TO, |_| PlayedCheck::Up(40));
        stage.play(Line::new(vantage, "app", "api", 30), FROM, TO, |now| {
            let fails = vantage != "lhr" && within(now, &[("09:30", "10:00")]);
            if fails { failed(FailureClass::ConnectTimeout, 10_000) } else { PlayedCheck::Up(40) }
        });
    }
    let line = stage.report(question(FROM, TO)).verdict.headline;
    let expected = "DOWN  app since 09:30";
    assert!(line.starts_with(expected), "{line}");
    assert!(line.contains("2 of 3 vantages (iad, sjc), connect timeouts, 6"), "{line}");
    for unsaid in ["confidence", "S5", "–", "±", "[", "95%"] {
        assert!(!line.contains(unsaid), "{unsaid}: {line}");
    }
}

#[test]
fn what_has_failed_for_long_is_named_apart() {
    let mut stage = RecordedJournal::default();
    stage.play(Line::new("here", "web", "cart", 30), FROM, TO, |_| not_found());
    for (surface, probe) in [("app", "api"), ("web", "home")] {
        stage.play(Line::new("here", surface, probe, 30), FROM, TO, |now| {
            if within(now, &[("09:50", "10:00")]) { unavailable() } else { PlayedCheck::Up(50) }
        });
    }
    let line = stage.report(question(FROM, TO)).verdict.headline;
    assert!(line.contains("since 09:50"), "{line}");
    assert!(line.contains("already failing: 1 of 3 probes (cart) since 08:00"), "{line}");
}

/// The first line where checks of these probes of app fail 503 from 09:50 on, and those of the others since 08:00.
fn line_of(probes: &[(&str, &str)], is_old: fn(&str, &str) -> bool) -> String {
    let mut stage = RecordedJournal::default();
    for (surface, probe) in probes {
        for vantage in ["iad", "lhr", "sjc"] {
            stage.play(Line::new(vantage, surface, probe, 30), FROM, TO, |now| match () {
                () if is_old(probe, vantage) => not_found(),
                () if within(now, &[("09:50", "10:00")]) => unavailable(),
                () => PlayedCheck::Up(50),
            });
        }
    }
    stage.report(question(FROM, TO)).verdict.headline
}

#[test]
fn a_surface_is_down_since_its_last_probes_fail_though_most_have_failed_for_long() {
    let line = line_of(&[("app", "api"), ("app", "cart"), ("app", "shop")], |probe, _| probe != "shop");
    assert!(line.starts_with("DOWN  app since 09:50"), "{line}");
    assert!(line.contains("already failing: 2 of 3 probes (api, cart) since 08:00"), "{line}");
}

#[test]
fn what_failed_from_elsewhere_for_long_is_named_with_where() {
    let line = line_of(&[("app", "api"), ("web", "home")], |_, vantage| vantage == "iad");
    assert!(line.starts_with("DOWN  app and web since 09:50"), "{line}");
    assert!(line.contains("already failing: 2 of 2 probes (api, home) from iad since 08:00"), "{line}");
}

#[test]
fn what_is_new_beside_a_larger_incident_is_named_with_its_onset() {
    let mut stage = RecordedJournal::default();
    for probe in ["api", "cart", "shop"] {
        stage.play(Line::new("here", "app", probe, 30), FROM, TO, |now| {
            if within(now, &[("09:00", "10:00")]) { not_found() } else { PlayedCheck::Up(50) }
        });
    }
    stage.play(Line::new("here", "web", "home", 30), FROM, TO, |now| {
        if within(now, &[("09:50", "10:00")]) { unavailable() } else { PlayedCheck::Up(50) }
    });
    let line = stage.report(question(FROM, TO)).verdict.headline;
    // Web is down too, but not since then, and not for that cause.
    assert!(line.starts_with("DOWN  app since 09:00"), "{line}");
    assert!(line.contains(", status 404, all checks; web down since 09:50"), "{line}");
    assert!(line.contains("; new since 09:50"), "{line}");
    assert!(line.contains(": 1 of 4 probes (home), status 503"), "{line}");
}

#[test]
fn a_vantage_whose_outage_is_over_is_not_one_that_fails() {
    let mut stage = RecordedJournal::default();
    for vantage in ["iad", "lhr", "sjc"] {
        stage.play(Line::new(vantage, "app", "api", 30), FROM, TO, |now| {
            let everywhere = within(now, &[("09:00", "09:40")]);
            if vantage == "iad" && within(now, &[("08:30", "10:00")]) || everywhere {
                failed(FailureClass::ConnectTimeout, 10_000)
            } else {
                PlayedCheck::Up(50)
            }
        });
    }
    let report = stage.report(question(FROM, TO));
    assert_eq!(report.verdict.scope.extent, Extent::Local, "{}", report.verdict.headline);
    assert!(report.verdict.headline.contains("only from iad (1 of 3 vantages)"), "{}", report.verdict.headline);
}

#[test]
fn the_past_tense_names_the_worst_incident_and_how_many_others() {
    let mut stage = RecordedJournal::default();
    let mut question = question(FROM, TO);
    question.rules.join_within = std::time::Duration::from_mins(1);
    stage.play(Line::new("here", "web", "home", 30), FROM, TO, |now| {
        if within(now, &[("08:30", "08:50"), ("09:40", "09:45")]) { unavailable() } else { PlayedCheck::Up(50) }
    });
    stage.play(Line::new("here", "app", "api", 30), FROM, TO, |now| {
        if within(now, &[("08:31", "08:45")]) { unavailable() } else { PlayedCheck::Up(50) }
    });
    let line = stage.report(question).verdict.headline;
    for part in ["UP  ", "web 08:30", "–08:50", "app 08:31", "–08:45", "from here, status 503", "1 more incident"] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn two_failures_in_a_row_are_worth_a_word() {
    let mut stage = RecordedJournal::default();
    stage.play(Line::new("here", "web", "home", 30), FROM, TO, |now| {
        if now >= at("2025-01-01T09:59:00Z") { unavailable() } else { PlayedCheck::Up(50) }
    });
    let report = stage.report(question(FROM, TO));
    assert_eq!(report.verdict.state, State::Up);
    assert!(
        report.verdict.headline.contains("home: the last 2 checks failed from here"),
        "{}",
        report.verdict.headline
    );
}

#[test]
fn a_share_that_changed_within_a_wave_is_told_now_and_as_a_whole() {
    let mut stage = RecordedJournal::default();
    let mut n = 0;
    stage.play(Line::new("here", "web", "home", 10), FROM, TO, |now| {
        n += 1;
        let fails = within(now, &[("09:00", "09:40")]) || (within(now, &[("09:40", "10:00")]) && n % 3 == 0);
        if !fails {
            return PlayedCheck::Up(50);
        }
        if within(now, &[("09:00", "09:40")]) { failed(FailureClass::DnsServerFailure, 5) } else { unavailable() }
    });
    let report = stage.report(question(FROM, TO));
    let line = &report.verdict.headline;
    assert!(line.contains("status 503, 33% of checks now, 78% since it began"), "{line}");
    let whole = report.incidents[0].kind.as_ref().map(|kind| kind.class);
    assert_eq!(whole, Some(FailureClass::DnsServerFailure), "the incident as a whole was another kind");
}

/// A failed check that the prober did not count, because its control targets failed too.
fn set_aside(failed: PlayedCheck) -> PlayedCheck {
    let PlayedCheck::Failed(mut outcome) = failed else { unreachable!("only a failure is set aside") };
    outcome.verdict = Verdict::Unknown;
    if let Some(failure) = &mut outcome.failure {
        failure.own_class = Some(failure.class);
        failure.class = FailureClass::ControlFailed;
    }
    PlayedCheck::Failed(outcome)
}

#[test]
fn what_the_prober_set_aside_is_judged_again_by_what_proves_that_we_were_online() {
    let played = |control: &dyn Fn() -> PlayedCheck| {
        let mut stage = RecordedJournal::default();
        let outage = [("09:30", "10:00")];
        stage.play(Line::control("here", 30), FROM, TO, |now| {
            if within(now, &outage) { control() } else { PlayedCheck::Up(40) }
        });
        stage.play(Line::new("here", "web", "home", 30), FROM, TO, |now| {
            if within(now, &outage) { set_aside(unavailable()) } else { PlayedCheck::Up(50) }
        });
        stage.report(question(FROM, TO))
    };
    let answered = played(&|| status(500, 20, &[], "no"));
    let web = answered.surfaces.iter().find(|row| row.surface.as_str() == "web").expect("a surface");
    assert_eq!((answered.verdict.state, web.figures.down, web.figures.unknown), (State::Down, 60, 0));
    assert_eq!(answered.verdict.kind.as_ref().and_then(|kind| kind.status), Some(503));
    let offline = played(&|| failed(FailureClass::ConnectTimeout, 10_000));
    let web = offline.surfaces.iter().find(|row| row.surface.as_str() == "web").expect("a surface");
    assert_eq!((offline.verdict.state, web.figures.down, web.figures.unknown), (State::Unknown, 0, 60));
}

#[test]
fn a_control_target_that_is_dead_hides_no_outage() {
    let played = |dead_from: &str, others: bool| {
        let mut stage = RecordedJournal::default();
        stage.play(Line::control("here", 30), FROM, TO, |now| {
            let fails = within(now, &[(dead_from, "10:00")]);
            if fails { failed(FailureClass::ConnectTimeout, 10_000) } else { PlayedCheck::Up(40) }
        });
        if others {
            stage.play(Line { probe: "other", ..Line::control("here", 30) }, FROM, TO, |now| {
                let fails = within(now, &[("09:30", "09:40")]);
                if fails { failed(FailureClass::ConnectTimeout, 10_000) } else { PlayedCheck::Up(40) }
            });
        }
        stage.play(Line::new("here", "web", "home", 30), FROM, TO, |now| {
            let fails = within(now, &[("09:30", "09:40")]);
            if fails { failed(FailureClass::ConnectTimeout, 10_000) } else { PlayedCheck::Up(50) }
        });
        let report = stage.report(question(FROM, TO));
        let web = report.surfaces.iter().find(|row| row.surface.as_str() == "web").expect("a surface");
        (web.figures.down, web.figures.unknown)
    };
    assert_eq!(played("08:00", false), (20, 0), "it has not answered while home was good");
    assert_eq!(played("08:00", true), (0, 20), "the other one tells that we were offline");
    assert_eq!(played("09:30", false), (0, 20), "it fails since home does");
}

#[test]
fn what_single_passes_set_aside_beside_a_dead_control_target_counts_while_others_show_that_we_were_online() {
    // A pass that cron runs does not know that its control target has been dead since `dead_from`.
    let played = |dead_from: &str, others_fail: bool| {
        let mut stage = RecordedJournal::default();
        let refused = || failed(FailureClass::ConnectRefused, 2);
        let outage = [("09:30", "09:40")];
        stage.play(Line::control("here", 60), FROM, TO, |now| {
            if within(now, &[(dead_from, "10:00")]) { refused() } else { PlayedCheck::Up(40) }
        });
        for (probe, fails) in [("home", true), ("login", others_fail)] {
            stage.play(Line::new("here", "web", probe, 60), FROM, TO, |now| {
                if fails && within(now, &outage) { set_aside(refused()) } else { PlayedCheck::Up(50) }
            });
        }
        let report = stage.report(question(FROM, TO));
        let web = report.surfaces.iter().find(|row| row.surface.as_str() == "web").expect("a surface");
        assert_eq!(report.incidents.len(), usize::from(web.figures.down > 0), "{}", report.verdict.headline);
        (web.figures.down, web.figures.unknown)
    };
    assert_eq!(played("08:00", false), (10, 0), "home was up beside it, and login is up now");
    assert_eq!(played("08:00", true), (0, 20), "nothing shows that we were online");
    assert_eq!(played("09:28", false), (0, 10), "it was not dead before home failed");
}
