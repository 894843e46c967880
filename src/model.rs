//! The words of the field as plain data: no IO, no clock, no async.

mod alert;
mod asset;
mod bracket;
pub(crate) mod credentials;
mod decimal;
mod diagnosis;
mod dns;
mod expect;
mod failure;
mod gap;
mod http_exchange;
mod journey;
mod json;
mod json_path;
pub mod micros;
mod network;
mod outcome;
mod phase;
mod probe;
mod protocol;
pub mod quantity;
mod recorded_plan;
mod redactor;
mod request;
mod schedule;
mod secret;
pub mod suggest;
mod surface;
pub mod text;
pub mod timestamp;
mod transport;
mod unescape;
mod verdict;

pub use alert::{Alert, AlertEvent, AlertTarget, WebhookTemplate};
pub use asset::{Assets, HostPattern, Selector};
pub use bracket::Bracket;
pub(crate) use bracket::optional as optional_timestamp;
pub(crate) use decimal::Decimal;
pub use diagnosis::{Diagnosis, ExtraCheck, ExtraKind};
pub use dns::{DnsExpect, DnsQuestion, RecordType};
pub use expect::{Expect, HeaderExpectation, HeaderRule, JsonExpectation, JsonRule, Pattern, StatusSet, TextRule};
pub use failure::{ClassGroup, Failure, FailureClass, Mismatch};
pub use gap::{Gap, GapReason};
pub(crate) use http_exchange::HEADER_LIMIT;
pub use http_exchange::{ExchangeDetail, HttpExchange};
pub use journey::{Capture, CaptureFrom, Session, Step};
pub(crate) use json::{JsonDocument, JsonKind, JsonNode};
pub use json_path::JsonPath;
pub use network::{Addresses, DeniedNetworks, NetworkRules, Quorum};
pub use outcome::{
    AddressOutcome, AssetOutcome, CertificateFacts, CertificateRole, ChainCertificate, Check, EarlierAttempt, Evidence,
    Hop, Outcome, StepOutcome, TlsFacts,
};
pub use phase::{Phase, Timings};
pub use probe::{Probe, Retries};
pub use protocol::{Protocol, Starttls, is_tls_scheme};
pub use recorded_plan::{PlannedProbe, RecordedPlan, Shard};
pub use redactor::Redactor;
pub use request::{Auth, Body, FileBody, FormPart, OAuth2, Request};
pub use schedule::{Cron, Maintenance, Schedule};
pub use secret::{Captures, MissingCapture, REDACTED, SHORTEST_SECRET, Secret, Value, ValuePart, is_secret_name};
pub use surface::{IncidentRules, LatencyObjective, Objective, Surface, Surfaces};
pub use text::SafeText;
pub use transport::{HttpVersion, HttpVersionPreference, IpFamily, Resolver, Tls, TlsVersion, Transport, ip_version};
pub use verdict::{Counts, Verdict};
