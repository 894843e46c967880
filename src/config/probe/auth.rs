//! Credentials of a request.

use http::HeaderName;

use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::Node;
use crate::config::table_schema::{TableSchema, ValueType, key};
use crate::config::value::interpolate::TextUse;
use crate::config::value::layers::Layers;
use crate::config::value::toml_text::{TomlWriter, list, table};
use crate::config::value::{header, interpolate, layers, url, url_schemes, userinfo};
use crate::model::{Auth, AwsSigV4, OAuth2, Value};

pub(crate) const AUTH: TableSchema = TableSchema {
    title: "auth",
    groups: &[&[
        key("basic", ValueType::Table(&BASIC), "", "HTTP basic authentication."),
        key(
            "digest",
            ValueType::Table(&DIGEST),
            "",
            "Digest access authentication (RFC 7616), once the server asks for it.",
        ),
        key("aws-sigv4", ValueType::Table(&AWS), "", "Signature Version 4 of AWS."),
        key("bearer", ValueType::Text, "", "A bearer token."),
        key("oauth2", ValueType::Table(&OAUTH2), "", "A bearer token from a token server, for client credentials."),
    ]],
    required: &[],
};

pub(crate) const BASIC: TableSchema = TableSchema {
    title: "auth.basic",
    groups: &[&[key("user", ValueType::Text, "", "The user."), key("password", ValueType::Text, "", "The password.")]],
    required: &["user", "password"],
};

pub(crate) const DIGEST: TableSchema = TableSchema { title: "auth.digest", ..BASIC };

pub(crate) const AWS: TableSchema = TableSchema {
    title: "auth.aws-sigv4",
    groups: &[&[
        key("access-key", ValueType::Text, "", "The name of the access key."),
        key("secret-key", ValueType::Text, "", "The key that signs; it is never sent."),
        key("session-token", ValueType::Text, "", "The token of a session, where the key is of one."),
        key("region", ValueType::Text, "", "The region: `eu-central-1`."),
        key("service", ValueType::Text, "", "The service: `execute-api`, `s3`."),
    ]],
    required: &["access-key", "secret-key", "region", "service"],
};

pub(crate) const OAUTH2: TableSchema = TableSchema {
    title: "auth.oauth2",
    groups: &[&[
        key("token-url", ValueType::Text, "", "The token endpoint."),
        key("client-id", ValueType::Text, "", "The client's name."),
        key("client-secret", ValueType::Text, "", "The client's secret."),
        key("scopes", ValueType::Some(&ValueType::Text), "[]", "The scopes asked for."),
        key("audience", ValueType::Text, "", "The audience asked for, which some servers need."),
    ]],
    required: &["token-url", "client-id", "client-secret"],
};

/// Reads the credentials. They come from one place: `auth`, the URL, or the authorization header; of two places the
/// nearer one counts, and a tie is a mistake.
pub(crate) fn auth(
    reader: &mut ConfigReader,
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
        reader.problem(&entry.span, "credentials are given both in the URL and in another key");
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
            let message = "credentials are given both in `auth` and in the header authorization";
            reader.problem(&node?.span, message);
        }
        (None, Some(_), _) => headers.retain(|(name, _)| *name != http::header::AUTHORIZATION),
    }
    let node = node?;
    let table = node.as_table()?;
    let inner = Layers::new([table]);
    let Some(entry) = inner.one_of(reader, &["basic", "digest", "bearer", "oauth2", "aws-sigv4"]) else {
        // An unknown key is told as such.
        if table.entries.is_empty() {
            reader.problem(&node.span, "`auth` is empty: add `basic`, `digest`, `bearer`, `oauth2` or `aws-sigv4`");
        }
        return None;
    };
    match entry.key.as_str() {
        "bearer" => {
            let token = interpolate::fill(reader, &entry.node, TextUse::Secret("bearer"))?;
            if token.parts.is_empty() {
                reader.problem(&entry.node.span, "`auth.bearer` is empty");
            }
            header::is_value(reader, &entry.node, "`auth.bearer`", &token).then_some(Auth::Bearer(token))
        }
        "digest" => match basic(reader, &entry.node, "auth.digest")? {
            Auth::Basic { user, password } => Some(Auth::Digest { user, password }),
            other => Some(other),
        },
        "aws-sigv4" => aws(reader, &entry.node).map(Auth::AwsSigV4),
        "oauth2" => oauth2(reader, &entry.node).map(Auth::OAuth2),
        _ => basic(reader, &entry.node, "auth.basic"),
    }
}

