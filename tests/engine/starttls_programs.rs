//! STARTTLS with real servers: Debian's Postfix, Dovecot and `PostgreSQL`. The tests start them as
//! root, on ports of their own. If one is not installed, its test prints a note and is skipped.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use uptick::model::{Starttls, Verdict};

use crate::listening::wait_until_it_listens;
use crate::support::killed_on_drop::KilledOnDrop;
use crate::support::probes;
use crate::support::server::free_port;
use crate::support::tls::Authority;

/// The folders in which Debian installs programs that are not in a user's PATH.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/17/bin"];

/// A server that ends when it is dropped.
struct Program {
    child: KilledOnDrop,
    /// The command that stops it, if it has children of its own.
    stop: Option<Command>,
    address: SocketAddr,
    folder: TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(stop) = &mut self.stop {
            let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
        // On SIGTERM it ends its children too.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// The files and the address that a server is started with.
struct Place {
    folder: TempDir,
    chain: PathBuf,
    key: PathBuf,
    address: SocketAddr,
}

impl Place {
    fn new(authority: &Authority) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = authority.leaf(&["good.test"]).pem_files(folder.path());
        allow(folder.path(), 0o755);
        Place { folder, chain, key, address: SocketAddr::from((Ipv4Addr::LOCALHOST, free_port())) }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Starts the server, and waits until it accepts connections.
    fn start(self, mut command: Command, stop: Option<Command>) -> Program {
        let log = fs::File::create(self.folder.path().join("output")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap();
        let mut program = Program { child: child.into(), stop, address: self.address, folder: self.folder };
        wait_until_it_listens(&mut program.child, program.address, &program.folder.path().join("output"));
        program
    }
}

fn allow(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A program of Debian. `None`, with a note on stderr, if it is not installed, or if this process
/// is not root, which it must be to run the program as its own user.
fn program(name: &str) -> Option<PathBuf> {
    let found = FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    let found = found.filter(|_| is_root());
    if found.is_none() {
        let _ = writeln!(std::io::stderr(), "skipped: {name} is not installed, or this is not root");
    }
    found
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A command that is run as another user.
fn as_user(user: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups"]).arg(program);
    command
}

fn dovecot(authority: &Authority) -> Option<Program> {
    let program = program("dovecot")?;
    let place = Place::new(authority);
    let configuration = format!(
        "base_dir = {run}\nstate_dir = {state}\nlog_path = {log}\nprotocols = imap\nlisten = 127.0.0.1\n\
         ssl = yes\nssl_cert = <{chain}\nssl_key = <{key}\n\
         service imap-login {{\n inet_listener imap {{\n port = {port}\n }}\n inet_listener imaps {{\n port = 0\n }}\n}}\n\
         passdb {{\n driver = static\n args = nopassword=y\n}}\n\
         userdb {{\n driver = static\n args = uid=nobody gid=nogroup home=/nonexistent\n}}\n",
        run = place.path("run"),
        state = place.path("state"),
        log = place.path("log"),
        chain = place.chain.display(),
        key = place.key.display(),
        port = place.address.port(),
    );
    fs::write(place.folder.path().join("dovecot.conf"), configuration).unwrap();
    let mut command = Command::new(program);
    command.args(["-F", "-c", &place.path("dovecot.conf")]);
    Some(place.start(command, None))
}

fn postfix(authority: &Authority) -> Option<Program> {
    let program = program("postfix")?;
    let place = Place::new(authority);
    for folder in ["conf", "queue", "data"] {
        fs::create_dir(place.folder.path().join(folder)).unwrap();
    }
    let owned = Command::new("chown").arg("postfix").arg(place.folder.path().join("data")).status().unwrap();
    assert!(owned.success());
    let main = format!(
        "compatibility_level = 3.6\nqueue_directory = {queue}\ndata_directory = {data}\n\
         command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\nmail_owner = postfix\n\
         setgid_group = postdrop\nmyhostname = good.test\nmydestination =\nlocal_recipient_maps =\n\
         inet_interfaces = 127.0.0.1\nsmtpd_tls_security_level = may\nsmtpd_tls_chain_files = {key} {chain}\n\
         maillog_file = {log}\nmaillog_file_prefixes = /\nsmtpd_recipient_restrictions = reject\n",
        queue = place.path("queue"),
        data = place.path("data"),
        key = place.key.display(),
        chain = place.chain.display(),
        log = place.path("log"),
    );
    let master = format!(
        "127.0.0.1:{} inet n - n - - smtpd\ntlsmgr unix - - n 1000? 1 tlsmgr\nanvil unix - - n - 1 anvil\n\
         proxymap unix - - n - - proxymap\nrewrite unix - - n - - trivial-rewrite\n\
         cleanup unix n - n - 0 cleanup\npostlog unix-dgram n - n - 1 postlogd\n",
        place.address.port()
    );
    fs::write(place.folder.path().join("conf/main.cf"), main).unwrap();
    fs::write(place.folder.path().join("conf/master.cf"), master).unwrap();
    let with = |verb: &str| {
        let mut command = Command::new(&program);
        command.args(["-c", &place.path("conf"), verb]);
        command
    };
    let (start, stop) = (with("start-fg"), with("stop"));
    Some(place.start(start, Some(stop)))
}

fn postgres(authority: &Authority) -> Option<Program> {
    let (initdb, postgres) = (program("initdb")?, program("postgres")?);
    let place = Place::new(authority);
    let owned = Command::new("chown").args(["-R", "postgres"]).arg(place.folder.path()).status().unwrap();
    assert!(owned.success());
    allow(&place.key, 0o600);
    let made = as_user("postgres", &initdb)
        .args(["-D", &place.path("data"), "--no-sync", "-A", "trust"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut command = as_user("postgres", &postgres);
    command.args(["-D", &place.path("data"), "-p", &place.address.port().to_string()]);
    for setting in [
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", place.chain.display()),
        format!("ssl_key_file={}", place.key.display()),
    ] {
        command.args(["-c", &setting]);
    }
    Some(place.start(command, None))
}

/// Asserts that a check sees the server's certificate after STARTTLS, and judges it.
async fn assert_starts_tls(authority: &Authority, program: Option<Program>, starttls: Starttls) {
    let Some(program) = program else { return };
    let mut probe = probes::get(&format!("tls://good.test:{}", program.address.port()));
    probe.timeout = Duration::from_secs(10);
    probe.transport.address = Some(program.address);
    probe.transport.tls.ca_file = Some(authority.ca_file());
    probe.steps[0].request.starttls = Some(starttls);
    probe.steps[0].expect.certificate_days = Some(14);
    let (outcome, _) = probes::check(probe.clone()).await;
    assert_eq!(outcome.verdict, Verdict::Up, "{starttls:?}: {:?}", outcome.failure);
    assert!(outcome.tls.is_some_and(|tls| tls.verified && tls.certificate.is_some()));
    assert!(outcome.timings.processing.is_some() && outcome.timings.tls.is_some(), "{:?}", outcome.timings);

    probe.steps[0].expect.certificate_days = Some(10_000);
    let (outcome, _) = probes::check(probe).await;
    assert_eq!(outcome.verdict, Verdict::Down, "the certificate that is shown is judged");
}

#[tokio::test]
async fn postfix_starts_tls() {
    let authority = Authority::new();
    assert_starts_tls(&authority, postfix(&authority), Starttls::Smtp).await;
}

#[tokio::test]
async fn dovecot_starts_tls() {
    let authority = Authority::new();
    assert_starts_tls(&authority, dovecot(&authority), Starttls::Imap).await;
}

#[tokio::test]
async fn postgresql_starts_tls() {
    let authority = Authority::new();
    assert_starts_tls(&authority, postgres(&authority), Starttls::Postgres).await;
}
