//! Names → addresses, with typed failures. It asks over its own sockets and never through
//! getaddrinfo, whose threads would starve healthy lookups beside hung ones and hold the
//! process back at its end. It caches nothing: a prober that remembers an answer measures nothing.

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};

use crate::model::{FailureClass, IpFamily, Resolver};

use super::classify::errno_class;

/// How long the other family is waited for once one has answered with addresses: a server that
/// drops one kind of question must not hold back a host that is there (RFC 8305 waits 50 ms).
const GRACE: Duration = Duration::from_millis(100);

/// The most aliases followed when looking for a loop.
const ALIASES: usize = 16;

/// Why a name has no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoAddress {
    pub(super) class: FailureClass,
    pub(super) detail: String,
}

impl NoAddress {
    fn new(class: FailureClass, detail: impl Into<String>) -> NoAddress {
        NoAddress { class, detail: detail.into() }
    }
}

/// The resolvers in use, each built when it is first asked.
#[derive(Debug, Default)]
pub(super) struct Names {
    system: OnceLock<Result<TokioResolver, NoAddress>>,
    servers: Mutex<HashMap<SocketAddr, TokioResolver>>,
}

impl Names {
    /// The addresses of a host, IPv6 and IPv4 in turn.
    pub(super) async fn lookup(&self, by: Resolver, host: &str, ip: IpFamily) -> Result<Vec<IpAddr>, NoAddress> {
        let resolver = self.resolver(by)?;
        let v6 = async { if ip == IpFamily::V4 { None } else { Some(ask(&resolver, host, RecordType::AAAA).await) } };
        let v4 = async { if ip == IpFamily::V6 { None } else { Some(ask(&resolver, host, RecordType::A).await) } };
        let (v6, v4) = both(v6, v4).await;
        let mut failures = Vec::new();
        let mut families = [Vec::new(), Vec::new()];
        for (family, answer) in families.iter_mut().zip([v6, v4]) {
            match answer.flatten() {
                Some(Ok(addresses)) => *family = addresses,
                Some(Err(failure)) => failures.push(failure),
                None => {}
            }
        }
        let [v6, v4] = families;
        let addresses = interleave(v6, v4);
        if !addresses.is_empty() {
            return Ok(addresses);
        }
        let failure = failures.into_iter().max_by_key(|failure| weight(failure.class));
        let failure = failure.unwrap_or_else(|| NoAddress::new(FailureClass::DnsNoAddress, "no address"));
        if failure.class == FailureClass::DnsNoAddress && is_alias_loop(&resolver, host).await {
            return Err(NoAddress::new(FailureClass::DnsServerFailure, "CNAME loop"));
        }
        Err(failure)
    }

    fn resolver(&self, by: Resolver) -> Result<TokioResolver, NoAddress> {
        match by {
            Resolver::System => self.system.get_or_init(system).clone(),
            Resolver::Udp(server) => {
                let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(resolver) = servers.get(&server) {
                    return Ok(resolver.clone());
                }
                let resolver = build(one_server(server), None)?;
                servers.insert(server, resolver.clone());
                Ok(resolver)
            }
        }
    }
}

/// What the system says, or what every libc falls back to where it says nothing.
fn system() -> Result<TokioResolver, NoAddress> {
    match hickory_resolver::system_conf::read_system_conf() {
        Ok((config, options)) => build(config, Some(options)),
        Err(_) => build(one_server(SocketAddr::from(([127, 0, 0, 1], 53))), None),
    }
}

fn one_server(server: SocketAddr) -> ResolverConfig {
    let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut connections {
        connection.port = server.port();
    }
    ResolverConfig::from_parts(None, Vec::new(), vec![NameServerConfig::new(server.ip(), true, connections.into())])
}

fn build(
    config: ResolverConfig,
    options: Option<hickory_resolver::config::ResolverOpts>,
) -> Result<TokioResolver, NoAddress> {
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let asked_server = options.is_none();
    if let Some(options) = options {
        *builder.options_mut() = options;
    }
    let options = builder.options_mut();
    options.cache_size = 0;
    options.max_active_requests = usize::MAX >> 1;
    // The C library sends no extension either, and some servers drop what carries one.
    options.edns0 = false;
    if asked_server {
        options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
    }
    builder.build().map_err(|error| failure_of(&error))
}

/// Waits for both, but only [`GRACE`] longer for the second where the first brought addresses.
async fn both<A, T>(first: A, second: T) -> (Option<A::Output>, Option<T::Output>)
where
    A: Future<Output: Found>,
    T: Future<Output: Found>,
{
    let (mut first, mut second) = (std::pin::pin!(first), std::pin::pin!(second));
    let (mut one, mut two) = (None, None);
    let mut grace = std::pin::pin!(pending_until(None));
    loop {
        tokio::select! {
            answer = &mut first, if one.is_none() => {
                if answer.found() { grace.set(pending_until(Some(GRACE))); }
                one = Some(answer);
            }
            answer = &mut second, if two.is_none() => {
                if answer.found() { grace.set(pending_until(Some(GRACE))); }
                two = Some(answer);
            }
            () = &mut grace => return (one, two),
        }
        if one.is_some() && two.is_some() {
            return (one, two);
        }
    }
}

