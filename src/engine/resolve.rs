//! A name → its addresses, by the C library's policy, which users take for granted: the hosts file
//! first, one search list for both families, name servers strictly in the order of `resolv.conf`,
//! every file read again when it changes. It uses its own sockets and never getaddrinfo, whose
//! threads would let hung lookups starve healthy ones and delay the end of the process. It caches
//! nothing: a prober that remembers an answer measures nothing.

pub(super) mod dns_query;
mod hosts;
mod lookup;
mod message;
mod no_address;
mod nsswitch;
mod numeric;
mod resolv_conf;
mod search;
mod server;
mod system;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hickory_proto::rr::{Name, RecordType};
use tokio::time::Instant;

use crate::model::{FailureClass, IpFamily, Resolver, is_localhost, message};
use lookup::{Lookup, LookupResult, interleave};
use nsswitch::{Source, Status};
use resolv_conf::ResolvConf;
use system::{Paths, SystemFiles};

pub(super) use no_address::NoAddress;

/// The most aliases that are looked up in a row, if a server does not follow them itself.
const ALIASES: usize = 8;

/// The most names tried that a message lists.
const NAMED: usize = 3;

/// How long before the deadline a lookup ends by itself, so that it can report what it waited for.
const MARGIN: Duration = Duration::from_millis(5);

/// Resolves host names.
#[derive(Debug)]
pub(super) struct HostResolver {
    files: SystemFiles,
    /// Counts lookups, for `options rotate`.
    lookups: AtomicUsize,
}

impl Default for HostResolver {
    fn default() -> HostResolver {
        HostResolver::with(SystemFiles::new(Paths::default(), system::surroundings()))
    }
}

impl HostResolver {
    fn with(files: SystemFiles) -> HostResolver {
        HostResolver { files, lookups: AtomicUsize::new(0) }
    }

    /// The addresses of a host, IPv6 and IPv4 in turn. A name server that the probe configures gets
    /// the name as it is, without the hosts file and the search list. The lookup ends shortly before
    /// `until`, and reports which servers have not answered.
    pub(super) async fn lookup(
        &self,
        by: Resolver,
        host: &str,
        ip: IpFamily,
        until: Instant,
    ) -> Result<Vec<IpAddr>, NoAddress> {
        if let Some(address) = numeric::address(host) {
            return of_family(&[address], ip)
                .ok_or_else(|| NoAddress::new(FailureClass::DnsNoAddress, "it is an address of the other family"));
        }
        match by {
            Resolver::System => self.lookup_by_system(host, ip, until).await,
            Resolver::Udp(_) if is_localhost(host) => Ok(loopback(ip)),
            Resolver::Udp(server) => self.ask(host, &ResolvConf::of_server(server), &kinds(ip, false), until).await,
        }
    }

