//! Names that do not resolve, and resolvers that misbehave.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use uptick::model::FailureClass::{
    ConnectRefused, DnsNoAddress, DnsNotFound, DnsServerFailure, DnsTimeout, EmptyReply, TargetBlocked,
};
use uptick::model::Phase::{Connect, Processing, Resolve};
use uptick::model::{DeniedNetworks, IpFamily, Resolver};

use crate::faults::row::{Case, Row, answers, fails, up};
use crate::support::dns::{Dns, Reply};
use crate::support::server::Server;
use crate::support::{dns, server};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(crate) const ROWS: &[Row] = &[
    fails(1, "the name does not exist (NXDOMAIN)", DnsNotFound, Resolve, || {
        asking(Dns::always(Reply::Code(dns::NAME_ERROR))).also(|outcome| {
            let failure = outcome.failure.as_ref().expect("a failure");
            assert!(failure.message.as_str().contains("name.test"), "{}", failure.message);
        })
    }),
    fails(2, "the resolver answers SERVFAIL", DnsServerFailure, Resolve, || {
        asking(Dns::always(Reply::Code(dns::SERVER_FAILURE)))
    }),
    fails(3, "the resolver answers REFUSED", DnsServerFailure, Resolve, || {
        asking(Dns::always(Reply::Code(dns::REFUSED)))
    }),
    fails(3, "the resolver answers FORMERR", DnsServerFailure, Resolve, || {
        asking(Dns::always(Reply::Code(dns::FORMAT_ERROR)))
    }),
    fails(4, "the name exists without any address (NODATA)", DnsNoAddress, Resolve, || {
        asking(Dns::always(Reply::Addresses(Vec::new())))
    }),
    fails(4, "the name has IPv4 addresses alone and `ip` is \"v6\"", DnsNoAddress, Resolve, || {
        asking(Dns::always(Reply::address(LOCALHOST))).probe(|probe| probe.transport.ip = IpFamily::V6)
    }),
    fails(5, "the resolver does not answer", DnsTimeout, Resolve, || asking(Dns::always(Reply::Silence)).within(400)),
    fails(
        6,
        "the resolver answers with bytes that are no DNS message, and with nothing else",
        DnsTimeout,
        Resolve,
        || asking(Dns::always(Reply::Garbage)).within(400),
    ),
    fails(6, "the resolver answers under the number of another question", DnsTimeout, Resolve, || {
        asking(Dns::always(Reply::WrongId(vec![LOCALHOST]))).within(400)
    }),
    fails(7, "the name is an alias of itself (CNAME loop)", DnsServerFailure, Resolve, || {
        asking(Dns::start(|question| Reply::Alias(question.name.clone())))
    }),
    fails(7, "the name is an alias of a name that is an alias of it", DnsServerFailure, Resolve, || {
        asking(Dns::start(|question| {
            let other = if question.name == "name.test" { "other.test" } else { "name.test" };
            Reply::Alias(other.to_owned())
        }))
    }),
    up(8, "the resolver is slow and answers in time: the time is the resolve phase's", || {
        let slow = Reply::Later(Duration::from_millis(300), Box::new(Reply::address(LOCALHOST)));
        found_by(Dns::always(slow)).also(|outcome| {
            assert!(outcome.timings.resolve >= Some(Duration::from_millis(300)), "{:?}", outcome.timings);
            assert!(outcome.timings.connect < Some(Duration::from_millis(200)), "{:?}", outcome.timings);
        })
    }),
    up(8, "the resolver's answer is too long for UDP and comes over TCP", || {
        found_by(Dns::always(Reply::Cut(vec![LOCALHOST])))
    }),
    fails(9, "the name has 20 addresses, and all of them refuse", ConnectRefused, Connect, || {
        let addresses = (1..=20).map(|n| IpAddr::V4(Ipv4Addr::new(127, 0, 0, n))).collect();
        asking(Dns::always(Reply::Addresses(addresses))).also(|outcome| {
            let evidence = outcome.evidence.as_ref().expect("evidence");
            assert_eq!(evidence.addresses.len(), 20, "{evidence:?}");
        })
    }),
    up(10, "the name's IPv6 address is dead and its IPv4 address is not", || {
        let addresses = vec![IpAddr::V6(Ipv6Addr::LOCALHOST), LOCALHOST];
        found_by(Dns::always(Reply::Addresses(addresses))).also(|outcome| {
            assert!(outcome.remote.is_some_and(|remote| remote.is_ipv4()), "{:?}", outcome.remote);
        })
    }),
    fails(10, "the name's IPv6 address is dead and `ip` is \"v6\"", ConnectRefused, Connect, || {
        let addresses = vec![IpAddr::V6(Ipv6Addr::LOCALHOST), LOCALHOST];
        found_by(Dns::always(Reply::Addresses(addresses))).probe(|probe| probe.transport.ip = IpFamily::V6)
    }),
    fails(
        11,
        "the first address refuses and the second ends the connection without an answer",
        EmptyReply,
        Processing,
        || {
            let server = Server::start(|conn| {
                conn.request();
            });
            let addresses = vec![IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9)), LOCALHOST];
            at_name(Dns::always(Reply::Addresses(addresses)), server).also(|outcome| {
                let evidence = outcome.evidence.as_ref().expect("evidence");
                assert_eq!(evidence.addresses.len(), 2, "{evidence:?}");
                assert_eq!(outcome.remote.map(|remote| remote.ip()), Some(LOCALHOST));
            })
        },
    ),
    up(12, "the name leads to the loopback interface, which is allowed unless denied", || {
        found_by(Dns::always(Reply::address(LOCALHOST)))
    }),
    up(12, "the name leads to 0.0.0.0", || found_by(Dns::always(Reply::address(Ipv4Addr::UNSPECIFIED)))),
    up(12, "the name leads to ::ffff:127.0.0.1", || {
        found_by(Dns::always(Reply::address(Ipv4Addr::LOCALHOST.to_ipv6_mapped())))
    }),
    answers(12, "the name leads to the loopback interface, and `network.deny` has \"private\"", TargetBlocked, || {
        found_by(Dns::always(Reply::address(LOCALHOST)))
            .probe(|probe| probe.transport.deny = DeniedNetworks { private: true, ..DeniedNetworks::NOTHING })
            .also(|outcome| {
                let message = &outcome.failure.as_ref().expect("a failure").message;
                assert!(message.as_str().contains("127.0.0.1"), "the address is named: {message}");
            })
    }),
    up(14, "the name ends in a dot", || {
        let (server, dns) = (greeting(), Dns::always(Reply::address(LOCALHOST)));
        Case::get(format!("http://name.test.:{}/", server.port())).resolved_by(&dns).keep(server).keep(dns)
    }),
    up(14, "the name has an underscore, a digit at its start and a hyphen at its end", || {
        let (server, dns) = (greeting(), Dns::start(|question| known_as("9my_app-.test", question)));
        Case::get(format!("http://9my_app-.test:{}/", server.port())).resolved_by(&dns).keep(server).keep(dns)
    }),
    up(10, "the resolver says that there is no such name to the question for IPv6 alone", || {
        found_by(Dns::start(|question| {
            if question.kind == dns::A { Reply::address(LOCALHOST) } else { Reply::Code(dns::NAME_ERROR) }
        }))
    }),
    up(10, "the resolver does not answer the question for IPv6", || {
        found_by(Dns::start(
            |question| {
                if question.kind == dns::A { Reply::address(LOCALHOST) } else { Reply::Silence }
            },
        ))
    }),
    up(14, "the name is an international one, asked for in its ASCII form", || {
        let (server, dns) = (greeting(), Dns::start(known_in_ascii));
        Case::get(format!("http://bücher.test:{}/", server.port())).resolved_by(&dns).keep(server).keep(dns)
    }),
    up(117, "the URL spells an address in hexadecimal", || spelt("0x7f000001")),
    up(117, "the URL spells an address in octal", || spelt("0177.1")),
    up(117, "the URL spells an address as one number", || spelt("2130706433")),
    up(117, "the URL's address is 0", || spelt("0")),
    up(117, "the URL has a user, a password and a fragment: none of them is shown", || {
        let server = greeting();
        Case::get(format!("http://user:pw-4711@127.0.0.1:{}/#top", server.port())).keep(server).also(|outcome| {
            let record = serde_json::to_string(outcome).expect("an outcome");
            assert!(!record.contains("pw-4711"), "{record}");
        })
    }),
    fails(14, "a label of the name has more than 63 characters", DnsNotFound, Resolve, || {
        let dns = Dns::always(Reply::address(LOCALHOST));
        Case::get(format!("http://{}.test/", "a".repeat(64))).resolved_by(&dns).keep(dns)
    }),
    fails(14, "the name has more than 253 characters", DnsNotFound, Resolve, || {
        let dns = Dns::always(Reply::address(LOCALHOST));
        Case::get(format!("http://{}test/", "abcdefghi.".repeat(26))).resolved_by(&dns).keep(dns)
    }),
];