async fn pending_until(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => pending().await,
    }
}

/// Whether an answer brought addresses.
trait Found {
    fn found(&self) -> bool;
}

impl Found for Option<Result<Vec<IpAddr>, NoAddress>> {
    fn found(&self) -> bool {
        matches!(self, Some(Ok(addresses)) if !addresses.is_empty())
    }
}

async fn ask(resolver: &TokioResolver, host: &str, kind: RecordType) -> Result<Vec<IpAddr>, NoAddress> {
    let answer = resolver.lookup(host, kind).await.map_err(|error| failure_of(&error))?;
    let addresses = answer.answers().iter().filter_map(|record| match &record.data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    });
    let addresses: Vec<IpAddr> = addresses.collect();
    if addresses.is_empty() { Err(NoAddress::new(FailureClass::DnsNoAddress, "no address")) } else { Ok(addresses) }
}

fn interleave(v6: Vec<IpAddr>, v4: Vec<IpAddr>) -> Vec<IpAddr> {
    let mut addresses = Vec::with_capacity(v6.len() + v4.len());
    let (mut v6, mut v4) = (v6.into_iter(), v4.into_iter());
    loop {
        let pair = (v6.next(), v4.next());
        if pair == (None, None) {
            return addresses;
        }
        addresses.extend([pair.0, pair.1].into_iter().flatten());
    }
}

/// Which of two failures says more about a name: our own trouble, that it is not there, an
/// error, silence, and last that this one family has nothing.
fn weight(class: FailureClass) -> u8 {
    match class {
        FailureClass::DnsNoAddress => 0,
        FailureClass::DnsTimeout => 1,
        FailureClass::DnsServerFailure => 2,
        FailureClass::DnsNotFound => 3,
        _ => 4,
    }
}

fn failure_of(error: &NetError) -> NoAddress {
    match error {
        NetError::Timeout => NoAddress::new(FailureClass::DnsTimeout, "no answer"),
        NetError::Io(error) => io_failure(error),
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => NoAddress::new(FailureClass::DnsNotFound, "NXDOMAIN"),
            ResponseCode::NoError => NoAddress::new(FailureClass::DnsNoAddress, "no address"),
            code => NoAddress::new(FailureClass::DnsServerFailure, code.to_string()),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => NoAddress::new(FailureClass::DnsServerFailure, code.to_string()),
        // A name that cannot be written as DNS labels cannot exist.
        NetError::Proto(_) => NoAddress::new(FailureClass::DnsNotFound, "not a valid DNS name"),
        _ => NoAddress::new(FailureClass::DnsServerFailure, "no usable answer"),
    }
}

fn io_failure(error: &io::Error) -> NoAddress {
    match error.raw_os_error().and_then(errno_class) {
        Some(ours) => NoAddress::new(ours, error.to_string()),
        // The server's port is closed, or there is no way to it: it did not answer.
        None => NoAddress::new(FailureClass::DnsServerFailure, format!("the resolver cannot be reached: {error}")),
    }
}

/// Follows the aliases of a name that has no address, to tell a loop from an end.
async fn is_alias_loop(resolver: &TokioResolver, host: &str) -> bool {
    let mut met = HashSet::new();
    let mut name = host.trim_end_matches('.').to_ascii_lowercase();
    for _ in 0..ALIASES {
        if !met.insert(name.clone()) {
            return true;
        }
        let Ok(answer) = resolver.lookup(format!("{name}."), RecordType::CNAME).await else { return false };
        let next = answer.answers().iter().find_map(|record| match &record.data {
            RData::CNAME(target) => Some(target.0.to_ascii()),
            _ => None,
        });
        match next {
            Some(next) => name = next.trim_end_matches('.').to_ascii_lowercase(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns() {
        let v6 = ["::1", "::2"].map(|text| text.parse().expect("an address"));
        let v4 = ["127.0.0.1"].map(|text| text.parse().expect("an address"));
        let order: Vec<String> = interleave(v6.into(), v4.into()).iter().map(IpAddr::to_string).collect();
        assert_eq!(order, ["::1", "127.0.0.1", "::2"]);
    }

    #[test]
    fn that_a_name_is_not_there_outweighs_silence() {
        assert!(weight(FailureClass::DnsNotFound) > weight(FailureClass::DnsTimeout));
        assert!(weight(FailureClass::DnsTimeout) > weight(FailureClass::DnsNoAddress));
        assert!(weight(FailureClass::ProberFdLimit) > weight(FailureClass::DnsNotFound));
    }
}
