//! The tables of a file beside its probes.

use super::probe::{CONTROL, DEFAULTS, PROBE, SESSION};
use super::{Key, Shape, TableShape, key};

/// The file as a whole.
pub(in crate::config) const ROOT: TableShape =
    TableShape { title: "the file", groups: &[PROBER_KEYS, SHARED_KEYS], required: &[] };

/// A file that another one includes.
pub(in crate::config) const INCLUDED: TableShape =
    TableShape { title: "an included file", groups: &[SHARED_KEYS], required: &[] };

/// What only the first file says.
const PROBER_KEYS: &[Key] = &[
    key("settings", Shape::Table(&SETTINGS), "", "The settings of the prober itself."),
    key("incident", Shape::Table(&INCIDENT), "", "When failures are an incident."),
    key("network", Shape::Table(&NETWORK), "", "Which networks may be asked."),
    key("alert", Shape::List(&Shape::Table(&ALERT)), "", "Who is told when something changes."),
    key(
        "include",
        Shape::OneOrMore(&Shape::Text),
        "",
        "Files with more of what follows. `*` and `?` stand for any characters of one part of a path, `**` for folders however deep (32 at most): `\"probes.d/*.toml\"`, `\"teams/*/probes.toml\"`, `\"**/probes.toml\"`.",
    ),
];

/// What every file may say.
const SHARED_KEYS: &[Key] = &[
    key(
        "defaults",
        Shape::Table(&DEFAULTS),
        "",
        "What every probe has unless it says otherwise; those of an included file are laid over the first file's.",
    ),
    key("surface", Shape::Map(&Shape::Table(&SURFACE)), "", "What users see as one thing, by name."),
    key("session", Shape::Map(&Shape::Table(&SESSION)), "", "Journeys that several probes share, by name."),
    key(
        "control",
        Shape::List(&Shape::Table(&CONTROL)),
        "",
        "Reference targets: when all of them fail, we are offline.",
    ),
    key("probe", Shape::List(&Shape::Table(&PROBE)), "", "The probes."),
];

pub(in crate::config) const SETTINGS: TableShape = TableShape {
    title: "[settings]",
    groups: &[&[
        key("vantage", Shape::Text, "\"local\"", "Where we ask from: a label on every record."),
        key("concurrency", Shape::Integer(1, 100_000), "256", "The most checks under way at once."),
        key("window", Shape::Duration, "\"1m\"", "The span of one window record, from 1s to 1d."),
        key(
            "second-resolver",
            Shape::Text,
            "",
            "Who else is asked when a name fails, to tell the resolver's trouble from the name's: `\"system\"` or `\"udp://1.1.1.1:53\"`.",
        ),
        key(
            "heartbeat",
            Shape::Text,
            "",
            "A URL that is asked after every pass, `/fail` added where something was down: a monitor of the monitor.",
        ),
    ]],
    required: &[],
};

pub(in crate::config) const SURFACE: TableShape = TableShape {
    title: "[surface.NAME]",
    groups: &[&[
        key("label", Shape::Text, "the name", "The name shown to people."),
        key("objective", Shape::Text, "", "The promised availability: `\"99.9% over 30d\"`."),
        key("latency-objective", Shape::Text, "", "The promised latency: `\"95% under 800ms\"`."),
    ]],
    required: &[],
};

pub(in crate::config) const INCIDENT: TableShape = TableShape {
    title: "[incident]",
    groups: &[&[
        key("open-after", Shape::Integer(1, 1_000), "3", "Failures in a row that open an incident."),
        key("open-ratio", Shape::Text, "\"4 of 10\"", "Failures out of the last checks that open one too."),
        key("close-after", Shape::Integer(1, 1_000), "3", "Good checks in a row that close it."),
        key(
            "join-within",
            Shape::Duration,
            "\"2h\"",
            "A new stretch this soon after the last is a wave of the same incident; a later one is an incident of its own. An outage that pauses for longer needs more: on 10 March 2025 X paused for three hours, and `\"4h\"` makes one incident of that day, the default two.",
        ),
    ]],
    required: &[],
};

pub(in crate::config) const NETWORK: TableShape = TableShape {
    title: "[network]",
    groups: &[&[key(
        "deny",
        Shape::Some(&Shape::Words(&["private", "link-local", "metadata"])),
        "[]",
        "Networks that may not be asked, whatever a name resolves to or a redirect says: \
         private and loopback addresses, link-local ones, the metadata services of clouds.",
    )]],
    required: &[],
};

pub(in crate::config) const ALERT: TableShape = TableShape {
    title: "[[alert]]",
    groups: &[&[
        key("name", Shape::Text, "", "The name, unique in the file."),
        key(
            "on",
            Shape::OneOrMore(&Shape::Words(&["open", "wave", "close", "flapping", "certificate-expiring", "slo-burn"])),
            "[\"open\", \"wave\", \"close\"]",
            "What it tells of.",
        ),
        key("surfaces", Shape::Some(&Shape::Text), "all", "The surfaces it tells of."),
        key("webhook", Shape::Text, "", "The URL that is sent a POST of JSON."),
        key(
            "exec",
            Shape::List(&Shape::Text),
            "",
            "Instead, a program and its arguments, run without a shell: the facts are in its environment.",
        ),
        key(
            "template",
            Shape::Words(&["json", "slack", "pagerduty"]),
            "\"json\"",
            "What the JSON looks like: all facts, a text for Slack and its like, or an event for PagerDuty.",
        ),
        key("routing-key", Shape::Text, "", "The routing key of PagerDuty."),
        key("headers", Shape::Map(&Shape::Text), "{}", "Headers sent along."),
        key("retries", Shape::Integer(0, 10), "2", "Attempts after a failed one, with a growing wait between."),
        key("timeout", Shape::Duration, "\"10s\"", "The most time of one attempt, up to 1m."),
        key("repeat", Shape::Duration, "", "An incident that goes on is told of again after this long, from 1m."),
    ]],
    required: &["name"],
};
