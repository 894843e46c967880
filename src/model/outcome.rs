//! The one record of a check, and the evidence it keeps.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Diagnosis, DnsFacts, Failure, FailureClass, HttpExchange, HttpVersion, Mismatch, Probe, SafeText, Timings, Verdict,
    micros, timestamp,
};

/// One due execution of a probe.
#[derive(Clone, Debug)]
pub struct Check {
    /// The probe that is due.
    pub probe: Arc<Probe>,
    /// When it was due.
    pub scheduled_at: Timestamp,
    /// How late it starts: caused by the prober, and never part of a latency.
    pub lag: Duration,
}

/// The one record of a check. This is also its shape as JSON (`uptick.check/1`, journal).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fact of its own, and any combination of them occurs")]
pub struct Outcome {
    /// The probe's name.
    pub probe: String,
    /// The probe's surface.
    pub surface: String,
    /// The vantage that made the check.
    pub vantage: String,
    /// Whether the probe is a control target.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub control: bool,
    /// Whether the check was due within a maintenance window of the probe.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub maintenance: bool,
    /// Whether any certificate was accepted (`tls.insecure`): up does not mean that the right server
    /// answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// When the check was due.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub scheduled_at: Timestamp,
    /// When it began.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// Microseconds between the two on a clock that does not jump.
    #[serde(rename = "lag_us", with = "micros")]
    #[schemars(with = "u64")]
    pub lag: Duration,
    /// What was found.
    pub verdict: Verdict,
    /// Why it was not up; null when it was.
    pub failure: Option<Failure>,
    /// Microseconds per phase, over all hops and steps.
    #[serde(rename = "timings_us")]
    pub timings: Timings,
    /// Attempts made; more than one if retries are configured and the first failed.
    pub attempts: u32,
    /// Whether an attempt failed and a later one passed: up, and worth knowing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flaky: bool,
    /// The status code of the last answer.
    pub status: Option<u16>,
    /// What a name server answered; absent for everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsFacts>,
    /// The status that a gRPC call ended with; absent for everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc_status: Option<u16>,
    /// The HTTP version of the last answer.
    pub http_version: Option<HttpVersion>,
    /// The address of the last connection, also of one that failed.
    pub remote: Option<SocketAddr>,
    /// The facts of the last TLS handshake, also of one that failed.
    pub tls: Option<TlsFacts>,
    /// The redirects met, in order.
    pub redirects: Vec<Hop>,
    /// The `content-length` of the last answer; absent if it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_length: Option<u64>,
    /// Bytes of the last body, after decoding, as far as it was read.
    pub body_bytes: u64,
    /// Whether the body went on past the limit and was not read further.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub body_cut: bool,
    /// Whether the answer offers HTTP/3 (`alt-svc`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub http3_offered: bool,
    /// Each `warn.*` that was not met; a check with warnings is up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Mismatch>,
    /// The attempts before the last, in order; empty if the first decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_attempts: Vec<EarlierAttempt>,
    /// The steps of a journey, in order; empty for a probe of one request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepOutcome>,
    /// The files that the page links to, as far as they were requested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<AssetOutcome>,
    /// The check at each address of the name, if all of them are checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressOutcome>,
    /// Each request with its answer, in order; empty unless the output shows them (`-v`, `-i`, `--body`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<HttpExchange>,
    /// What helps to understand and repeat a failed check; absent when it was up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// An attempt that failed and was followed by another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EarlierAttempt {
    /// Why it was not up.
    pub failure: Failure,
    /// Microseconds per phase of this attempt alone.
    #[serde(rename = "timings_us")]
    pub timings: Timings,
    /// The address of its last connection.
    pub remote: Option<SocketAddr>,
}

/// The result of one step of a journey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StepOutcome {
    /// The step's name.
    pub name: String,
    /// Whether it ran; a step after one that failed does not.
    pub asked: bool,
    /// The class of its failure; null if it passed or did not run.
    pub class: Option<FailureClass>,
    /// The status code of its answer.
    pub status: Option<u16>,
    /// Microseconds per phase of this step alone.
    #[serde(rename = "timings_us")]
    pub timings: Timings,
}

/// The result of loading one file that a page links to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AssetOutcome {
    /// Its URL.
    pub url: SafeText,
    /// The class of its failure; null if it loaded.
    pub class: Option<FailureClass>,
    /// The status code of its answer.
    pub status: Option<u16>,
    /// Its media type, as the server wrote it.
    pub content_type: Option<SafeText>,
    /// Bytes of its body, after decoding, as far as it was read.
    pub bytes: u64,
    /// Microseconds per phase of this file alone.
    #[serde(rename = "timings_us")]
    pub timings: Timings,
}

/// The result of the check at one address of the name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AddressOutcome {
    /// The address.
    pub address: SocketAddr,
    /// What was found there.
    pub verdict: Verdict,
    /// Why it was not up; null when it was.
    pub failure: Option<Failure>,
    /// The status code of its answer.
    pub status: Option<u16>,
    /// Microseconds per phase at this address alone.
    #[serde(rename = "timings_us")]
    pub timings: Timings,
}

