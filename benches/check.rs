//! The cost of a check: the processor time and the system calls of `uptick check`, with recording,
//! expectations and timings by phase, compared with a bare loop over hyper that only sends
//! requests, in the same run and against the same server. `cargo bench --profile dist --bench
//! check`; oha and strace are used if they are installed.

#![expect(clippy::print_stdout, reason = "a benchmark's answer")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The role of this process, if it is not the benchmark itself.
const ROLE: &str = "UPTICK_BENCH_ROLE";

/// The folder with the server's certificate.
const FOLDER: &str = "UPTICK_BENCH_FOLDER";

/// The number of requests of one run when measuring time, and when counting system calls.
const REQUESTS: usize = 6_000;
const TRACED: usize = 1_200;

/// The programs take turns this many times, so that a disturbance meets all of them; medians.
const ROUNDS: usize = 7;

const BODY: &str = "<!doctype html><title>hello</title><p>all is well";

/// The two kinds of a run: the number of probes, and how many run at once.
const SHAPES: [(usize, usize); 2] = [(1, 1), (100, 32)];

fn main() {
    match std::env::var(ROLE).as_deref() {
        Ok("server") => serve(),
        Ok(url) => bare(url),
        Err(_) => compare(),
    }
}

fn compare() {
    let folder = tempfile::tempdir().expect("a folder");
    write_certificate(folder.path());
    let (server, plain, secure) = start_server(folder.path());
    for (what, url) in
        [("plain", format!("http://{plain}/")), ("https", format!("https://localhost:{}/", secure.port()))]
    {
        for (probes, at_once) in SHAPES {
            println!("\n{what}, {probes} probes, {at_once} at once: µs of processor time a request");
            let mut programs = vec![
                ("bare hyper loop", bare_command(&url, REQUESTS, at_once, folder.path())),
                ("uptick check", check_command(&url, probes, at_once, REQUESTS, folder.path())),
            ];
            if is_installed("oha") {
                programs.push(("oha", oha_command(&url, REQUESTS, at_once, folder.path())));
            }
            compare_programs(&mut programs);
        }
        if is_installed("strace") {
            println!("\n{what}: system calls a request");
            calls("bare hyper loop", &bare_command(&url, TRACED, 32, folder.path()), folder.path());
            calls("uptick check", &check_command(&url, 100, 32, TRACED, folder.path()), folder.path());
            if is_installed("oha") {
                calls("oha", &oha_command(&url, TRACED, 32, folder.path()), folder.path());
            }
        }
    }
    stop(server);
}

/// User and system time per request, in µs.
type CpuTime = (f64, f64);

/// Runs the programs in turns and prints the median of each, in comparison with the first.
fn compare_programs(programs: &mut [(&str, Command)]) {
    let mut times = vec![Vec::new(); programs.len()];
    for _ in 0..ROUNDS {
        for ((_, command), times) in programs.iter_mut().zip(&mut times) {
            times.push(cost(REQUESTS, command));
        }
    }
    let mut base = None;
    for ((name, _), times) in programs.iter().zip(&mut times) {
        times.sort_by(|a, b| (a.0 + a.1).total_cmp(&(b.0 + b.1)));
        let (user, system) = times[ROUNDS / 2];
        let sum = user + system;
        let ratio = sum / *base.get_or_insert(sum);
        println!("{name:>16}  user {user:>6.1}  system {system:>6.1}  sum {sum:>6.1}  {ratio:>5.2} × the loop");
    }
}

/// Runs a command to its end and measures its processor time.
fn cost(requests: usize, command: &mut Command) -> CpuTime {
    let before = children_ticks();
    let output = command.output().expect("the command runs");
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    let after = children_ticks();
    // A tick of /proc is a hundredth of a second on every Linux.
    let each = |ticks: u64| {
        let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
        f64::from(ticks) * 10_000.0 / f64::from(u32::try_from(requests).unwrap_or(u32::MAX))
    };
    (each(after.0 - before.0), each(after.1 - before.1))
}

/// User and system time of the children that have been waited for.
fn children_ticks() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let fields: Vec<u64> = after_name.split(' ').map(|field| field.trim().parse().unwrap_or_default()).collect();
    (fields[13], fields[14])
}

