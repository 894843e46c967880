//! A scenario is an outage as data: the endpoints of an origin, and the faults that each has from when to
//! when. Its times are those of the story, which a playback compresses.

use std::time::Duration;

use crate::demo::response::Response;

/// An outage to play.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What happens, in one sentence.
    pub summary: &'static str,
    /// How long the story is.
    pub story: Duration,
    /// The places it is seen from.
    pub vantages: Vec<&'static str>,
    /// What is probed, in the order of the report.
    pub endpoints: Vec<Endpoint>,
    /// Faults by time; the last one counts if several cover an endpoint at one time.
    pub faults: Vec<Fault>,
    /// Faults of the resolvers; the last one counts here too.
    pub names: Vec<DnsFault>,
    /// Seed of everything random.
    pub seed: u64,
}

/// How fast a scenario is played, and how often it is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Playback {
    /// How long the run is; the time of the scenario is compressed to it.
    pub run: Duration,
    /// How often each probe is due.
    pub interval: Duration,
    /// Time limit of a check.
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
    /// What it answers while it is healthy.
    pub response: Response,
    /// Text that the body must contain.
    pub contains: Option<&'static str>,
    /// JSON path of an array that must not be empty.
    pub not_empty: Option<&'static str>,
}

/// How an endpoint is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Over TLS, its name looked up at this resolver.
    Tls(Resolvers),
    /// Over TLS, at its address: the name is not looked up.
    TlsAtAddress,
    /// In clear, its name looked up at the first resolver.
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

/// One behaviour of some endpoints for a while.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Start, in time of the scenario.
    pub from: Duration,
    /// End, excluded.
    pub until: Duration,
    /// The endpoints concerned.
    pub target: Target,
    /// What they do.
    pub behaviour: Behaviour,
}

/// The endpoints that a fault concerns: those that match every field given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Of this surface.
    pub surface: Option<&'static str>,
    /// Of this name.
    pub endpoint: Option<&'static str>,
    /// As seen from this vantage.
    pub vantage: Option<&'static str>,
}

impl Target {
    /// Whether an endpoint as seen from a vantage is one of them.
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
    /// It answers as it should.
    Healthy,
    /// Connection requests get no answer: the queue is full.
    Unanswered,
    /// The connection stands, and the handshake is not answered.
    TlsStall,
    /// The connection is reset once the handshake is through.
    Reset,
    /// It answers another response.
    Answers(Response),
    /// It sends half of its response and ends the connection.
    Truncated,
    /// It answers this much later. This is time of the run, not of the scenario.
    Slow(Duration),
    /// Its certificate has expired. Its own certificate really ends when the first such fault
    /// begins, so this lasts until the end of the run.
    CertificateExpired,
    /// Each connection falls to one of these with its share; the rest are healthy. The share of
    /// [`Behaviour::Unanswered`] is a share of time: an unanswered connection cannot be counted.
    Mixed(Vec<(f64, Behaviour)>),
}

/// A while in which resolvers fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsFault {
    /// Start, in time of the scenario.
    pub from: Duration,
    /// End, excluded.
    pub until: Duration,
    /// The resolvers that fail.
    pub resolvers: Resolvers,
    /// Names that end in this fail; none stands for all names.
    pub zone: Option<&'static str>,
    /// The response code: 2 is SERVFAIL, 3 is NXDOMAIN. None stands for silence.
    pub code: Option<u8>,
}
