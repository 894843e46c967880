//! Credentials of a request.

use http::HeaderName;

use super::interpolate::Use;
use super::layers::Layers;
use super::reader::Reader;
use super::request::{is_header_value, required, stand_in};
use super::tree::Node;
use super::{interpolate, layers, url};
use crate::model::{Auth, OAuth2, Value};

/// Reads the credentials. They stand in one place: in `auth`, in the URL, or in the header
/// authorization; of two places, the nearer one counts, and a tie is a mistake.
pub(super) fn auth(
    reader: &mut Reader,
    layers: &Layers,
    in_url: Option<Auth>,
    headers: &mut Vec<(HeaderName, Value)>,
) -> Option<Auth> {
    let in_header = layers.distance(|table| {
        let headers = table.get("headers").and_then(Node::as_table);
        headers
            .is_some_and(|headers| headers.entries.iter().any(|entry| entry.key.eq_ignore_ascii_case("authorization")))
    });
    let in_auth = layers.distance(|table| table.get("auth").is_some());
    if in_url.is_some() && (in_header == Some(0) || in_auth == Some(0)) {
        let entry = layers.get("auth").or(layers.get("headers"))?;
        reader.problem(&entry.place, "credentials stand both in the URL and beside it");
        return None;
    }
    let node = layers.get("auth");
    match (in_url, in_auth, in_header) {
        (Some(auth), _, _) => {
            headers.retain(|(name, _)| *name != http::header::AUTHORIZATION);
            return Some(auth);
        }
        (None, None, _) => return None,
        (None, Some(auth), Some(header)) if header < auth => return None,
        (None, Some(auth), Some(header)) if header == auth => {
            let message = "credentials stand both in `auth` and in the header authorization";
            reader.problem(&node?.place, message);
        }
        (None, Some(_), _) => headers.retain(|(name, _)| *name != http::header::AUTHORIZATION),
    }
    let node = node?;
    let table = node.as_table()?;
    let inner = Layers::new([table]);
    let Some(entry) = inner.one_of(reader, &["basic", "bearer", "oauth2"]) else {
        reader.problem(&node.place, "`auth` says nothing: give it `basic`, `bearer` or `oauth2`");
        return None;
    };
    match entry.key.as_str() {
        "bearer" => {
            let token = interpolate::fill(reader, &entry.node, Use::Secret("bearer"))?;
            if token.parts.is_empty() {
                reader.problem(&entry.node.place, "`auth.bearer` is empty");
            }
            is_header_value(reader, &entry.node, "`auth.bearer`", &token).then_some(Auth::Bearer(token))
        }
        "oauth2" => oauth2(reader, &entry.node).map(Auth::OAuth2),
        _ => basic(reader, &entry.node),
    }
}

fn basic(reader: &mut Reader, node: &Node) -> Option<Auth> {
    let table = node.as_table()?;
    let user = required(reader, table, "user", "auth.basic");
    let password = required(reader, table, "password", "auth.basic");
    let user_value = interpolate::fill(reader, user?, Use::Variable);
    let password = interpolate::fill(reader, password?, Use::Secret("password"));
    let user_value = user_value?;
    if stand_in(&user_value).contains(':') {
        reader.problem(&user?.place, "`user` has a colon in it, which ends the user's name in HTTP");
    }
    Some(url::basic(reader, user_value, password?))
}

fn oauth2(reader: &mut Reader, node: &Node) -> Option<OAuth2> {
    let table = node.as_table()?;
    let token_url = required(reader, table, "token-url", "auth.oauth2");
    let client_id = required(reader, table, "client-id", "auth.oauth2");
    let client_secret = required(reader, table, "client-secret", "auth.oauth2");
    let scopes = table.get("scopes").map(Node::one_or_more).unwrap_or_default();
    let scopes = scopes.iter().filter_map(|node| layers::name(reader, "scopes", node)).collect();
    let audience = table.get("audience").and_then(|node| interpolate::plain(reader, node));
    let target = token_url.and_then(|node| url::target(reader, "token-url", node, url::WEB, Use::Text));
    let client_id = client_id.and_then(|node| interpolate::fill(reader, node, Use::Variable));
    let client_secret = client_secret.and_then(|node| interpolate::fill(reader, node, Use::Secret("client-secret")));
    let (target, client_id, client_secret) = (target?, client_id?, client_secret?);
    if target.auth.is_some() {
        reader.problem(&token_url?.place, "credentials stand in the URL: `client-id` and `client-secret` are for them");
    }
    // The pair is sent as HTTP basic authentication, in one piece of base64.
    url::basic(reader, client_id.clone(), client_secret.clone());
    Some(OAuth2 { token_url: target.url, client_id, client_secret, scopes, audience })
}
