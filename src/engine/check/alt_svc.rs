//! The services that an answer offers by `alt-svc` (RFC 7838): the same page is requested from each, and the
//! status must pass the same rule.

use futures_util::stream::{self, StreamExt};
use http::{HeaderMap, Method, StatusCode, header};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::engine::check::step::StepRun;
use crate::engine::check::step_result::{Page, StepResult};
use crate::engine::connect::route::{Endpoint, Route, endpoint, route, same_origin};
use crate::engine::exchange::requester::Requester;
use crate::engine::expectation::expect;
use crate::engine::fault::{Deadline, Fault};
use crate::engine::http::quoted::outside_quotes;
use crate::engine::http::session::Session;
use crate::engine::http::{follow_up, request_builder};
use crate::model::{FailureClass, HttpVersionPreference, MessageText, Mismatch, Probe, Step, message};

/// The most services that are checked, all at the same time.
const OFFERS: usize = 4;

/// The most bytes of a body that are read.
const BODY: u64 = 64 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Offer {
    version: HttpVersionPreference,
    /// Absent if it is the origin's host.
    host: Option<Host<String>>,
    port: u16,
}

impl Offer {
    /// The offer as the header writes it.
    fn shown(&self) -> String {
        let protocol = match self.version {
            HttpVersionPreference::Http3 => "h3",
            HttpVersionPreference::Http2 => "h2",
            HttpVersionPreference::Auto | HttpVersionPreference::Http1 => "http/1.1",
        };
        let host = self.host.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{protocol}=\"{host}:{}\"", self.port)
    }

    /// Where to connect for this offer, given the route that fetched the page.
    fn endpoint(&self, way: &Route, page: &Url) -> Endpoint {
        match &self.host {
            Some(host) if Some(&*host.to_string()) != page.host_str() => endpoint(host, self.port),
            // An override of the origin's endpoint also holds for an offer on the origin's own port.
            _ if page.port_or_known_default() == Some(self.port) => way.endpoint.clone(),
            _ => way.endpoint.clone().at_port(self.port),
        }
    }
}

/// The first services that an answer offers over a protocol known here, without duplicates.
fn offers(headers: &HeaderMap) -> Vec<Offer> {
    let mut found: Vec<Offer> = Vec::new();
    let values = headers.get_all(header::ALT_SVC).iter().filter_map(|value| value.to_str().ok());
    for offer in values.flat_map(|value| outside_quotes(value, ',')).filter_map(offer) {
        if !found.contains(&offer) {
            found.push(offer);
        }
        if found.len() == OFFERS {
            break;
        }
    }
    found
}

/// One alternative: `h3=":443"; ma=86400`.
fn offer(text: &str) -> Option<Offer> {
    let (protocol, authority) = outside_quotes(text, ';').next()?.split_once('=')?;
    let version = match percent_decode_str(protocol.trim()).decode_utf8().ok()?.as_ref() {
        "h3" => HttpVersionPreference::Http3,
        "h2" => HttpVersionPreference::Http2,
        "http/1.1" => HttpVersionPreference::Http1,
        _ => return None,
    };
    let (host, port) = authority.trim().trim_matches('"').rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let host = if host.is_empty() { None } else { Some(Host::parse(host).ok()?) };
    Some(Offer { version, host, port })
}

/// Checks the services that an answer offers.
pub(crate) struct AltServices<'a> {
    pub(crate) requester: &'a Requester,
    pub(crate) probe: &'a Probe,
    pub(crate) step: &'a Step,
    pub(crate) session: &'a Session,
    pub(crate) deadline: Deadline,
}

