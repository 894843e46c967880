//! The settings of `resolv.conf`, `RES_OPTIONS`, `LOCALDOMAIN` and the host name, read as in glibc:
//! later lines win, unknown words are ignored, nothing is an error.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use super::numeric;

const PORT: u16 = 53;

/// Servers beyond the third are ignored (`MAXNS`).
const SERVERS: usize = 3;

/// Search domains beyond this many are ignored. glibc has no limit since 2.26; here one lookup must
/// not cause a thousand questions.
const DOMAINS: usize = 64;

/// Settings from the process and its host instead of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    /// `RES_OPTIONS`: options that override those of the file.
    pub(super) options: Option<String>,
    /// `LOCALDOMAIN`: a search list that overrides that of the file.
    pub(super) local_domain: Option<String>,
    /// The host name: the part after its first dot is the default search list.
    pub(super) host_name: String,
}

/// How names are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one option of resolv.conf, and any combination occurs")]
pub(super) struct ResolvConf {
    /// In the order in which they are asked.
    pub(super) servers: Vec<SocketAddr>,
    /// Domains without trailing dots; the root is an empty string.
    pub(super) search: Vec<String>,
    /// A name with fewer dots is tried with the search list first.
    pub(super) ndots: usize,
    /// How long to wait for the first server.
    pub(super) timeout: Duration,
    /// How many times every server is asked.
    pub(super) attempts: usize,
    /// Whether each lookup begins with the next server in turn.
    pub(super) rotate: bool,
    /// Whether TCP is used from the start.
    pub(super) use_vc: bool,
    /// Whether questions carry an OPT record (RFC 6891).
    pub(super) edns0: bool,
    /// Whether the second family is asked for only after the first is answered.
    pub(super) single_request: bool,
    /// Whether each family is asked for over a separate socket, one after the other.
    pub(super) single_request_reopen: bool,
    /// Whether a name without a dot is never tried as it is.
    pub(super) no_tld_query: bool,
    /// Whether no IPv6 address is asked for.
    pub(super) no_aaaa: bool,
    /// Whether the file is read only once.
    pub(super) no_reload: bool,
}

impl ResolvConf {
    /// One server, without a search list.
    pub(super) fn of_server(server: SocketAddr) -> ResolvConf {
        ResolvConf { servers: vec![server], ..ResolvConf::empty() }
    }

    fn empty() -> ResolvConf {
        ResolvConf {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
            use_vc: false,
            edns0: false,
            single_request: false,
            single_request_reopen: false,
            no_tld_query: false,
            no_aaaa: false,
            no_reload: false,
        }
    }

    /// Parses the text of a file. `interface` finds the index of a network interface by its name.
    pub(super) fn parse(
        text: &str,
        surroundings: &Surroundings,
        interface: impl Fn(&str) -> Option<u32>,
    ) -> ResolvConf {
        let mut conf = ResolvConf::empty();
        let mut search = None;
        for line in text.lines() {
            // A keyword begins its line; an indented one is ignored, and so is a comment.
            let Some((keyword, rest)) = line.split_once([' ', '\t']) else { continue };
            let mut words = rest.split([' ', '\t', '\r']).filter(|word| !word.is_empty());
            match keyword {
                "nameserver" if conf.servers.len() < SERVERS => {
                    conf.servers.extend(words.next().and_then(|word| server(word, &interface)));
                }
                "domain" => search = words.next().map(|word| vec![domain(word)]).or(search),
                "search" => {
                    let domains: Vec<String> = words.take(DOMAINS).map(domain).collect();
                    if !domains.is_empty() {
                        search = Some(domains);
                    }
                }
                "options" => words.for_each(|word| conf.option(word)),
                _ => {}
            }
        }
        if let Some(domains) = &surroundings.local_domain {
            search = Some(domains.split_whitespace().take(DOMAINS).map(domain).collect());
        }
        if let Some(options) = &surroundings.options {
            options.split_whitespace().for_each(|word| conf.option(word));
        }
        let own = || surroundings.host_name.split_once('.').map(|(_, own)| vec![domain(own)]);
        conf.search = search.or_else(own).unwrap_or_default();
        if conf.servers.is_empty() {
            conf.servers.push(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)));
        }
        conf
    }

    /// Sets one option, within glibc's bounds.
    fn option(&mut self, word: &str) {
        let (name, value) = word.split_once(':').unwrap_or((word, ""));
        match name {
            "ndots" => self.ndots = number(value).min(15),
            "timeout" => self.timeout = Duration::from_secs(number(value).clamp(1, 30) as u64),
            "attempts" => self.attempts = number(value).clamp(1, 5),
            "rotate" => self.rotate = true,
            "use-vc" => self.use_vc = true,
            "edns0" => self.edns0 = true,
            "single-request" => self.single_request = true,
            "single-request-reopen" => self.single_request_reopen = true,
            "no_tld_query" | "no-tld-query" => self.no_tld_query = true,
            "no-aaaa" => self.no_aaaa = true,
            "no-reload" => self.no_reload = true,
            _ => {}
        }
    }

    /// How long to wait for the server at this index: the later ones share the doubled time
    /// (`res_send.c`).
    pub(super) fn patience(&self, place: usize) -> Duration {
        if place == 0 {
            return self.timeout;
        }
        let servers = u32::try_from(self.servers.len()).unwrap_or(1).max(1);
        let doubled = self.timeout * 2u32.pow(u32::try_from(place).unwrap_or(0).min(4));
        Duration::from_secs((doubled / servers).as_secs().max(1))
    }
}