fn known_in_ascii(question: &dns::Question) -> Reply {
    known_as("xn--bcher-kva.test", question)
}

fn known_as(name: &str, question: &dns::Question) -> Reply {
    if question.name == name { Reply::address(LOCALHOST) } else { Reply::Code(dns::NAME_ERROR) }
}

fn greeting() -> Server {
    Server::answers(server::ok("hello"))
}

/// A URL whose host is a spelling of an address of this machine according to the URL standard.
fn spelt(host: &str) -> Case {
    let server = greeting();
    Case::get(format!("http://{host}:{}/", server.port())).keep(server).also(|outcome| {
        assert!(outcome.remote.is_some_and(|remote| remote.is_ipv4()), "{:?}", outcome.remote);
        assert_eq!(outcome.timings.resolve, None, "an address needs no lookup");
    })
}

/// A probe of a name without a server: the result depends on the resolver.
fn asking(dns: Dns) -> Case {
    let url = format!("http://name.test:{}/", server::refusing_port());
    Case::get(url).resolved_by(&dns).keep(dns)
}

/// A probe of a name with a healthy server.
fn found_by(dns: Dns) -> Case {
    at_name(dns, greeting())
}

fn at_name(dns: Dns, server: Server) -> Case {
    Case::get(format!("http://name.test:{}/", server.port())).resolved_by(&dns).keep(server).keep(dns)
}

impl Case {
    /// Uses only this resolver.
    fn resolved_by(self, dns: &Dns) -> Case {
        let address: SocketAddr = dns.address();
        self.probe(|probe| probe.transport.resolver = Resolver::Udp(address))
    }
}