impl Outcome {
    /// The class of its failure.
    #[must_use]
    pub fn class(&self) -> Option<FailureClass> {
        self.failure.as_ref().map(|failure| failure.class)
    }

    /// The code of its failure, if failures of the class are told apart by one: the status code of an unexpected
    /// answer, or of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        let failure = self.failure.as_ref()?;
        match failure.own_class.unwrap_or(failure.class) {
            FailureClass::Status | FailureClass::ProxyRefused | FailureClass::UpgradeRefused => self.status,
            FailureClass::GrpcStatus => self.grpc_status,
            _ => None,
        }
    }

    /// Makes it a failure: the verdict becomes that of the class, whatever it was before.
    pub fn fail(&mut self, failure: Failure) {
        self.verdict = failure.class.verdict();
        self.failure = Some(failure);
        self.warnings.clear();
    }

    /// An outcome of a check that could not be made or did not end: nothing measured.
    #[must_use]
    pub fn without_measurement(check: &Check, vantage: &str, started_at: Timestamp, failure: Failure) -> Outcome {
        Outcome {
            probe: check.probe.name.clone(),
            surface: check.probe.surface.clone(),
            vantage: vantage.to_owned(),
            control: check.probe.control,
            maintenance: check.probe.is_in_maintenance(check.scheduled_at),
            insecure: check.probe.is_insecure(),
            scheduled_at: check.scheduled_at,
            started_at,
            lag: check.lag,
            verdict: failure.class.verdict(),
            failure: Some(failure),
            timings: Timings::default(),
            attempts: 1,
            flaky: false,
            status: None,
            dns: None,
            grpc_status: None,
            http_version: None,
            remote: None,
            tls: None,
            redirects: Vec::new(),
            content_length: None,
            body_bytes: 0,
            body_cut: false,
            http3_offered: false,
            warnings: Vec::new(),
            earlier_attempts: Vec::new(),
            steps: Vec::new(),
            assets: Vec::new(),
            addresses: Vec::new(),
            exchanges: Vec::new(),
            evidence: None,
        }
    }
}

/// A redirect that was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Hop {
    /// The URL that answered with the redirect.
    pub url: SafeText,
    /// Its status code.
    pub status: u16,
    /// The `location` header, as the server wrote it.
    pub location: SafeText,
    /// The method of the request.
    pub method: String,
    /// The address that answered.
    pub remote: Option<SocketAddr>,
    /// Microseconds per phase of this request alone.
    #[serde(rename = "timings_us")]
    pub timings: Timings,
    /// The facts of its TLS handshake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFacts>,
}

/// What a TLS handshake showed, also one that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TlsFacts {
    /// `"1.2"` or `"1.3"`; null if the handshake did not get that far.
    pub version: Option<String>,
    /// The cipher suite by its IANA name; null if it is not known.
    pub cipher: Option<String>,
    /// Whether the certificate was verified. False if `tls.insecure` is set or it was refused.
    pub verified: bool,
    /// The leaf certificate; null if none was sent.
    pub certificate: Option<CertificateFacts>,
    /// Every certificate that was sent, leaf first (the first 16), and last the trusted one that the
    /// path from the leaf ends in, if it was not sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<ChainCertificate>,
}

/// One certificate of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChainCertificate {
    /// Its place in the chain.
    pub role: CertificateRole,
    /// Its subject.
    pub subject: SafeText,
    /// It is valid from here.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub not_before: Timestamp,
    /// It is valid until here.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub not_after: Timestamp,
    /// SHA-256 of the certificate, hexadecimal.
    pub sha256: String,
}

/// Where a certificate stands in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CertificateRole {
    /// The server's own.
    Leaf,
    /// Between the leaf and the trusted one.
    Intermediate,
    /// Trusted by itself: of `tls.ca-file`, or of the host's own store.
    Anchor,
    /// Sent, and not on the path.
    Unused,
}

impl CertificateRole {
    /// Whether it is on the path from the leaf to the trusted certificate.
    #[must_use]
    pub(crate) const fn is_on_path(self) -> bool {
        !matches!(self, CertificateRole::Unused)
    }
}

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CertificateFacts {
    /// Its subject.
    pub subject: SafeText,
    /// Who signed it.
    pub issuer: SafeText,
    /// The names it is for: the first few.
    pub names: Vec<SafeText>,
    /// How many names it is for in all.
    pub names_total: usize,
    /// It is valid from here.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub not_before: Timestamp,
    /// It is valid until here.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub not_after: Timestamp,
    /// SHA-256 of the certificate, hexadecimal.
    pub sha256: String,
    /// How many certificates the server sent.
    pub chain_length: usize,
}

/// What helps to understand and repeat a failed check. All of it bounded, clean and redacted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Evidence {
    /// The URL of the last request.
    pub url: SafeText,
    /// A few telling response headers: server, via, retry-after, …
    pub headers: Vec<(String, SafeText)>,
    /// The beginning of the body.
    pub body: Option<SafeText>,
    /// A `curl` command that repeats the request, secrets as shell variables.
    pub curl: Option<SafeText>,
    /// The addresses that the name resolved to, if it did.
    pub addresses: Vec<SocketAddr>,
    /// What extra checks found, if any were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
}