/// The number at the start of a text; 0 without digits, as in `atoi`.
fn number(text: &str) -> usize {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().unwrap_or(if end == 0 { 0 } else { usize::MAX })
}

fn domain(word: &str) -> String {
    word.trim_matches('.').to_owned()
}

/// Parses the address of a server, with the scope of an IPv6 address; a name is not accepted.
fn server(word: &str, interface: &impl Fn(&str) -> Option<u32>) -> Option<SocketAddr> {
    if let Some(address) = numeric::ipv4(word) {
        return Some(SocketAddr::new(IpAddr::V4(address), PORT));
    }
    let (address, scope) = word.split_once('%').unwrap_or((word, ""));
    let address: Ipv6Addr = address.parse().ok()?;
    let scope = match scope {
        "" => 0,
        scope => scope.parse().ok().or_else(|| interface(scope))?,
    };
    Some(SocketAddr::V6(SocketAddrV6::new(address, PORT, 0, scope)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> ResolvConf {
        ResolvConf::parse(text, &Surroundings::default(), |name| (name == "eth0").then_some(7))
    }

    fn servers(text: &str) -> Vec<String> {
        parse(text).servers.iter().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn servers_keep_their_order_and_the_fourth_is_not_asked() {
        let text = "nameserver 192.0.2.3\nnameserver\t192.0.2.1 # the second\nnameserver 127.1\nnameserver 192.0.2.9\n";
        assert_eq!(servers(text), ["192.0.2.3:53", "192.0.2.1:53", "127.0.0.1:53"]);
    }

    #[test]
    fn an_ipv6_server_may_have_a_scope() {
        assert_eq!(servers("nameserver fe80::1%eth0"), ["[fe80::1%7]:53"]);
        assert_eq!(servers("nameserver fe80::1%3"), ["[fe80::1%3]:53"]);
        assert_eq!(servers("nameserver 2001:db8::53"), ["[2001:db8::53]:53"]);
        // An unknown interface leaves no server, and then the local one is asked.
        assert_eq!(servers("nameserver fe80::1%nowhere"), ["127.0.0.1:53"]);
    }

    #[test]
    fn what_says_nothing_leaves_the_server_on_this_host() {
        for text in ["", "\n\n", "# nameserver 192.0.2.1", "; c", " nameserver 192.0.2.1", "nameserver dns.test"] {
            assert_eq!(servers(text), ["127.0.0.1:53"], "{text:?}");
        }
        assert_eq!(servers("nameserverx 192.0.2.1\nnameserver"), ["127.0.0.1:53"]);
    }

    #[test]
    fn the_last_of_search_and_domain_counts() {
        assert_eq!(parse("search a.test b.test.\ndomain c.test d.test").search, ["c.test"]);
        assert_eq!(parse("domain c.test\nsearch  a.test\tb.test").search, ["a.test", "b.test"]);
        assert_eq!(parse("search a.test\nsearch").search, ["a.test"]);
        assert_eq!(parse("search .").search, [""]);
    }

    #[test]
    fn the_search_list_comes_from_the_hosts_name_where_nothing_is_said() {
        let surroundings = Surroundings { host_name: "probe.dc.test".into(), ..Surroundings::default() };
        let search = |text| ResolvConf::parse(text, &surroundings, |_| None).search;
        assert_eq!(search("nameserver 192.0.2.1"), ["dc.test"]);
        assert_eq!(search("search ."), [""]);
    }

    #[test]
    fn options_are_held_within_bounds() {
        let conf = parse("options ndots:99 timeout:0 attempts:900 rotate use-vc edns0 unknown:7 single-request");
        assert_eq!((conf.ndots, conf.timeout, conf.attempts), (15, Duration::from_secs(1), 5));
        assert!(conf.rotate && conf.use_vc && conf.edns0 && conf.single_request && !conf.single_request_reopen);
        let plain = parse("options timeout:3\noptions ndots:x");
        assert_eq!((plain.ndots, plain.timeout, plain.attempts), (0, Duration::from_secs(3), 2));
    }

    #[test]
    fn the_environment_wins() {
        let surroundings = Surroundings {
            options: Some("ndots:4 attempts:1".into()),
            local_domain: Some("env.test other.test".into()),
            host_name: String::new(),
        };
        let conf = ResolvConf::parse("search a.test\noptions ndots:2 timeout:7", &surroundings, |_| None);
        assert_eq!((conf.ndots, conf.attempts, conf.timeout), (4, 1, Duration::from_secs(7)));
        assert_eq!(conf.search, ["env.test", "other.test"]);
    }

    #[test]
    fn later_servers_share_the_doubled_time() {
        let conf = parse("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\noptions timeout:5");
        let seconds: Vec<u64> = (0..3).map(|place| conf.patience(place).as_secs()).collect();
        assert_eq!(seconds, [5, 3, 6]);
        let short = parse("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\noptions timeout:1");
        assert_eq!(short.patience(1), Duration::from_secs(1));
    }
}