fn calls(name: &str, command: &Command, folder: &Path) {
    let counts = folder.join("strace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-c", "-U", "name,calls", "-o"]).arg(&counts).arg(command.get_program());
    strace.args(command.get_args()).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = strace.output().expect("strace runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let table = std::fs::read_to_string(&counts).expect("the counts");
    let mut line = String::new();
    let mut sum = 0.0;
    for (name, calls) in table.lines().filter_map(|line| line.trim().split_once(char::is_whitespace)) {
        let Ok(calls) = calls.trim().parse::<u32>() else { continue };
        let each = f64::from(calls) / f64::from(u32::try_from(TRACED).unwrap_or(u32::MAX));
        if name != "total" && each >= 0.05 {
            sum += each;
            let _ = write!(line, " {name} {each:.1}");
        }
    }
    println!("{name:>16}  {sum:.1}: {}", line.trim());
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn own(role: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.env(ROLE, role).env(FOLDER, folder);
    command
}

fn bare_command(url: &str, requests: usize, at_once: usize, folder: &Path) -> Command {
    let mut command = own(url, folder);
    command.args([requests.to_string(), at_once.to_string()]);
    command
}

/// oha as it judges: it too verifies the certificate.
fn oha_command(url: &str, requests: usize, at_once: usize, folder: &Path) -> Command {
    let mut command = Command::new("oha");
    command.args(["-n", &requests.to_string(), "-c", &at_once.to_string()]);
    command.args(["--disable-keepalive", "--no-tui", "--output-format", "quiet", "--cacert"]);
    command.arg(folder.join("ca.pem")).arg(url);
    command
}

/// Every check is recorded, its body is read and matched, and its phases are timed.
fn check_command(url: &str, probes: usize, at_once: usize, requests: usize, folder: &Path) -> Command {
    let mut config = format!("[settings]\nconcurrency = {at_once}\n[defaults]\ninterval = \"30s\"\n");
    for number in 0..probes {
        let _ = write!(
            config,
            "[[probe]]\nname = \"p{number}\"\nurl = \"{url}\"\nexpect.body-contains = \"all is well\"\n"
        );
        if url.starts_with("https") {
            let _ = writeln!(config, "tls.ca-file = \"{}\"", folder.join("ca.pem").display());
        }
    }
    let file = folder.join("probes.toml");
    std::fs::write(&file, config).expect("a file");
    let journal = folder.join("journal");
    let _ = std::fs::remove_dir_all(&journal);
    let mut command = Command::new(env!("CARGO_BIN_EXE_uptick"));
    command.args(["check", "-q", "--record", "--count", &(requests / probes).to_string(), "-c"]);
    command.arg(file).arg("--journal").arg(journal);
    command
}

// The server.

fn write_certificate(folder: &Path) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(folder.join("ca.pem"), signed.cert.pem()).expect("a file");
    std::fs::write(folder.join("cert.der"), signed.cert.der()).expect("a file");
    std::fs::write(folder.join("key.der"), signed.signing_key.serialize_der()).expect("a file");
}

fn start_server(folder: &Path) -> (Child, SocketAddr, SocketAddr) {
    let mut server = own("server", folder).stdout(Stdio::piped()).spawn().expect("a server");
    let mut lines = BufReader::new(server.stdout.take().expect("its output")).lines();
    let mut address = || lines.next().expect("a line").expect("text").parse().expect("an address");
    let (plain, secure) = (address(), address());
    (server, plain, secure)
}

fn stop(mut server: Child) {
    let _ = server.kill();
    let _ = server.wait();
}

fn read(name: &str) -> Vec<u8> {
    let folder = std::env::var_os(FOLDER).expect("a folder");
    std::fs::read(Path::new(&folder).join(name)).expect("a file")
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn serve() {
    let key = PrivateKeyDer::try_from(read("key.der")).expect("a key");
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(read("cert.der"))], key)
        .expect("a configuration");
    // A resumed session verifies nothing: without tickets every client makes whole handshakes.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    let acceptor = TlsAcceptor::from(Arc::new(config));
    runtime().block_on(async {
        let plain = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let secure = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}\n{}", plain.local_addr().expect("an address"), secure.local_addr().expect("an address"));
        loop {
            tokio::select! {
                Ok((stream, _)) = plain.accept() => { tokio::spawn(answer(at_once(stream))); }
                Ok((stream, _)) = secure.accept() => {
                    let acceptor = acceptor.clone();
                    tokio::spawn(async move {
                        if let Ok(stream) = acceptor.accept(at_once(stream)).await {
                            answer(stream).await;
                        }
                    });
                }
            }
        }
    });
}

/// Small responses must not wait for the acknowledgement of earlier data (Nagle).
fn at_once(stream: TcpStream) -> TcpStream {
    stream.set_nodelay(true).expect("an option");
    stream
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len());
    let mut request = Vec::with_capacity(4096);
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let _ = stream.write_all(answer.as_bytes()).await;
    // The client closes first, as with a server that keeps connections open.
    let _ = stream.read_buf(&mut request).await;
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

// The bare loop.

fn bare(url: &str) {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let (requests, at_once) = (arguments.next().expect("a number"), arguments.next().expect("a number"));
    let uri: http::Uri = url.parse().expect("a URL");
    let port = uri.port_u16().expect("a port");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(read("cert.der"))).expect("a root");
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    let connector = (uri.scheme_str() == Some("https")).then(|| TlsConnector::from(Arc::new(config)));
    runtime().block_on(async {
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..at_once {
            let connector = connector.clone();
            workers.spawn(async move {
                for _ in 0..requests / at_once {
                    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
                    stream.set_nodelay(true).expect("an option");
                    match &connector {
                        None => ask(stream).await,
                        Some(connector) => {
                            let name = ServerName::try_from("localhost").expect("a name");
                            ask(connector.connect(name, stream).await.expect("a handshake")).await;
                        }
                    }
                }
            });
        }
        workers.join_all().await;
    });
}

async fn ask(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.expect("a connection");
    let mut request = http::Request::new(Empty::<Bytes>::new());
    request.headers_mut().insert(http::header::HOST, http::HeaderValue::from_static("localhost"));
    let answer = async {
        let response = sender.send_request(request).await.expect("an answer");
        response.into_body().collect().await.expect("a body").to_bytes()
    };
    tokio::select! {
        body = answer => assert_eq!(body.len(), BODY.len()),
        ended = connection => panic!("the connection ended: {ended:?}"),
    }
}
