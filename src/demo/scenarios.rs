//! The scenarios by name. Each is modelled on a real outage or on a real mistake of probers. Times
//! of real outages are those of public accounts.

use std::time::Duration;

use crate::demo::endpoints::{
    API_PLAN_467, edge_response_500, edge_response_522, endpoint, endpoints, internet, with_routes,
};
use crate::demo::response::Response;
use crate::demo::scenario::Behaviour::{Answers, Mixed, TlsStall, Unanswered};
use crate::demo::scenario::{Behaviour, DnsFault, Endpoint, Fault, Resolvers, Scenario, Target};

/// A function that makes a scenario.
type ScenarioMaker = fn() -> Scenario;

/// Every scenario, the default one first.
const SCENARIOS: &[(&str, ScenarioMaker)] = &[
    ("x-2025-03-10", x_2025_03_10),
    ("twitter-2023-03-06", twitter_2023_03_06),
    ("twitter-2023-03-01", twitter_2023_03_01),
    ("dns-servfail", dns_servfail),
    ("dns-servfail-and-dead", dns_servfail_and_dead),
    ("dns-one-resolver", dns_one_resolver),
    ("expired-certificate", expired_certificate),
    ("cdn-500", cdn_500),
    ("flapping", flapping),
    ("control-down", control_down),
    ("brown-out", brown_out),
    ("truncated", truncated),
    ("one-vantage", one_vantage),
    ("healthy", healthy),
];

/// The names of all scenarios.
pub fn names() -> impl Iterator<Item = &'static str> {
    SCENARIOS.iter().map(|(name, _)| *name)
}

/// A scenario by its name; `None` if there is none.
#[must_use]
pub fn by_name(name: &str) -> Option<Scenario> {
    SCENARIOS.iter().find(|(known, _)| *known == name).map(|(_, make)| make())
}

/// 10 March 2025: three waves of lost connections, stalled handshakes and edge error pages. The app
/// is affected more than the web, and London less than the US coasts.
fn x_2025_03_10() -> Scenario {
    // The scenario starts at 09:00 UTC.
    let waves = [(clock(0, 32), clock(1, 21)), (clock(4, 31), clock(5, 28)), (clock(6, 4), clock(9, 0))];
    let mut faults = Vec::new();
    for (from, until) in waves {
        for (surface, unanswered, stalled, edge) in [("app", 0.62, 0.12, 0.08), ("web", 0.26, 0.06, 0.20)] {
            for (vantage, share) in [("iad", 1.0), ("sjc", 0.9), ("lhr", 0.35)] {
                let target = Target { surface: Some(surface), vantage: Some(vantage), ..Target::default() };
                let parts = vec![
                    (unanswered * share, Unanswered),
                    (stalled * share, TlsStall),
                    (edge * share, Answers(edge_response_522())),
                ];
                faults.push(Fault { from, until, target, behaviour: Mixed(parts) });
            }
        }
    }
    Scenario {
        name: "x-2025-03-10",
        summary: "three waves of lost connections, stalled handshakes and edge error pages; the app worse than the web",
        story: clock(9, 0),
        vantages: vec!["iad", "sjc", "lhr"],
        faults,
        ..calm()
    }
}

/// 6 March 2023: after an internal change, links, images and pages respond with 403 and an error of
/// the application, everywhere and at once; the timeline still works.
fn twitter_2023_03_06() -> Scenario {
    // The scenario starts at 15:15 UTC; 403 from 15:45 to 16:50.
    let refused = || Answers(Response::json(403, API_PLAN_467).header("server", "tsa_b"));
    let fault = |endpoint| Fault {
        from: minutes(30),
        until: minutes(95),
        target: Target { endpoint: Some(endpoint), ..Target::default() },
        behaviour: refused(),
    };
    Scenario {
        name: "twitter-2023-03-06",
        summary: "links, images and pages answer 403 with a JSON error while the timeline works on",
        story: minutes(120),
        vantages: vec!["iad", "sjc", "lhr"],
        faults: vec![fault("link"), fault("image"), fault("terms")],
        ..calm()
    }
}

