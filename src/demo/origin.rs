//! The running origin: its listeners, its resolvers and the probes that lead to them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use jiff::Timestamp;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::demo::authority::Authority;
use crate::demo::gate::Gate;
use crate::demo::listener::Part;
use crate::demo::names::Failing;
use crate::demo::scenario::{Endpoint, Resolvers, Scenario, Way};
use crate::demo::{listener, names, timeline};
use crate::model::{
    Expect, JsonExpectation, JsonPath, JsonRule, Probe, Request, Resolver, Step, TextRule, Tls, Transport, Value,
};

/// An origin that plays a scenario. It ends when it is dropped.
pub struct Origin {
    /// What is seen from each vantage.
    pub views: Vec<View>,
    /// When the story began.
    pub started_at: Timestamp,
    /// How long it takes to play.
    pub run: Duration,
    /// Lives as long as the probes need the certificate in it.
    _folder: Folder,
    /// Dropped, it ends every listener and every connection.
    _tasks: JoinSet<()>,
}

/// What is seen from one vantage: the same probes by name, each with its own way there.
pub struct View {
    /// The vantage.
    pub vantage: String,
    /// Its probes, in the order of the scenario.
    pub probes: Vec<Arc<Probe>>,
}

/// How fast a story is played and probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long the run is; the story is compressed to it.
    pub run: Duration,
    /// How often each probe is due.
    pub interval: Duration,
    /// The time a check has.
    pub timeout: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let run = Duration::from_secs(20);
        Pace { run, interval: Duration::from_millis(500), timeout: Duration::from_millis(450) }
    }
}

/// Why an origin could not be started.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// A socket or a file.
    #[error("cannot start the demo's origin: {0}")]
    Io(#[from] io::Error),
    /// A certificate.
    #[error("cannot make the demo's certificates: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A TLS configuration.
    #[error("cannot set up the demo's TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl Origin {
    /// Starts to play. The first time of the story is now.
    ///
    /// # Errors
    /// No port, no file for the authority's certificate, or no certificate could be had.
    pub async fn start(scenario: &Scenario, pace: Pace) -> Result<Origin, OriginError> {
        let authority = Authority::new()?;
        let folder = Folder::create()?;
        let ca_file = folder.0.join("ca.pem");
        fs::write(&ca_file, authority.pem())?;

        let mut tasks = JoinSet::new();
        let (start, started_at, begun) = (Instant::now(), Timestamp::now(), SystemTime::now());
        let resolvers = [
            resolver(scenario, Resolvers::First, pace.run, start, &mut tasks).await?,
            resolver(scenario, Resolvers::Second, pace.run, start, &mut tasks).await?,
        ];
        let mut views = Vec::new();
        for &vantage in &scenario.vantages {
            let mut probes = Vec::new();
            for endpoint in &scenario.endpoints {
                let gate = Gate::open_at_a_free_port().await?;
                let address = gate.address()?;
                let end = timeline::expiry(scenario, endpoint, vantage, pace.run);
                let end = end.map_or_else(Authority::far, |after| begun + after);
                let tls = match endpoint.way {
                    Way::Clear => None,
                    Way::Tls(_) | Way::TlsAtAddress => Some(authority.config(endpoint.host, end)?),
                };
                let part = Part {
                    start,
                    stretches: timeline::stretches(scenario, endpoint, vantage, pace),
                    stream: timeline::stream_of(scenario.seed, endpoint.name, vantage),
                    tls,
                    path: endpoint.path,
                    page: endpoint.page.clone(),
                };
                tasks.spawn(listener::play(gate, part));
                probes.push(Arc::new(probe_of(endpoint, address, resolvers, &ca_file, pace)));
            }
            views.push(View { vantage: vantage.to_owned(), probes });
        }
        Ok(Origin { views, started_at, run: pace.run, _folder: folder, _tasks: tasks })
    }
}

/// Starts one resolver and says where it listens.
async fn resolver(
    scenario: &Scenario,
    which: Resolvers,
    run: Duration,
    start: Instant,
    tasks: &mut JoinSet<()>,
) -> Result<SocketAddr, OriginError> {
    let concerns = |act: &&crate::demo::scenario::NameAct| act.resolvers == Resolvers::Both || act.resolvers == which;
    let failing = scenario.names.iter().filter(concerns).map(|act| Failing {
        from: timeline::scaled(act.from, scenario.story, run),
        until: timeline::scaled(act.until, scenario.story, run),
        zone: act.zone,
        code: act.code,
    });
    let failing = failing.collect();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = socket.local_addr()?;
    tasks.spawn(async move {
        let _ = names::answer(socket, start, failing).await;
    });
    Ok(address)
}

fn probe_of(endpoint: &Endpoint, address: SocketAddr, resolvers: [SocketAddr; 2], ca_file: &Path, pace: Pace) -> Probe {
    let scheme = if endpoint.way == Way::Clear { "http" } else { "https" };
    let url = format!("{scheme}://{}:{}{}", endpoint.host, address.port(), endpoint.path);
    let transport = Transport {
        tls: Tls { ca_file: Some(ca_file.to_owned()), ..Tls::default() },
        address: (endpoint.way == Way::TlsAtAddress).then_some(address),
        resolver: match endpoint.way {
            Way::Tls(Resolvers::Second) => Resolver::Udp(resolvers[1]),
            _ => Resolver::Udp(resolvers[0]),
        },
        ..Transport::default()
    };
    let step = Step { expect: expect(endpoint), ..Step::of(Request::get(Value::plain(&url))) };
    Probe {
        control: endpoint.control,
        timeout: pace.timeout,
        steps: vec![step],
        transport,
        ..Probe::plain(endpoint.name, endpoint.surface, &url, pace.interval)
    }
}

fn expect(endpoint: &Endpoint) -> Expect {
    let contains = endpoint.contains.map(|text| TextRule::Contains(Value::plain(text)));
    let not_empty = endpoint.not_empty.and_then(|path| JsonPath::new(path).ok());
    Expect {
        body: contains.into_iter().collect(),
        json: not_empty.into_iter().map(|path| JsonRule { path, rule: JsonExpectation::MinLength(1) }).collect(),
        ..Expect::default()
    }
}

/// A folder of this run alone, readable by us alone, that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn create() -> io::Result<Folder> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let mut number = 0;
        loop {
            let path = std::env::temp_dir().join(format!("uptick-demo-{}-{number}", std::process::id()));
            match builder.create(&path) {
                Ok(()) => return Ok(Folder(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1_000 => number += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A certificate left behind harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}
