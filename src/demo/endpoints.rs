//! The endpoints of the scenarios and their responses: the app and the web as their users see them,
//! and a control target.

use crate::demo::response::Response;
use crate::demo::scenario::{Endpoint, Resolvers, Route};

/// The app and the web as their users see them.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let timeline = Response::json(200, r#"{"items":[{"id":1,"text":"hello"},{"id":2,"text":"world"}],"status":"ok"}"#);
    vec![
        Endpoint { not_empty: Some("$.items"), ..endpoint("timeline", "app", "api.x.test", "/timeline", timeline) },
        endpoint("login", "app", "api.x.test", "/login", Response::json(200, r#"{"flow":"password"}"#)),
        Endpoint {
            contains: Some("<title>"),
            ..endpoint(
                "home",
                "web",
                "x.test",
                "/",
                Response::html(200, "<!doctype html><title>X</title><h1>Hello</h1>"),
            )
        },
        endpoint("link", "web", "t.x.test", "/abc", Response::html(200, "<title>A page somewhere</title>")),
        endpoint("image", "web", "img.x.test", "/logo.svg", image()),
        endpoint("terms", "web", "x.test", "/tos", Response::html(200, "<title>Terms of service</title>")),
    ]
}

/// The endpoints, and two more routes to the page: without a name lookup, and with another
/// resolver.
pub(super) fn with_routes() -> Vec<Endpoint> {
    let response = || Response::html(200, "<!doctype html><title>X</title><h1>Hello</h1>");
    let mut endpoints = endpoints();
    endpoints
        .push(Endpoint { route: Route::TlsAtAddress, ..endpoint("home-by-address", "web", "x.test", "/", response()) });
    endpoints.push(Endpoint {
        route: Route::Tls(Resolvers::Second),
        ..endpoint("home-by-other-resolver", "web", "x.test", "/", response())
    });
    endpoints.push(internet());
    endpoints
}

pub(super) fn endpoint(
    name: &'static str,
    surface: &'static str,
    host: &'static str,
    path: &'static str,
    response: Response,
) -> Endpoint {
    Endpoint {
        name,
        surface,
        control: false,
        host,
        path,
        route: Route::Tls(Resolvers::First),
        response,
        contains: None,
        not_empty: None,
    }
}

/// The control target: somebody else's page, without TLS.
pub(super) fn internet() -> Endpoint {
    let response = Response::html(200, "<title>Somebody else</title>");
    Endpoint { control: true, route: Route::Clear, ..endpoint("internet", "control", "elsewhere.test", "/", response) }
}

fn image() -> Response {
    let body = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M1 1l7 7M8 1L1 8"/></svg>"#;
    Response { status: 200, headers: vec![("content-type", "image/svg+xml")], body }
}

/// The response of 6 March 2023; 467 is a code of the application, not a status.
pub(super) const API_PLAN_467: &str =
    r#"{"errors":[{"message":"Your current API plan does not include access to this endpoint","code":467}]}"#;

/// The response of an edge that cannot connect to the origin behind it.
pub(super) fn edge_response_522() -> Response {
    Response::html(522, "<!doctype html><title>522: Connection timed out</title><h1>Error code 522</h1>")
        .header("server", "cloudflare")
        .header("cf-ray", "91e0a3b2c4d5e6f7-IAD")
}

/// The response of an edge that fails itself.
pub(super) fn edge_response_500() -> Response {
    Response::html(500, "<!doctype html><title>500: Internal server error</title><h1>Error code 500</h1>")
        .header("server", "cloudflare")
        .header("cf-ray", "99f1b4c3d5e6f708-IAD")
}
