//! The files under `examples/`, each run against a matching local server: every probe is up while
//! the server is healthy, and the right probe and step are down when one thing of it breaks.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::path::Path;

use crate::support::run::Run;
use crate::support::server::{Server, answer};
use crate::support::tls::Authority;
use serde_json::Value as Json;

/// A request as the servers of these tests receive it.
struct Asked {
    /// The method and the path with its query: `GET /cart`.
    line: String,
    /// The head and the body.
    whole: String,
    body: String,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        let (head, _) = self.whole.split_once("\r\n\r\n")?;
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
        line.split_once(':').map(|(_, value)| value.trim())
    }
}

/// A site over TLS, and the authority that a run must trust.
struct Site {
    authority: Authority,
    server: Server,
}

impl Site {
    fn start(route: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Site {
        let authority = Authority::new();
        let leaf = authority.leaf(&["localhost"]);
        let server = Server::tls(leaf.config(), move |conn| {
            let whole = String::from_utf8_lossy(&conn.request()).into_owned();
            let line = whole.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
            let body = whole.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
            conn.send(route(&Asked { line, whole, body }));
        });
        Site { authority, server }
    }

    fn url(&self, path: &str) -> String {
        self.server.https("localhost", path)
    }

    /// Runs an example and returns the exit status and each probe's verdict, sorted, with the class
    /// and the step of a failure.
    #[track_caller]
    fn check(&self, example: &str, environment: &[(&str, String)]) -> (i32, Vec<String>) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example).join("probes.toml");
        let mut run = Run::new(["check", "-c", &path.display().to_string(), "--format", "json"])
            .env("SSL_CERT_FILE", &self.authority.ca_file().display().to_string());
        for (name, value) in environment {
            run = run.env(name, value);
        }
        let ran = run.run();
        let document: Json =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}{}", ran.stdout, ran.stderr));
        let mut told: Vec<String> = document["outcomes"].as_array().unwrap().iter().map(told).collect();
        told.sort();
        (ran.status.code().unwrap(), told)
    }
}

/// The verdict of one outcome, such as `checkout: down, status in pay`.
fn told(outcome: &Json) -> String {
    let (probe, verdict) = (outcome["probe"].as_str().unwrap(), outcome["verdict"].as_str().unwrap());
    let class = outcome["failure"]["class"].as_str().map(|class| format!(", {class}")).unwrap_or_default();
    let step = outcome["failure"]["step"].as_str().map(|step| format!(" in {step}")).unwrap_or_default();
    format!("{probe}: {verdict}{class}{step}")
}

/// Asserts that every probe is up except these.
#[track_caller]
fn assert_all_up_but(told: &[String], expected: &[&str]) {
    let others: Vec<&str> = told.iter().map(String::as_str).filter(|told| !told.ends_with(": up")).collect();
    assert_eq!(others, expected, "{told:#?}");
}

fn html(body: &str) -> Vec<u8> {
    answer(
        200,
        &[("content-type", "text/html; charset=utf-8"), ("strict-transport-security", "max-age=63072000")],
        body,
    )
}

fn json(status: u16, body: &str) -> Vec<u8> {
    answer(status, &[("content-type", "application/json"), ("cache-control", "no-store")], body)
}

fn not_found() -> Vec<u8> {
    answer(404, &[], "not found")
}

