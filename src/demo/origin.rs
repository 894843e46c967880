//! The running origin: its listeners, its resolvers and the probes for them.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::demo::authority::Authority;
use crate::demo::blackhole::BlackholeListener;
use crate::demo::dns::ScheduledDnsFault;
use crate::demo::error::OriginError;
use crate::demo::listener::ListenerScript;
use crate::demo::scenario::{DnsFault, Endpoint, Playback, Resolvers, Route, Scenario};
use crate::demo::{dns, listener, timeline};
use crate::model::{
    Expect, JsonExpectation, JsonPath, JsonRule, Probe, Request, Resolver, Step, TextRule, Tls, Transport, Value,
};

/// An origin that plays a scenario. It ends when it is dropped.
pub struct Origin {
    /// The view of each vantage.
    pub views: Vec<VantageView>,
    /// When the scenario started.
    pub started_at: Timestamp,
    /// The duration of the run.
    pub run: Duration,
    /// Contains the authority's certificate, which the probes read.
    _folder: TempDir,
    /// All listeners and connections; they end when this is dropped.
    _tasks: JoinSet<()>,
}

/// The view of one vantage: each vantage has probes with the same names, but its own routes.
pub struct VantageView {
    /// The vantage.
    pub vantage: String,
    /// Its probes, in the order of the scenario.
    pub probes: Vec<Arc<Probe>>,
}

impl Origin {
    /// Starts the listeners and the resolvers; the scenario starts now.
    ///
    /// # Errors
    /// A port, the file for the authority's certificate, or a certificate cannot be created.
    pub async fn start(scenario: &Scenario, playback: Playback) -> Result<Origin, OriginError> {
        let authority = Authority::new()?;
        let folder = tempfile::Builder::new().prefix("uptick-demo-").permissions(private()).tempdir()?;
        let ca_file = folder.path().join("ca.pem");
        fs::write(&ca_file, authority.pem())?;

        let mut tasks = JoinSet::new();
        let (start, started_at, begun) = (Instant::now(), Timestamp::now(), SystemTime::now());
        let resolvers = [
            resolver(scenario, Resolvers::First, playback.run, start, &mut tasks).await?,
            resolver(scenario, Resolvers::Second, playback.run, start, &mut tasks).await?,
        ];
        let mut views = Vec::new();
        for &vantage in &scenario.vantages {
            let mut probes = Vec::new();
            for endpoint in &scenario.endpoints {
                let listener = BlackholeListener::open_at_a_free_port().await?;
                let address = listener.address()?;
                let end = timeline::expiry(scenario, endpoint, vantage, playback.run);
                let end = end.map_or_else(Authority::far, |after| begun + after);
                let tls = match endpoint.route {
                    Route::Clear => None,
                    Route::Tls(_) | Route::TlsAtAddress => Some(authority.config(endpoint.host, end)?),
                };
                let script = ListenerScript {
                    start,
                    segments: timeline::segments(scenario, endpoint, vantage, playback),
                    stream: timeline::stream_of(scenario.seed, endpoint.name, vantage),
                    tls,
                    path: endpoint.path,
                    response: endpoint.response.clone(),
                };
                tasks.spawn(listener::play(listener, script));
                probes.push(Arc::new(probe_of(endpoint, address, resolvers, &ca_file, playback)));
            }
            views.push(VantageView { vantage: vantage.to_owned(), probes });
        }
        Ok(Origin { views, started_at, run: playback.run, _folder: folder, _tasks: tasks })
    }
}

/// Starts one resolver, and returns its address.
async fn resolver(
    scenario: &Scenario,
    which: Resolvers,
    run: Duration,
    start: Instant,
    tasks: &mut JoinSet<()>,
) -> Result<SocketAddr, OriginError> {
    let concerns = |fault: &&DnsFault| fault.resolvers == Resolvers::Both || fault.resolvers == which;
    let failing = scenario.names.iter().filter(concerns).map(|fault| ScheduledDnsFault {
        from: timeline::scaled(fault.from, scenario.story, run),
        until: timeline::scaled(fault.until, scenario.story, run),
        zone: fault.zone,
        code: fault.code,
    });
    let failing = failing.collect();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = socket.local_addr()?;
    tasks.spawn(async move {
        let _ = dns::answer(socket, start, failing).await;
    });
    Ok(address)
}

fn probe_of(
    endpoint: &Endpoint,
    address: SocketAddr,
    resolvers: [SocketAddr; 2],
    ca_file: &Path,
    playback: Playback,
) -> Probe {
    let scheme = if endpoint.route == Route::Clear { "http" } else { "https" };
    let url = format!("{scheme}://{}:{}{}", endpoint.host, address.port(), endpoint.path);
    let transport = Transport {
        tls: Tls { ca_file: Some(ca_file.to_owned()), ..Tls::default() },
        address: (endpoint.route == Route::TlsAtAddress).then_some(address),
        resolver: match endpoint.route {
            Route::Tls(Resolvers::Second) => Resolver::Udp(resolvers[1]),
            _ => Resolver::Udp(resolvers[0]),
        },
        ..Transport::default()
    };
    let step = Step { expect: expect(endpoint).into(), ..Step::of(Request::get(Value::plain(&url))) };
    Probe {
        control: endpoint.control,
        timeout: playback.timeout,
        steps: vec![step],
        transport: transport.into(),
        ..Probe::plain(endpoint.name, endpoint.surface, &url, playback.interval)
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

/// Permissions of a folder that only this user can read.
fn private() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o700)
}
