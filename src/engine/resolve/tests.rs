//! Tests the policy against name servers with scripted answers.

mod scripted_server;
mod sources;

use std::sync::Mutex;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use tokio::net::UdpSocket;

use self::scripted_server::{Act, Asked, ScriptedServer};
use super::resolv_conf::Surroundings;
use super::*;

fn is(asked: &Asked, name: &str, act: Act) -> Act {
    if asked.name == name { act } else { Act::Code(ResponseCode::NXDomain) }
}

fn one(address: &'static str) -> Act {
    Act::Addresses(vec![address])
}

fn conf(text: &str, servers: &[&ScriptedServer]) -> ResolvConf {
    let mut conf = ResolvConf::parse(text, &Surroundings::default(), |_| None);
    conf.servers = servers.iter().map(|dns| dns.address).collect();
    conf.timeout = Duration::from_millis(300);
    conf
}

fn later() -> Instant {
    Instant::now() + Duration::from_mins(5)
}

fn names() -> HostResolver {
    HostResolver::default()
}

async fn found(host: &str, conf: &ResolvConf) -> Vec<String> {
    let found = names().search(host, conf, IpFamily::Any, later()).await;
    found.unwrap_or_else(|failure| panic!("{host}: {failure:?}")).iter().map(IpAddr::to_string).collect()
}

async fn failed(host: &str, conf: &ResolvConf, ip: IpFamily) -> NoAddress {
    names().search(host, conf, ip, later()).await.expect_err(host)
}

#[tokio::test]
async fn names_are_asked_for_as_they_are_written() {
    let dns = ScriptedServer::start(|_| one("127.0.0.1")).await;
    for host in ["my_app.test", "9lives.test", "a-.test", "-a.test"] {
        assert_eq!(found(host, &conf("", &[&dns])).await, ["127.0.0.1"]);
    }
    assert_eq!(dns.names(), ["my_app.test", "9lives.test", "a-.test", "-a.test"]);
}

#[tokio::test]
async fn the_first_name_that_is_there_ends_the_search_for_both_families() {
    let dns = ScriptedServer::start(|asked| match asked.name.as_str() {
        "site.test" => one("127.0.0.1"),
        "site.test.lan.test" => one("::1"),
        _ => Act::Code(ResponseCode::NXDomain),
    })
    .await;
    assert_eq!(found("site.test", &conf("search lan.test", &[&dns])).await, ["127.0.0.1"]);
    assert_eq!(dns.names(), ["site.test"]);
    let failure = failed("site.test", &conf("search lan.test", &[&dns]), IpFamily::V6).await;
    assert_eq!(failure.class, FailureClass::DnsNoAddress, "the other name is another host");
}

#[tokio::test]
async fn a_name_without_any_address_does_not_end_the_search() {
    let dns = ScriptedServer::start(|asked| match asked.name.as_str() {
        "www.site.a.test" => Act::Addresses(vec![]),
        "www.site.b.test" => one("127.0.0.1"),
        _ => Act::Code(ResponseCode::ServFail),
    })
    .await;
    let conf = conf("search a.test b.test\noptions ndots:2", &[&dns]);
    assert_eq!(found("www.site", &conf).await, ["127.0.0.1"]);
    assert_eq!(dns.names(), ["www.site.a.test", "www.site.b.test"]);
}

#[tokio::test]
async fn the_search_ends_with_the_name_as_it_is_and_says_what_was_asked() {
    let dns = ScriptedServer::start(|_| Act::Code(ResponseCode::NXDomain)).await;
    let failure = failed("api", &conf("search a.test b.test", &[&dns]), IpFamily::Any).await;
    assert_eq!(failure.class, FailureClass::DnsNotFound);
    assert_eq!(failure.detail.as_str(), "NXDOMAIN; asked as api.a.test, api.b.test, api");
    let absolute = failed("api.", &conf("search a.test", &[&dns]), IpFamily::Any).await;
    assert_eq!(absolute.detail.as_str(), "NXDOMAIN");
}

#[tokio::test]
async fn a_slow_first_server_counts_and_a_quick_second_one_does_not() {
    let slow = ScriptedServer::start(|asked| {
        let wait = if asked.kind == RecordType::A { 150 } else { 0 };
        Act::Later(wait, Box::new(one("127.0.0.1")))
    })
    .await;
    let quick = ScriptedServer::start(|_| Act::Code(ResponseCode::NXDomain)).await;
    for _ in 0..4 {
        assert_eq!(found("site.test", &conf("", &[&slow, &quick])).await, ["127.0.0.1"]);
    }
    assert_eq!(quick.asked(), []);
}

