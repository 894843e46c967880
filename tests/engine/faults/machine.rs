//! Rows that need a machine of their own: a network namespace with a packet filter, or a
//! process under a limit. For each the test binary runs itself again inside such a place; where none
//! can be had, the row is skipped, and says so whatever the test harness hides.

use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::time::Duration;

use uptick::model::FailureClass::{
    ConnectTimeout, ConnectUnreachable, DnsNotFound, DnsServerFailure, DnsTimeout, ProberFdLimit, ProberPortsExhausted,
    ProberResources, ResponseTimeout,
};
use uptick::model::Phase::{Connect, Processing, Resolve};

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
    fails(26, "the whole network is down", ConnectUnreachable, Connect, || {
        run("ip", &["link", "set", "lo", "down"]);
        Case::get("http://10.9.0.1:9/")
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
    fails(23, "no file descriptor is left", ProberFdLimit, Connect, || {
        // The engine and its runtime stand; the next socket is one too many.
        let mut held = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            held.push(file);
        }
        Case::get("http://127.0.0.1:9/").keep(held)
    }),
];

/// Where a row's test is run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A network namespace (and a mount namespace) of its own, loopback up.
    Namespace,
    /// A process that may have few files open.
    FewFiles,
}

fn place_of(row: &Row) -> Place {
    if row.number == 23 { Place::FewFiles } else { Place::Namespace }
}

/// Runs a test of this binary once for each row of some places, inside such a place; there it asks
/// [`row_here`] which one it is about.
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
                // Not `eprintln!`, which the harness keeps to itself while the test passes.
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

/// The row whose place in the table is in the file `row` of the working directory: inside a place.
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
            // Who is not root is root of a user namespace, where that is allowed.
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

/// Adds a rule for every packet that leaves.
fn filter(rule: &str) {
    run("nft", &["add", "table", "inet", "faults"]);
    run("nft", &["add", "chain", "inet", "faults", "out", "{ type filter hook output priority 0; }"]);
    run("nft", &["add", "rule", "inet", "faults", "out", rule]);
}

/// The resolver that the namespace's configuration names.
fn system_resolver(reply: Reply) -> Dns {
    Dns::start_at((Ipv4Addr::LOCALHOST, 53).into(), move |_| reply.clone())
}

fn system_asking(reply: Reply) -> Case {
    Case::get("http://name.test:9/").keep(system_resolver(reply))
}
