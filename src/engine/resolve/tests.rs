//! Tests the policy against name servers with scripted answers.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{RData, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::lookup::is_used_up;
use super::resolv_conf::Surroundings;
use super::*;

#[derive(Clone, Debug)]
enum Act {
    /// The addresses among these that are of the family asked for.
    Addresses(Vec<&'static str>),
    Code(ResponseCode),
    Silent,
    Alias(String),
    /// Over UDP: truncated. Over TCP: this.
    Cut(Box<Act>),
    Later(u64, Box<Act>),
    /// First messages that do not answer the question, then this.
    Spoofed(Box<Act>),
    /// Neither recursion nor authority, and no record.
    Lame,
}

/// A question that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    name: String,
    kind: RecordType,
    tcp: bool,
    edns: bool,
    port: u16,
}

struct Dns {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// Binds the same port over UDP and TCP: one that is free over UDP may be in use over TCP.
async fn both_at_one_port() -> (UdpSocket, TcpListener, SocketAddr) {
    loop {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = udp.local_addr().expect("an address");
        if let Ok(tcp) = TcpListener::bind(address).await {
            return (udp, tcp, address);
        }
    }
}

impl Dns {
    async fn start(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Dns {
        let (udp, tcp, address) = both_at_one_port().await;
        let (asked, script) = (Arc::new(Mutex::new(Vec::new())), Arc::new(script));
        let (udp, log) = (Arc::new(udp), Arc::clone(&asked));
        let act = move |query: &[u8], tcp, port| {
            let message = Message::from_vec(query).ok()?;
            let question = message.queries.first()?;
            let labels: Vec<&[u8]> = question.name().iter().collect();
            let name = String::from_utf8_lossy(&labels.join(&b'.')).into_owned();
            let asked = Asked { name, kind: question.query_type(), tcp, edns: message.edns.is_some(), port };
            let act = script(&asked);
            log.lock().expect("a log").push(asked);
            Some((message, act))
        };
        let over_tcp = act.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 2048];
            while let Ok((length, peer)) = udp.recv_from(&mut buffer).await {
                let Some((query, act)) = act(&buffer[..length], false, peer.port()) else { continue };
                let udp = Arc::clone(&udp);
                tokio::spawn(async move {
                    for reply in replies(&query, act, false).await {
                        let _ = udp.send_to(&reply, peer).await;
                    }
                });
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, peer)) = tcp.accept().await {
                let act = over_tcp.clone();
                // One question per connection: the client has to connect again for the next.
                tokio::spawn(async move {
                    let Ok(length) = stream.read_u16().await else { return };
                    let mut query = vec![0; usize::from(length)];
                    let _ = stream.read_exact(&mut query).await;
                    let Some((query, act)) = act(&query, true, peer.port()) else { return };
                    for reply in replies(&query, act, true).await {
                        let length = u16::try_from(reply.len()).expect("a short reply");
                        let _ = stream.write_all(&[&length.to_be_bytes()[..], &reply].concat()).await;
                    }
                });
            }
        });
        Dns { address, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("a log").clone()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.asked().into_iter().map(|asked| asked.name).collect();
        names.dedup();
        names
    }
}

fn replies(query: &Message, act: Act, tcp: bool) -> std::pin::Pin<Box<dyn Future<Output = Vec<Vec<u8>>> + Send + '_>> {
    Box::pin(async move {
        let question = &query.queries[0];
        let mut reply = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
        reply.metadata.recursion_available = true;
        reply.add_query(question.clone());
        match act {
            Act::Silent => return Vec::new(),
            Act::Code(code) => reply.metadata.response_code = code,
            Act::Lame => reply.metadata.recursion_available = false,
            Act::Alias(target) => {
                let data = RData::CNAME(CNAME(message::name(&target).expect("a name")));
                reply.add_answer(Record::from_rdata(question.name().clone(), 1, data));
            }
            Act::Addresses(addresses) => {
                for address in addresses {
                    let data = match (address.parse().expect("an address"), question.query_type()) {
                        (IpAddr::V4(v4), RecordType::A) => RData::A(A(v4)),
                        (IpAddr::V6(v6), RecordType::AAAA) => RData::AAAA(AAAA(v6)),
                        _ => continue,
                    };
                    reply.add_answer(Record::from_rdata(question.name().clone(), 1, data));
                }
            }
            Act::Cut(_) if !tcp => reply.metadata.truncation = true,
            Act::Cut(act) => return replies(query, *act, tcp).await,
            Act::Later(milliseconds, act) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                return replies(query, *act, tcp).await;
            }
            Act::Spoofed(act) => {
                reply.metadata.id ^= 1;
                let mut all = vec![b"garbage".to_vec(), reply.to_vec().expect("a message")];
                all.extend(replies(query, *act, tcp).await);
                return all;
            }
        }
        vec![reply.to_vec().expect("a message")]
    })
}