#[tokio::test]
async fn the_next_server_is_asked_where_one_fails() {
    let errors = [
        Act::Code(ResponseCode::ServFail),
        Act::Code(ResponseCode::Refused),
        Act::Code(ResponseCode::NotImp),
        Act::Code(ResponseCode::FormErr),
        Act::Lame,
        Act::Silent,
        Act::Spoofed(Box::new(Act::Silent)),
    ];
    let good = ScriptedServer::start(|_| one("127.0.0.1")).await;
    for error in errors {
        let script = error.clone();
        let bad = ScriptedServer::start(move |_| script.clone()).await;
        assert_eq!(found("site.test", &conf("", &[&bad, &good])).await, ["127.0.0.1"], "{error:?}");
    }
}

#[tokio::test]
async fn a_server_whose_port_is_closed_costs_no_time() {
    let good = ScriptedServer::start(|_| one("127.0.0.1")).await;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    // A connected socket keeps the port and receives from its peer only.
    socket.connect((Ipv4Addr::LOCALHOST, 9)).await.expect("a peer");
    let closed = socket.local_addr().expect("an address");
    let mut conf = conf("", &[&good]);
    conf.timeout = Duration::from_mins(1);
    conf.servers.insert(0, closed);
    assert_eq!(found("site.test", &conf).await, ["127.0.0.1"]);
    conf.servers.truncate(1);
    let failure = failed("site.test", &conf, IpFamily::Any).await;
    assert_eq!(failure.class, FailureClass::DnsServerFailure);
    assert_eq!(failure.detail.as_str(), format!("{closed} refused the question"));
}

#[tokio::test]
async fn that_a_name_is_not_there_is_believed_at_once() {
    let first = ScriptedServer::start(|_| Act::Code(ResponseCode::NXDomain)).await;
    let second = ScriptedServer::start(|_| one("127.0.0.1")).await;
    assert_eq!(
        failed("site.test", &conf("", &[&first, &second]), IpFamily::Any).await.class,
        FailureClass::DnsNotFound
    );
    assert_eq!(second.asked(), []);
}

#[tokio::test]
async fn one_familys_trouble_does_not_hide_the_others_addresses() {
    for error in [Act::Code(ResponseCode::NXDomain), Act::Code(ResponseCode::ServFail), Act::Silent] {
        let script = error.clone();
        let dns = ScriptedServer::start(move |asked| {
            if asked.kind == RecordType::A { Act::Later(30, Box::new(one("127.0.0.1"))) } else { script.clone() }
        })
        .await;
        let mut conf = conf("", &[&dns]);
        conf.timeout = Duration::from_mins(1);
        assert_eq!(found("site.test", &conf).await, ["127.0.0.1"], "{error:?}");
    }
}

#[tokio::test]
async fn what_every_server_did_is_said() {
    let refuses = ScriptedServer::start(|_| Act::Code(ResponseCode::Refused)).await;
    let silent = ScriptedServer::start(|_| Act::Silent).await;
    let failure = failed("site.test", &conf("options attempts:1", &[&refuses, &silent]), IpFamily::Any).await;
    assert_eq!(failure.class, FailureClass::DnsServerFailure);
    assert_eq!(
        failure.detail.as_str(),
        format!("{} answered REFUSED, {} did not answer", refuses.address, silent.address)
    );
    let failure = failed("site.test", &conf("options attempts:1", &[&silent]), IpFamily::Any).await;
    assert_eq!(failure.class, FailureClass::DnsTimeout);
}

#[tokio::test(start_paused = true)]
async fn before_the_time_is_up_it_is_said_who_was_waited_for() {
    let silent = ScriptedServer::start(|_| Act::Silent).await;
    let mut conf = conf("", &[&silent]);
    conf.timeout = Duration::from_mins(1);
    let until = Instant::now() + Duration::from_millis(100);
    let failure = names().search("site.test", &conf, IpFamily::Any, until).await.expect_err("no answer");
    assert_eq!(failure.class, FailureClass::DnsTimeout);
    assert_eq!(failure.detail.as_str(), format!("{} did not answer", silent.address));
    assert!(Instant::now() < until, "there is time to say so");
}

#[tokio::test]
async fn attempts_are_rounds_over_all_servers() {
    let silent = ScriptedServer::start(|_| Act::Silent).await;
    let failing = ScriptedServer::start(|_| Act::Code(ResponseCode::ServFail)).await;
    let _ = failed("site.test", &conf("options attempts:3", &[&silent, &failing]), IpFamily::V4).await;
    assert_eq!((silent.asked().len(), failing.asked().len()), (3, 3));
}

#[tokio::test]
async fn a_cut_reply_is_asked_for_over_tcp() {
    let dns = ScriptedServer::start(|_| Act::Cut(Box::new(Act::Addresses(vec!["127.0.0.1", "::1"])))).await;
    assert_eq!(found("site.test", &conf("", &[&dns])).await, ["::1", "127.0.0.1"]);
    assert_eq!(dns.asked().iter().filter(|asked| asked.tcp).count(), 2, "one question a connection");
}

