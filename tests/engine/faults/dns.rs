//! Name servers that are asked one question (`dns://`) and answer wrongly, or not at all.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use uptick::model::FailureClass::{
    AssertionFailed, ConnectRefused, DnsNoAddress, DnsNotFound, DnsServerFailure, DnsTimeout, EmptyReply, ProberNoRoute,
};
use uptick::model::Phase::{Connect, Processing, Resolve};
use uptick::model::{DnsSections, Resolver, Value};

use crate::faults::row::{Case, Row, answers, fails, up};
use crate::support::dns::{Dns, FORMAT_ERROR, MX, NAME_ERROR, REFUSED, Record, Reply, SERVER_FAILURE, bind_both};
use crate::support::server;

pub(crate) const ROWS: &[Row] = &[
    up(133, "a name server answers over UDP", || {
        asking("x.test?type=A", Reply::Zone { authoritative: false, records: vec![address("x.test", 1)] }).also(
            |outcome| {
                let timings = outcome.timings;
                assert!(timings.processing.is_some() && timings.connect.is_none(), "{timings:?}");
                assert!(timings.resolve.is_none() && timings.transfer.is_none(), "{timings:?}");
            },
        )
    }),
    up(133, "a name server's answer is too long for UDP and comes over TCP", || {
        let records = (0..200).map(|n| Record::text("x.test", &n.to_string().repeat(80))).collect();
        asking("x.test?type=TXT", Reply::CutZone(records)).also(|outcome| {
            assert!(outcome.timings.connect.is_some(), "{:?}", outcome.timings);
            assert!(outcome.body_bytes > 20_000, "{}", outcome.body_bytes);
        })
    }),
    up(133, "a name server's answer has 64 KiB", || {
        let records = (0..290).map(|n| Record::text("x.test", &format!("{n:0>200}"))).collect();
        asking("x.test?type=TXT", Reply::CutZone(records))
    }),
    up(133, "a name server says the records, the time and the authority that are expected", || {
        let records = vec![Record::mail("x.test", 10, "mx1.x.test"), Record::mail("x.test", 20, "mx2.x.test")];
        asking("x.test?type=MX", Reply::Zone { authoritative: true, records }).step(|step| {
            let dns = &mut step.expect.dns;
            dns.contains = vec![Value::plain("mx1.x.test.")];
            dns.equals = vec![Value::plain("20 mx2.x.test."), Value::plain("10 mx1.x.test.")];
            (dns.count, dns.min_count, dns.authoritative) = (Some(2), Some(1), Some(true));
            (dns.min_ttl, dns.max_ttl) = (Some(Duration::from_mins(1)), Some(Duration::from_mins(5)));
            dns.rcode = vec!["NOERROR"];
        })
    }),
    up(133, "the records stand at the end of aliases", || {
        let records = vec![address("c.test", 60), Record::alias("b.test", "c.test"), Record::alias("x.test", "b.test")];
        asking("x.test", Reply::Zone { authoritative: false, records })
            .step(|step| step.expect.dns.equals = vec![Value::plain("127.0.0.1")])
    }),
    up(133, "a name that must not exist does not", || {
        asking("x.test", Reply::Code(NAME_ERROR)).step(|step| step.expect.dns.rcode = vec!["NXDOMAIN"])
    }),
    up(133, "a name server does not know the OPT record, and answers without it", || {
        let dns = Dns::start(|question| {
            if question.edns {
                return Reply::Code(FORMAT_ERROR);
            }
            Reply::Zone { authoritative: false, records: vec![address(&question.name, 60)] }
        });
        at(dns, "x.test")
    }),
    up(133, "a name server does not know the version of the OPT record (BADVERS), and answers without it", || {
        let dns = Dns::start(|question| {
            let record = address(&question.name, 60);
            if question.edns {
                // The upper bits of the code come first in the field that is the TTL of other
                // records.
                let opt = Record { owner: String::new(), kind: 41, ttl: 1 << 24, data: Vec::new() };
                return Reply::Sections([Vec::new(), Vec::new(), vec![opt]]);
            }
            Reply::Zone { authoritative: false, records: vec![record] }
        });
        at(dns, "x.test")
    }),
    fails(133, "a name server truncates its answer and takes no connection", ConnectRefused, Connect, || {
        let bind = |_| UdpSocket::bind((Ipv4Addr::LOCALHOST, server::refusing_port())).ok();
        let udp = (0..50).find_map(bind).expect("a port that is free for UDP too");
        let address = udp.local_addr().expect("an address");
        cut_always(udp);
        Case::get(format!("dns://{address}/x.test")).also(|outcome| {
            let message = outcome.failure.as_ref().expect("a failure").message.as_str();
            assert!(message.contains("over TCP") && message.ends_with("is truncated"), "{message}");
        })
    }),
    up(133, "stray datagrams come before the answer of a name server", || {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let server = socket.local_addr().expect("an address");
        thread::spawn(move || {
            let mut buffer = [0; 1500];
            let Ok((length, peer)) = socket.recv_from(&mut buffer) else { return };
            let query = buffer[..length].to_vec();
            for wrong in [b"x".to_vec(), vec![0; 12], query.clone(), vec![0xff; 600]] {
                let _ = socket.send_to(&wrong, peer);
            }
            let mut answer = query;
            answer[2] |= 0x80;
            let _ = socket.send_to(&answer, peer);
        });
        Case::get(format!("dns://{server}/x.test")).step(|step| step.expect.dns.count = Some(0))
    }),
    fails(133, "a name server is silent", DnsTimeout, Processing, || asking("x.test", Reply::Silence).within(300)),
    fails(133, "a name server sends what is no DNS message", DnsTimeout, Processing, || {
        asking("x.test", Reply::Garbage).within(300)
    }),
    fails(133, "a name server answers under another transaction's number", DnsTimeout, Processing, || {
        asking("x.test", Reply::WrongId(vec![Ipv4Addr::LOCALHOST.into()])).within(300)
    }),
    fails(133, "nothing listens where a name server should be", ConnectRefused, Processing, || {
        Case::get(format!("dns://127.0.0.1:{}/x.test", server::refusing_udp_port().port()))
    }),
    fails(133, "the name of a name server does not exist", DnsNotFound, Resolve, || {
        let dns = Dns::always(Reply::Code(NAME_ERROR));
        let resolver = Resolver::Udp(dns.address());
        Case::get("dns://ns.absent.test/x.test").probe(|probe| probe.transport.resolver = resolver).keep(dns)
    }),
    fails(
        133,
        "`source-address` of a question is an address that this host does not have",
        ProberNoRoute,
        Processing,
        || {
            asking("x.test", Reply::Silence)
                .probe(|probe| probe.transport.source_address = Some([192, 0, 2, 77].into()))
        },
    ),
    fails(133, "a name server's answer cannot be read", DnsServerFailure, Processing, || asking("x.test", Reply::Torn)),
    fails(133, "a record of a name server's answer has no data", DnsServerFailure, Processing, || {
        let empty = Record { data: Vec::new(), ..address("x.test", 60) };
        asking("x.test", Reply::Zone { authoritative: false, records: vec![empty] })
    }),
    answers(133, "the aliases in an answer lead to a name that it says nothing of", DnsNoAddress, || {
        let records = vec![Record::alias("x.test", "y.test"), Record::alias("y.test", "z.test")];
        asking("x.test", Reply::Zone { authoritative: false, records }).also(|outcome| {
            let message = outcome.failure.as_ref().expect("a failure").message.as_str();
            let told = "its aliases end at z.test., and the answer has no record of that type for it";
            assert!(message.ends_with(told), "{message}");
        })
    }),
    fails(133, "a name server cuts its answer, and closes the connection of TCP", EmptyReply, Processing, || {
        let (udp, server) = closing_server();
        cut_always(udp);
        Case::get(format!("dns://{}/x.test", server.address())).keep(server)
    }),
    answers(133, "a name server says that there is no such name", DnsNotFound, || {
        asking("x.test", Reply::Code(NAME_ERROR))
    }),
    answers(133, "a name server answers SERVFAIL", DnsServerFailure, || asking("x.test", Reply::Code(SERVER_FAILURE))),
    answers(133, "a name server answers REFUSED", DnsServerFailure, || asking("x.test", Reply::Code(REFUSED))),
    answers(133, "a name server has no record of the type (NODATA)", DnsNoAddress, || {
        asking("x.test?type=MX", Reply::Zone { authoritative: false, records: Vec::new() })
    }),
    answers(133, "a name server answers with an alias and no record", DnsNoAddress, || {
        asking("x.test", Reply::Alias("y.test".to_owned()))
    }),
    answers(133, "the aliases in an answer lead back to themselves", DnsServerFailure, || {
        let records = vec![Record::alias("x.test", "y.test"), Record::alias("y.test", "x.test")];
        asking("x.test", Reply::Zone { authoritative: false, records })
    }),
    answers(133, "an answer has more aliases than are followed", DnsServerFailure, || {
        let alias = |n: u32| Record::alias(&format!("{n}.test"), &format!("{}.test", n + 1));
        let records = (0..40).map(alias).chain([address("40.test", 1)]).collect();
        asking("0.test", Reply::Zone { authoritative: false, records }).also(|outcome| {
            let message = outcome.failure.as_ref().expect("a failure").message.as_str();
            assert!(message.ends_with("it has more than 32 aliases in a row"), "{message}");
        })
    }),
    answers(133, "an alias in an answer is its own", DnsServerFailure, || {
        let records = vec![Record::alias("x.test", "y.test"), Record::alias("y.test", "y.test")];
        asking("x.test", Reply::Zone { authoritative: false, records })
    }),
    up(133, "a record that was not asked for cannot be read", || {
        let broken = Record { owner: "x.test".to_owned(), kind: MX, ttl: 60, data: vec![0] };
        let case = asking("x.test", Reply::Zone { authoritative: false, records: vec![broken, address("x.test", 60)] });
        case.step(|step| step.expect.dns.count = Some(1))
    }),
    up(133, "a name server fills every section of its answer", || {
        let servers = vec![Record::text("x.test", "1"), Record::text("x.test", "2")];
        let opt = Record { owner: String::new(), kind: 41, ttl: 0, data: Vec::new() };
        let more = vec![address("a.test", 1), opt, address("b.test", 1), address("c.test", 1)];
        let answer = vec![Record::alias("x.test", "zone.test"), Record::zone("zone.test", u32::MAX)];
        asking("x.test?type=SOA", Reply::Sections([answer, servers, more])).also(|outcome| {
            let dns = outcome.dns.as_ref().expect("an answer");
            assert_eq!(dns.sections, Some(DnsSections { answer: 2, authority: 2, additional: 3 }));
            assert_eq!((dns.serial, dns.records_total), (Some(u32::MAX), 1));
        })
    }),
    up(133, "what stands after the answers of a name server ends within a record", || {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let server = socket.local_addr().expect("an address");
        thread::spawn(move || {
            let mut buffer = [0; 1500];
            let Ok((length, peer)) = socket.recv_from(&mut buffer) else { return };
            // A response that announces nine records in its authority section but contains none.
            (buffer[2], buffer[9]) = (0x81, 9);
            let _ = socket.send_to(&buffer[..length], peer);
        });
        let case = Case::get(format!("dns://{server}/x.test")).step(|step| step.expect.dns.count = Some(0));
        case.also(|outcome| assert_eq!(outcome.dns.as_ref().expect("an answer").sections, None))
    }),
    up(133, "the time of a record has its highest bit set: it is none", || {
        let case = asking("x.test", Reply::Zone { authoritative: false, records: vec![address("x.test", 1 << 31)] });
        case.step(|step| step.expect.dns.max_ttl = Some(Duration::from_hours(1)))
    }),
    answers(133, "a name server has another address than expected", AssertionFailed, || {
        let case = asking("x.test", Reply::Zone { authoritative: false, records: vec![address("x.test", 60)] });
        case.step(|step| step.expect.dns.equals = vec![Value::plain("192.0.2.1")]).also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert_eq!(message.as_str(), "answer: expected 192.0.2.1, got 127.0.0.1");
            let body = outcome.evidence.as_ref().and_then(|evidence| evidence.body.as_ref()).expect("the answer");
            assert!(body.as_str().contains("x.test. 60 A 127.0.0.1"), "{body}");
        })
    }),
    answers(133, "a name server's records may be kept for too long", AssertionFailed, || {
        let case = asking("x.test", Reply::Zone { authoritative: false, records: vec![address("x.test", 86_400)] });
        case.step(|step| step.expect.dns.max_ttl = Some(Duration::from_hours(1)))
    }),
    answers(133, "a name server does not answer for the zone itself", AssertionFailed, || {
        let case = asking("x.test", Reply::Zone { authoritative: false, records: vec![address("x.test", 60)] });
        case.step(|step| step.expect.dns.authoritative = Some(true))
    }),
    answers(133, "a name that must not exist does", AssertionFailed, || {
        let case = asking("x.test", Reply::Zone { authoritative: false, records: vec![address("x.test", 60)] });
        case.step(|step| step.expect.dns.rcode = vec!["NXDOMAIN"])
    }),
];

fn address(owner: &str, ttl: u32) -> Record {
    Record::address(owner, ttl, Ipv4Addr::LOCALHOST)
}

fn asking(question: &str, reply: Reply) -> Case {
    at(Dns::always(reply), question)
}

fn at(dns: Dns, question: &str) -> Case {
    Case::get(format!("dns://{}/{question}", dns.address())).keep(dns)
}

/// A UDP socket, and on the same port a TCP server that reads a question and closes.
fn closing_server() -> (UdpSocket, server::Server) {
    let (udp, listener) = bind_both((Ipv4Addr::LOCALHOST, 0).into());
    let server = server::Server::listen(listener, None, |conn| {
        conn.read_exactly(2);
    });
    (udp, server)
}

/// Answers every question over UDP with a truncated message.
fn cut_always(udp: UdpSocket) {
    let udp = Arc::new(udp);
    thread::spawn(move || {
        // The scorecard sets up all rows before it checks the first.
        let _ = udp.set_read_timeout(Some(Duration::from_mins(10)));
        let mut buffer = [0; 1500];
        while let Ok((length, peer)) = udp.recv_from(&mut buffer) {
            buffer[2] |= 0x82;
            let _ = udp.send_to(&buffer[..length], peer);
        }
    });
}
