//! The classes that a probe can fail with: what it never does cannot break. Counters by class start each of them at
//! zero, so that the first failure shows as an increase.

use std::net::IpAddr;

use url::{Host, Url};

use super::{
    Auth, ClassGroup, DeniedNetworks, Expect, FailureClass, HttpVersionPreference, Probe, Protocol, Request, Step,
    Transport, is_tls_scheme,
};

impl Probe {
    /// The classes that its checks can fail with, in the order of the phases.
    #[must_use]
    pub fn possible_failures(&self) -> Vec<FailureClass> {
        let own = Journey::of(&self.steps, &self.transport);
        // A probe whose shared session fails is blocked, whatever the session failed with.
        let is_blocked = |class: FailureClass| class == FailureClass::Blocked && self.session.is_some();
        let can_fail = |class: &FailureClass| own.can_fail_with(*class) || is_blocked(*class);
        FailureClass::ALL.iter().copied().filter(can_fail).collect()
    }
}

/// Steps and how they reach their targets.
struct Journey<'p> {
    steps: Vec<(&'p Step, Target)>,
    transport: &'p Transport,
}

impl<'p> Journey<'p> {
    fn of(steps: &'p [Step], transport: &'p Transport) -> Journey<'p> {
        let steps = steps.iter().map(|step| (step, Target::of(&step.request, transport))).collect();
        Journey { steps, transport }
    }

    fn can_fail_with(&self, class: FailureClass) -> bool {
        match class {
            FailureClass::ProxyRefused => self.transport.may_have_proxy(),
            FailureClass::TargetBlocked => self.transport.deny != DeniedNetworks::NOTHING,
            FailureClass::CaptureFailed => self.steps.iter().any(|(step, _)| !step.captures.is_empty()),
            FailureClass::TlsCertRevoked if self.transport.tls.crl_file.is_none() => false,
            FailureClass::Blocked => false,
            _ => self.steps.iter().any(|(step, target)| step_can_fail_with(step, target, self.transport, class)),
        }
    }
}

fn step_can_fail_with(step: &Step, target: &Target, transport: &Transport, class: FailureClass) -> bool {
    let Step { request, expect, .. } = step;
    match class.group() {
        ClassGroup::Resolve => target.has_name,
        ClassGroup::Connect | ClassGroup::AnyConnected => true,
        ClassGroup::Tls => {
            // `tls.insecure` accepts any certificate that can be read.
            let is_accepted = class.is_of_certificate() && class != FailureClass::TlsCertInvalid;
            target.has_tls && !(transport.tls.insecure && is_accepted)
        }
        ClassGroup::Processing => processing(request, expect, transport, class),
        ClassGroup::Transfer => transfer(request, expect, class),
        ClassGroup::Answer => answer(request, expect, class),
        ClassGroup::Ours => class != FailureClass::AuthFailed || matches!(request.auth, Some(Auth::OAuth2(_))),
    }
}

/// What is known about the target of a request.
struct Target {
    /// Whether a name may have to be looked up.
    has_name: bool,
    /// Whether TLS may be spoken.
    has_tls: bool,
}

impl Target {
    fn of(request: &Request, transport: &Transport) -> Target {
        let shown = request.url.to_string();
        let url = Url::parse(&shown).ok();
        let is_address = match url.as_ref().and_then(Url::host) {
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
            // The URL parser treats the host of a non-web scheme as a name, whatever it is.
            Some(Host::Domain(name)) => name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok(),
            None => false,
        };
        // A redirect may lead to another name and to https; a DNS check fails the way a lookup does.
        let leads_on = request.protocol == Protocol::Http && request.redirects > 0 || request.protocol == Protocol::Dns;
        let is_captured = url.is_none();
        let is_tls = url.is_some_and(|url| is_tls_scheme(url.scheme())) || request.starttls.is_some();
        Target {
            has_name: leads_on || is_captured || !(is_address || transport.has_fixed_address()),
            has_tls: is_tls || is_captured || (leads_on && request.protocol == Protocol::Http),
        }
    }
}

fn processing(request: &Request, expect: &Expect, transport: &Transport, class: FailureClass) -> bool {
    let protocol = request.protocol;
    let is_web = matches!(protocol, Protocol::Http | Protocol::WebSocket | Protocol::Grpc);
    match class {
        FailureClass::HttpProtocol | FailureClass::HeadersTooLarge => is_web,
        FailureClass::Http2Error => match protocol {
            Protocol::Grpc => true,
            Protocol::Http | Protocol::WebSocket => transport.http_version != HttpVersionPreference::Http1,
            _ => false,
        },
        FailureClass::Http3Error => {
            protocol == Protocol::Http && transport.http_version == HttpVersionPreference::Http3
        }
        FailureClass::UpgradeRefused => protocol == Protocol::WebSocket,
        FailureClass::StarttlsRefused => request.starttls.is_some(),
        _ => {
            let is_asked = request.send.is_some() || request.starttls.is_some();
            is_web || protocol == Protocol::Dns || is_asked || waits_for_text(request, expect)
        }
    }
}

