//! The phases of one request, in the order in which they happen, and the time each took.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::micros;

/// A phase of a request. The words are those of Prometheus' `blackbox_exporter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Looking the host name up.
    Resolve,
    /// The TCP handshake (through the proxy, if there is one).
    Connect,
    /// The TLS handshake.
    Tls,
    /// From the connection being ready until the response head is complete.
    Processing,
    /// From the response head until the last byte of the body that is read.
    Transfer,
}

impl Phase {
    /// Every phase, in the order in which they happen.
    pub const ALL: [Phase; 5] = [Phase::Resolve, Phase::Connect, Phase::Tls, Phase::Processing, Phase::Transfer];

    /// The name used in every output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Resolve => "resolve",
            Phase::Connect => "connect",
            Phase::Tls => "tls",
            Phase::Processing => "processing",
            Phase::Transfer => "transfer",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How long each phase took. A phase that did not happen is absent, never zero: an address
/// needs no lookup, plain HTTP has no handshake, a refused connection has no answer.
/// With redirects or steps each phase is the sum over all requests of the check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Timings {
    /// Microseconds spent looking names up.
    #[serde(with = "micros::optional")]
    #[schemars(with = "Option<u64>")]
    pub resolve: Option<Duration>,
    /// Microseconds spent in TCP handshakes.
    #[serde(with = "micros::optional")]
    #[schemars(with = "Option<u64>")]
    pub connect: Option<Duration>,
    /// Microseconds spent in TLS handshakes.
    #[serde(with = "micros::optional")]
    #[schemars(with = "Option<u64>")]
    pub tls: Option<Duration>,
    /// Microseconds from connection to complete response head.
    #[serde(with = "micros::optional")]
    #[schemars(with = "Option<u64>")]
    pub processing: Option<Duration>,
    /// Microseconds spent reading the body.
    #[serde(with = "micros::optional")]
    #[schemars(with = "Option<u64>")]
    pub transfer: Option<Duration>,
    /// Microseconds from the start of the check to its verdict.
    #[serde(with = "micros")]
    #[schemars(with = "u64")]
    pub total: Duration,
}

impl Timings {
    /// The time one phase took.
    #[must_use]
    pub const fn phase(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::Resolve => self.resolve,
            Phase::Connect => self.connect,
            Phase::Tls => self.tls,
            Phase::Processing => self.processing,
            Phase::Transfer => self.transfer,
        }
    }

    /// Adds time to one phase, which then counts as having happened.
    pub fn add(&mut self, phase: Phase, time: Duration) {
        let slot = match phase {
            Phase::Resolve => &mut self.resolve,
            Phase::Connect => &mut self.connect,
            Phase::Tls => &mut self.tls,
            Phase::Processing => &mut self.processing,
            Phase::Transfer => &mut self.transfer,
        };
        *slot = Some(slot.unwrap_or_default() + time);
    }

    /// Adds the phases and the total of another request of the same check.
    pub(crate) fn add_all(&mut self, other: &Timings) {
        for phase in Phase::ALL {
            if let Some(time) = other.phase(phase) {
                self.add(phase, time);
            }
        }
        self.total += other.total;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_that_did_not_happen_is_null_and_not_zero() {
        let mut timings = Timings::default();
        timings.add(Phase::Connect, Duration::from_micros(95));
        timings.total = Duration::from_micros(95);
        let json = serde_json::to_string(&timings).expect("timings serialise");
        assert_eq!(json, r#"{"resolve":null,"connect":95,"tls":null,"processing":null,"transfer":null,"total":95}"#);
    }

    #[test]
    fn requests_of_one_check_add_up() {
        let mut first =
            Timings { connect: Some(Duration::from_micros(5)), total: Duration::from_micros(9), ..Timings::default() };
        let second =
            Timings { connect: Some(Duration::from_micros(7)), total: Duration::from_micros(8), ..Timings::default() };
        first.add_all(&second);
        assert_eq!(first.connect, Some(Duration::from_micros(12)));
        assert_eq!(first.resolve, None);
        assert_eq!(first.total, Duration::from_micros(17));
    }
}