/// 1 March 2023: the site responds with 200 everywhere, but timelines are empty.
fn twitter_2023_03_01() -> Scenario {
    let empty = Answers(Response::json(200, r#"{"items":[],"status":"ok"}"#));
    let target = Target { endpoint: Some("timeline"), ..Target::default() };
    Scenario {
        name: "twitter-2023-03-01",
        summary: "everything answers 200, and the timeline is empty",
        story: minutes(120),
        vantages: vec!["iad", "lhr"],
        faults: vec![Fault { from: minutes(30), until: minutes(120), target, behaviour: empty }],
        ..calm()
    }
}

/// The name servers fail, but the addresses still respond.
fn dns_servfail() -> Scenario {
    Scenario {
        name: "dns-servfail",
        summary: "every resolver answers SERVFAIL, and the addresses are well",
        story: minutes(60),
        endpoints: with_routes(),
        names: vec![dns_fault(Resolvers::Both, Some("x.test"))],
        ..calm()
    }
}

/// The name servers fail because their network is gone: the addresses do not respond either.
fn dns_servfail_and_dead() -> Scenario {
    Scenario {
        name: "dns-servfail-and-dead",
        summary: "every resolver answers SERVFAIL, and the addresses do not answer either",
        story: minutes(60),
        endpoints: with_routes(),
        names: vec![dns_fault(Resolvers::Both, Some("x.test"))],
        faults: ["app", "web"]
            .map(|surface| Fault {
                from: minutes(20),
                until: minutes(60),
                target: Target { surface: Some(surface), ..Target::default() },
                behaviour: Unanswered,
            })
            .to_vec(),
        ..calm()
    }
}

/// The prober's own resolver fails, also for the control target; another one knows the names.
fn dns_one_resolver() -> Scenario {
    Scenario {
        name: "dns-one-resolver",
        summary: "the resolver we ask answers SERVFAIL, another one knows every name",
        story: minutes(60),
        endpoints: with_routes(),
        names: vec![dns_fault(Resolvers::First, None)],
        ..calm()
    }
}

/// The web's certificate expires in the middle and is not renewed.
fn expired_certificate() -> Scenario {
    let target = Target { surface: Some("web"), ..Target::default() };
    Scenario {
        name: "expired-certificate",
        summary: "the web's certificate expires in the middle",
        story: minutes(60),
        vantages: vec!["iad", "lhr"],
        faults: vec![Fault { from: minutes(30), until: minutes(60), target, behaviour: Behaviour::CertificateExpired }],
        ..calm()
    }
}

/// The CDN in front of everything responds with 500 within milliseconds, also for another site on
/// the same network; its own shallow status path still works.
fn cdn_500() -> Scenario {
    let broken = |surface: Option<&'static str>, endpoint: Option<&'static str>| Fault {
        from: minutes(20),
        until: minutes(50),
        target: Target { surface, endpoint, vantage: None },
        behaviour: Answers(edge_response_500()),
    };
    let mut endpoints = endpoints();
    endpoints.push(Endpoint {
        contains: Some("colo="),
        ..endpoint("edge-trace", "web", "www.x.test", "/cdn-cgi/trace", Response::html(200, "colo=IAD"))
    });
    endpoints.push(Endpoint {
        control: true,
        ..endpoint("same-cdn", "control", "stranger.test", "/", Response::html(200, "<title>A stranger</title>"))
    });
    endpoints.push(internet());
    let mut faults = vec![broken(Some("app"), None), broken(Some("web"), None), broken(None, Some("same-cdn"))];
    faults.push(Fault { behaviour: Behaviour::Healthy, ..broken(None, Some("edge-trace")) });
    Scenario {
        name: "cdn-500",
        summary: "the delivery network answers 500 in milliseconds for app, web and a stranger behind it",
        story: minutes(60),
        vantages: vec!["iad", "lhr"],
        endpoints,
        faults,
        ..calm()
    }
}

/// Everything fails half of the time, alternating every five minutes.
fn flapping() -> Scenario {
    let turn = |n: u64| Fault {
        from: minutes(10 * n),
        until: minutes(10 * n + 5),
        target: Target { surface: Some("app"), ..Target::default() },
        behaviour: Answers(Response::html(500, "<title>Internal error</title>")),
    };
    Scenario {
        name: "flapping",
        summary: "the app fails and recovers every five minutes",
        story: minutes(60),
        faults: (0..6).map(turn).collect(),
        ..calm()
    }
}

/// The prober itself is offline: everything fails, including the control target.
fn control_down() -> Scenario {
    let everything = Fault { from: minutes(20), until: minutes(60), target: Target::default(), behaviour: Unanswered };
    Scenario {
        name: "control-down",
        summary: "nothing answers, the control target neither: we are offline",
        story: minutes(60),
        faults: vec![everything],
        ..calm()
    }
}

/// Three of ten requests fail at random.
fn brown_out() -> Scenario {
    let thirds = Mixed(vec![(0.3, Answers(Response::html(503, "<title>Over capacity</title>")))]);
    let target = Target { surface: Some("app"), ..Target::default() };
    Scenario {
        name: "brown-out",
        summary: "three requests of ten to the app fail at random",
        story: minutes(60),
        faults: vec![Fault { from: Duration::ZERO, until: minutes(60), target, behaviour: thirds }],
        ..calm()
    }
}

/// Bodies are cut off in the middle, and some connections are reset.
fn truncated() -> Scenario {
    let broken = Mixed(vec![(0.5, Behaviour::Truncated), (0.2, Behaviour::Reset)]);
    let target = Target { surface: Some("web"), ..Target::default() };
    Scenario {
        name: "truncated",
        summary: "bodies of the web break off in the middle, some connections are reset",
        story: minutes(60),
        faults: vec![Fault { from: minutes(20), until: minutes(50), target, behaviour: broken }],
        ..calm()
    }
}

/// One of three vantages has no route to the target.
fn one_vantage() -> Scenario {
    let from_one = |surface| Fault {
        from: minutes(20),
        until: minutes(50),
        target: Target { surface: Some(surface), endpoint: None, vantage: Some("sjc") },
        behaviour: Unanswered,
    };
    Scenario {
        name: "one-vantage",
        summary: "one vantage of three gets no answer from app and web, its control target is well",
        story: minutes(60),
        vantages: vec!["iad", "sjc", "lhr"],
        faults: vec![from_one("app"), from_one("web")],
        ..calm()
    }
}

/// Nothing goes wrong.
fn healthy() -> Scenario {
    Scenario { name: "healthy", summary: "nothing goes wrong", ..calm() }
}

/// An hour in which nothing happens, seen from one vantage: the base of every scenario.
fn calm() -> Scenario {
    let mut endpoints = endpoints();
    endpoints.push(internet());
    Scenario {
        name: "",
        summary: "",
        story: minutes(60),
        vantages: vec!["iad"],
        endpoints,
        faults: Vec::new(),
        names: Vec::new(),
        seed: 20_250_310,
    }
}

fn dns_fault(resolvers: Resolvers, zone: Option<&'static str>) -> DnsFault {
    DnsFault { from: minutes(20), until: minutes(60), resolvers, zone, code: Some(2) }
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

/// Hours and minutes since the start of the scenario.
const fn clock(hours: u64, more: u64) -> Duration {
    minutes(60 * hours + more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_found_by_the_name_it_says() {
        for name in names() {
            assert_eq!(by_name(name).map(|scenario| scenario.name), Some(name));
        }
        assert!(by_name("no such outage").is_none());
    }

    #[test]
    fn every_act_concerns_somebody_and_happens_within_the_story() {
        for name in names() {
            let scenario = by_name(name).expect("a scenario");
            for fault in &scenario.faults {
                let concerned = |vantage: &&str| scenario.endpoints.iter().any(|one| fault.target.covers(one, vantage));
                assert!(scenario.vantages.iter().any(concerned), "{name}: {:?} is nobody", fault.target);
                assert!(fault.from < fault.until && fault.until <= scenario.story, "{name}: {fault:?}");
            }
        }
    }
}
