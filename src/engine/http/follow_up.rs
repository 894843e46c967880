//! A further request that an answer leads to: for a file of the page, or to a service offered by `alt-svc`.

use http::{HeaderName, header};
use url::Url;

use crate::engine::connect::route::same_origin;
use crate::engine::http::{redirect, request_builder};
use crate::model::{Expect, Request, Step, Value};

/// The step that gets `link`. Only a request to the origin of the step's own URL carries its credentials and
/// all of its headers; one to another origin, also one that a redirect led to, carries those headers alone
/// that hold no secret.
pub(crate) fn step(of: &Step, link: &Url, own: &Url, body_limit: u64) -> Step {
    let same_origin = same_origin(link, own);
    let safe = |(name, value): &&(HeaderName, Value)| redirect::is_safe(name) && !request_builder::is_private(value);
    let of_body = |name: &HeaderName| [header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name);
    let headers =
        of.request.headers.iter().filter(|header| if same_origin { !of_body(&header.0) } else { safe(header) });
    let request = Request {
        headers: headers.cloned().collect(),
        omitted_headers: of.request.omitted_headers.clone(),
        auth: if same_origin { of.request.auth.clone() } else { None },
        body_limit,
        ..Request::get(Value::plain(link.as_str()))
    };
    Step { expect: Expect::default().into(), ..Step::of(request) }
}
