//! A scenario is an outage as data: the endpoints of an origin, and the faults of each with their
//! start and end. Its times are those of the story, which a playback compresses.

use std::time::Duration;

use crate::demo::response::Response;

/// An outage to replay.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What happens, in one sentence.
    pub summary: &'static str,
    /// The duration of the story.
    pub story: Duration,
    /// The vantages from which it is seen.
    pub vantages: Vec<&'static str>,
    /// The endpoints that are probed, in the order of the report.
    pub endpoints: Vec<Endpoint>,
    /// The faults. If several cover an endpoint at one time, the last one applies.
    pub faults: Vec<Fault>,
    /// The faults of the resolvers; here too the last one applies.
    pub names: Vec<DnsFault>,
    /// The seed of all random numbers.
    pub seed: u64,
}

/// How fast a scenario is played, and how often it is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Playback {
    /// The duration of the run, to which the story is compressed.
    pub run: Duration,
    /// The interval of each probe.
    pub interval: Duration,
    /// The timeout of a check.
    pub timeout: Duration,
}

impl Default for Playback {
    fn default() -> Self {
        let run = Duration::from_secs(20);
        Playback { run, interval: Duration::from_millis(500), timeout: Duration::from_millis(450) }
    }
}

/// One probed endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The probe's name.
    pub name: &'static str,
    /// The surface it belongs to.
    pub surface: &'static str,
    /// Whether it is a control target.
    pub control: bool,
    /// Its host name.
    pub host: &'static str,
    /// The path of the request.
    pub path: &'static str,
    /// How it is reached.
    pub route: Route,
    /// Its response while it is healthy.
    pub response: Response,
    /// Text that the body must contain.
    pub contains: Option<&'static str>,
    /// The JSON path of an array that must not be empty.
    pub not_empty: Option<&'static str>,
}

/// How an endpoint is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Over TLS; this resolver resolves its name.
    Tls(Resolvers),
    /// Over TLS, at its address, without a name lookup.
    TlsAtAddress,
    /// Without TLS; the first resolver resolves its name.
    Clear,
}

/// The origin's resolvers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolvers {
    /// The resolver of most probes.
    First,
    /// Another resolver, to compare with.
    Second,
    /// Both of them.
    Both,
}

/// A behaviour of some endpoints for some time.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Start, in time of the story.
    pub from: Duration,
    /// End, in time of the story, exclusive.
    pub until: Duration,
    /// The affected endpoints.
    pub target: Target,
    /// How they behave.
    pub behaviour: Behaviour,
}

/// The endpoints that a fault affects: those that match every field that is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Only endpoints of this surface.
    pub surface: Option<&'static str>,
    /// Only the endpoint with this name.
    pub endpoint: Option<&'static str>,
    /// Only as seen from this vantage.
    pub vantage: Option<&'static str>,
}

impl Target {
    /// Whether the target includes an endpoint as seen from a vantage.
    #[must_use]
    pub fn covers(&self, endpoint: &Endpoint, vantage: &str) -> bool {
        self.surface.is_none_or(|surface| surface == endpoint.surface)
            && self.endpoint.is_none_or(|name| name == endpoint.name)
            && self.vantage.is_none_or(|name| name == vantage)
    }
}

/// How an endpoint behaves.
#[derive(Clone, Debug, PartialEq)]
pub enum Behaviour {
    /// It responds as it should.
    Healthy,
    /// Connection requests get no answer: the queue is full.
    Unanswered,
    /// The connection is established, but the TLS handshake gets no answer.
    TlsStall,
    /// The connection is reset after the TLS handshake.
    Reset,
    /// It sends a different response.
    Answers(Response),
    /// It sends half of its response and closes the connection.
    Truncated,
    /// It responds this much later, in time of the run, not of the story.
    Slow(Duration),
    /// Its certificate has expired. The certificate really expires when the first such fault
    /// starts, so this lasts until the end of the run.
    CertificateExpired,
    /// Each connection gets one of these behaviours with the probability of its share; the rest are
    /// healthy. The share of [`Behaviour::Unanswered`] is a share of time, because an unanswered
    /// connection cannot be counted.
    Mixed(Vec<(f64, Behaviour)>),
}

/// A fault of resolvers for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsFault {
    /// Start, in time of the story.
    pub from: Duration,
    /// End, in time of the story, exclusive.
    pub until: Duration,
    /// The resolvers that fail.
    pub resolvers: Resolvers,
    /// The suffix of the names that fail; `None` affects all names.
    pub zone: Option<&'static str>,
    /// The response code: 2 is SERVFAIL, 3 is NXDOMAIN. `None` sends no response.
    pub code: Option<u8>,
}