#[tokio::test]
async fn tcp_alone_is_used_where_that_is_asked_for() {
    let dns = ScriptedServer::start(|_| one("127.0.0.1")).await;
    assert_eq!(found("site.test", &conf("options use-vc", &[&dns])).await, ["127.0.0.1"]);
    assert!(dns.asked().iter().all(|asked| asked.tcp));
}

#[tokio::test]
async fn an_opt_record_that_a_server_does_not_know_is_left_out() {
    let dns =
        ScriptedServer::start(|asked| if asked.edns { Act::Code(ResponseCode::FormErr) } else { one("127.0.0.1") })
            .await;
    assert_eq!(found("site.test", &conf("options edns0", &[&dns])).await, ["127.0.0.1"]);
    let plain = ScriptedServer::start(|asked| if asked.edns { Act::Silent } else { one("127.0.0.1") }).await;
    assert_eq!(found("site.test", &conf("", &[&plain])).await, ["127.0.0.1"]);
}

#[tokio::test]
async fn spoofed_and_odd_datagrams_are_ignored() {
    let dns = ScriptedServer::start(|_| Act::Spoofed(Box::new(Act::Later(20, Box::new(one("127.0.0.1")))))).await;
    assert_eq!(found("site.test", &conf("", &[&dns])).await, ["127.0.0.1"]);
}

#[tokio::test]
async fn a_server_that_answers_one_question_a_socket_is_asked_again() {
    let ports = Mutex::new(Vec::new());
    let dns = ScriptedServer::start(move |asked| {
        let mut ports = ports.lock().expect("ports");
        let is_new = !ports.contains(&asked.port);
        ports.push(asked.port);
        if is_new { one("::1") } else { Act::Silent }
    })
    .await;
    assert_eq!(found("site.test", &conf("options attempts:1", &[&dns])).await, ["::1"]);
    let one_by_one = conf("options single-request-reopen attempts:1", &[&dns]);
    assert_eq!(found("site.test", &one_by_one).await, ["::1"]);
}

#[tokio::test]
async fn rotation_begins_with_another_server_each_time() {
    let (first, second) =
        (ScriptedServer::start(|_| one("127.0.0.1")).await, ScriptedServer::start(|_| one("127.0.0.2")).await);
    let (names, conf) = (names(), conf("options rotate", &[&first, &second]));
    let mut met = Vec::new();
    for _ in 0..4 {
        met.extend(names.search("site.test", &conf, IpFamily::V4, later()).await.expect("an address"));
    }
    let met: Vec<String> = met.iter().map(IpAddr::to_string).collect();
    assert_eq!(met, ["127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.2"]);
}

#[tokio::test]
async fn aliases_without_addresses_are_followed_and_bounded() {
    let dns = ScriptedServer::start(|asked| match asked.name.as_str() {
        "site.test" => Act::Alias("cdn.test".into()),
        "cdn.test" => one("127.0.0.1"),
        "dangling.test" => Act::Alias("nowhere.test".into()),
        "empty.test" => Act::Alias("nothing.test".into()),
        "nothing.test" => Act::Addresses(vec![]),
        "circle.test" => Act::Alias("round.test".into()),
        "round.test" => Act::Alias("Circle.test".into()),
        endless if endless.starts_with('x') => Act::Alias(format!("x{endless}")),
        _ => Act::Code(ResponseCode::NXDomain),
    })
    .await;
    let conf = conf("", &[&dns]);
    assert_eq!(found("site.test", &conf).await, ["127.0.0.1"]);
    let class = async |host| failed(host, &conf, IpFamily::Any).await.class;
    assert_eq!(class("dangling.test").await, FailureClass::DnsNotFound);
    assert_eq!(class("empty.test").await, FailureClass::DnsNoAddress);
    assert_eq!(class("circle.test").await, FailureClass::DnsServerFailure);
    assert_eq!(class("x.test").await, FailureClass::DnsServerFailure);
}

#[tokio::test]
async fn no_ipv6_address_is_asked_for_where_that_is_unwanted() {
    let dns = ScriptedServer::start(|_| Act::Addresses(vec!["127.0.0.1", "::1"])).await;
    assert_eq!(found("site.test", &conf("options no-aaaa", &[&dns])).await, ["127.0.0.1"]);
    let failure = failed("site.test", &conf("options no-aaaa", &[&dns]), IpFamily::V6).await;
    assert_eq!(failure.class, FailureClass::DnsNoAddress);
}

#[tokio::test]
async fn a_name_that_cannot_be_written_is_not_found() {
    let dns = ScriptedServer::start(|asked| is(asked, "a.test", one("127.0.0.1"))).await;
    let long = "a".repeat(64);
    for host in ["", ".", "a..b", ".a", long.as_str()] {
        assert_eq!(failed(host, &conf("", &[&dns]), IpFamily::Any).await.class, FailureClass::DnsNotFound, "{host:?}");
    }
    assert_eq!(dns.asked(), []);
}
