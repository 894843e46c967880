//! A scenario as data: the endpoints of an origin, and a timeline of who behaves how from when
//! to when. Times are those of the story; whoever plays it compresses them.

use std::time::Duration;

use crate::demo::response::Response;

/// An outage to be played.
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
    /// Who behaves how: where several faults cover an endpoint at one time, the last one counts.
    pub faults: Vec<Fault>,
    /// When names are not answered; the last one counts here too.
    pub names: Vec<DnsFault>,
    /// Where chance has a script, this is what it begins from.
    pub seed: u64,
}

/// How fast a story is played and probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Playback {
    /// How long the run is; the story is compressed to it.
    pub run: Duration,
    /// How often each probe is due.
    pub interval: Duration,
    /// The time a check has.
    pub timeout: Duration,
}

impl Default for Playback {
    fn default() -> Self {
        let run = Duration::from_secs(20);
        Playback { run, interval: Duration::from_millis(500), timeout: Duration::from_millis(450) }
    }
}

/// One thing that is probed.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The probe's name.
    pub name: &'static str,
    /// The surface it belongs to.
    pub surface: &'static str,
    /// Whether it is a control target.
    pub control: bool,
    /// The host name it is asked under.
    pub host: &'static str,
    /// The path that is asked for.
    pub path: &'static str,
    /// How it is reached.
    pub route: Route,
    /// What it answers while it is well.
    pub response: Response,
    /// The body must have this in it.
    pub contains: Option<&'static str>,
    /// What this JSON path finds must not be empty.
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
    /// The one that most probes ask.
    First,
    /// A second opinion.
    Second,
    /// Both of them.
    Both,
}

/// A segment of one behaviour.
#[derive(Clone, Debug)]
pub struct Fault {
    /// It begins at this time of the story,
    pub from: Duration,
    /// and ends before this one.
    pub until: Duration,
    /// Who behaves so.
    pub target: Target,
    /// How.
    pub behaviour: Behaviour,
}

/// Which endpoints an fault is about: those that agree with everything that is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Of this surface,
    pub surface: Option<&'static str>,
    /// of this name,
    pub endpoint: Option<&'static str>,
    /// seen from here.
    pub vantage: Option<&'static str>,
}

impl Target {
    /// Whether an endpoint, seen from a vantage, is meant.
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
    /// It answers its response.
    Healthy,
    /// Connection requests get no answer: the queue is full.
    Unanswered,
    /// The connection stands, and the handshake is not answered.
    TlsStall,
    /// The connection is reset once the handshake is through.
    Reset,
    /// It answers another response.
    Answers(Response),
    /// It answers half of its response and ends the connection.
    Truncated,
    /// It answers its response this much later. This is time of the run, not of the story.
    Slow(Duration),
    /// Its certificate has expired. Its own certificate really ends when the first such fault
    /// begins, so this lasts until the end of the run.
    CertificateExpired,
    /// Each connection falls to one of these with its share; the rest are well. The share of
    /// [`Behaviour::Unanswered`] is of time, since nobody is there to draw for each request.
    Mixed(Vec<(f64, Behaviour)>),
}

/// A segment in which resolvers do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsFault {
    /// It begins at this time of the story,
    pub from: Duration,
    /// and ends before this one.
    pub until: Duration,
    /// Who does not know.
    pub resolvers: Resolvers,
    /// Names that end in this are not known; none stands for all names.
    pub zone: Option<&'static str>,
    /// The response code: 2 is SERVFAIL, 3 is NXDOMAIN. None stands for silence.
    pub code: Option<u8>,
}
