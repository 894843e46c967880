//! The environment of the README: the shop that it probes, on the loopback interface, and the
//! folder in which its commands run.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::server::{Server, answer};
use crate::support::tls::Authority;

/// The URL of the shop in the README.
const NAME: &str = "https://shop.example.com";
/// The address of the shop in the README.
const ADDRESS: &str = "203.0.113.7:443";

/// The certificate of the shop in the README.
const CERTIFICATE: &str = "CN=shop.example.com, by CN=Example CA, for shop.example.com";

pub(crate) struct Shop {
    server: Server,
    authority: Authority,
    folder: TempDir,
}

impl Shop {
    /// Starts the shop, whose checkout always answers 503.
    pub(crate) fn open() -> Shop {
        let authority = Authority::new();
        let server = Server::tls(authority.leaf(&["localhost"]).config(), |conn| {
            let request = String::from_utf8_lossy(&conn.request()).into_owned();
            let path = request.split_whitespace().nth(1).unwrap_or_default().to_owned();
            let html = [("content-type", "text/html; charset=utf-8")];
            let json = [("content-type", "application/json")];
            let reply = match path.as_str() {
                "/api/health" => answer(200, &json, "{\"status\":\"ok\"}"),
                "/logo.png" => answer(200, &[("content-type", "image/png")], "\u{89}PNG"),
                "/checkout" => answer(503, &[("retry-after", "30")], "over capacity"),
                _ => answer(200, &html, "<!doctype html><title>Shop</title><img src=/logo.png>"),
            };
            conn.send(reply);
        });
        Shop { server, authority, folder: tempfile::tempdir().unwrap() }
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, self.here(text)).unwrap();
    }

    /// Runs a command of the README and returns its output, with the names and addresses of the
    /// README.
    pub(crate) fn run(&self, command: &str) -> String {
        let command = here_command(&self.here(command));
        let script = format!("uptick() {{ {binary:?} \"$@\"; }}\n{command}", binary = env!("CARGO_BIN_EXE_uptick"));
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(self.folder.path())
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME"))
            .env("SSL_CERT_FILE", self.authority.ca_file())
            .env("COLUMNS", "100")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let code = output.status.code().unwrap_or(-1);
        assert!(code <= 3, "$ {command}: {code}: {}", String::from_utf8_lossy(&output.stderr));
        let said = [output.stdout, output.stderr].concat();
        self.there(&String::from_utf8_lossy(&said))
    }

    /// Replaces the URL of the README with that of the local server.
    fn here(&self, text: &str) -> String {
        text.replace(NAME, &self.server.https("localhost", ""))
    }

    /// Replaces local URLs, addresses and paths with those of the README.
    fn there(&self, text: &str) -> String {
        text.replace(&self.server.https("localhost", ""), NAME)
            // The name of a probe that is named after its URL has no scheme.
            .replace(&format!("localhost:{}", self.server.port()), NAME.trim_start_matches("https://"))
            .replace(&self.server.address().to_string(), ADDRESS)
            // Whether localhost also has an IPv6 address depends on the machine.
            .replace(&format!("; the name also has [::1]:{}", self.server.port()), "")
            .replace("CN=uptick test leaf, by CN=uptick test authority, for localhost", CERTIFICATE)
            .replace(&format!("{}/", self.folder.path().display()), "")
    }
}

/// The command to run in the test: without a build, and with an end for `watch`.
fn here_command(command: &str) -> String {
    let command = command.replace("cargo run --release -- ", "uptick ");
    match command.strip_prefix("uptick watch") {
        Some(rest) => format!("uptick watch --for 1s{rest}"),
        None => command,
    }
}