    /// Name servers, search list, options and the sources that are not used, in one line.
    pub(super) fn describe(&self) -> String {
        let conf = match self.files.resolv_conf() {
            Ok(conf) => conf,
            Err(error) => return format!("the configuration cannot be read: {error}"),
        };
        let servers: Vec<String> = conf.servers.iter().map(ToString::to_string).collect();
        let mut facts = vec![
            format!("servers {}", servers.join(" ")),
            format!("ndots {}", conf.ndots),
            format!("timeout {} s", conf.timeout.as_secs()),
            format!("attempts {}", conf.attempts),
        ];
        if !conf.search.is_empty() {
            facts.insert(1, format!("search {}", conf.search.join(" ")));
        }
        let options = [("rotate", conf.rotate), ("use-vc", conf.use_vc), ("no-aaaa", conf.no_aaaa)];
        facts.extend(options.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name.to_owned()));
        let sources = self.files.sources();
        facts.extend(sources.unusual_order());
        facts.extend(sources.note("", true));
        facts.join("; ")
    }

    /// The name server that is asked first.
    ///
    /// # Errors
    /// The host has no resources left to read its configuration.
    pub(super) fn first_server(&self, by: Resolver) -> io::Result<SocketAddr> {
        match by {
            Resolver::Udp(server) => Ok(server),
            Resolver::System => {
                let conf = self.files.resolv_conf()?;
                Ok(conf.servers.first().copied().unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 53))))
            }
        }
    }

    /// Asks the sources of `nsswitch.conf` in order, up to the first that knows the name or has a matching `return`
    /// action.
    async fn lookup_by_system(&self, host: &str, ip: IpFamily, until: Instant) -> Result<Vec<IpAddr>, NoAddress> {
        let hosts = self.files.hosts().map_err(|error| NoAddress::ours(&error))?;
        let known = hosts.addresses(host);
        if is_localhost(host) {
            return Ok(of_family(known, ip).unwrap_or_else(|| loopback(ip)));
        }
        let mut failure = None;
        for (source, returns) in self.files.sources().in_order() {
            let found = match source {
                Source::Files if known.is_empty() => {
                    if returns(Status::NotFound) {
                        break;
                    }
                    continue;
                }
                Source::Files => of_family(known, ip).ok_or_else(|| {
                    let detail = "the hosts file has only an address of the other family";
                    NoAddress::new(FailureClass::DnsNoAddress, detail)
                }),
                Source::Dns => self.lookup_by_dns(host, ip, until).await,
            };
            let status = match &found {
                Err(failure) if !failure.class.is_ours() && source == Source::Dns => status_of(failure.class),
                // The addresses of one source are not combined with those of another.
                _ => return found,
            };
            failure = found.err();
            if returns(status) {
                break;
            }
        }
        Err(failure.unwrap_or_else(|| {
            let is_file_asked = self.files.sources().in_order().any(|(source, _)| source == Source::Files);
            let unasked = if is_file_asked { "it is not in the hosts file" } else { "no supported source is named" };
            NoAddress::new(FailureClass::DnsNotFound, unasked).and("DNS is not asked, by nsswitch.conf")
        }))
    }

    async fn lookup_by_dns(&self, host: &str, ip: IpFamily, until: Instant) -> Result<Vec<IpAddr>, NoAddress> {
        let conf = self.files.resolv_conf().map_err(|error| NoAddress::ours(&error))?;
        let found = self.search(host, &conf, ip, until).await;
        found.map_err(|failure| self.explain(failure, host, &conf))
    }

    /// Tries each name that the host may stand for, up to the first that has an address.
    async fn search(
        &self,
        host: &str,
        conf: &ResolvConf,
        ip: IpFamily,
        until: Instant,
    ) -> Result<Vec<IpAddr>, NoAddress> {
        let kinds = kinds(ip, conf.no_aaaa);
        if kinds.is_empty() {
            return Err(NoAddress::new(FailureClass::DnsNoAddress, "resolv.conf says no-aaaa"));
        }
        let names = search::candidates(host, conf);
        let as_it_is = host.strip_suffix('.').unwrap_or(host);
        let mut failures: Vec<(&str, NoAddress)> = Vec::new();
        for name in &names {
            let is_whole = name == as_it_is;
            let is_silent = |(_, failure): &(&str, NoAddress)| failure.class == FailureClass::DnsTimeout;
            if !is_whole && failures.iter().any(is_silent) {
                // Servers that are silent about one name are not asked for the rest of the list.
                continue;
            }
            let failure = match self.ask(name, conf, &kinds, until).await {
                Ok(found) => return Ok(found),
                Err(failure) if failure.class.is_ours() => return Err(failure),
                Err(failure) => failure,
            };
            // A host that exists in the other family ends the search: a later name would be
            // another host.
            let ends = failure.class == FailureClass::DnsNoAddress
                && names.len() > 1
                && matches!(kinds[..], [kind] if self.ask(name, conf, &[other(kind)], until).await.is_ok());
            if ends {
                return Err(failure);
            }
            failures.push((name, failure));
        }
        Err(combined(&failures, as_it_is))
    }

    /// Adds the sources that were not asked to the failure to find a name.
    fn explain(&self, failure: NoAddress, host: &str, conf: &ResolvConf) -> NoAddress {
        let is_stub = |server: &SocketAddr| server.ip() == IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53));
        let may_be_elsewhere = matches!(failure.class, FailureClass::DnsNotFound | FailureClass::DnsNoAddress);
        if !may_be_elsewhere {
            return failure;
        }
        match self.files.sources().note(host, conf.servers.iter().any(is_stub)) {
            Some(note) => failure.and(note),
            None => failure,
        }
    }

    /// The addresses of one name, following its aliases.
    async fn ask(
        &self,
        name: &str,
        conf: &ResolvConf,
        kinds: &[RecordType],
        until: Instant,
    ) -> Result<Vec<IpAddr>, NoAddress> {
        let Ok(mut name) = message::name(name) else {
            return Err(NoAddress::new(FailureClass::DnsNotFound, "not a valid DNS name"));
        };
        let mut met: Vec<Name> = Vec::new();
        loop {
            let next = match self.ask_servers(&name, conf, kinds, until).await? {
                LookupResult::Addresses(addresses) => return Ok(addresses),
                LookupResult::NoData => return Err(NoAddress::new(FailureClass::DnsNoAddress, "no address")),
                LookupResult::Alias(next) => next,
            };
            met.push(name);
            if met.contains(&next) {
                return Err(NoAddress::new(FailureClass::DnsServerFailure, "CNAME loop"));
            }
            if met.len() > ALIASES {
                return Err(NoAddress::new(FailureClass::DnsServerFailure, "too many aliases (CNAME)"));
            }
            name = next;
        }
    }

    /// Asks the servers for one name, strictly in order: the next one only if one does not answer or
    /// answers with an error.
    async fn ask_servers(
        &self,
        name: &Name,
        conf: &ResolvConf,
        kinds: &[RecordType],
        until: Instant,
    ) -> Result<LookupResult, NoAddress> {
        let mut lookup = Lookup::new(kinds);
        let first = if conf.rotate { self.lookups.fetch_add(1, Ordering::Relaxed) } else { 0 };
        for _ in 0..conf.attempts {
            for place in 0..conf.servers.len() {
                let server = conf.servers[(first + place) % conf.servers.len()];
                let patience = conf.patience(place).min(until.saturating_duration_since(Instant::now() + MARGIN));
                let replies = server::ask(server, name, &lookup.open(), conf, patience).await;
                lookup.take(server, replies)?;
                if lookup.is_settled() || Instant::now() + MARGIN >= until {
                    return lookup.conclude();
                }
            }
        }
        lookup.conclude()
    }
}

