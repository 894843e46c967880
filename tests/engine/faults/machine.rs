//! Rows that need a special environment: a network namespace with a packet filter, or a process
//! under a limit. For each the test binary runs itself again inside such an environment. If that is
//! not possible, the row is skipped, with a note that the test harness does not hide.

use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use uptick::model::FailureClass::{
    ConnectRefused, ConnectTimeout, ConnectUnreachable, DnsNoAddress, DnsNotFound, DnsServerFailure, DnsTimeout,
    ProberFdLimit, ProberNoRoute, ProberPortsExhausted, ProberResources, ResponseTimeout,
};
use uptick::model::Phase::{Connect, Processing, Resolve};
use uptick::model::{IpFamily, Resolver};

use crate::faults::row::{Case, Row, fails, up};
use crate::support::dns::{Dns, Reply};
use crate::support::server::Server;
use crate::support::{dns, server};

pub(crate) const ROWS: &[Row] = &[
    fails(16, "a filter drops the connection request", ConnectTimeout, Connect, || {
        filter("tcp dport 9 drop");
        Case::get("http://127.0.0.1:9/").within(400)
    }),
    fails(17, "a filter forbids the connection (admin-prohibited)", ConnectUnreachable, Connect, || {
        filter("tcp dport 9 reject with icmpx type admin-prohibited");
        Case::get("http://127.0.0.1:9/")
    }),
    fails(17, "the route is marked unreachable", ConnectUnreachable, Connect, || {
        run("ip", &["route", "add", "unreachable", "10.9.0.0/16"]);
        Case::get("http://10.9.0.1:9/")
    }),
    fails(17, "the machine's own route forbids it (EACCES)", ProberResources, Connect, || {
        run("ip", &["route", "add", "prohibit", "10.9.0.0/16"]);
        Case::get("http://10.9.0.1:9/")
    }),
    fails(21, "the network is cut once the request is sent", ResponseTimeout, Processing, || {
        let server = Server::start(|conn| {
            conn.request();
            filter("tcp sport != 0 drop");
            conn.send(server::ok("nobody hears this"));
            conn.stall();
        });
        Case::get(server.url("/")).within(600).keep(server)
    }),
    up(22, "the first packet is lost: the second try a second later is the connect phase's time", || {
        let server = Server::answers(server::ok("hello"));
        filter(&format!("tcp dport {} tcp flags & (syn | ack) == syn numgen inc mod 2 0 drop", server.port()));
        Case::get(server.url("/")).within(5_000).keep(server).also(|outcome| {
            assert!(outcome.timings.connect >= Some(Duration::from_millis(900)), "{:?}", outcome.timings);
            assert!(outcome.timings.processing < Some(Duration::from_millis(500)), "{:?}", outcome.timings);
        })
    }),
    fails(24, "the local ports are used up", ProberPortsExhausted, Connect, || {
        std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40003").unwrap();
        let server = Server::answers(server::ok("hello"));
        let mut held = Vec::new();
        while let Ok(stream) = TcpStream::connect(server.address()) {
            held.push(stream);
        }
        assert!(held.len() <= 4, "{} connections from four ports", held.len());
        Case::get(server.url("/")).keep(held).keep(server)
    }),
    fails(26, "the whole network of this host is down", ProberNoRoute, Connect, || {
        run("ip", &["link", "set", "lo", "down"]);
        Case::get("http://10.9.0.1:9/")
    }),
    fails(26, "this host has no route to the target", ProberNoRoute, Connect, || {
        Case::get("http://10.9.0.1:9/").also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("10.9.0.1"), "{message}");
        })
    }),
    fails(26, "IPv6 is switched off on this host, and the URL has an IPv6 address", ProberNoRoute, Connect, || {
        std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1").unwrap();
        Case::get("http://[2001:db8::1]:9/").also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("no IPv6"), "{message}");
        })
    }),
    fails(26, "this host has IPv6 addresses of its own link alone", ProberNoRoute, Connect, || {
        Case::get("http://[2001:db8::1]:9/")
    }),
    up(10, "IPv6 is switched off on this host, and the name has addresses of both families", || {
        std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1").unwrap();
        let server = Server::answers(server::ok("hello"));
        let addresses = vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
        let dns = system_resolver(Reply::Addresses(addresses));
        Case::get(format!("http://name.test:{}/", server.port())).keep(dns).keep(server)
    }),
    fails(
        10,
        "IPv6 is switched off on this host, and the name's IPv4 address refuses",
        ConnectRefused,
        Connect,
        || {
            std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1").unwrap();
            let addresses = vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
            Case::get("http://name.test:9/").keep(system_resolver(Reply::Addresses(addresses)))
        },
    ),
    fails(26, "this host has no route to any of its name servers", ProberNoRoute, Resolve, || {
        resolv_conf("nameserver 192.0.2.1\nnameserver 2001:db8::53\n");
        Case::get("http://name.test:9/")
    }),
    fails(1, "the name does not exist, says the system's resolver", DnsNotFound, Resolve, || {
        system_asking(Reply::Code(dns::NAME_ERROR))
    }),
    fails(2, "the system's resolver answers SERVFAIL", DnsServerFailure, Resolve, || {
        system_asking(Reply::Code(dns::SERVER_FAILURE))
    }),
    fails(5, "the system's resolver does not answer", DnsTimeout, Resolve, || {
        system_asking(Reply::Silence).within(400)
    }),
    up(8, "the system's resolver knows the name", || {
        let server = Server::answers(server::ok("hello"));
        let dns = system_resolver(Reply::address(Ipv4Addr::LOCALHOST));
        Case::get(format!("http://name.test:{}/", server.port())).keep(dns).keep(server)
    }),
    up(8, "the name itself has an address, and the search list leads to another host", || {
        let server = Server::answers(server::ok("hello"));
        resolv_conf("nameserver 127.0.0.1\nsearch lan.test\n");
        let dns = name_server(1, |question| match question.name.as_str() {
            "site.test" => Reply::address(Ipv4Addr::LOCALHOST),
            "site.test.lan.test" => Reply::address(Ipv6Addr::LOCALHOST),
            _ => Reply::Code(dns::NAME_ERROR),
        });
        Case::get(format!("http://site.test:{}/", server.port())).keep(dns).keep(server).also(|outcome| {
            assert!(outcome.remote.is_some_and(|remote| remote.is_ipv4()), "{:?}", outcome.remote);
        })
    }),
    up(8, "the name is found by the search list (`ndots:5`, as in Kubernetes)", || {
        let server = Server::answers(server::ok("hello"));
        resolv_conf("search ns.svc.test svc.test\nnameserver 127.0.0.1\noptions ndots:5\n");
        let dns = name_server(1, |question| match question.name.as_str() {
            "api.ns2.svc.test" => Reply::address(Ipv4Addr::LOCALHOST),
            _ => Reply::Code(dns::NAME_ERROR),
        });
        Case::get(format!("http://api.ns2:{}/", server.port())).keep(dns).keep(server)
    }),
    up(8, "the first name server is slow, and the second is quick to say that there is no such name", || {
        let server = Server::answers(server::ok("hello"));
        resolv_conf("nameserver 127.0.0.1\nnameserver 127.0.0.2\n");
        let slow = Reply::Later(Duration::from_millis(300), Box::new(Reply::address(Ipv4Addr::LOCALHOST)));
        let first = name_server(1, move |_| slow.clone());
        let second = name_server(2, |_| Reply::Code(dns::NAME_ERROR));
        Case::get(format!("http://name.test:{}/", server.port())).keep(first).keep(second).keep(server)
    }),
    up(8, "the first name server fails, refuses or has no listener, and the third knows the name", || {
        let server = Server::answers(server::ok("hello"));
        resolv_conf("nameserver 127.0.0.1\nnameserver 127.0.0.2\nnameserver 127.0.0.3\n");
        let first = name_server(1, |question| {
            Reply::Code(if question.kind == dns::A { dns::SERVER_FAILURE } else { dns::REFUSED })
        });
        let third = name_server(3, |_| Reply::address(Ipv4Addr::LOCALHOST));
        Case::get(format!("http://name.test:{}/", server.port())).keep(first).keep(third).keep(server)
    }),
    up(8, "`resolv.conf` changes between two checks", || {
        let server = Server::answers(server::ok("hello"));
        resolv_conf("nameserver 127.0.0.1\n");
        let first = Rc::new(name_server(1, |_| {
            resolv_conf("nameserver 127.0.0.2\n");
            Reply::address(Ipv4Addr::LOCALHOST)
        }));
        let second = name_server(2, |_| Reply::address(Ipv4Addr::LOCALHOST));
        let url = format!("http://name.test:{}/", server.port());
        // If the first server were asked again, the second one would not be seen.
        Case::get(url).after_good_checks(1).keep(Rc::clone(&first)).keep(second).keep(server).also(move |_| {
            let of_first = first.questions().len();
            assert_eq!(of_first, 2, "the first server is asked for both families once: {:?}", first.questions());
        })
    }),
    up(14, "the hosts file knows the name, whatever `ndots` and the search list say", || {
        let server = Server::answers(server::ok("hello"));
        resolv_conf("nameserver 127.0.0.1\nsearch lan.test\noptions ndots:5\n");
        hosts("127.0.0.1 Site.test site\n");
        let dns = Rc::new(name_server(1, |_| Reply::address(Ipv4Addr::new(127, 0, 0, 66))));
        Case::get(format!("http://site.test:{}/", server.port())).keep(Rc::clone(&dns)).keep(server).also(move |_| {
            assert_eq!(dns.questions(), [], "a name in the hosts file is not asked of DNS, for either family");
        })
    }),
    fails(4, "the hosts file has the name with an address of the other family", DnsNoAddress, Resolve, || {
        resolv_conf("nameserver 127.0.0.1\n");
        hosts("127.0.0.1 site.test\n");
        let dns = name_server(1, |_| Reply::address(Ipv6Addr::LOCALHOST));
        Case::get("http://site.test:9/").probe(|probe| probe.transport.ip = IpFamily::V6).keep(dns)
    }),
    up(14, "the name is below `localhost`, which nobody is asked for", || {
        let server = Server::answers(server::ok("hello"));
        hosts("# nothing\n");
        Case::get(format!("http://app.localhost:{}/", server.port())).keep(server)
    }),
    up(14, "`nsswitch.conf` asks DNS before the hosts file", || {
        let server = Server::answers(server::ok("hello"));
        nsswitch("hosts: dns files\n");
        hosts("192.0.2.1 site.test\n");
        resolv_conf("nameserver 127.0.0.1\n");
        let dns = system_resolver(Reply::address(Ipv4Addr::LOCALHOST));
        Case::get(format!("http://site.test:{}/", server.port())).keep(server).keep(dns)
    }),
    fails(1, "`nsswitch.conf` names the hosts file alone, and DNS would know the name", DnsNotFound, Resolve, || {
        nsswitch("hosts: files\n");
        hosts("127.0.0.1 other.test\n");
        Case::get("http://site.test:9/").keep(system_resolver(Reply::address(Ipv4Addr::LOCALHOST))).also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("by nsswitch.conf"), "{message}");
        })
    }),
    fails(1, "the name is one that only mDNS knows: what was not asked is said", DnsNotFound, Resolve, || {
        nsswitch("hosts: files mdns4_minimal [NOTFOUND=return] dns myhostname\n");
        Case::get("http://printer.local:9/").keep(system_resolver(Reply::Code(dns::NAME_ERROR))).also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            for word in ["mDNS", "mdns4_minimal", "myhostname"] {
                assert!(message.as_str().contains(word), "{word} is named: {message}");
            }
        })
    }),
    fails(2, "`resolv.conf` names no server, and none runs on this host", DnsServerFailure, Resolve, || {
        resolv_conf("# empty\n");
        Case::get("http://name.test:9/").also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("127.0.0.1"), "the server is named: {message}");
        })
    }),
    fails(23, "no file descriptor is left to look the name up with", ProberFdLimit, Resolve, || {
        let mut held = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            held.push(file);
        }
        Case::get("http://name.test:9/").keep(held)
    }),
    fails(23, "no file descriptor is left to ask the probe's own name server with", ProberFdLimit, Resolve, || {
        let mut held = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            held.push(file);
        }
        let server = Resolver::Udp((Ipv4Addr::LOCALHOST, 9).into());
        Case::get("http://name.test:9/").probe(|probe| probe.transport.resolver = server).keep(held)
    }),
    fails(23, "no file descriptor is left", ProberFdLimit, Connect, || {
        // The engine and its runtime are set up; the next socket is one too many.
        let mut held = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            held.push(file);
        }
        Case::get("http://127.0.0.1:9/").keep(held)
    }),
];

