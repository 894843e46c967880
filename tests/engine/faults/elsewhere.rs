//! Numbers of the catalogue that other tests cover: those about input and output, and classes of
//! checks that make more than one request.

use std::path::Path;

use uptick::model::FailureClass;

/// A number that another test covers.
pub(crate) struct CoveredElsewhere {
    /// Its number in the catalogue, if it has one.
    pub(crate) number: Option<u16>,
    /// What goes wrong, for the documentation of the class: it follows "when".
    pub(crate) when: &'static str,
    /// The class that it leads to, if it is about a check.
    pub(crate) class: Option<FailureClass>,
    /// The file of the test, from the root of the repository.
    file: &'static str,
    /// The test.
    test: &'static str,
}

const fn check(
    number: u16,
    when: &'static str,
    class: FailureClass,
    file: &'static str,
    test: &'static str,
) -> CoveredElsewhere {
    CoveredElsewhere { number: Some(number), when, class: Some(class), file, test }
}

const fn input(number: u16, when: &'static str, file: &'static str, test: &'static str) -> CoveredElsewhere {
    CoveredElsewhere { number: Some(number), when, class: None, file, test }
}

const fn shared(when: &'static str, class: FailureClass, test: &'static str) -> CoveredElsewhere {
    CoveredElsewhere { number: None, when, class: Some(class), file: "tests/engine/shared_credentials.rs", test }
}

const fn journey(when: &'static str, class: FailureClass, test: &'static str) -> CoveredElsewhere {
    CoveredElsewhere { number: None, when, class: Some(class), file: "tests/engine/journeys.rs", test }
}

pub(crate) const CASES: &[CoveredElsewhere] = &[
    journey(
        "a value that a step captures is not in its answer",
        FailureClass::CaptureFailed,
        "a_value_that_is_not_there_fails_its_step_and_later_steps_are_not_asked",
    ),
    journey(
        "a file that the page links to does not load",
        FailureClass::AssetFailed,
        "the_files_of_a_page_are_loaded_and_a_broken_one_is_told_by_its_url",
    ),
    shared(
        "the shared session failed first",
        FailureClass::Blocked,
        "who_needs_a_session_that_failed_is_blocked_and_not_down",
    ),
    shared(
        "the token server refuses, or does not answer",
        FailureClass::AuthFailed,
        "a_token_that_cannot_be_fetched_says_nothing_about_the_target",
    ),
    check(
        26,
        "every control target fails at the same moment",
        FailureClass::ControlFailed,
        "tests/cli/verdicts.rs",
        "when_the_controls_fail_too_it_is_3",
    ),
    check(
        122,
        "the run is told to stop and the check does not end in the time left",
        FailureClass::Interrupted,
        "tests/cli/signals.rs",
        "an_interrupted_check_keeps_what_it_measured_and_says_how_it_ended",
    ),
    check(
        122,
        "the prober itself stood still while the check's time ran out",
        FailureClass::ProberOverloaded,
        "src/runner/tests.rs",
        "a_time_out_of_a_prober_that_was_stopped_says_nothing",
    ),
    check(
        32,
        "this host's clock shows a time before the prober was made",
        FailureClass::ProberClock,
        "src/engine/tls/refusal.rs",
        "a_clock_before_our_own_build_is_to_blame_and_not_the_certificate",
    ),
    check(
        32,
        "by this host's clock most of the trusted authorities have expired",
        FailureClass::ProberClock,
        "src/engine/tls/refusal.rs",
        "a_clock_by_which_most_authorities_have_expired_is_to_blame",
    ),
    check(
        35,
        "this host has no root certificates, and the issuer is not among the built-in ones",
        FailureClass::ProberResources,
        "tests/engine/faults/many.rs",
        "a_host_without_root_certificates_says_so_and_blames_nobody",
    ),
    input(13, "a thousand lookups hang", "tests/engine/faults/many.rs", "a_thousand_hung_lookups_harm_no_healthy_host"),
    input(
        25,
        "the process may open no file",
        "tests/engine/faults/many.rs",
        "a_process_without_descriptors_says_so_and_does_not_panic",
    ),
    input(112, "a key is misspelt", CONFIG, MISTAKES),
    input(113, "an interval is shorter than the timeout", CONFIG, MISTAKES),
    input(114, "a duration is no duration", CONFIG, MISTAKES),
    input(115, "a name is used twice, or cannot be one", CONFIG, MISTAKES),
    input(116, "a header, path or method would end its line", CONFIG, MISTAKES),
    input(118, "a variable is not set", CONFIG, MISTAKES),
    input(119, "the file cannot be read", CONFIG, "what_cannot_be_read_is_said_in_one_sentence"),
    input(
        119,
        "the file is changed while it is in use",
        "tests/cli/watching.rs",
        "a_configuration_that_cannot_be_read_again_leaves_the_old_one_in_force",
    ),
    input(120, "there are ten thousand probes", CONFIG, "ten_thousand_probes_are_read"),
    input(120, "no probe is named", CONFIG, MISTAKES),
    input(
        121,
        "nobody reads the answer",
        "tests/cli/streams.rs",
        "when_nobody_reads_the_answer_the_verdict_and_the_records_stay",
    ),
    input(
        122,
        "a second signal comes",
        "tests/cli/signals.rs",
        "a_second_signal_ends_it_at_once_with_the_journal_whole",
    ),
    input(
        123,
        "a journal has a torn end",
        "tests/journal/files.rs",
        "a_torn_tail_is_healed_and_counted_and_costs_no_other_line",
    ),
    input(
        123,
        "a journal is of a newer version",
        "src/journal/wire.rs",
        "a_newer_version_and_a_newer_kind_are_told_from_damage",
    ),
];

const CONFIG: &str = "tests/config/probes_file.rs";
const MISTAKES: &str = "every_mistake_is_told_with_its_place_its_probe_and_a_suggestion";

#[test]
fn the_tests_elsewhere_exist() {
    for case in CASES {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(case.file);
        let code = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", case.file));
        assert!(code.contains(&format!("fn {}(", case.test)), "{} has no test {}", case.file, case.test);
    }
}