/// The failure of a search: that of the name as it is if it was tried first, as in glibc, else the
/// most telling one.
fn combined(failures: &[(&str, NoAddress)], as_it_is: &str) -> NoAddress {
    let weight = |class| match class {
        FailureClass::DnsNoAddress => 3,
        FailureClass::DnsServerFailure => 2,
        FailureClass::DnsTimeout => 1,
        _ => 0,
    };
    let first = failures.first().filter(|(name, _)| *name == as_it_is);
    let heaviest = || failures.iter().rev().max_by_key(|(_, failure)| weight(failure.class));
    let Some((_, failure)) = first.or_else(heaviest) else {
        return NoAddress::new(FailureClass::DnsNotFound, "not a valid DNS name");
    };
    if failures.len() < 2 {
        return failure.clone();
    }
    let mut asked: Vec<&str> = failures.iter().take(NAMED).map(|(name, _)| *name).collect();
    if failures.len() > NAMED {
        asked.push("…");
    }
    failure.clone().and(message!("asked as {}", asked.join(", ")))
}

/// The record types to ask for.
fn kinds(ip: IpFamily, no_aaaa: bool) -> Vec<RecordType> {
    let mut kinds = Vec::with_capacity(2);
    if ip != IpFamily::V6 {
        kinds.push(RecordType::A);
    }
    if ip != IpFamily::V4 && !no_aaaa {
        kinds.push(RecordType::AAAA);
    }
    kinds
}

fn other(kind: RecordType) -> RecordType {
    if kind == RecordType::A { RecordType::AAAA } else { RecordType::A }
}

/// The status that `nsswitch.conf` gives a failure.
const fn status_of(class: FailureClass) -> Status {
    match class {
        FailureClass::DnsNotFound | FailureClass::DnsNoAddress => Status::NotFound,
        _ => Status::Unavailable,
    }
}

fn loopback(ip: IpFamily) -> Vec<IpAddr> {
    let both = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];
    both.into_iter().filter(|address| ip.admits(*address)).collect()
}

/// The addresses of the wanted families, IPv6 and IPv4 in turn; none if there are none.
fn of_family(addresses: &[IpAddr], ip: IpFamily) -> Option<Vec<IpAddr>> {
    let (v6, v4): (Vec<IpAddr>, Vec<IpAddr>) =
        addresses.iter().filter(|address| ip.admits(**address)).partition(|address| address.is_ipv6());
    let found = interleave(v6, v4);
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests;
