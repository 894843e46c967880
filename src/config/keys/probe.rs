//! The tables of a probe: what is asked, and how it is reached.

use super::answer::EXPECT;
use super::{Key, Shape, TableShape, key};

pub(in crate::config) const PROBE: TableShape = TableShape {
    title: "[[probe]]",
    groups: &[IDENTITY_KEYS, TIMING_KEYS, REQUEST_KEYS, TRANSPORT_KEYS],
    required: &["name"],
};

pub(in crate::config) const CONTROL: TableShape = TableShape { title: "[[control]]", ..PROBE };

pub(in crate::config) const DEFAULTS: TableShape =
    TableShape { title: "[defaults]", groups: &[TIMING_KEYS, REQUEST_KEYS, TRANSPORT_KEYS], required: &[] };

pub(in crate::config) const STEP: TableShape =
    TableShape { title: "[[probe.step]]", groups: &[STEP_KEYS, REQUEST_KEYS], required: &["url"] };

pub(in crate::config) const SESSION: TableShape =
    TableShape { title: "[session.NAME]", groups: &[SESSION_KEYS, REQUEST_KEYS, TRANSPORT_KEYS], required: &["step"] };

/// What a probe is known by, and what only it can say.
const IDENTITY_KEYS: &[Key] = &[
    key("name", Shape::Text, "", "The name, unique in the file: the key of every record."),
    key("url", Shape::Text, "", "The URL asked: http or https."),
    key(
        "step",
        Shape::List(&Shape::Table(&STEP)),
        "",
        "Instead of a URL, a journey: requests in order, cookies kept, values captured.",
    ),
    key(
        "matrix",
        Shape::Map(&Shape::List(&Shape::Scalar)),
        "",
        "One probe for every combination of these values: `{region}` stands for the one of `matrix.region`.",
    ),
];

/// Keys of a probe as a whole.
const TIMING_KEYS: &[Key] = &[
    key("surface", Shape::Text, "\"default\"", "What users see as one thing: the unit of objective and summary."),
    key("tags", Shape::Some(&Shape::Text), "[]", "Free words to select by."),
    key("interval", Shape::Duration, "\"30s\"", "The time between two checks, from 10ms to 31d."),
    key(
        "schedule",
        Shape::Text,
        "",
        "Instead of an interval, a cron expression and a time zone: `\"*/5 * * * * Europe/Berlin\"`; UTC where none is said.",
    ),
    key(
        "timeout",
        Shape::Duration,
        "\"10s\", or the interval where that is shorter",
        "The most time one attempt may take, all steps and redirects together, from 1ms to 1h.",
    ),
    key(
        "retries",
        Shape::Either(&[Shape::Table(&RETRIES), Shape::Integer(0, 10)]),
        "0",
        "Attempts after a failed one; each is recorded, and the first result is kept.",
    ),
    key("session", Shape::Text, "", "The session whose captures and cookies it uses."),
    key(
        "maintenance",
        Shape::List(&Shape::Table(&MAINTENANCE)),
        "",
        "When failures are expected: checks run and are recorded, and do not count against the objective.",
    ),
];

/// Keys of how a target is reached.
const TRANSPORT_KEYS: &[Key] = &[
    key("tls", Shape::Table(&TLS), "", "TLS settings."),
    key("ip", Shape::Words(&["any", "v4", "v6"]), "\"any\"", "The address family."),
    key(
        "addresses",
        Shape::Words(&["first", "all"]),
        "\"first\"",
        "The first address that connects, or every address of the name as a case of its own.",
    ),
    key(
        "addresses-up",
        Shape::Either(&[Shape::Words(&["all", "majority"]), Shape::Integer(1, 1_000)]),
        "\"all\"",
        "How many of all addresses must be up.",
    ),
    key("address", Shape::Text, "", "Connect to this address and port; the name stays in the request and in TLS."),
    key(
        "resolver",
        Shape::Text,
        "\"system\"",
        "Who resolves names: `\"system\"` or a server as `\"udp://1.1.1.1:53\"`.",
    ),
    key("proxy", Shape::Text, "", "The proxy: an http, https, socks5 or socks5h URL."),
    key("source-address", Shape::Text, "", "The local address to send from."),
    key("http-version", Shape::Words(&["auto", "1.1", "2"]), "\"auto\"", "The HTTP version spoken."),
    key(
        "connection",
        Shape::Words(&["fresh", "reuse"]),
        "\"fresh\"",
        "Whether an idle connection of an earlier check may be used: it hides outages of DNS and TLS.",
    ),
];

/// Keys of one request: of a probe, of its steps, and of the defaults.
const REQUEST_KEYS: &[Key] = &[
    key("method", Shape::Text, "\"GET\"", "The method."),
    key("headers", Shape::Map(&Shape::OneOrMore(&Shape::Text)), "{}", "Headers sent, by name."),
    key("body", Shape::Text, "", "The body as text."),
    key("json", Shape::Json, "", "The body as JSON."),
    key("form", Shape::Map(&Shape::Scalar), "", "The body as form fields."),
    key(
        "file",
        Shape::Either(&[Shape::Text, Shape::Table(&FILE)]),
        "",
        "The body as the bytes of a file, relative to the probe file.",
    ),
    key(
        "multipart",
        Shape::Map(&Shape::Either(&[Shape::Scalar, Shape::Table(&FILE)])),
        "",
        "The body as form fields and files (`multipart/form-data`), by name.",
    ),
    key("auth", Shape::Table(&AUTH), "", "Credentials: one of its keys."),
    key(
        "redirects",
        Shape::Either(&[Shape::Words(&["follow", "none"]), Shape::Integer(0, 50)]),
        "10",
        "The most redirects followed.",
    ),
    key("body-limit", Shape::Bytes, "\"1MiB\"", "The most of a body read, after decoding; up to 1GiB."),
    key("expect", Shape::Table(&EXPECT), "", "What must hold of the answer; of a journey, of its last step's."),
];