impl AltServices<'_> {
    /// Requests the page from each offered service, and fails the step if one of them does not answer or none is
    /// offered.
    pub(crate) async fn check(&self, answered: &mut StepResult) {
        let Some(page) = &answered.page else { return };
        let Err((fault, mismatch)) = self.ask_all(page).await else { return };
        let url = page.url.clone();
        answered.fail(&fault, vec![mismatch], Some(&url), self.probe, self.step, &self.session.redactor);
    }

    async fn ask_all(&self, page: &Page) -> Result<(), (Fault, Mismatch)> {
        let offers = offers(&page.headers);
        if offers.is_empty() {
            let said =
                page.headers.get(header::ALT_SVC).map(|said| String::from_utf8_lossy(said.as_bytes()).into_owned());
            let said = said.map_or_else(|| "nothing".into(), |said| message!("`{said}`, and none of h3, h2, http/1.1"));
            return Err(self.unmet(FailureClass::AssertionFailed, "a service that answers".into(), said));
        }
        let shown: Vec<String> = offers.iter().map(Offer::shown).collect();
        let asked: Vec<_> = offers.iter().map(|offer| Box::pin(self.ask(offer, page))).collect();
        let answers: Vec<Result<(), (FailureClass, MessageText)>> =
            stream::iter(asked).buffered(OFFERS).collect().await;
        let failed: Vec<(&String, FailureClass, MessageText)> = shown
            .iter()
            .zip(answers)
            .filter_map(|(shown, answer)| answer.err().map(|(class, message)| (shown, class, message)))
            .collect();
        let Some(&(_, first, _)) = failed.first() else { return Ok(()) };
        // A fault of the prober says nothing about the service.
        let class = if first.is_ours() { first } else { FailureClass::AssertionFailed };
        let told = failed.into_iter().enumerate().fold(MessageText::default(), |told, (at, (shown, _, message))| {
            told.then(if at == 0 { "" } else { "; " }).then(message!("{shown}: ")).then(message)
        });
        Err(self.unmet(class, message!("{} to answer too", shown.join(", ")), told))
    }

    async fn ask(&self, offer: &Offer, page: &Page) -> Result<(), (FailureClass, MessageText)> {
        let impossible = |why: MessageText| (FailureClass::AssertionFailed, why);
        let own = request_builder::url(self.step, self.session, None).map_err(|fault| (fault.class, fault.message))?;
        let way = route(&self.probe.transport, &own, &page.url, None).map_err(|why| impossible(why.into()))?;
        let probe = self.at(offer.endpoint(&way, &page.url), offer.version, &own, &page.url);
        route(&probe.transport, &page.url, &page.url, None).map_err(|why| impossible(why.into()))?;
        let mut step = follow_up::step(self.step, &page.url, &own, BODY);
        step.request.redirects = 0;
        let mut session = self.session.clone();
        let exchange = StepRun {
            requester: self.requester,
            probe: &probe,
            step: &step,
            session: &mut session,
            deadline: self.deadline,
            home: Some(&page.url),
        };
        let answered = Box::pin(exchange.run()).await;
        match (answered.failure, answered.status) {
            (Some(failure), _) => {
                let class = failure.class;
                Err((class, MessageText::from(class.name()).then(": ").then(&failure.message)))
            }
            (None, Some(status)) => self.judge(StatusCode::from_u16(status).unwrap_or_default()),
            (None, None) => Err(impossible("no answer".into())),
        }
    }

    /// A copy of the probe that connects to this endpoint for the page, over this version of HTTP. A page that a
    /// redirect led to gets nothing that is for the probe's own URL.
    fn at(&self, endpoint: Endpoint, version: HttpVersionPreference, own: &Url, page: &Url) -> Probe {
        let mut probe = self.probe.clone();
        let transport = &mut *probe.transport;
        (transport.reuse, transport.http_version) = (false, version);
        (transport.address, transport.named_address) = (None, None);
        (transport.unix_socket, transport.pinned) = (None, None);
        match endpoint {
            Endpoint::Address(address) => transport.address = Some(address),
            Endpoint::Name { host, port } => transport.named_address = Some((host, port)),
            Endpoint::Unix(path) => transport.unix_socket = Some(path),
        }
        if !same_origin(own, page) {
            (transport.tls.client_cert, transport.tls.client_key) = (None, None);
        }
        if own.host() != page.host() {
            transport.tls.server_name = None;
        }
        probe
    }

    /// Holds the status to the page's own rule; a method other than GET was not repeated, so only 5xx fails.
    fn judge(&self, status: StatusCode) -> Result<(), (FailureClass, MessageText)> {
        let is_same_question = self.step.request.method == Method::GET;
        let unmet = expect::status(&self.step.expect, status).filter(|_| is_same_question);
        let is_bad = if is_same_question { unmet.is_some() } else { status.is_server_error() };
        if is_bad { Err((FailureClass::AssertionFailed, message!("status {}", status.as_u16()))) } else { Ok(()) }
    }

    fn unmet(&self, class: FailureClass, expected: MessageText, actual: MessageText) -> (Fault, Mismatch) {
        let redactor = &self.session.redactor;
        let mismatch = Mismatch {
            assertion: "alt-svc".to_owned(),
            expected: redactor.message(expected.clone()),
            actual: redactor.message(actual.clone()),
        };
        let message = MessageText::from("alt-svc: expected ").then(expected).then(", got ").then(actual);
        (Fault::new(class, None, message), mismatch)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::model::Transport;

    fn offered(value: &str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ALT_SVC, HeaderValue::from_str(value).expect("a value"));
        offers(&headers).iter().map(Offer::shown).collect()
    }

    #[test]
    fn what_is_offered_is_read_as_the_standard_writes_it() {
        assert_eq!(
            offered("h3=\":443\"; ma=86400, h2=\"alt.test:8443\";persist=1"),
            ["h3=\":443\"", "h2=\"alt.test:8443\""]
        );
        assert_eq!(offered("h3=\":443\", h3=\":443\"; ma=1"), ["h3=\":443\""]);
        assert_eq!(offered("http%2F1.1=\"[2001:db8::1]:80\""), ["http/1.1=\"[2001:db8::1]:80\""]);
        assert_eq!(offered("h3=\":443\"; x=\"a,b;c\", h2=\":1\""), ["h3=\":443\"", "h2=\":1\""]);
    }

    #[test]
    fn no_more_offers_are_read_than_are_checked() {
        let many: Vec<String> = (1..30_000).map(|port| format!("h3=\":{port}\"")).collect();
        assert_eq!(offered(&many.join(",")).len(), OFFERS);
    }

    #[test]
    fn what_stands_for_the_origin_stands_for_it_on_its_own_port_alone() {
        let page = Url::parse("https://x.test/").expect("a URL");
        let name = |host: &str, port| Endpoint::Name { host: host.to_owned(), port };
        let dialled = |value: &str, transport: &Transport| {
            let way = route(transport, &page, &page, None).expect("a way");
            offer(value).expect("an offer").endpoint(&way, &page)
        };
        let named = Transport { named_address: Some(("origin.test".to_owned(), 8443)), ..Transport::default() };
        assert_eq!(dialled("h3=\":443\"", &named), name("origin.test", 8443));
        assert_eq!(dialled("h3=\"x.test:443\"", &named), name("origin.test", 8443));
        assert_eq!(dialled("h3=\":444\"", &named), name("origin.test", 444));
        assert_eq!(dialled("h3=\"other.test:443\"", &named), name("other.test", 443));
        let address = |text: &str| Endpoint::Address(text.parse().expect("an address"));
        let pinned = Transport { address: "192.0.2.1:8443".parse().ok(), ..Transport::default() };
        assert_eq!(dialled("h3=\":443\"", &pinned), address("192.0.2.1:8443"));
        assert_eq!(dialled("h3=\":444\"", &pinned), address("192.0.2.1:444"));
        assert_eq!(dialled("h3=\":444\"", &Transport::default()), name("x.test", 444));
    }

    #[test]
    fn what_is_not_known_or_no_service_is_passed_over() {
        for value in
            ["clear", "h3-29=\":443\"", "quic=\":443\"; v=\"46\"", "h3=\":0\"", "h3=\"443\"", "h3", "", "=,;\""]
        {
            assert_eq!(offered(value), [""; 0], "{value}");
        }
    }
}
