//! Tokens from OAuth 2.0 client credentials (RFC 6749 section 4.4): each is fetched when first needed,
//! by one check at a time, and kept until shortly before it expires.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use http::Method;
use serde_json::Value as Json;
use tokio::time::Instant;
use url::Url;

use crate::engine::check::step::StepRun;
use crate::engine::check::step_result::StepResult;
use crate::engine::exchange::requester::Requester;
use crate::engine::expectation::text;
use crate::engine::fault::{Deadline, Fault};
use crate::engine::http::session::Session;
use crate::model::{
    Auth, Body as RequestBody, Expect, FailureClass, JsonExpectation, JsonPath, JsonRule, MessageText, OAuth2, Probe,
    Redactor, Request, Secret, Step, Value,
};

/// The longest answer of a token server that is read, in bytes.
const LIMIT: u64 = 64 * 1024;

/// How long before its expiry a token is no longer used.
const MARGIN: Duration = Duration::from_secs(10);

/// How long a token without an expiry is kept.
const UNSAID: Duration = Duration::from_mins(5);

#[derive(Clone, Debug)]
struct Token {
    secret: Secret,
    until: Instant,
    redactor: SharedRedactor,
}

/// A redactor that also knows a token, built by the first check that uses it: building one costs more
/// than a check does.
pub(crate) type SharedRedactor = Arc<OnceLock<Redactor>>;

impl Token {
    fn fetched(&self, kept: bool) -> Fetched {
        Fetched { secret: self.secret.clone(), redactor: Arc::clone(&self.redactor), kept }
    }
}

/// The slot of one token; the check that fetches it holds the lock.
type TokenSlot = Arc<tokio::sync::Mutex<Option<Token>>>;

/// The tokens in use, by the request that fetches them.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    slots: Mutex<HashMap<String, TokenSlot>>,
}

pub(crate) struct Fetched {
    pub(crate) secret: Secret,
    /// Used by sessions without captures.
    pub(crate) redactor: SharedRedactor,
    /// Whether an earlier check fetched it, so that it may have been revoked since.
    pub(crate) kept: bool,
}

impl Tokens {
    /// The token for these credentials.
    ///
    /// # Errors
    /// It cannot be fetched: the class is `auth_failed`, or that of the prober's own fault.
    pub(crate) async fn get(
        &self,
        requester: &Requester,
        probe: &Probe,
        oauth: &OAuth2,
        session: &Session,
        deadline: Deadline,
    ) -> Result<Fetched, Fault> {
        let slot = self.slot(oauth, session);
        let Ok(mut token) = tokio::time::timeout_at(deadline.at, slot.lock()).await else {
            return Err(failed("the token server did not answer in time"));
        };
        if let Some(token) = token.as_ref().filter(|token| token.until > Instant::now()) {
            return Ok(token.fetched(true));
        }
        let fetched = fetch(requester, probe, oauth, session, deadline).await?;
        Ok(token.insert(fetched).fetched(false))
    }

    /// Drops a token that the target no longer accepts, unless another check is renewing it.
    pub(crate) fn forget(&self, oauth: &OAuth2, session: &Session, refused: &Secret) {
        let slot = self.slot(oauth, session);
        if let Ok(mut token) = slot.try_lock()
            && token.as_ref().is_some_and(|token| token.secret == *refused)
        {
            *token = None;
        }
    }

    /// The slot of these credentials. Those with captured values differ at each check: their token is not kept.
    fn slot(&self, oauth: &OAuth2, session: &Session) -> TokenSlot {
        let values = [&oauth.token_url, &oauth.client_id, &oauth.client_secret];
        if values.iter().any(|value| value.captures().next().is_some()) {
            return TokenSlot::default();
        }
        let mut key = String::new();
        for value in values {
            key.push_str(&value.fill(&session.captures).unwrap_or_default());
            key.push('\n');
        }
        key.push_str(&oauth.scopes.join(" "));
        key.push('\n');
        key.push_str(oauth.audience.as_deref().unwrap_or_default());
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key).or_default())
    }
}

fn failed(message: impl Into<MessageText>) -> Fault {
    Fault::new(FailureClass::AuthFailed, None, message)
}