/// Where the test of a row runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In its own network namespace (and mount namespace), with loopback up.
    Namespace,
    /// In a process that may have only a few files open.
    FewFiles,
}

fn place_of(row: &Row) -> Place {
    if row.number == 23 { Place::FewFiles } else { Place::Namespace }
}

/// Runs a test of this binary once for each row of these environments, inside the environment;
/// there the test calls [`row_here`] to get its row.
#[track_caller]
pub(crate) fn in_each(places: &[Place], inside: &str) {
    let rows: Vec<(usize, &Row)> = ROWS.iter().enumerate().filter(|(_, row)| places.contains(&place_of(row))).collect();
    let mut wrong = String::new();
    let mut skipped = 0;
    for (at, row) in &rows {
        match run_in(place_of(row), *at, inside) {
            Ok(()) => {}
            Err(Trouble::Skipped(why)) => {
                skipped += 1;
                // Not `eprintln!`, which the harness hides while the test passes.
                let _ = writeln!(std::io::stderr(), "skipped: row {}, when {}: {why}", row.number, row.when);
            }
            Err(Trouble::Failed(output)) => wrong.push_str(&output),
        }
    }
    if skipped > 0 {
        let _ =
            writeln!(std::io::stderr(), "skipped: {skipped} of {} rows that need a machine of their own", rows.len());
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// The row whose index is in the file `row` of the working directory. `None` outside of an
/// environment.
pub(crate) fn row_here() -> Option<&'static Row> {
    let at = std::fs::read_to_string("row").ok()?;
    ROWS.get(at.parse::<usize>().unwrap())
}

enum Trouble {
    Skipped(String),
    Failed(String),
}

const NAMESPACE: &str = r#"
set -e
ip link set lo up
command -v nft >/dev/null || { echo "nft is not installed" >&2; exit 1; }
nft list tables >/dev/null
echo "nameserver 127.0.0.1" > resolv.conf
mount --bind resolv.conf /etc/resolv.conf
touch ready
exec "$@"
"#;

const FEW_FILES: &str = r#"
set -e
ulimit -n 64
touch ready
exec "$@"
"#;

fn run_in(place: Place, at: usize, inside: &str) -> Result<(), Trouble> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("row"), at.to_string()).unwrap();
    let mut command = match place {
        Place::Namespace => {
            let mut command = Command::new("unshare");
            // A user other than root becomes root of a user namespace, if that is allowed.
            if !is_root() {
                command.args(["--user", "--map-root-user"]);
            }
            command.args(["--net", "--mount", "sh", "-c", NAMESPACE, "namespace"]);
            command
        }
        Place::FewFiles => {
            let mut command = Command::new("sh");
            command.args(["-c", FEW_FILES, "few-files"]);
            command
        }
    };
    command.arg(std::env::current_exe().unwrap()).args(["--exact", inside, "--ignored", "--nocapture"]);
    let output = command.current_dir(folder.path()).output().map_err(|error| Trouble::Skipped(error.to_string()))?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !folder.path().join("ready").exists() {
        return Err(Trouble::Skipped(said.lines().last().unwrap_or("no reason was given").to_owned()));
    }
    if output.status.success() && said.contains("1 passed") { Ok(()) } else { Err(Trouble::Failed(said)) }
}

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t")))
}

