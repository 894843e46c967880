//! Redirects that loop, lead nowhere, or carry away secrets.

use std::sync::Arc;

use http::{HeaderName, Method};
use uptick::model::FailureClass::{DnsNotFound, RedirectBlocked, RedirectInvalid, RedirectLimit, TargetBlocked};
use uptick::model::Phase::Resolve;
use uptick::model::{Auth, Body, DeniedNetworks, FileBody, Resolver, StatusSet, Value};

use crate::faults::row::{Case, Row, answers, fails, up};
use crate::support::dns::{Dns, Reply};
use crate::support::server;
use crate::support::server::Server;
use crate::support::tls::Authority;

pub(crate) const ROWS: &[Row] = &[
    answers(93, "a redirect leads to itself", RedirectLimit, || {
        leads("/").also(|outcome| {
            assert_eq!(outcome.redirects.len(), 10, "{:?}", outcome.redirects);
            assert!(outcome.redirects.iter().all(|hop| hop.status == 302));
        })
    }),
    answers(93, "two redirects follow and `redirects` is 1", RedirectLimit, || {
        let server = Server::start(|conn| {
            let request = conn.request();
            let to = if request.starts_with(b"GET /a ") { "/b" } else { "/c" };
            conn.send(server::answer(302, &[("location", to)], ""));
        });
        Case::get(server.url("/a")).step(|step| step.request.redirects = 1).keep(server)
    }),
    answers(94, "a redirect leads to a file", RedirectBlocked, || leads("file:///etc/passwd")),
    answers(94, "a redirect leads to ftp", RedirectBlocked, || leads("ftp://127.0.0.1/")),
    answers(94, "a redirect leads to gopher", RedirectBlocked, || leads("gopher://127.0.0.1:9/_x")),
    answers(94, "a redirect leads to data", RedirectBlocked, || leads("data:text/html,hello")),
    answers(94, "a redirect leads to a script", RedirectBlocked, || leads("javascript:alert(1)")),
    answers(95, "a redirect has no Location", RedirectInvalid, || raw(&server::answer(302, &[], ""))),
    up(95, "a redirect has no Location, and its status is expected", || {
        raw(&server::answer(302, &[], "hello"))
            .step(|step| step.expect.status = vec![StatusSet(302..=302)])
            .also(|outcome| assert_eq!(outcome.body_bytes, 5))
    }),
    answers(95, "a redirect's Location is empty", RedirectInvalid, || leads("")),
    up(95, "a redirect's Location is empty, and its status is expected", || {
        leads("").step(|step| step.expect.status = vec![StatusSet(302..=302)])
    }),
    answers(95, "a redirect's Location cannot be parsed", RedirectInvalid, || leads("http://[::1/")),
    fails(
        95,
        "a redirect leads to a name that does not exist, and that TLS could not send",
        DnsNotFound,
        Resolve,
        || {
            let dns = Dns::always(Reply::Code(3));
            let resolver = dns.address();
            leads("https://-.test/").probe(|probe| probe.transport.resolver = Resolver::Udp(resolver)).keep(dns)
        },
    ),
    answers(95, "a redirect's Location has no host", RedirectInvalid, || leads("http:///")),
    answers(95, "a redirect's Location has 70,000 bytes", RedirectInvalid, || leads(&"/x".repeat(35_000))),
    up(95, "a redirect's Location has bytes of another charset: they are asked for as they are", || {
        leads_to(b"/caf\xe9\xff", "/caf%E9%FF")
    }),
    up(95, "a redirect's Location has blanks in it", || leads_to(b"/a b ", "/a%20b")),
    up(95, "a redirect's Location has backslashes", || leads_to(b"\\a\\b", "/a/b")),
    up(95, "a redirect's Location has a fragment: it is kept, and not sent", || {
        leads_to(b"/a#part", "/a").step(|step| {
            let own = step.request.url.to_string();
            step.expect.final_url = Some(Value::plain(&format!("{own}a#part")));
        })
    }),
    up(95, "a page refreshes itself by a meta element: it is the answer, and is not left", || {
        let page = "<meta http-equiv=refresh content=\"0; url=http://127.0.0.1:1/\">";
        raw(&server::answer(200, &[("refresh", "0; url=http://127.0.0.1:1/")], page))
    }),
    answers(96, "a redirect has two Locations", RedirectInvalid, || {
        raw(&server::answer(302, &[("location", "/a"), ("location", "/b")], ""))
    }),
    answers(97, "a redirect leads from https to http", RedirectBlocked, || {
        let authority = Authority::new();
        let plain = Server::answers(server::ok("hello"));
        let target = plain.url("/");
        let server = Server::tls(authority.leaf(&["good.test"]).config(), move |conn| {
            conn.request();
            conn.send(server::answer(302, &[("location", &target)], ""));
        });
        let ca_file = authority.ca_file();
        let plain = Arc::new(plain);
        let seen = Arc::clone(&plain);
        Case::get(server.https("good.test", "/"))
            .at(server.address())
            .probe(|probe| probe.transport.tls.ca_file = Some(ca_file))
            .keep(authority)
            .keep(server)
            .keep(plain)
            .also(move |_| assert_eq!(seen.connections(), 0, "nobody is asked in clear"))
    }),
    up(98, "a redirect leads to another host, which gets none of the headers, cookies and credentials", || {
        let other = Arc::new(Server::answers(server::ok("hello")));
        carrying_secrets(&other, format!("http://other.test:{}/", other.port()))
    }),
    up(98, "a redirect leads to another port, which gets none of the headers, cookies and credentials", || {
        let other = Arc::new(Server::answers(server::ok("hello")));
        carrying_secrets(&other, format!("http://name.test:{}/", other.port()))
    }),
    answers(98, "a POST of a file is redirected by 307 to another origin", RedirectBlocked, || {
        let other = Arc::new(Server::answers(server::ok("hello")));
        let seen = Arc::clone(&other);
        let target = format!("http://localhost:{}/", other.port());
        let first = Server::answers(server::answer(307, &[("location", &target)], ""));
        Case::get(first.url("/"))
            .step(|step| {
                step.request.method = Method::POST;
                let bytes = Arc::from(b"private".as_slice());
                step.request.body = Body::File(FileBody { path: "x".into(), bytes, content_type: None });
            })
            .keep(first)
            .keep(other)
            .also(move |_| assert_eq!(seen.connections(), 0, "nobody else is sent the file"))
    }),
    up(99, "a redirect's Location has a user and a password: they are neither sent nor shown", || {
        let server = Arc::new(Server::start(|conn| {
            let request = conn.request();
            if request.starts_with(b"GET /end ") {
                conn.send(server::ok("arrived"));
            } else {
                let host = host_of(&request);
                conn.send(server::answer(302, &[("location", &format!("http://user:pw-4711@{host}/end"))], ""));
            }
        }));
        let seen = Arc::clone(&server);
        Case::get(server.url("/")).keep(server).also(move |outcome| {
            let record = serde_json::to_string(outcome).expect("an outcome");
            assert!(!record.contains("pw-4711"), "{record}");
            assert_eq!(seen.requests().len(), 2);
            let requests = seen.requests_text().concat().to_lowercase();
            assert!(!requests.contains("authorization"), "{requests}");
        })
    }),
    answers(100, "a redirect leads to a metadata service, and `network.deny` has \"metadata\"", TargetBlocked, || {
        leads("http://169.254.169.254/latest/meta-data/")
            .probe(|probe| probe.transport.deny = DeniedNetworks { metadata: true, ..DeniedNetworks::NOTHING })
    }),
    up(101, "a POST is redirected by 301: the next request is a GET without the body", || posting(301, "GET", false)),
    up(101, "a POST is redirected by 302: the next request is a GET without the body", || posting(302, "GET", false)),
    up(101, "a POST is redirected by 303: the next request is a GET without the body", || posting(303, "GET", false)),
    up(101, "a POST is redirected by 307: it is a POST with the body again", || posting(307, "POST", true)),
    up(101, "a POST is redirected by 308: it is a POST with the body again", || posting(308, "POST", true)),
];