/// Tries HTTP basic authentication, which every token server must support; if that is refused, sends
/// the credentials in the form, which some servers require.
async fn fetch(
    requester: &Requester,
    probe: &Probe,
    oauth: &OAuth2,
    session: &Session,
    deadline: Deadline,
) -> Result<Token, Fault> {
    let basic = ask(requester, probe, step(oauth, session, true)?, session, deadline).await;
    let answered = match basic.status {
        Some(400 | 401) => ask(requester, probe, step(oauth, session, false)?, session, deadline).await,
        _ => basic,
    };
    if let Some(failure) = answered.failure {
        let class = if failure.class.is_ours() { failure.class } else { FailureClass::AuthFailed };
        return Err(Fault::new(
            class,
            None,
            MessageText::from("no token: ").then(failure.class.name()).then(": ").then(&failure.message),
        ));
    }
    let headers = answered.page.as_ref().map(|page| page.headers.clone()).unwrap_or_default();
    let document: Json = serde_json::from_str(&text::json(&answered.body.bytes, &headers)).unwrap_or_default();
    let text = document["access_token"].as_str().filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| failed("the token server's answer has no access_token"))?;
    if text.contains(|character: char| character.is_control()) {
        return Err(failed("the access_token of the token server's answer cannot be used in a header"));
    }
    let secret = Secret::new(text);
    // Some servers send the number as a string.
    let lifetime = document["expires_in"].as_u64().or_else(|| document["expires_in"].as_str()?.parse().ok());
    let lifetime = lifetime.map_or(UNSAID, Duration::from_secs).min(Duration::from_hours(24));
    Ok(Token { secret, until: Instant::now() + lifetime.saturating_sub(MARGIN), redactor: SharedRedactor::default() })
}

async fn ask(requester: &Requester, probe: &Probe, step: Step, session: &Session, deadline: Deadline) -> StepResult {
    let mut own = Session { redactor: session.redactor.clone(), ..Session::default() };
    own.captures.clone_from(&session.captures);
    // The transport's overrides are for the probe's own host.
    let first = probe.steps.first().and_then(|step| step.request.url.fill(&session.captures).ok());
    let home = first.and_then(|url| Url::parse(&url).ok());
    let exchange = StepRun { requester, probe, step: &step, session: &mut own, deadline, home: home.as_ref() };
    Box::pin(exchange.run()).await
}

fn step(oauth: &OAuth2, session: &Session, basic: bool) -> Result<Step, Fault> {
    let mut fields = vec![("grant_type".to_owned(), Value::plain("client_credentials"))];
    if !oauth.scopes.is_empty() {
        fields.push(("scope".to_owned(), Value::plain(&oauth.scopes.join(" "))));
    }
    if let Some(audience) = &oauth.audience {
        fields.push(("audience".to_owned(), Value::plain(audience)));
    }
    let auth = if basic {
        let user = encoded("client-id", &oauth.client_id, session)?;
        let password = encoded("client-secret", &oauth.client_secret, session)?;
        Some(Auth::Basic { user, password })
    } else {
        fields.push(("client_id".to_owned(), oauth.client_id.clone()));
        fields.push(("client_secret".to_owned(), oauth.client_secret.clone()));
        None
    };
    let path = JsonPath::new("$.access_token").map_err(failed)?;
    let expect = Expect { json: vec![JsonRule { path, rule: JsonExpectation::Exists(true) }], ..Expect::default() };
    let request = Request {
        method: Method::POST,
        body: RequestBody::Form(fields),
        auth,
        redirects: 0,
        body_limit: LIMIT,
        ..Request::get(oauth.token_url.clone())
    };
    Ok(Step { expect: expect.into(), ..Step::of(request) })
}

fn encoded(name: &str, value: &Value, session: &Session) -> Result<Value, Fault> {
    let text = value.fill(&session.captures).map_err(|missing| failed(missing.to_string()))?;
    let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    Ok(Value::secret(name, &text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ValuePart;

    #[test]
    fn a_token_for_captured_credentials_is_not_kept() {
        let tokens = Tokens::default();
        let mut oauth = OAuth2 {
            token_url: Value::plain("https://x.test/token"),
            client_id: Value::plain("client"),
            client_secret: Value::secret("SECRET", "s/cret-value"),
            scopes: Vec::new(),
            audience: None,
        };
        let session = Session::default();
        assert!(Arc::ptr_eq(&tokens.slot(&oauth, &session), &tokens.slot(&oauth, &session)));
        oauth.client_id = Value { parts: vec![ValuePart::Capture("id".to_owned())] };
        for id in 0..3 {
            let captures = [("id".to_owned(), id.to_string())].into_iter().collect();
            tokens.slot(&oauth, &Session { captures, ..Session::default() });
        }
        assert_eq!(tokens.slots.lock().expect("the slots").len(), 1);
    }
}