fn basic(reader: &mut ConfigReader, node: &Node, of: &str) -> Option<Auth> {
    let table = node.as_table()?;
    let user = layers::required(reader, table, "user", of);
    let password = layers::required(reader, table, "password", of);
    let user_value = interpolate::fill(reader, user?, TextUse::Variable);
    let password = interpolate::fill(reader, password?, TextUse::Secret("password"));
    let user_value = user_value?;
    if interpolate::stand_in(&user_value).contains(':') {
        reader.problem(&user?.span, "`user` contains a colon, which ends the user name in HTTP authentication");
    }
    Some(userinfo::basic(reader, user_value, password?))
}

fn aws(reader: &mut ConfigReader, node: &Node) -> Option<AwsSigV4> {
    let table = node.as_table()?;
    let mut required = |key: &str| layers::required(reader, table, key, "auth.aws-sigv4");
    let (access, secret) = (required("access-key"), required("secret-key"));
    let (region, service) = (required("region"), required("service"));
    let access_key = access.and_then(|node| interpolate::fill(reader, node, TextUse::Variable));
    let secret_key = secret.and_then(|node| interpolate::fill(reader, node, TextUse::Secret("secret-key")));
    let session_token = match table.get("session-token") {
        Some(node) => Some(interpolate::fill(reader, node, TextUse::Secret("session-token"))?),
        None => None,
    };
    let region = region.and_then(|node| layers::name(reader, "region", node));
    let service = service.and_then(|node| layers::name(reader, "service", node));
    Some(AwsSigV4 {
        access_key: access_key?,
        secret_key: secret_key?,
        session_token,
        region: region?,
        service: service?,
    })
}

/// The keys that sign for AWS, as TOML.
pub(crate) fn explain_aws(writer: &TomlWriter, aws: &AwsSigV4) -> String {
    let mut fields = vec![
        format!("access-key = {}", writer.value(&aws.access_key)),
        format!("secret-key = {}", writer.value(&aws.secret_key)),
        format!("region = {}", writer.text(&aws.region)),
        format!("service = {}", writer.text(&aws.service)),
    ];
    fields.extend(aws.session_token.as_ref().map(|token| format!("session-token = {}", writer.value(token))));
    table(fields.into_iter())
}

fn oauth2(reader: &mut ConfigReader, node: &Node) -> Option<OAuth2> {
    let table = node.as_table()?;
    let token_url = layers::required(reader, table, "token-url", "auth.oauth2");
    let client_id = layers::required(reader, table, "client-id", "auth.oauth2");
    let client_secret = layers::required(reader, table, "client-secret", "auth.oauth2");
    let scopes = table.get("scopes").map(Node::one_or_more).unwrap_or_default();
    let scopes = scopes.iter().filter_map(|node| layers::name(reader, "scopes", node)).collect();
    let audience = table.get("audience").and_then(|node| interpolate::plain(reader, node));
    let target = token_url.and_then(|node| url::target(reader, "token-url", node, url_schemes::WEB, TextUse::Text));
    let client_id = client_id.and_then(|node| interpolate::fill(reader, node, TextUse::Variable));
    let client_secret =
        client_secret.and_then(|node| interpolate::fill(reader, node, TextUse::Secret("client-secret")));
    let (target, client_id, client_secret) = (target?, client_id?, client_secret?);
    if target.auth.is_some() {
        reader.problem(&token_url?.span, "the URL contains credentials: move them to `client-id` and `client-secret`");
    }
    // The pair is sent as HTTP basic authentication, in one base64 string.
    userinfo::basic(reader, client_id.clone(), client_secret.clone());
    Some(OAuth2 { token_url: target.url, client_id, client_secret, scopes, audience })
}

/// Client credentials, as TOML.
pub(crate) fn explain_oauth2(writer: &TomlWriter, client: &OAuth2) -> String {
    let mut fields = vec![
        format!("token-url = {}", writer.value(&client.token_url)),
        format!("client-id = {}", writer.value(&client.client_id)),
        format!("client-secret = {}", writer.value(&client.client_secret)),
        format!("scopes = {}", list(client.scopes.iter().map(|scope| writer.text(scope)))),
    ];
    fields.extend(client.audience.as_ref().map(|audience| format!("audience = {}", writer.text(audience))));
    table(fields.into_iter())
}
