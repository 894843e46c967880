//! The words of the field as plain data: no IO, no clock, no async.

mod alert;
mod asset;
mod bracket;
mod diagnosis;
mod disguise;
mod expect;
mod failure;
mod gap;
mod journey;
pub mod micros;
mod network;
mod outcome;
mod phase;
mod probe;
mod redactor;
mod schedule;
mod secret;
mod surface;
pub mod text;
pub mod timestamp;
mod transport;
mod verdict;

pub use alert::{Alert, AlertEvent, AlertTarget, WebhookTemplate};
pub use asset::{Assets, HostPattern, Selector};
pub use bracket::Bracket;
pub(crate) use bracket::optional as optional_timestamp;
pub use diagnosis::{Diagnosis, ExtraCheck, ExtraKind};
pub use expect::{
    Expect, HeaderExpectation, HeaderRule, JsonExpectation, JsonPath, JsonRule, Pattern, StatusSet, TextRule,
};
pub use failure::{ClassGroup, Failure, FailureClass, Mismatch};
pub use gap::{Gap, GapReason};
pub use journey::{Capture, CaptureFrom, Session};
pub use network::{Addresses, Deny, Quorum};
pub use outcome::{
    AddressOutcome, AssetOutcome, CertificateFacts, Check, EarlierAttempt, Evidence, Hop, HttpVersion, Outcome,
    StepOutcome, TlsFacts,
};
pub use phase::{Phase, Timings};
pub use probe::{Auth, Body, FileBody, FormPart, OAuth2, Probe, Request, Retries, Step};
pub use redactor::{REDACTED, Redactor, SHORTEST_SECRET};
pub use schedule::{Cron, Maintenance, Schedule};
pub use secret::{Captures, Part, Secret, Value, is_secret_name};
pub use surface::{IncidentRules, LatencyObjective, Objective, Surface, Surfaces};
pub use text::SafeText;
pub use transport::{HttpVersionWish, IpFamily, Resolver, Tls, TlsVersion, Transport, ip_version};
pub use verdict::{Counts, Verdict};
