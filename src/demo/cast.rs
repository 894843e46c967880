//! Who plays in the scenarios: the endpoints of the app and the web as their users see them, a
//! control target, and what they answer when they are well or not.

use crate::demo::page::Page;
use crate::demo::scenario::{Endpoint, Resolvers, Way};

/// The app and the web as their users see them.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let timeline = Page::json(200, r#"{"items":[{"id":1,"text":"hello"},{"id":2,"text":"world"}],"status":"ok"}"#);
    vec![
        Endpoint { not_empty: Some("$.items"), ..page_of("timeline", "app", "api.x.test", "/timeline", timeline) },
        page_of("login", "app", "api.x.test", "/login", Page::json(200, r#"{"flow":"password"}"#)),
        Endpoint {
            contains: Some("<title>"),
            ..page_of("home", "web", "x.test", "/", Page::html(200, "<!doctype html><title>X</title><h1>Hello</h1>"))
        },
        page_of("link", "web", "t.x.test", "/abc", Page::html(200, "<title>A page somewhere</title>")),
        page_of("image", "web", "img.x.test", "/logo.svg", image()),
        page_of("terms", "web", "x.test", "/tos", Page::html(200, "<title>Terms of service</title>")),
    ]
}

/// The endpoints, and further ways to the page: without a lookup, and by another resolver.
pub(super) fn with_ways() -> Vec<Endpoint> {
    let page = || Page::html(200, "<!doctype html><title>X</title><h1>Hello</h1>");
    let mut endpoints = endpoints();
    endpoints.push(Endpoint { way: Way::TlsAtAddress, ..page_of("home-by-address", "web", "x.test", "/", page()) });
    endpoints.push(Endpoint {
        way: Way::Tls(Resolvers::Second),
        ..page_of("home-by-other-resolver", "web", "x.test", "/", page())
    });
    endpoints.push(internet());
    endpoints
}

pub(super) fn page_of(
    name: &'static str,
    surface: &'static str,
    host: &'static str,
    path: &'static str,
    page: Page,
) -> Endpoint {
    Endpoint {
        name,
        surface,
        control: false,
        host,
        path,
        way: Way::Tls(Resolvers::First),
        page,
        contains: None,
        not_empty: None,
    }
}

/// The control target: somebody else's page, in clear.
pub(super) fn internet() -> Endpoint {
    let page = Page::html(200, "<title>Somebody else</title>");
    Endpoint { control: true, way: Way::Clear, ..page_of("internet", "control", "elsewhere.test", "/", page) }
}

fn image() -> Page {
    let body = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M1 1l7 7M8 1L1 8"/></svg>"#;
    Page { status: 200, headers: vec![("content-type", "image/svg+xml")], body }
}

/// The answer of 6 March 2023; 467 is the application's code and not a status.
pub(super) const API_PLAN_467: &str =
    r#"{"errors":[{"message":"Your current API plan does not include access to this endpoint","code":467}]}"#;

/// What an edge answers when it gets no connection to the origin behind it.
pub(super) fn edge_page_522() -> Page {
    Page::html(522, "<!doctype html><title>522: Connection timed out</title><h1>Error code 522</h1>")
        .header("server", "cloudflare")
        .header("cf-ray", "91e0a3b2c4d5e6f7-IAD")
}

/// What an edge answers when it fails itself.
pub(super) fn edge_page_500() -> Page {
    Page::html(500, "<!doctype html><title>500: Internal server error</title><h1>Error code 500</h1>")
        .header("server", "cloudflare")
        .header("cf-ray", "99f1b4c3d5e6f708-IAD")
}
