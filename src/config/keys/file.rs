//! The tables of a file beside its probes.

use crate::config::probe::journey::SESSION;
use crate::config::probe::{CONTROL, DEFAULTS, PROBE};
use crate::config::table_schema::{Key, TableSchema, ValueType, key};

/// The file as a whole.
pub(crate) const ROOT: TableSchema =
    TableSchema { title: "the file", groups: &[PROBER_KEYS, SHARED_KEYS], required: &[] };

/// A file that another one includes.
pub(crate) const INCLUDED: TableSchema =
    TableSchema { title: "an included file", groups: &[SHARED_KEYS], required: &[] };

/// Keys that only the first file may have.
const PROBER_KEYS: &[Key] = &[
    key("settings", ValueType::Table(&SETTINGS), "", "The settings of the prober itself."),
    key("incident", ValueType::Table(&INCIDENT), "", "When failures are an incident."),
    key("network", ValueType::Table(&NETWORK), "", "Which networks may be asked."),
    key("alert", ValueType::List(&ValueType::Table(&ALERT)), "", "Receivers that are notified of changes."),
    key(
        "include",
        ValueType::OneOrMore(&ValueType::Text),
        "",
        "More files with the tables below. `*` and `?` stand for any characters of one part of a path, `**` for folders however deep (32 at most): `\"probes.d/*.toml\"`, `\"teams/*/probes.toml\"`, `\"**/probes.toml\"`.",
    ),
];

/// Keys that every file may have.
const SHARED_KEYS: &[Key] = &[
    key(
        "defaults",
        ValueType::Table(&DEFAULTS),
        "",
        "What every probe has unless it sets a key itself; those of an included file override the first file's.",
    ),
    key("surface", ValueType::Map(&ValueType::Table(&SURFACE)), "", "What users see as one thing, by name."),
    key("session", ValueType::Map(&ValueType::Table(&SESSION)), "", "Journeys that several probes share, by name."),
    key(
        "control",
        ValueType::List(&ValueType::Table(&CONTROL)),
        "",
        "Reference targets: when none of them can be reached, this vantage itself is offline.",
    ),
    key("probe", ValueType::List(&ValueType::Table(&PROBE)), "", "The probes."),
];

pub(crate) const SETTINGS: TableSchema = TableSchema {
    title: "[settings]",
    groups: &[&[
        key("vantage", ValueType::Text, "\"local\"", "Where the checks run: a label on every record."),
        key("concurrency", ValueType::Integer(1, 100_000), "256", "Maximum number of checks in flight."),
        key("window", ValueType::Duration, "\"1m\"", "The span of one window record, from 1s to 1d."),
        key(
            "second-resolver",
            ValueType::Text,
            "",
            "A second resolver, asked when a name fails, to tell a broken resolver from a missing name: `\"system\"` or `\"udp://1.1.1.1:53\"`.",
        ),
        key(
            "heartbeat",
            ValueType::Text,
            "",
            "A URL requested after every pass, with `/fail` added when something was down: a dead man's switch.",
        ),
    ]],
    required: &[],
};

pub(crate) const SURFACE: TableSchema = TableSchema {
    title: "[surface.NAME]",
    groups: &[&[
        key("label", ValueType::Text, "the name", "The name shown to people."),
        key("objective", ValueType::Text, "", "The promised availability: `\"99.9% over 30d\"`."),
        key("latency-objective", ValueType::Text, "", "The promised latency: `\"95% under 800ms\"`."),
    ]],
    required: &[],
};

pub(crate) const INCIDENT: TableSchema = TableSchema {
    title: "[incident]",
    groups: &[&[
        key("open-after", ValueType::Integer(1, 1_000), "3", "Failures in a row that open an incident."),
        key("open-ratio", ValueType::Text, "\"4 of 10\"", "Failures among the last checks that open one too."),
        key("close-after", ValueType::Integer(1, 1_000), "3", "Good checks in a row that close it."),
        key(
            "join-within",
            ValueType::Duration,
            "\"2h\"",
            "An outage this soon after the last one is a wave of the same incident; a later one is a new incident. Outages that pause for longer need a larger value: on 10 March 2025 X paused for three hours; `\"4h\"` makes one incident of that day, the default makes two.",
        ),
    ]],
    required: &[],
};

pub(crate) const NETWORK: TableSchema = TableSchema {
    title: "[network]",
    groups: &[&[
        key(
            "deny",
            ValueType::Some(&ValueType::Words(&["private", "link-local", "metadata"])),
            "[]",
            "Networks that are never connected to, whatever a name resolves to or a redirect says: \
             private and loopback addresses, link-local ones, the metadata services of clouds. This applies to \
             probes, webhooks, heartbeats and exporters.",
        ),
        key(
            "proxy",
            ValueType::Words(&["none", "environment"]),
            "\"none\"",
            "Whether webhooks, heartbeats and exporters use the proxy of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. \
             Probes have a key of their own.",
        ),
    ]],
    required: &[],
};

pub(crate) const ALERT: TableSchema = TableSchema {
    title: "[[alert]]",
    groups: &[&[
        key("name", ValueType::Text, "", "The name, unique in the file."),
        key(
            "on",
            ValueType::OneOrMore(&ValueType::Words(&[
                "open",
                "wave",
                "close",
                "flapping",
                "certificate-expiring",
                "slo-burn",
                "warning",
                "cannot-judge",
                "slow",
                "slow-end",
            ])),
            "[\"open\", \"wave\", \"close\", \"cannot-judge\", \"slow\", \"slow-end\"]",
            "Events that send it.",
        ),
        key("surfaces", ValueType::Some(&ValueType::Text), "all", "Surfaces that send it."),
        key("webhook", ValueType::Text, "", "The URL that is sent a POST of JSON."),
        key(
            "exec",
            ValueType::List(&ValueType::Text),
            "",
            "Instead, a program and its arguments, run without a shell: the facts are in its environment.",
        ),
        key(
            "template",
            ValueType::Words(&["json", "slack", "pagerduty"]),
            "\"json\"",
            "What the JSON looks like: all facts, a text for Slack and similar services, or an event for PagerDuty.",
        ),
        key("routing-key", ValueType::Text, "", "The routing key of PagerDuty."),
        key("headers", ValueType::Map(&ValueType::Text), "{}", "Additional headers to send."),
        key("retries", ValueType::Integer(0, 10), "2", "Attempts after a failed one, with growing waits between them."),
        key("timeout", ValueType::Duration, "\"10s\"", "Maximum time of one attempt, up to 1m."),
        key("repeat", ValueType::Duration, "", "Send a reminder of an ongoing incident after this long, from 1m."),
    ]],
    required: &["name"],
};