/// The product of `examples/saas`. `broken` names the thing that is broken; an empty text breaks
/// nothing.
fn saas(asked: &Asked, broken: &str) -> Vec<u8> {
    match asked.line.as_str() {
        "GET /control/" => html("ok"),
        "GET /www/" => html("<title>Product</title><img src=logo.png><link rel=stylesheet href=/www/site.css>"),
        "GET /www/logo.png" if broken == "image" => not_found(),
        "GET /www/logo.png" => answer(200, &[("content-type", "image/png")], "png"),
        "GET /www/site.css" => answer(200, &[("content-type", "text/css")], "body {}"),
        "GET /www/old-pricing" => answer(301, &[("location", "/www/pricing")], ""),
        "GET /www/pricing" => html("pricing"),
        "GET /app/" if broken == "template" => html("<div id=\"root\"></div>{{ user.name }}"),
        "GET /app/" => html("<div id=\"root\"></div>"),
        "GET /api/health" if broken == "queue" => {
            json(200, r#"{"status":"ok","queue":{"depth":1001},"regions":["eu"]}"#)
        }
        "GET /api/health" => json(200, r#"{"status":"ok","queue":{"depth":3},"regions":["eu"]}"#),
        "GET /api/v1/me" if broken == "open" => json(200, "{}"),
        "GET /api/v1/me" => answer(401, &[("www-authenticate", "Bearer realm=\"api\"")], ""),
        "GET /api/regions/eu-central/ping" => json(200, r#"{"region":"eu-central"}"#),
        // The wrong region answers: a 200 that is a mistake.
        "GET /api/regions/us-east/ping" if broken == "region" => json(200, r#"{"region":"eu-central"}"#),
        "GET /api/regions/us-east/ping" if asked.header("x-region") == Some("us-east") => {
            json(200, r#"{"region":"us-east"}"#)
        }
        _ => not_found(),
    }
}

#[test]
fn the_saas_is_up_and_each_of_its_faults_is_found_where_it_is() {
    let cases = [
        ("", 0, vec![]),
        ("image", 1, vec!["home: down, asset_failed"]),
        ("template", 1, vec!["app shell: down, assertion_failed"]),
        ("queue", 1, vec!["api health: down, assertion_failed"]),
        ("open", 1, vec!["api needs a login: down, status"]),
        ("region", 1, vec!["api us-east: down, assertion_failed"]),
    ];
    for (broken, code, expected) in cases {
        let site = Site::start(move |asked| saas(asked, broken));
        let environment = [
            ("WEB_URL", site.url("/www")),
            ("APP_URL", site.url("/app")),
            ("API_URL", site.url("/api")),
            ("CONTROL_URL", site.url("/control/")),
        ];
        let (status, told) = site.check("saas", &environment);
        assert_eq!((told.len(), status), (8, code), "{broken}: {told:#?}");
        assert_all_up_but(&told, &expected);
    }
}

/// The API of `examples/api`. `broken` names the thing that is broken.
fn api(asked: &Asked, broken: &str) -> Vec<u8> {
    // base64 of uptick:cl13nt-s3cr3t
    let knows_client = asked.header("authorization") == Some("Basic dXB0aWNrOmNsMTNudC1zM2NyM3Q=");
    let authorised = asked.header("authorization") == Some("Bearer t0ken-0f-a-day");
    match asked.line.as_str() {
        "POST /token" if broken == "token" => json(503, r#"{"error":"temporarily_unavailable"}"#),
        "POST /token" if knows_client && asked.body.contains("scope=orders%3Aread+orders%3Awrite") => {
            json(200, r#"{"access_token":"t0ken-0f-a-day","token_type":"Bearer","expires_in":3600}"#)
        }
        "POST /token" => json(401, r#"{"error":"invalid_client"}"#),
        _ if !authorised => json(401, r#"{"error":"invalid_token"}"#),
        "GET /orders?limit=1" => json(200, r#"{"orders":[{"id":"a-1"}]}"#),
        "POST /orders" if broken == "write" => json(500, "{}"),
        "POST /orders" if serde_json::from_str::<Json>(&asked.body).unwrap()["item"] == "uptick" => {
            answer(201, &[("content-type", "application/json"), ("location", "/orders/a-2")], r#"{"id":"a-2"}"#)
        }
        "GET /orders/a-2" if broken == "read" => json(200, r#"{"id":"a-3","item":"uptick"}"#),
        "GET /orders/a-2" => json(200, r#"{"id":"a-2","item":"uptick"}"#),
        "DELETE /orders/a-2" => answer(204, &[], ""),
        "POST /uploads" if asked.whole.contains("filename=\"pixel.png\"") => json(201, r#"{"bytes":67}"#),
        _ => not_found(),
    }
}

#[test]
fn the_api_is_asked_with_a_token_and_a_broken_token_server_is_not_its_fault() {
    let cases = [
        ("", 0, vec![]),
        ("write", 1, vec!["write an order: down, status in create"]),
        ("read", 1, vec!["write an order: down, assertion_failed in read back"]),
        (
            "token",
            1,
            vec![
                "list orders: unknown, auth_failed",
                "token server: down, status",
                "upload: unknown, auth_failed",
                "write an order: unknown, auth_failed in create",
            ],
        ),
    ];
    for (broken, code, expected) in cases {
        let site = Site::start(move |asked| api(asked, broken));
        let environment = [
            ("API_URL", site.url("")),
            ("TOKEN_URL", site.url("/token")),
            ("API_CLIENT_SECRET", "cl13nt-s3cr3t".to_owned()),
        ];
        let (status, told) = site.check("api", &environment);
        assert_eq!((told.len(), status), (4, code), "{broken}: {told:#?}");
        assert_all_up_but(&told, &expected);
    }
}

/// The shop of `examples/shop`. `broken` names the thing that is broken.
fn shop(asked: &Asked, broken: &str) -> Vec<u8> {
    let has = |text: &str| asked.whole.contains(text);
    let logged_in = asked.header("cookie").is_some_and(|cookie| cookie.contains("session=s-1"));
    match asked.line.as_str() {
        "GET /" => html("<title>Shop</title><img src=/lamp.jpg>"),
        "GET /lamp.jpg" => answer(200, &[("content-type", "image/jpeg")], "jpg"),
        "GET /search?q=lamp" => html("1 lamp"),
        "GET /products/lamp" => answer(
            200,
            &[("content-type", "text/html"), ("set-cookie", "basket=b-1; Path=/")],
            "<form id=buy data-sku=LAMP-1><input name=csrf value=c-1></form> in stock",
        ),
        "POST /cart" if has("basket=b-1") && asked.body == "csrf=c-1&sku=LAMP-1&quantity=1" => {
            answer(303, &[("location", "/cart")], "")
        }
        // The cart is empty although an item was added: a page with status 200 that is of no use.
        "GET /cart" if broken == "cart" => html("Your cart is empty"),
        "GET /cart" if has("basket=b-1") => html("LAMP-1, Total: 49.90"),
        "POST /checkout" if broken == "payment" => json(502, r#"{"error":"payment provider"}"#),
        "POST /checkout"
            if asked.header("x-csrf-token") == Some("c-1") && has(r#""total":"49.90""#) && has("4242424242424242") =>
        {
            json(201, r#"{"order":1001}"#)
        }
        "GET /orders/1001" => json(200, r#"{"order":1001,"state":"paid"}"#),
        "POST /login" if broken == "login" => html("something went wrong"),
        "POST /login" if has("password=sh0p-pass") => {
            answer(303, &[("location", "/account"), ("set-cookie", "session=s-1; Path=/; Secure; HttpOnly")], "")
        }
        "GET /orders" if logged_in => json(200, r#"{"orders":[]}"#),
        "GET /account" if logged_in => json(200, r#"{"email":"probe@example.com"}"#),
        _ => not_found(),
    }
}

#[test]
fn the_shop_is_bought_from_and_a_fault_is_found_in_its_step() {
    let cases = [
        ("", 0, vec![]),
        ("cart", 1, vec!["checkout: down, assertion_failed in add to cart"]),
        ("payment", 1, vec!["checkout: down, status in pay"]),
        ("login", 3, vec!["my address: unknown, blocked", "my orders: unknown, blocked"]),
    ];
    for (broken, code, expected) in cases {
        let site = Site::start(move |asked| shop(asked, broken));
        let environment = [
            ("SHOP_URL", site.url("")),
            ("SHOP_PASSWORD", "sh0p-pass".to_owned()),
            ("SHOP_TEST_CARD", "4242424242424242".to_owned()),
        ];
        let (status, told) = site.check("shop", &environment);
        assert_eq!((told.len(), status), (5, code), "{broken}: {told:#?}");
        assert_all_up_but(&told, &expected);
        let logins = site.server.requests_text().iter().filter(|request| request.starts_with("POST /login")).count();
        assert_eq!(logins, 1, "one login for all that need it");
    }
}

/// The social network of `examples/login`: healthy, or with the fault of March 2023.
fn social(asked: &Asked, broken: bool) -> Vec<u8> {
    match asked.line.as_str() {
        "GET /" => html("<title>Social</title><img src=/avatar.png>"),
        "GET /s/abc" | "GET /avatar.png" | "POST /login" if broken => {
            json(403, r#"{"errors":[{"message":"Your current API plan does not include access to this endpoint"}]}"#)
        }
        "GET /s/abc" => answer(301, &[("location", "https://example.com/")], ""),
        "GET /avatar.png" => answer(200, &[("content-type", "image/png")], "png"),
        "GET /login" => answer(
            200,
            &[("content-type", "text/html"), ("set-cookie", "guest=g-1")],
            "<input name=\"csrf\" value=\"x-1\">",
        ),
        "POST /login"
            if asked.whole.contains("guest=g-1") && asked.body == "csrf=x-1&user=probe&password=pr0be-pass" =>
        {
            json(200, r#"{"token":"t-1-of-probe"}"#)
        }
        "GET /timeline" if asked.header("authorization") == Some("Bearer t-1-of-probe") => {
            json(200, r#"{"status":"ok","items":[{"id":1}]}"#)
        }
        _ => not_found(),
    }
}

#[test]
fn the_fault_of_march_2023_is_seen_by_all_but_the_page() {
    for broken in [false, true] {
        let site = Site::start(move |asked| social(asked, broken));
        let environment = [("SITE_URL", site.url("")), ("PROBE_PASSWORD", "pr0be-pass".to_owned())];
        let (status, told) = site.check("login", &environment);
        assert_eq!((told.len(), status), (4, i32::from(broken)), "{told:#?}");
        let expected: &[&str] = if broken {
            &["images: down, asset_failed", "short link: down, status", "timeline: down, status in log in"]
        } else {
            &[]
        };
        assert_all_up_but(&told, expected);
    }
}

#[test]
#[cfg_attr(not(feature = "http3"), ignore = "it has HTTP/3 in it, which is a feature")]
fn the_stack_asks_by_every_scheme() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/stack/probes.toml");
    let config = uptick::config::load(&path, &|_| None).unwrap_or_else(|error| panic!("{error}"));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    for protocol in uptick::model::Protocol::ALL {
        let asks = |probe: &std::sync::Arc<uptick::model::Probe>| probe.steps[0].request.protocol == protocol;
        assert!(config.probes.iter().any(asks), "{protocol:?}");
    }
}
