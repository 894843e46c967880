//! R4 and R5: resources that this machine runs out of must not be blamed on a target.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};

use serde_json::Value;

use crate::origin::healthy;
use crate::readings::{Measurement, Thoroughness, has_namespaces, ms, quantile};
use crate::support::dns::{Dns, Reply};
use crate::support::run::{Ran, Run};
use crate::support::server::{self, Server};
use crate::support::tls::Authority;

/// R4.
pub(crate) fn dead_name_servers(_: Thoroughness) -> Measurement {
    let server = healthy();
    let (answering, silent) = (Dns::always(Reply::address(Ipv4Addr::LOCALHOST)), Dns::always(Reply::Silence));
    let probes = |count: usize, name: &str, dns: &Dns| {
        server::lines(count, |n| {
            let (port, address) = (server.port(), dns.address());
            format!(
                "[[probe]]\nname = \"{name}{n}\"\nurl = \"http://{name}{n}.test:{port}/\"\nresolver = \"udp://{address}\"\n"
            )
        })
    };
    let head = "[settings]\nconcurrency = 1100\n[defaults]\ntimeout = \"3s\"\ninterval = \"30s\"\n";
    let good = probes(50, "good", &answering);
    let times_of_good = |file: String| {
        let outcomes = Run::new(["check", "--format", "ndjson"]).config(&file).run().json_lines();
        let up = outcomes.iter().filter(|outcome| outcome["verdict"] == "up");
        up.filter_map(|outcome| outcome["timings_us"]["total"].as_u64()).collect::<Vec<u64>>()
    };
    let mut alone = times_of_good(format!("{head}{good}"));
    let mut beside = times_of_good(format!("{head}{}{good}", probes(1_000, "hung", &silent)));
    let up = beside.len();
    let (alone, beside) = (quantile(&mut alone, 0.99), quantile(&mut beside, 0.99));
    let figure = format!("{up} of 50 up, p99 {} alone and {} beside 1,000 hung lookups", ms(alone), ms(beside));
    Measurement::judged(up == 50 && beside.saturating_sub(alone) <= 100_000, figure)
}

/// R5.
pub(crate) fn local(_: Thoroughness) -> Measurement {
    few_files().and(no_roots()).and(few_ports()).and(full_disk())
}

/// The counts of the verdicts of a run: up, down, unknown.
fn verdicts(outcomes: &[Value]) -> [usize; 3] {
    ["up", "down", "unknown"].map(|verdict| outcomes.iter().filter(|outcome| outcome["verdict"] == verdict).count())
}

fn never_down(what: &str, outcomes: &[Value], code: i32) -> Measurement {
    let [up, down, unknown] = verdicts(outcomes);
    let holds = down == 0 && up + unknown > 0 && code == if unknown > 0 { 3 } else { 0 };
    Measurement::judged(holds, format!("{what}: {up} up, {down} down, {unknown} unknown, status {code}"))
}

fn few_files() -> Measurement {
    let server = healthy();
    let probes = server::lines(400, |n| format!("[[probe]]\nname = \"p{n}\"\nurl = \"{}\"\n", server.url("/")));
    let run = Run::new(["check", "--format", "ndjson"]).config(&probes).through(["prlimit", "--nofile=128:128"]);
    let ran = run.run();
    never_down("128 files for 400 probes", &ran.json_lines(), ran.code())
}

fn no_roots() -> Measurement {
    let server = Server::tls(Authority::new().leaf(&["127.0.0.1"]).config(), |conn| {
        conn.request();
        conn.send(server::ok("hello"));
    });
    let url = format!("https://{}/", server.address());
    let run = Run::new(["check", "--format", "ndjson", &url]).env("SSL_CERT_FILE", "/nonexistent/roots.pem");
    let ran = run.run();
    never_down("no roots", &ran.json_lines(), ran.code())
}

/// Shell script for a network namespace with only four local ports; this program itself is the
/// server.
const FEW_PORTS: &str = r#"
set -e
ip link set lo up
echo "40000 40003" > /proc/sys/net/ipv4/ip_local_port_range
"$SERVER" --serve 8080 &
server=$!
trap 'kill $server' EXIT
# Its first word says that it listens.
while [ ! -e listens ]; do sleep 0.01; done
"$@"
"#;

/// Serves a port in the namespace, slowly, so that many checks compete for few ports.
pub(crate) fn serve(port: &str) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse().unwrap())).unwrap();
    let _server = Server::listen(listener, None, |conn| {
        conn.request();
        conn.wait(std::time::Duration::from_millis(200));
        conn.send(server::ok("slow"));
    });
    std::fs::write("listens", "").unwrap();
    std::thread::sleep(crate::support::PATIENCE);
}

fn few_ports() -> Measurement {
    if !has_namespaces() {
        return Measurement::not_made("no network namespace, so ports were not used up");
    }
    let mut probes = "[settings]\nconcurrency = 32\n".to_owned();
    for n in 0..32 {
        let _ = write!(probes, "[[probe]]\nname = \"p{n}\"\nurl = \"http://127.0.0.1:8080/\"\n");
    }
    let own = std::env::current_exe().unwrap();
    let run = Run::new(["check", "--format", "ndjson"])
        .config(&probes)
        .env("SERVER", &own.to_string_lossy())
        .through(["unshare", "--net", "sh", "-c", FEW_PORTS, "few-ports"]);
    let ran = run.run();
    never_down("4 ports for 32 at once", &ran.json_lines(), ran.code())
}

/// Shell script that mounts a file system without a free block for the journal.
const FULL_DISK: &str = r#"
set -e
mkdir -p uptick-journal
mount -t tmpfs -o size=64k tmpfs uptick-journal
dd if=/dev/zero of=uptick-journal/filler bs=4k count=100 2>/dev/null || true
exec "$@"
"#;

fn full_disk() -> Measurement {
    if !has_namespaces() {
        return Measurement::not_made("no mount namespace, so no disk was full");
    }
    let server = healthy();
    let probe = crate::origin::probe("home", &server.url("/"), &[]);
    let ran: Ran = Run::new(["check", "--record", "--format", "ndjson"])
        .config(&probe)
        .through(["unshare", "--mount", "sh", "-c", FULL_DISK, "full-disk"])
        .run();
    let [up, down, _] = verdicts(&ran.json_lines());
    let named = ran.stderr.contains("No space left") || ran.stderr.contains("the disk is full");
    let figure = format!("a full disk: {up} up, status {}, {}", ran.code(), if named { "named" } else { "not named" });
    Measurement::judged(up == 1 && down == 0 && ran.code() == 3 && named, figure)
}