fn is(asked: &Asked, name: &str, act: Act) -> Act {
    if asked.name == name { act } else { Act::Code(ResponseCode::NXDomain) }
}

fn one(address: &'static str) -> Act {
    Act::Addresses(vec![address])
}

fn conf(text: &str, servers: &[&Dns]) -> ResolvConf {
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
    let dns = Dns::start(|_| one("127.0.0.1")).await;
    for host in ["my_app.test", "9lives.test", "a-.test", "-a.test"] {
        assert_eq!(found(host, &conf("", &[&dns])).await, ["127.0.0.1"]);
    }
    assert_eq!(dns.names(), ["my_app.test", "9lives.test", "a-.test", "-a.test"]);
}

#[tokio::test]
async fn the_first_name_that_is_there_ends_the_search_for_both_families() {
    let dns = Dns::start(|asked| match asked.name.as_str() {
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
    let dns = Dns::start(|asked| match asked.name.as_str() {
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
    let dns = Dns::start(|_| Act::Code(ResponseCode::NXDomain)).await;
    let failure = failed("api", &conf("search a.test b.test", &[&dns]), IpFamily::Any).await;
    assert_eq!(failure.class, FailureClass::DnsNotFound);
    assert_eq!(failure.detail, "NXDOMAIN; asked as api.a.test, api.b.test, api");
    let absolute = failed("api.", &conf("search a.test", &[&dns]), IpFamily::Any).await;
    assert_eq!(absolute.detail, "NXDOMAIN");
}

#[tokio::test]
async fn a_slow_first_server_counts_and_a_quick_second_one_does_not() {
    let slow = Dns::start(|asked| {
        let wait = if asked.kind == RecordType::A { 150 } else { 0 };
        Act::Later(wait, Box::new(one("127.0.0.1")))
    })
    .await;
    let quick = Dns::start(|_| Act::Code(ResponseCode::NXDomain)).await;
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
    let good = Dns::start(|_| one("127.0.0.1")).await;
    for error in errors {
        let script = error.clone();
        let bad = Dns::start(move |_| script.clone()).await;
        assert_eq!(found("site.test", &conf("", &[&bad, &good])).await, ["127.0.0.1"], "{error:?}");
    }
}

#[tokio::test]
async fn a_server_whose_port_is_closed_costs_no_time() {
    let good = Dns::start(|_| one("127.0.0.1")).await;
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
    assert_eq!(failure.detail, format!("{closed} refused the question"));
}

#[tokio::test]
async fn that_a_name_is_not_there_is_believed_at_once() {
    let first = Dns::start(|_| Act::Code(ResponseCode::NXDomain)).await;
    let second = Dns::start(|_| one("127.0.0.1")).await;
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
        let dns = Dns::start(move |asked| {
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
    let refuses = Dns::start(|_| Act::Code(ResponseCode::Refused)).await;
    let silent = Dns::start(|_| Act::Silent).await;
    let failure = failed("site.test", &conf("options attempts:1", &[&refuses, &silent]), IpFamily::Any).await;
    assert_eq!(failure.class, FailureClass::DnsServerFailure);
    assert_eq!(failure.detail, format!("{} answered REFUSED, {} did not answer", refuses.address, silent.address));
    let failure = failed("site.test", &conf("options attempts:1", &[&silent]), IpFamily::Any).await;
    assert_eq!(failure.class, FailureClass::DnsTimeout);
}

#[tokio::test(start_paused = true)]
async fn before_the_time_is_up_it_is_said_who_was_waited_for() {
    let silent = Dns::start(|_| Act::Silent).await;
    let mut conf = conf("", &[&silent]);
    conf.timeout = Duration::from_mins(1);
    let until = Instant::now() + Duration::from_millis(100);
    let failure = names().search("site.test", &conf, IpFamily::Any, until).await.expect_err("no answer");
    assert_eq!(failure.class, FailureClass::DnsTimeout);
    assert_eq!(failure.detail, format!("{} did not answer", silent.address));
    assert!(Instant::now() < until, "there is time to say so");
}

#[tokio::test]
async fn attempts_are_rounds_over_all_servers() {
    let silent = Dns::start(|_| Act::Silent).await;
    let failing = Dns::start(|_| Act::Code(ResponseCode::ServFail)).await;
    let _ = failed("site.test", &conf("options attempts:3", &[&silent, &failing]), IpFamily::V4).await;
    assert_eq!((silent.asked().len(), failing.asked().len()), (3, 3));
}

#[tokio::test]
async fn a_cut_reply_is_asked_for_over_tcp() {
    let dns = Dns::start(|_| Act::Cut(Box::new(Act::Addresses(vec!["127.0.0.1", "::1"])))).await;
    assert_eq!(found("site.test", &conf("", &[&dns])).await, ["::1", "127.0.0.1"]);
    assert_eq!(dns.asked().iter().filter(|asked| asked.tcp).count(), 2, "one question a connection");
}

#[tokio::test]
async fn tcp_alone_is_used_where_that_is_asked_for() {
    let dns = Dns::start(|_| one("127.0.0.1")).await;
    assert_eq!(found("site.test", &conf("options use-vc", &[&dns])).await, ["127.0.0.1"]);
    assert!(dns.asked().iter().all(|asked| asked.tcp));
}

#[tokio::test]
async fn an_opt_record_that_a_server_does_not_know_is_left_out() {
    let dns = Dns::start(|asked| if asked.edns { Act::Code(ResponseCode::FormErr) } else { one("127.0.0.1") }).await;
    assert_eq!(found("site.test", &conf("options edns0", &[&dns])).await, ["127.0.0.1"]);
    let plain = Dns::start(|asked| if asked.edns { Act::Silent } else { one("127.0.0.1") }).await;
    assert_eq!(found("site.test", &conf("", &[&plain])).await, ["127.0.0.1"]);
}

#[tokio::test]
async fn spoofed_and_odd_datagrams_are_ignored() {
    let dns = Dns::start(|_| Act::Spoofed(Box::new(Act::Later(20, Box::new(one("127.0.0.1")))))).await;
    assert_eq!(found("site.test", &conf("", &[&dns])).await, ["127.0.0.1"]);
}

#[tokio::test]
async fn a_server_that_answers_one_question_a_socket_is_asked_again() {
    let ports = Mutex::new(Vec::new());
    let dns = Dns::start(move |asked| {
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
    let (first, second) = (Dns::start(|_| one("127.0.0.1")).await, Dns::start(|_| one("127.0.0.2")).await);
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
    let dns = Dns::start(|asked| match asked.name.as_str() {
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
    let dns = Dns::start(|_| Act::Addresses(vec!["127.0.0.1", "::1"])).await;
    assert_eq!(found("site.test", &conf("options no-aaaa", &[&dns])).await, ["127.0.0.1"]);
    let failure = failed("site.test", &conf("options no-aaaa", &[&dns]), IpFamily::V6).await;
    assert_eq!(failure.class, FailureClass::DnsNoAddress);
}

#[tokio::test]
async fn a_name_that_cannot_be_written_is_not_found() {
    let dns = Dns::start(|asked| is(asked, "a.test", one("127.0.0.1"))).await;
    let long = "a".repeat(64);
    for host in ["", ".", "a..b", ".a", long.as_str()] {
        assert_eq!(failed(host, &conf("", &[&dns]), IpFamily::Any).await.class, FailureClass::DnsNotFound, "{host:?}");
    }
    assert_eq!(dns.asked(), []);
}

fn with_hosts(hosts: &str) -> (HostResolver, tempfile::TempDir) {
    // Nothing listens there, so a question is refused at once.
    with_files(hosts, "nameserver 127.255.255.254\nsearch lan.test\n", "hosts: files mdns4 dns\n")
}

fn with_files(hosts: &str, resolv_conf: &str, nsswitch: &str) -> (HostResolver, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("hosts"), hosts).expect("written");
    std::fs::write(folder.path().join("resolv.conf"), resolv_conf).expect("written");
    if !nsswitch.is_empty() {
        std::fs::write(folder.path().join("nsswitch.conf"), nsswitch).expect("written");
    }
    let paths = Paths {
        resolv_conf: folder.path().join("resolv.conf"),
        hosts: folder.path().join("hosts"),
        nsswitch: folder.path().join("nsswitch.conf"),
    };
    (HostResolver::with(SystemFiles::new(paths, Surroundings::default())), folder)
}

#[tokio::test]
async fn the_hosts_file_comes_first_for_the_whole_name() {
    let (names, _folder) = with_hosts("192.0.2.7 site.test shop\n192.0.2.8 shop\n::1 six.test\n");
    let lookup = async |host, ip| names.lookup(Resolver::System, host, ip, later()).await;
    let text = |found: Vec<IpAddr>| found.iter().map(IpAddr::to_string).collect::<Vec<_>>();
    assert_eq!(lookup("Site.TEST", IpFamily::Any).await.map(text), Ok(vec!["192.0.2.7".into()]));
    assert_eq!(lookup("shop", IpFamily::V4).await.map(text), Ok(vec!["192.0.2.7".into(), "192.0.2.8".into()]));
    let other = lookup("six.test", IpFamily::V4).await.expect_err("no address");
    assert_eq!(other.class, FailureClass::DnsNoAddress);
    assert!(other.detail.contains("hosts file"), "{other:?}");
}

#[tokio::test]
async fn sources_are_asked_in_the_order_of_nsswitch_conf() {
    // Nothing listens there: a question is refused, which is not an answer.
    let found = async |nsswitch: &str, host: &str| {
        let (names, _folder) =
            with_files("192.0.2.7 site.test\n", "nameserver 127.255.255.254\noptions attempts:1\n", nsswitch);
        let found = names.lookup(Resolver::System, host, IpFamily::Any, later()).await;
        found.map(|found| found[0].to_string()).map_err(|failure| (failure.class, failure.detail))
    };
    for nsswitch in
        ["", "hosts: files dns\n", "hosts: files\n", "hosts: dns files\n", "hosts: dns [!UNAVAIL=return] files\n"]
    {
        assert_eq!(found(nsswitch, "site.test").await, Ok("192.0.2.7".into()), "{nsswitch}");
    }
    for nsswitch in ["hosts: dns\n", "hosts: dns [UNAVAIL=return] files\n"] {
        let (class, detail) = found(nsswitch, "site.test").await.expect_err(nsswitch);
        assert_eq!(class, FailureClass::DnsServerFailure, "{detail}");
    }
    for nsswitch in ["hosts: files\n", "hosts: files [NOTFOUND=return] dns\n"] {
        let (class, detail) = found(nsswitch, "other.test").await.expect_err(nsswitch);
        assert_eq!(class, FailureClass::DnsNotFound);
        assert!(detail.contains("nsswitch.conf"), "{detail}");
    }
}

#[tokio::test]
async fn localhost_is_this_host_and_the_hosts_file_may_say_otherwise() {
    let (names, _folder) = with_hosts("127.0.0.9 localhost\n192.0.2.1 app.localhost\n");
    let lookup =
        async |host, ip| names.lookup(Resolver::System, host, ip, later()).await.map(|found| found[0].to_string());
    assert_eq!(lookup("localhost", IpFamily::Any).await, Ok("127.0.0.9".into()));
    assert_eq!(lookup("localhost", IpFamily::V6).await, Ok("::1".into()));
    assert_eq!(lookup("app.localhost", IpFamily::Any).await, Ok("192.0.2.1".into()));
    for host in ["web.localhost", "a.b.LOCALHOST.", "localhost.", "localhost.localdomain"] {
        assert_eq!(lookup(host, IpFamily::V4).await, Ok("127.0.0.1".into()), "{host}");
    }
    let own = names
        .lookup(Resolver::Udp("127.255.255.254:9".parse().expect("an address")), "localhost", IpFamily::Any, later())
        .await;
    assert_eq!(own.map(|found| found.len()), Ok(2));
}

#[tokio::test]
async fn an_address_is_looked_up_nowhere() {
    let (names, _folder) = with_hosts("192.0.2.7 127.0.0.1\n");
    let lookup =
        async |host, ip| names.lookup(Resolver::System, host, ip, later()).await.map(|found| found[0].to_string());
    assert_eq!(lookup("127.1", IpFamily::Any).await, Ok("127.0.0.1".into()));
    assert_eq!(lookup("[::1]", IpFamily::V6).await, Ok("::1".into()));
    assert!(lookup("127.0.0.1", IpFamily::V6).await.is_err());
}

#[tokio::test]
async fn what_was_not_asked_is_said() {
    let names = with_hosts("").0;
    let conf = ResolvConf::parse("", &Surroundings::default(), |_| None);
    let failure = names.explain(NoAddress::new(FailureClass::DnsNotFound, "NXDOMAIN"), "printer.local", &conf);
    assert!(failure.detail.contains("mDNS"), "{failure:?}");
    let failure = names.explain(NoAddress::new(FailureClass::DnsTimeout, "silence"), "printer.local", &conf);
    assert_eq!(failure.detail, "silence");
}

#[test]
fn the_families_take_turns() {
    let v6 = ["::1", "::2"].map(|text| text.parse().expect("an address"));
    let v4 = ["127.0.0.1"].map(|text| text.parse().expect("an address"));
    let order: Vec<String> = interleave(v6.into(), v4.into()).iter().map(IpAddr::to_string).collect();
    assert_eq!(order, ["::1", "127.0.0.1", "::2"]);
}

#[test]
fn a_host_without_ipv6_is_not_out_of_ports() {
    assert!(!is_used_up(&io::Error::from(rustix::io::Errno::ADDRNOTAVAIL)));
    assert!(!is_used_up(&io::Error::from(io::ErrorKind::ConnectionRefused)));
    assert!(is_used_up(&io::Error::from(rustix::io::Errno::MFILE)));
}