fn raw(bytes: &[u8]) -> Case {
    let server = Server::answers(bytes);
    Case::get(server.url("/")).keep(server)
}

fn leads(location: &str) -> Case {
    raw(&server::answer(302, &[("location", location)], ""))
}

/// A redirect that must lead to this path of the same server.
fn leads_to(location: &'static [u8], path: &'static str) -> Case {
    let server = Arc::new(Server::start(move |conn| {
        let request = conn.request();
        if request.starts_with(b"GET / ") {
            conn.send([b"HTTP/1.1 302 x\r\nlocation: ", location, b"\r\ncontent-length: 0\r\n\r\n"].concat());
        } else {
            conn.send(server::ok("arrived"));
        }
    }));
    let seen = Arc::clone(&server);
    Case::get(server.url("/")).keep(server).also(move |_| {
        let requests = seen.requests_text();
        assert!(requests[1].starts_with(&format!("GET {path} ")), "{requests:?}");
    })
}

fn host_of(request: &[u8]) -> String {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let line = text.lines().find(|line| line.starts_with("host:")).unwrap_or_default();
    line.strip_prefix("host:").unwrap_or_default().trim().to_owned()
}

/// A probe full of secrets, whose server redirects it to another origin.
fn carrying_secrets(other: &Arc<Server>, target: String) -> Case {
    let dns = Dns::always(Reply::address(std::net::Ipv4Addr::LOCALHOST));
    let first = Arc::new(Server::start(move |conn| {
        conn.request();
        conn.send(server::answer(302, &[("location", &target), ("set-cookie", "session=SECRET-c")], ""));
    }));
    let (asked, seen) = (Arc::clone(&first), Arc::clone(other));
    let resolver = dns.address();
    Case::get(format!("http://name.test:{}/?token=SECRET-q", first.port()))
        .probe(|probe| probe.transport.resolver = Resolver::Udp(resolver))
        .step(|step| {
            step.request.auth = Some(Auth::Bearer(Value::secret("TOKEN", "SECRET-a")));
            for (name, value) in [("x-api-key", "SECRET-k"), ("cookie", "id=SECRET-i"), ("x-note", "SECRET-n")] {
                step.request.headers.push((HeaderName::from_static(name), Value::secret("S", value)));
            }
        })
        .keep(dns)
        .keep(first)
        .keep(Arc::clone(other))
        .also(move |_| {
            let asked = asked.requests_text().concat();
            for secret in ["SECRET-q", "SECRET-a", "SECRET-k", "SECRET-i", "SECRET-n"] {
                assert!(asked.contains(secret), "the first origin gets {secret}: {asked}");
            }
            let seen = seen.requests_text().concat();
            assert!(seen.starts_with("GET / HTTP/1.1\r\n"), "{seen}");
            assert!(!seen.contains("SECRET"), "{seen}");
            assert!(!seen.to_lowercase().contains("referer"), "{seen}");
        })
}

fn posting(status: u16, method: &'static str, with_body: bool) -> Case {
    let server = Arc::new(Server::start(move |conn| {
        let request = conn.request();
        if request.starts_with(b"POST /start ") {
            conn.send(server::answer(status, &[("location", "/end")], ""));
        } else {
            conn.send(server::ok("arrived"));
        }
    }));
    let seen = Arc::clone(&server);
    Case::get(server.url("/start"))
        .step(|step| {
            step.request.method = Method::POST;
            step.request.body = Body::Text(Value::plain("the body"));
        })
        .keep(server)
        .also(move |outcome| {
            let requests = seen.requests_text();
            assert_eq!(requests.len(), 2, "{requests:?}");
            assert!(requests[1].starts_with(&format!("{method} /end ")), "{requests:?}");
            assert_eq!(requests[1].ends_with("\r\n\r\nthe body"), with_body, "{requests:?}");
            assert_eq!(outcome.redirects[0].method, "POST");
            assert_eq!(outcome.redirects[0].status, status);
        })
}
