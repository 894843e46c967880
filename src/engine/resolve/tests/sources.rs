//! Tests where a name is looked up, in which order, and what is looked up nowhere.

use super::later;
use crate::engine::resolve::lookup::is_used_up;
use crate::engine::resolve::resolv_conf::Surroundings;
use crate::engine::resolve::*;

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
    assert!(other.detail.as_str().contains("hosts file"), "{other:?}");
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
        assert!(detail.as_str().contains("nsswitch.conf"), "{detail}");
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
    assert!(failure.detail.as_str().contains("mDNS"), "{failure:?}");
    let failure = names.explain(NoAddress::new(FailureClass::DnsTimeout, "silence"), "printer.local", &conf);
    assert_eq!(failure.detail.as_str(), "silence");
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