#[track_caller]
fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}

/// Adds a rule for every outgoing packet.
fn filter(rule: &str) {
    run("nft", &["add", "table", "inet", "faults"]);
    run("nft", &["add", "chain", "inet", "faults", "out", "{ type filter hook output priority 0; }"]);
    run("nft", &["add", "rule", "inet", "faults", "out", rule]);
}

/// Writes the namespace's own `resolv.conf`.
fn resolv_conf(text: &str) {
    std::fs::write("/etc/resolv.conf", text).unwrap();
}

fn hosts(text: &str) {
    in_place_of("/etc/hosts", text);
}

fn nsswitch(text: &str) {
    in_place_of("/etc/nsswitch.conf", text);
}

/// Mounts a file of the working directory over a file of the system.
fn in_place_of(path: &str, text: &str) {
    let own = std::env::current_dir().unwrap().join(Path::new(path).file_name().unwrap());
    std::fs::write(&own, text).unwrap();
    if !Path::new(path).exists() {
        std::fs::write(path, "").unwrap();
    }
    run("mount", &["--bind", own.to_str().unwrap(), path]);
}

/// A name server at 127.0.0.N.
fn name_server(last: u8, script: impl Fn(&dns::Question) -> Reply + Send + Sync + 'static) -> Dns {
    Dns::start_at((Ipv4Addr::new(127, 0, 0, last), 53).into(), script)
}

/// The resolver in the namespace's configuration.
fn system_resolver(reply: Reply) -> Dns {
    Dns::start_at((Ipv4Addr::LOCALHOST, 53).into(), move |_| reply.clone())
}

fn system_asking(reply: Reply) -> Case {
    Case::get("http://name.test:9/").keep(system_resolver(reply))
}