/// Keys of a step alone.
const STEP_KEYS: &[Key] = &[
    key("name", Shape::Text, "its number", "The step's name in messages."),
    key("url", Shape::Text, "", "The URL asked."),
    key(
        "capture",
        Shape::Map(&Shape::Table(&CAPTURE)),
        "",
        "Values taken out of the answer, by name: `{{name}}` in later steps.",
    ),
];

/// Keys of a session alone.
const SESSION_KEYS: &[Key] = &[
    key("step", Shape::List(&Shape::Table(&STEP)), "", "The requests, in order, as in a probe's journey."),
    key("lifetime", Shape::Duration, "\"10m\"", "How long it is good for, from 1s to 1d."),
    key("timeout", Shape::Duration, "\"10s\"", "The most time it may take, from 1ms to 1h."),
];

pub(in crate::config) const CAPTURE: TableShape = TableShape {
    title: "capture.NAME",
    groups: &[&[
        key("json", Shape::Text, "", "The first node that this JSON path finds."),
        key("matches", Shape::Text, "", "The first group of this pattern's first match in the body."),
        key("header", Shape::Text, "", "The value of this header."),
        key("cookie", Shape::Text, "", "The value of this cookie."),
        key("select", Shape::Text, "", "The text of the first element that this CSS selector finds."),
        key("attribute", Shape::Text, "", "With `select`: this attribute instead of the text."),
    ]],
    required: &[],
};

pub(in crate::config) const FILE: TableShape = TableShape {
    title: "file",
    groups: &[&[
        key("path", Shape::Text, "", "The file, relative to the probe file; up to 16MiB."),
        key("content-type", Shape::Text, "\"application/octet-stream\"", "Its media type."),
    ]],
    required: &["path"],
};

pub(in crate::config) const MAINTENANCE: TableShape = TableShape {
    title: "maintenance",
    groups: &[&[
        key("from", Shape::Instant, "", "It begins here: `2026-12-01T22:00:00+01:00`."),
        key("to", Shape::Instant, "", "It ends before here."),
        key("schedule", Shape::Text, "", "Instead: it begins when this cron expression says so."),
        key("for", Shape::Duration, "", "With `schedule`: how long it lasts, up to 31d."),
    ]],
    required: &[],
};

pub(in crate::config) const RETRIES: TableShape = TableShape {
    title: "retries",
    groups: &[&[
        key("attempts", Shape::Integer(0, 10), "0", "Attempts after the first."),
        key("delay", Shape::Duration, "\"1s\"", "The wait before each, up to 1h."),
    ]],
    required: &[],
};

pub(in crate::config) const TLS: TableShape = TableShape {
    title: "tls",
    groups: &[&[
        key(
            "ca-file",
            Shape::Text,
            "the system's",
            "Trust these certificates (PEM) and no others; relative to the probe file.",
        ),
        key(
            "crl-file",
            Shape::Text,
            "",
            "Refuse the certificates on these revocation lists (PEM); without it revocation is not checked.",
        ),
        key("client-cert", Shape::Text, "", "The client certificate chain (PEM)."),
        key("client-key", Shape::Text, "", "The key of the client certificate (PEM)."),
        key("server-name", Shape::Text, "the URL's host", "The name in SNI and in the certificate."),
        key("min-version", Shape::Words(&["1.2", "1.3"]), "\"1.2\"", "The lowest TLS version accepted."),
        key("insecure", Shape::Boolean, "false", "Accept any certificate. Every output says so."),
    ]],
    required: &[],
};

pub(in crate::config) const AUTH: TableShape = TableShape {
    title: "auth",
    groups: &[&[
        key("basic", Shape::Table(&BASIC), "", "HTTP basic authentication."),
        key("bearer", Shape::Text, "", "A bearer token."),
        key("oauth2", Shape::Table(&OAUTH2), "", "A bearer token from a token server, for client credentials."),
    ]],
    required: &[],
};

pub(in crate::config) const BASIC: TableShape = TableShape {
    title: "auth.basic",
    groups: &[&[key("user", Shape::Text, "", "The user."), key("password", Shape::Text, "", "The password.")]],
    required: &["user", "password"],
};

pub(in crate::config) const OAUTH2: TableShape = TableShape {
    title: "auth.oauth2",
    groups: &[&[
        key("token-url", Shape::Text, "", "The token endpoint."),
        key("client-id", Shape::Text, "", "The client's name."),
        key("client-secret", Shape::Text, "", "The client's secret."),
        key("scopes", Shape::Some(&Shape::Text), "[]", "The scopes asked for."),
        key("audience", Shape::Text, "", "The audience asked for, which some servers need."),
    ]],
    required: &["token-url", "client-id", "client-secret"],
};
