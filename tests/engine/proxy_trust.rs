//! What a proxy is trusted with, and whom its faults are told of.

use uptick::model::{DeniedNetworks, FailureClass, Value, Verdict};

use crate::support::probes;
use crate::support::server::{self, Server};
use crate::support::tls::Authority;

#[tokio::test]
async fn a_proxy_is_verified_also_where_any_certificate_of_the_target_is_accepted() {
    let authority = Authority::new();
    let config = authority.leaf(&["127.0.0.1"]).config();
    for (trusts, verdict) in [(false, Verdict::Unknown), (true, Verdict::Up)] {
        let proxy = Server::tls(config.clone(), |conn| {
            conn.request();
            conn.send(server::ok("hello"));
        });
        let mut probe = probes::get("http://target.test/");
        probe.transport.proxy = Some(Value::plain(&format!("https://user:sesame@{}", proxy.address())));
        probe.transport.tls.insecure = true;
        probe.transport.tls.ca_file = trusts.then(|| authority.ca_file());
        let (outcome, _) = probes::check(probe).await;
        assert_eq!(outcome.verdict, verdict, "{outcome:?}");
        if !trusts {
            assert_eq!(outcome.class(), Some(FailureClass::ProxyRefused));
        }
        assert_eq!(proxy.requests_text().concat().contains("Basic "), trusts);
    }
}

#[tokio::test]
async fn a_proxy_in_a_denied_network_is_no_fault_of_the_target() {
    let proxy = Server::answers("");
    for target in ["http://192.0.2.7/", "http://target.test/"] {
        let mut probe = probes::get(target);
        probe.transport.proxy = Some(Value::plain(&format!("socks5://{}", proxy.address())));
        probe.transport.deny = DeniedNetworks { private: true, link_local: false, metadata: false };
        let (outcome, _) = probes::check(probe).await;
        assert_eq!((outcome.verdict, outcome.class()), (Verdict::Unknown, Some(FailureClass::ProxyRefused)));
        let message = outcome.failure.unwrap().message.to_string();
        assert!(message.ends_with(": 127.0.0.1 is in the denied network \"private\""), "{message}");
    }
    assert_eq!(proxy.connections(), 0);
}