/// Whether the check waits for text over a connection without HTTP.
fn waits_for_text(request: &Request, expect: &Expect) -> bool {
    matches!(request.protocol, Protocol::Tcp | Protocol::Tls) && (!expect.body.is_empty() || expect.min_bytes.is_some())
}

fn transfer(request: &Request, expect: &Expect, class: FailureClass) -> bool {
    let has_body = matches!(request.protocol, Protocol::Http | Protocol::Grpc);
    match class {
        FailureClass::MessageTimeout => request.protocol == Protocol::WebSocket || waits_for_text(request, expect),
        FailureClass::BodyTooLarge => match request.protocol {
            Protocol::Http => expect.judges_body(),
            Protocol::Grpc | Protocol::WebSocket => true,
            Protocol::Tcp | Protocol::Tls => waits_for_text(request, expect),
            Protocol::Dns => false,
        },
        FailureClass::BodyTruncated => has_body || matches!(request.protocol, Protocol::WebSocket | Protocol::Tcp),
        _ => has_body,
    }
}

fn answer(request: &Request, expect: &Expect, class: FailureClass) -> bool {
    let is_http = request.protocol == Protocol::Http;
    match class {
        FailureClass::Status => is_http || request.protocol == Protocol::Grpc,
        FailureClass::GrpcStatus | FailureClass::GrpcNotServing => request.protocol == Protocol::Grpc,
        FailureClass::RedirectLimit | FailureClass::RedirectBlocked | FailureClass::RedirectInvalid => is_http,
        FailureClass::AssetFailed => expect.assets.is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::{Session, TextRule, Value};
    use super::*;

    fn classes(url: &str) -> Vec<FailureClass> {
        Probe::plain("home", "web", url, Duration::from_secs(30)).possible_failures()
    }

    #[test]
    fn what_a_probe_never_does_cannot_break() {
        let page = classes("https://shop.test/");
        for class in [FailureClass::DnsNotFound, FailureClass::TlsCertExpired, FailureClass::Status] {
            assert!(page.contains(&class), "{class}");
        }
        for class in [
            FailureClass::ProxyRefused,
            FailureClass::AssetFailed,
            FailureClass::CaptureFailed,
            FailureClass::TargetBlocked,
            FailureClass::Blocked,
            FailureClass::AuthFailed,
            FailureClass::GrpcStatus,
            FailureClass::UpgradeRefused,
            FailureClass::TlsCertRevoked,
            FailureClass::Http3Error,
        ] {
            assert!(!page.contains(&class), "{class}");
        }
        let port = classes("tcp://127.0.0.1:25");
        assert!(port.contains(&FailureClass::ConnectRefused));
        let never =
            [FailureClass::DnsNotFound, FailureClass::TlsVersion, FailureClass::Status, FailureClass::BodyDecode];
        assert!(never.iter().all(|class| !port.contains(class)), "{port:?}");
        assert!(classes("dns://127.0.0.1/x.test").contains(&FailureClass::DnsNotFound));
    }
    #[test]
    fn what_a_rule_for_the_body_can_fail_with_is_there_from_the_first_check() {
        let with_rule = |url: &str, change: fn(&mut Expect)| {
            let mut probe = Probe::plain("home", "web", url, Duration::from_secs(30));
            probe.steps[0].request.protocol = match url.split_once(':') {
                Some(("tls", _)) => Protocol::Tls,
                Some(("tcp", _)) => Protocol::Tcp,
                _ => Protocol::Http,
            };
            change(&mut probe.steps[0].expect);
            probe.possible_failures()
        };
        let rules: [fn(&mut Expect); 3] = [
            |expect| expect.body.push(TextRule::Contains(Value::plain("x"))),
            |expect| expect.min_bytes = Some(1),
            |expect| expect.max_bytes = Some(1),
        ];
        for rule in rules {
            assert!(with_rule("http://x.test/", rule).contains(&FailureClass::BodyTooLarge));
        }
        assert!(!classes("http://x.test/").contains(&FailureClass::BodyTooLarge));
        for url in ["tls://x.test:1", "tcp://x.test:1"] {
            assert!(with_rule(url, rules[0]).contains(&FailureClass::MessageTimeout), "{url}");
            assert!(!with_rule(url, |_| {}).contains(&FailureClass::MessageTimeout), "{url}");
        }
    }

    #[test]
    fn a_session_that_fails_blocks_its_probe_and_does_nothing_else() {
        let mut probe = Probe::plain("home", "web", "http://127.0.0.1/", Duration::from_secs(30));
        let login = Probe::plain("login", "web", "wss://x.test/", Duration::from_secs(30));
        let mut steps = login.steps;
        steps[0].request.protocol = Protocol::WebSocket;
        probe.session = Some(Arc::new(Session {
            name: "login".to_owned(),
            lifetime: Duration::from_mins(10),
            timeout: Duration::from_secs(2),
            steps,
            transport: Transport::default(),
        }));
        let classes = probe.possible_failures();
        assert!(classes.contains(&FailureClass::Blocked) && !classes.contains(&FailureClass::UpgradeRefused));
    }
}
