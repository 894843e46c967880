//! Certificates that must be rejected, and handshakes that fail or stall.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use uptick::model::FailureClass::{
    AssertionFailed, BodyTruncated, ConnectionReset, HttpProtocol, ProberUnsupported, Status, TlsCertExpired,
    TlsCertInvalid, TlsCertNameMismatch, TlsCertNotYetValid, TlsCertRevoked, TlsCertUntrusted, TlsClientCertRequired,
    TlsHandshakeFailed, TlsHandshakeTimeout, TlsNotTls, TlsVersion as TlsVersionFailed,
};
use uptick::model::Phase::{Processing, Tls, Transfer};
use uptick::model::{CertificateRole, HttpVersion, Outcome, TlsVersion, Value};

use crate::faults::row::{Case, Row, answers, fails, up};
use crate::support::server::{ScriptedConnection, Server};
use crate::support::tls::{Authority, DAY, Leaf};
use crate::support::{server, tls};

pub(crate) const ROWS: &[Row] = &[
    fails(31, "the certificate has expired", TlsCertExpired, Tls, || {
        dated(3 * DAY, Some(DAY)).also(|outcome| {
            let certificate = outcome.tls.as_ref().and_then(|tls| tls.certificate.as_ref());
            let certificate = certificate.expect("the facts of a certificate that was refused");
            assert!(certificate.not_after < jiff::Timestamp::now());
            assert!(outcome.tls.as_ref().is_some_and(|tls| !tls.verified));
        })
    }),
    fails(32, "the certificate is not valid yet", TlsCertNotYetValid, Tls, || {
        let mut params = tls::leaf_params(&["good.test"]);
        params.not_before = tls::after(DAY).into();
        signed(&params)
    }),
    fails(33, "the certificate is for other names", TlsCertNameMismatch, Tls, || {
        signed(&tls::leaf_params(&["other.test", "a.test", "b.test", "c.test", "d.test", "e.test", "f.test"])).also(
            |outcome| {
                let message = &outcome.failure.as_ref().expect("a failure").message;
                assert!(message.as_str().contains("other.test"), "{message}");
                assert!(!message.as_str().contains("f.test"), "the first few names are enough: {message}");
            },
        )
    }),
    fails(33, "the certificate has the host as its common name alone", TlsCertNameMismatch, Tls, || {
        named_by(|params| params.distinguished_name.push(DnType::CommonName, "good.test"))
            .also(|outcome| says(outcome, &["not for good.test", "its common name `good.test` does not count"]))
    }),
    fails(33, "the certificate has an address as the name of a host", TlsCertNameMismatch, Tls, || {
        named_by(|params| params.subject_alt_names = vec![SanType::DnsName("127.0.0.1".try_into().unwrap())])
            .probe(|probe| probe.transport.tls.server_name = Some("127.0.0.1".to_owned()))
            .also(|outcome| says(outcome, &["not for 127.0.0.1", "a host that is named like this address"]))
    }),
    fails(34, "the certificate is signed by itself", TlsCertUntrusted, Tls, || {
        let leaf = Leaf::self_signed(&tls::leaf_params(&["good.test"]));
        shows(&Authority::new(), leaf.config())
    }),
    fails(
        34,
        "the certificate is an authority's own, signed by itself (`openssl req -x509`)",
        TlsCertUntrusted,
        Tls,
        || {
            let mut params = tls::leaf_params(&["good.test"]);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            shows(&Authority::new(), Leaf::self_signed(&params).config())
        },
    ),
    up(34, "the certificate is an authority's own, signed by itself, and is itself the `tls.ca-file`", || {
        let mut params = tls::leaf_params(&["good.test"]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        pinned(&params)
    }),
    up(34, "the certificate is signed by itself and is itself the `tls.ca-file`", || {
        pinned(&tls::leaf_params(&["good.test"]))
    }),
    fails(31, "the certificate that is itself the `tls.ca-file` has expired", TlsCertExpired, Tls, || {
        let mut params = tls::leaf_params(&["good.test"]);
        params.not_before = tls::before(3 * DAY).into();
        params.not_after = tls::before(DAY).into();
        pinned(&params)
    }),
    fails(33, "the certificate that is itself the `tls.ca-file` is for other names", TlsCertNameMismatch, Tls, || {
        pinned(&tls::leaf_params(&["other.test"]))
    }),
    fails(
        34,
        "the certificate is an authority's own (CA:TRUE), and a trusted one signed it",
        ProberUnsupported,
        Tls,
        || {
            let mut params = tls::leaf_params(&["good.test"]);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            signed(&params)
        },
    ),
    fails(31, "an intermediate certificate has expired under a good one", TlsCertExpired, Tls, || {
        under(|params| {
            params.not_before = tls::before(9 * DAY).into();
            params.not_after = tls::before(2 * DAY).into();
        })
        .also(|outcome| says(outcome, &["intermediate", "CN=uptick test intermediate"]))
    }),
    fails(32, "an intermediate certificate is not valid yet under a good one", TlsCertNotYetValid, Tls, || {
        under(|params| params.not_before = tls::after(2 * DAY).into())
            .also(|outcome| says(outcome, &["intermediate", "CN=uptick test intermediate"]))
    }),
    up(31, "an expired certificate that nobody needs is sent beside a good chain", || {
        let root = Authority::new();
        let middle = root.intermediate();
        let old = Authority::named("some other authority").intermediate_with(|params| {
            params.not_before = tls::before(9 * DAY).into();
            params.not_after = tls::before(2 * DAY).into();
        });
        let leaf = middle.leaf(&["good.test"]).and([middle.certificate(), old.certificate()]);
        shows(&root, leaf.config()).step(|step| step.expect.certificate_days = Some(1)).also(|outcome| {
            let chain = &outcome.tls.as_ref().expect("facts").chain;
            let roles: Vec<CertificateRole> = chain.iter().map(|certificate| certificate.role).collect();
            let wanted = [
                CertificateRole::Leaf,
                CertificateRole::Intermediate,
                CertificateRole::Unused,
                CertificateRole::Anchor,
            ];
            assert_eq!(roles, wanted, "{chain:?}");
        })
    }),
    fails(
        33,
        "a label of the URL's host ends in a hyphen, which TLS of this prober cannot name",
        ProberUnsupported,
        Tls,
        || {
            let authority = Authority::new();
            let server = greeting(authority.leaf(&["good.test"]).config());
            let url = server.https("a-.test", "/");
            Case::get(url).at(server.address()).keep(server).keep(authority)
        },
    ),
    fails(39, "the issuer may not issue for the name (name constraints)", TlsCertInvalid, Tls, || {
        under(|params| {
            params.name_constraints = Some(rcgen::NameConstraints {
                permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("other.test".to_owned())],
                excluded_subtrees: Vec::new(),
            });
        })
        .also(|outcome| says(outcome, &["name constraints"]))
    }),
    fails(39, "the issuer may not issue for the directory name (name constraints)", TlsCertInvalid, Tls, || {
        directories(&["O=Other"], &[]).also(|outcome| says(outcome, &["for the name CN=uptick test leaf"]))
    }),
    fails(39, "the issuer may issue for any directory name but this (name constraints)", TlsCertInvalid, Tls, || {
        directories(&[""], &["CN=UPTICK  test leaf"]).also(|outcome| says(outcome, &["CN=uptick test leaf"]))
    }),
    fails(39, "the issuer may issue for this directory name (name constraints)", ProberUnsupported, Tls, || {
        directories(&["O=Other", "CN=uptick Test leaf"], &["CN=uptick"])
            .also(|outcome| says(outcome, &["name constraints for directory names"]))
    }),
    fails(39, "the issuer's key is not meant to sign certificates (key usage)", TlsCertInvalid, Tls, || {
        under(|params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature])
            .also(|outcome| says(outcome, &["CN=uptick test intermediate may not issue certificates"]))
    }),
    fails(39, "the certificate's key is not meant for servers (key usage)", TlsCertInvalid, Tls, || {
        let mut params = tls::leaf_params(&["good.test"]);
        params.key_usages = vec![KeyUsagePurpose::CrlSign];
        signed(&params)
    }),
    up(39, "the certificate's key is meant for an older key exchange alone (key usage)", || {
        let mut params = tls::leaf_params(&["good.test"]);
        params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
        signed(&params)
    }),
    up(39, "an intermediate is sent twice, once with a key that is not meant to sign certificates", || {
        let root = Authority::new();
        let middle = root.intermediate();
        let other = root.intermediate_with(|params| {
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.not_after = tls::after(90 * DAY).into();
        });
        let leaf = middle.leaf(&["good.test"]).and([other.certificate(), middle.certificate()]);
        shows(&root, leaf.config())
    }),
    fails(
        36,
        "the name of the issuer is written in capitals, and the authority's in small letters",
        ProberUnsupported,
        Tls,
        || {
            let root = Authority::new();
            let leaf = Authority::named("UPTICK TEST  authority").leaf(&["good.test"]);
            shows(&root, leaf.config()).also(|outcome| says(outcome, &["another encoding"]))
        },
    ),
    fails(39, "the certificate has a critical extension that nobody knows", TlsCertInvalid, Tls, || {
        with_critical(&[1, 3, 6, 1, 4, 1, 99_999, 7]).also(|outcome| says(outcome, &["1.3.6.1.4.1.99999.7"]))
    }),
    fails(39, "the certificate has a critical extension that other clients know", ProberUnsupported, Tls, || {
        with_critical(&[2, 5, 29, 36]).also(|outcome| says(outcome, &["policy constraints"]))
    }),
    up(41, "the certificate is signed with ECDSA on P-521 and SHA-512", || made_elsewhere("p521")),
    fails(41, "the certificate is signed with RSA-PSS and SHA-1", TlsCertInvalid, Tls, || {
        made_elsewhere("pss-sha1").also(|outcome| says(outcome, &["RSA-PSS with SHA-1, which is too weak"]))
    }),
    fails(41, "the certificate is valid from a date before 1970", ProberUnsupported, Tls, || {
        dated(Duration::from_hours(24 * 365 * 60), None).also(|outcome| says(outcome, &["a date before 1970"]))
    }),
    fails(41, "the certificate was valid before 1970", TlsCertExpired, Tls, || {
        dated(Duration::from_hours(24 * 365 * 65), Some(Duration::from_hours(24 * 365 * 60)))
            .also(|outcome| says(outcome, &["was valid until 196"]))
    }),
    up(41, "the certificate is signed with ECDSA on P-256 and SHA-512", || made_elsewhere("p256-sha512")),
    fails(41, "the certificate is signed with Ed448", ProberUnsupported, Tls, || {
        made_elsewhere("ed448").also(|outcome| says(outcome, &["Ed448"]))
    }),
    up(33, "the certificate is for the address in the URL", || {
        let authority = Authority::new();
        let server = greeting(authority.leaf(&["127.0.0.1"]).config());
        let ca_file = authority.ca_file();
        let url = format!("https://{}/", server.address());
        Case::get(url).probe(|probe| probe.transport.tls.ca_file = Some(ca_file)).keep(authority).keep(server)
    }),
    up(33, "the certificate's name has an asterisk for the first label", || wildcard("*.good.test")),
    up(33, "the certificate's name ends in a dot", || signed(&tls::leaf_params(&["other.test", "Good.test."]))),
    up(33, "the certificate's name has an asterisk, and ends in a dot", || wildcard("*.good.test.")),
    fails(33, "the certificate is for another name, which ends in a dot", TlsCertNameMismatch, Tls, || {
        signed(&tls::leaf_params(&["other.test.", "*.test."]))
    }),
    fails(33, "the certificate's name ends in a dot, and its authority is not trusted", TlsCertUntrusted, Tls, || {
        let leaf = Authority::named("some other authority").leaf(&["good.test."]);
        shows(&Authority::new(), leaf.config())
    }),
    fails(33, "the certificate's name has an asterisk for all labels but the last", TlsCertNameMismatch, Tls, || {
        wildcard("*.test")
    }),
    fails(35, "the certificate's authority is not trusted", TlsCertUntrusted, Tls, || {
        let leaf = Authority::named("some other authority").leaf(&["good.test"]);
        shows(&Authority::new(), leaf.config())
    }),
    fails(36, "the server does not send the intermediate certificate", TlsCertUntrusted, Tls, || {
        let root = Authority::new();
        let leaf = root.intermediate().leaf(&["good.test"]);
        shows(&root, leaf.config()).also(|outcome| says(outcome, &["CN=uptick test intermediate", "missing"]))
    }),
    up(36, "the server sends the intermediate certificate", || {
        let root = Authority::new();
        let intermediate = root.intermediate();
        let leaf = intermediate.leaf(&["good.test"]).and([intermediate.certificate()]);
        shows(&root, leaf.config())
    }),
    up(37, "the chain is in the wrong order and holds strangers", || {
        let root = Authority::new();
        let intermediate = root.intermediate();
        let strangers = [Authority::named("a stranger").certificate(), root.certificate(), intermediate.certificate()];
        shows(&root, intermediate.leaf(&["good.test"]).and(strangers).config())
    }),
    up(38, "the certificate is revoked and there is no `tls.crl-file`: revocation is not checked", || {
        with_serial(4711).0
    }),
    fails(38, "the certificate is on the list of `tls.crl-file`", TlsCertRevoked, Tls, || {
        let (case, authority) = with_serial(4711);
        let list = authority.revoke(4711);
        case.probe(|probe| probe.transport.tls.crl_file = Some(list)).keep(authority)
    }),
    up(38, "another certificate is on the list of `tls.crl-file`", || {
        let (case, authority) = with_serial(4711);
        let list = authority.revoke(42);
        case.probe(|probe| probe.transport.tls.crl_file = Some(list)).keep(authority)
    }),
    fails(39, "the certificate is for clients alone", TlsCertInvalid, Tls, || {
        let mut params = tls::leaf_params(&["good.test"]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        signed(&params)
    }),
    fails(40, "the certificate's key is an RSA key of 1024 bits", TlsCertInvalid, Tls, || rsa_key_of(1_024)),
    fails(40, "the certificate's key is an RSA key of 1960 bits", TlsCertInvalid, Tls, || rsa_key_of(1_960)),
    fails(40, "the certificate's key is an RSA key of 2040 bits", ProberUnsupported, Tls, || rsa_key_of(2_040)),
    fails(41, "the certificate is signed with SHA-1", TlsCertInvalid, Tls, || {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/sha1");
        let leaf = std::fs::read(format!("{folder}/leaf.der")).unwrap();
        shows_unsigned(format!("{folder}/ca.pem").as_ref(), &[CertificateDer::from(leaf)]).also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().chars().count() < 200, "no dump of identifiers: {message}");
        })
    }),
    up(42, "the certificate is for 4,000 names", || {
        for_many_names(4_000).also(|outcome| {
            let certificate = outcome.tls.as_ref().and_then(|tls| tls.certificate.as_ref()).expect("facts");
            assert_eq!(certificate.names_total, 4_000);
            assert!(certificate.names.len() <= 20, "{} names are kept", certificate.names.len());
        })
    }),
    fails(
        42,
        "the certificate is for 6,000 names, which clients read and this prober does not",
        ProberUnsupported,
        Tls,
        || for_many_names(6_000).also(|outcome| says(outcome, &["KiB, and this prober reads 64 KiB"])),
    ),
    fails(42, "the certificate is for 6,000 names, and TLS is 1.2", ProberUnsupported, Tls, || {
        let authority = Authority::new();
        let config = authority.leaf(&many_names(6_000)).config_with(&[&TLS12], |_| {});
        shows(&authority, config).also(|outcome| says(outcome, &["KiB, and this prober reads 64 KiB"]))
    }),
    fails(42, "the certificate is for 10,000 names, which is more than clients read", TlsCertInvalid, Tls, || {
        for_many_names(10_000).also(|outcome| says(outcome, &["clients read 100 KiB at most"]))
    }),
    fails(44, "the server announces a message of a megabyte and sends a little of it", TlsHandshakeFailed, Tls, || {
        scripted(|conn| {
            conn.send(tls::record(22, &[2, 0x10, 0, 0, 3, 3]));
            conn.stall();
        })
    }),
    fails(43, "the server speaks TLS 1.0 alone and says so in an alert", TlsVersionFailed, Tls, || {
        scripted(|conn| {
            conn.send(tls::fatal_alert(70));
        })
    }),
    fails(43, "the server answers in TLS 1.0", TlsVersionFailed, Tls, || {
        scripted(|conn| {
            let hello = [&[2, 0, 0, 38, 3, 1][..], &[7; 32], &[0, 0, 0x2f, 0]].concat();
            conn.send(tls::record(22, &hello));
            conn.stall();
        })
    }),
    fails(43, "the server speaks TLS 1.2 and `tls.min-version` is \"1.3\"", TlsVersionFailed, Tls, || {
        let authority = Authority::new();
        let config = authority.leaf(&["good.test"]).config_with(&[&TLS12], |_| {});
        shows(&authority, config).probe(|probe| probe.transport.tls.min_version = TlsVersion::V1_3)
    }),
    fails(44, "the server finds no cipher in common (alert handshake_failure)", TlsHandshakeFailed, Tls, || {
        scripted(|conn| {
            conn.send(tls::fatal_alert(40));
        })
        .also(|outcome| says(outcome, &["cipher", "offered", "AES-GCM"]))
    }),
    fails(44, "the server speaks a cipher alone that this prober does not know", ProberUnsupported, Tls, || {
        let server = Server::start(|conn| {
            let mut hello = Vec::new();
            conn.read_some(&mut hello);
            // TLS_RSA_WITH_AES_128_CBC_SHA, if it is offered: a client of TLS 1.3 sends a session
            // id of 32 bytes, an older one sends none.
            if hello[43] == 0 {
                let hello = [&[2, 0, 0, 38, 3, 3][..], &[7; 32], &[0, 0, 0x2f, 0]].concat();
                conn.send(tls::record(22, &hello));
                conn.stall();
            } else {
                conn.send(tls::fatal_alert(40));
            }
        });
        trusting(&Authority::new(), &server).keep(server).also(|outcome| {
            says(outcome, &["no cipher suite in common", "TLS_RSA_WITH_AES_128_CBC_SHA", "offered"]);
        })
    }),
    fails(44, "the server signs with a key alone that this prober does not know", ProberUnsupported, Tls, || {
        let server = Server::start(|conn| {
            let mut hello = Vec::new();
            conn.read_some(&mut hello);
            // Where Ed448 is offered, any suite will do, such as one that this prober does not know either.
            if server::find(&hello, &[0x08, 0x07, 0x08, 0x08]).is_some() {
                let suite = if hello[43] == 0 && server::find(&hello, &[0xc0, 0x2b]).is_none() { 0x24 } else { 0x2b };
                let hello = [&[2, 0, 0, 38, 3, 3][..], &[7; 32], &[0, 0xc0, suite, 0]].concat();
                conn.send(tls::record(22, &hello));
                conn.stall();
            } else {
                conn.send(tls::fatal_alert(40));
            }
        });
        trusting(&Authority::new(), &server).keep(server).also(|outcome| {
            says(outcome, &["no signature or curve in common", "offered"]);
        })
    }),
    fails(44, "the server ends the handshake with an alert: its name is told", TlsHandshakeFailed, Tls, || {
        scripted(|conn| {
            conn.send(tls::fatal_alert(80));
        })
        .also(|outcome| says(outcome, &["alert internal_error (an error inside the server)"]))
    }),
    fails(
        44,
        "the server exchanges keys by a group alone that this prober does not know",
        ProberUnsupported,
        Tls,
        || {
            let server = Server::start(|conn| {
                let mut hello = Vec::new();
                conn.read_some(&mut hello);
                // If X448 is offered without any key share, a HelloRetryRequest asks for one.
                if server::find(&hello, &[0, 51, 0, 2, 0, 0]).is_some() {
                    let retry = tls::retry_with_group(30);
                    conn.send(tls::record(22, &retry));
                    conn.stall();
                } else {
                    conn.send(tls::fatal_alert(40));
                }
            });
            trusting(&Authority::new(), &server).keep(server).also(|outcome| {
                says(outcome, &["no key exchange in common", "X448", "offered"]);
            })
        },
    ),
    fails(44, "the server picks a cipher that was not offered", TlsHandshakeFailed, Tls, || {
        scripted(|conn| {
            // TLS_RSA_WITH_RC4_128_SHA.
            let hello = [&[2, 0, 0, 38, 3, 3][..], &[7; 32], &[0, 0, 0x05, 0]].concat();
            conn.send(tls::record(22, &hello));
            conn.stall();
        })
    }),
    fails(44, "the server answers with nonsense in a record of TLS", TlsHandshakeFailed, Tls, || {
        scripted(|conn| {
            conn.send(tls::record(22, &[0x05; 64]));
            conn.stall();
        })
        .also(|outcome| says(outcome, &["not valid TLS (handshake payload too large)"]))
    }),
    fails(45, "the server does not know the name asked for (alert unrecognized_name)", TlsHandshakeFailed, Tls, || {
        scripted(|conn| {
            conn.send(tls::fatal_alert(112));
        })
        .also(|outcome| {
            let message = outcome.failure.as_ref().expect("a failure").message.as_str().to_lowercase();
            assert!(message.contains("unrecogni"), "the alert is named: {message}");
        })
    }),
    up(46, "the URL has an address, and `tls.server-name` says whose certificate it is", || {
        let authority = Authority::new();
        let server = greeting(authority.leaf(&["good.test"]).config());
        let ca_file = authority.ca_file();
        Case::get(format!("https://{}/", server.address()))
            .probe(|probe| {
                probe.transport.tls.ca_file = Some(ca_file);
                probe.transport.tls.server_name = Some("good.test".to_owned());
            })
            .keep(authority)
            .keep(server)
    }),
    fails(
        46,
        "the URL has an address, and a `host` header alone says whose certificate it is",
        TlsCertNameMismatch,
        Tls,
        || {
            let authority = Authority::new();
            let server = greeting(authority.leaf(&["good.test"]).config());
            let ca_file = authority.ca_file();
            Case::get(format!("https://{}/", server.address()))
                .probe(|probe| probe.transport.tls.ca_file = Some(ca_file))
                .step(|step| step.request.headers.push((HeaderName::from_static("host"), Value::plain("good.test"))))
                .keep(authority)
                .keep(server)
        },
    ),
    up(47, "the server does not negotiate a protocol: it is HTTP/1.1, and recorded", || {
        signed(&tls::leaf_params(&["good.test"]))
            .also(|outcome| assert_eq!(outcome.http_version, Some(HttpVersion::V1_1)))
    }),
    answers(47, "the server does not negotiate a protocol and `expect.http-version` is \"2\"", AssertionFailed, || {
        signed(&tls::leaf_params(&["good.test"])).step(|step| step.expect.http_version = vec![HttpVersion::V2])
    }),
    fails(
        47,
        "the server speaks none of the protocols offered (alert no_application_protocol)",
        TlsHandshakeFailed,
        Tls,
        || {
            let authority = Authority::new();
            let config = authority
                .leaf(&["good.test"])
                .config_with(rustls::ALL_VERSIONS, |config| config.alpn_protocols = vec![b"foo".to_vec()]);
            shows(&authority, config)
        },
    ),
    fails(48, "the peer reads the ClientHello and stays silent", TlsHandshakeTimeout, Tls, || {
        scripted(ScriptedConnection::stall).within(400)
    }),
    fails(49, "the handshake stops after five bytes", TlsHandshakeTimeout, Tls, || {
        scripted(|conn| {
            conn.send([22, 3, 3, 0, 80]);
            conn.stall();
        })
        .within(400)
    }),
    fails(50, "the connection ends in the handshake", TlsHandshakeFailed, Tls, || scripted(|_| {})),
    fails(50, "the connection ends one byte into the handshake", TlsHandshakeFailed, Tls, || {
        scripted(|conn| {
            conn.send([22]);
        })
    }),
    fails(51, "the connection is reset in the handshake", ConnectionReset, Tls, || scripted(ScriptedConnection::reset)),
    fails(52, "the peer sends another fatal alert", TlsHandshakeFailed, Tls, || {
        scripted(|conn| {
            conn.send(tls::fatal_alert(80));
        })
    }),
    fails(53, "the peer answers plain HTTP on the TLS port", TlsNotTls, Tls, || {
        scripted(|conn| {
            conn.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        })
    }),
    fails(53, "the peer greets like an SSH server on the TLS port", TlsNotTls, Tls, || {
        scripted(|conn| {
            conn.send("SSH-2.0-OpenSSH_9.7\r\n");
            conn.stall();
        })
    }),
    fails(54, "plain HTTP is spoken to a TLS port, which answers with an alert", HttpProtocol, Processing, || {
        let server = Server::start(|conn| {
            conn.request();
            conn.send(tls::fatal_alert(50));
        });
        Case::get(server.url("/")).keep(server).also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("TLS"), "the hint: {message}");
        })
    }),
    answers(54, "plain HTTP is spoken to a TLS port, which answers 400 in plain HTTP", Status, || {
        let page = "The plain HTTP request was sent to HTTPS port";
        let server = Server::answers(server::answer(400, &[("server", "nginx")], page));
        Case::get(server.url("/")).keep(server)
    }),
    fails(55, "the server wants a client certificate (TLS 1.3)", TlsClientCertRequired, Tls, || wants_client(&TLS13)),
    fails(55, "the server wants a client certificate (TLS 1.2)", TlsClientCertRequired, Tls, || wants_client(&TLS12)),
    fails(
        55,
        "the server wants a client certificate and closes without a word (TLS 1.3)",
        TlsClientCertRequired,
        Tls,
        || asks_and_closes(&TLS13),
    ),
    fails(
        55,
        "the server wants a client certificate and closes without a word (TLS 1.2)",
        TlsClientCertRequired,
        Tls,
        || asks_and_closes(&TLS12),
    ),
    answers(55, "the server asks for a client certificate, and answers 400 without one, as nginx does", Status, || {
        let authority = Authority::new();
        let config = authority.leaf(&["good.test"]).config_that_asks_clients_of(&authority, &[&TLS13]);
        let server = Server::tls(config, |conn| {
            conn.request();
            conn.send(server::answer(400, &[], "No required SSL certificate was sent"));
        });
        trusting(&authority, &server).keep(server).keep(authority).also(|outcome| {
            says(outcome, &["status 400", "asked for a client certificate"]);
        })
    }),
    up(55, "the server wants a client certificate and gets it", || {
        let authority = Authority::new();
        let config = authority.leaf(&["good.test"]).config_for_clients_of(&authority, rustls::ALL_VERSIONS);
        let (certificate, key) = authority.client_files();
        shows(&authority, config)
            .probe(|probe| {
                probe.transport.tls.client_cert = Some(certificate);
                probe.transport.tls.client_key = Some(key);
            })
            .keep(authority)
    }),
    fails(56, "TLS ends without a farewell in a body without a length", BodyTruncated, Transfer, || {
        let authority = Authority::new();
        let server = Server::tls(authority.leaf(&["good.test"]).config(), |conn| {
            conn.request();
            conn.send("HTTP/1.1 200 OK\r\n\r\nhalf of the pa");
            conn.drop_without_close_notify();
        });
        trusting(&authority, &server).keep(server).keep(authority)
    }),
    up(56, "TLS ends without a farewell after a body of known length", || {
        let authority = Authority::new();
        let server = Server::tls(authority.leaf(&["good.test"]).config(), |conn| {
            conn.request();
            conn.send(server::ok("all of it"));
            conn.drop_without_close_notify();
        });
        trusting(&authority, &server).keep(server).keep(authority)
    }),
    up(57, "the certificate has expired and `tls.insecure` is set: the record says that nothing was verified", || {
        dated(3 * DAY, Some(DAY)).probe(|probe| probe.transport.tls.insecure = true).also(|outcome| {
            let tls = outcome.tls.as_ref().expect("facts");
            assert!(!tls.verified);
            assert!(tls.certificate.is_some());
        })
    }),
    answers(58, "the certificate expires in 30 days and `expect.certificate-days` is 60", AssertionFailed, || {
        signed(&tls::leaf_params(&["good.test"])).step(|step| step.expect.certificate_days = Some(60)).also(|outcome| {
            let mismatches = &outcome.failure.as_ref().expect("a failure").mismatches;
            assert_eq!(mismatches[0].assertion, "certificate-days");
            assert!(mismatches[0].actual.as_str().contains("29"), "{mismatches:?}");
            assert!(mismatches[0].actual.as_str().contains("good.test"), "whose it is: {mismatches:?}");
        })
    }),
    answers(
        58,
        "an intermediate certificate expires in 3 days and `expect.certificate-days` is 14",
        AssertionFailed,
        || {
            under(|params| params.not_after = tls::after(3 * DAY + DAY / 2).into())
                .step(|step| step.expect.certificate_days = Some(14))
                .also(|outcome| {
                    let actual = &outcome.failure.as_ref().expect("a failure").mismatches[0].actual;
                    assert!(actual.as_str().contains("3 days"), "{actual}");
                    assert!(actual.as_str().contains("intermediate"), "{actual}");
                })
        },
    ),
    answers(
        58,
        "the certificate of the host that redirects expires in 3 days and `expect.certificate-days` is 14",
        AssertionFailed,
        || {
            let authority = Authority::new();
            let last = greeting(authority.leaf(&["127.0.0.1"]).config());
            let mut params = tls::leaf_params(&["good.test"]);
            params.not_after = tls::after(3 * DAY + DAY / 2).into();
            let location = format!("https://{}/", last.address());
            let first = Server::tls(authority.sign(&params).config(), move |conn| {
                conn.request();
                conn.send(server::answer(302, &[("location", location.as_str())], ""));
            });
            trusting(&authority, &first)
                .step(|step| step.expect.certificate_days = Some(14))
                .keep(first)
                .keep(last)
                .also(|outcome| {
                    let actual = &outcome.failure.as_ref().expect("a failure").mismatches[0].actual;
                    assert!(actual.as_str().contains("good.test"), "the host is named: {actual}");
                })
        },
    ),
    answers(58, "the trusted authority has expired and `expect.certificate-days` is 1", AssertionFailed, || {
        let root = Authority::named_with("an authority of old", |params| {
            params.not_before = tls::before(9 * DAY).into();
            params.not_after = tls::before(2 * DAY).into();
        });
        let config = root.leaf(&["good.test"]).config();
        shows(&root, config).step(|step| step.expect.certificate_days = Some(1)).also(|outcome| {
            let actual = &outcome.failure.as_ref().expect("a failure").mismatches[0].actual;
            assert!(actual.as_str().contains("CN=an authority of old"), "{actual}");
        })
    }),
    up(58, "the certificate expires in 30 days and `expect.certificate-days` is 14", || {
        signed(&tls::leaf_params(&["good.test"])).step(|step| step.expect.certificate_days = Some(14))
    }),
    up(58, "the certificate expires in the year 9999", || {
        let mut params = tls::leaf_params(&["good.test"]);
        params.not_after = rcgen::date_time_ymd(9999, 12, 31);
        signed(&params).step(|step| step.expect.certificate_days = Some(14))
    }),
    up(58, "the certificate is valid from the year 1970", || {
        let mut params = tls::leaf_params(&["good.test"]);
        params.not_before = rcgen::date_time_ymd(1970, 1, 2);
        signed(&params)
    }),
];

/// A server whose own certificate is the one that the probe trusts.
fn pinned(params: &CertificateParams) -> Case {
    let leaf = Leaf::self_signed(params);
    let server = greeting(leaf.config());
    let (file, folder) = leaf.pem_file();
    Case::get(server.https("good.test", "/"))
        .at(server.address())
        .probe(|probe| probe.transport.tls.ca_file = Some(file))
        .keep(folder)
        .keep(server)
}

/// A server with a good certificate below a changed intermediate one.
fn under(change: impl FnOnce(&mut CertificateParams)) -> Case {
    let root = Authority::new();
    let intermediate = root.intermediate_with(change);
    let leaf = intermediate.leaf(&["good.test"]).and([intermediate.certificate()]);
    shows(&root, leaf.config())
}

/// A server whose certificate is below an authority with name constraints for these directory names, each empty or of one
/// attribute: those permitted, and those excluded.
fn directories(permitted: &[&str], excluded: &[&str]) -> Case {
    let subtree = |name: &&str| {
        let mut names = rcgen::DistinguishedName::new();
        match name.split_once('=') {
            Some(("O", value)) => names.push(DnType::OrganizationName, value),
            Some((_, value)) => names.push(DnType::CommonName, value),
            None => {}
        }
        rcgen::GeneralSubtree::DirectoryName(names)
    };
    under(|params| {
        params.name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: permitted.iter().map(subtree).collect(),
            excluded_subtrees: excluded.iter().map(subtree).collect(),
        });
    })
}

/// A server whose certificate has a critical extension with this identifier.
fn with_critical(identifier: &[u64]) -> Case {
    let mut params = tls::leaf_params(&["good.test"]);
    let mut extension = rcgen::CustomExtension::from_oid_content(identifier, vec![0x05, 0x00]);
    extension.set_criticality(true);
    params.custom_extensions.push(extension);
    signed(&params)
}

/// A server with a certificate of `tests/support/certificates`.
fn made_elsewhere(name: &str) -> Case {
    let (leaf, ca_file) = Leaf::made_elsewhere(name);
    let server = greeting(leaf.config());
    Case::get(server.https("good.test", "/"))
        .at(server.address())
        .probe(|probe| probe.transport.tls.ca_file = Some(ca_file))
        .keep(server)
}

/// A server whose certificate has an RSA key of so many bits.
fn rsa_key_of(bits: u16) -> Case {
    let authority = Authority::new();
    let certificate = authority.sign_key(&tls::leaf_params(&["good.test"]), &tls::WeakRsaKey::new(bits));
    let case = shows_unsigned(&authority.ca_file(), &[certificate]).keep(authority);
    case.also(move |outcome| says(outcome, &[&format!("RSA key of CN=uptick test leaf has {bits} bits")]))
}

/// Asserts that the message of a failure contains these words.
#[track_caller]
fn says(outcome: &Outcome, words: &[&str]) {
    let message = outcome.failure.as_ref().expect("a failure").message.as_str();
    for word in words {
        assert!(message.contains(word), "{word:?} is missing: {message}");
    }
}

/// A server of `good.test` whose certificate has no names but these.
fn named_by(change: impl FnOnce(&mut CertificateParams)) -> Case {
    let authority = Authority::new();
    let mut params = tls::leaf_params(&[]);
    change(&mut params);
    let case = shows(&authority, authority.sign(&params).config());
    case.keep(authority)
}

/// A server whose certificate has this name, asked for as `www.good.test`.
fn wildcard(name: &str) -> Case {
    let authority = Authority::new();
    let server = greeting(authority.leaf(&[name]).config());
    let ca_file = authority.ca_file();
    Case::get(server.https("www.good.test", "/"))
        .at(server.address())
        .probe(|probe| probe.transport.tls.ca_file = Some(ca_file))
        .keep(authority)
        .keep(server)
}

/// A server whose certificate has `count` names; the requested one is the last.
fn for_many_names(count: usize) -> Case {
    signed(&tls::leaf_params(&many_names(count)))
}

fn many_names(count: usize) -> Vec<&'static str> {
    let named = |n| if n == 0 { "good.test".to_owned() } else { format!("n{n}.test") };
    (0..count).map(|n| &*named(n).leak()).collect()
}

/// A server whose certificate has this serial number, and the authority that can revoke it.
fn with_serial(serial: u64) -> (Case, Authority) {
    let authority = Authority::new();
    let mut params = tls::leaf_params(&["good.test"]);
    params.serial_number = Some(rcgen::SerialNumber::from(serial));
    let leaf = authority.sign(&params);
    (shows(&authority, leaf.config()), authority)
}

/// A server whose certificate is signed by an authority that the probe trusts.
fn signed(params: &CertificateParams) -> Case {
    let authority = Authority::new();
    let config = authority.sign(params).config();
    shows(&authority, config)
}

/// A certificate that became valid this long ago and, if given, expired this long ago.
fn dated(began: Duration, ended: Option<Duration>) -> Case {
    let mut params = tls::leaf_params(&["good.test"]);
    params.not_before = tls::before(began).into();
    if let Some(ended) = ended {
        params.not_after = tls::before(ended).into();
    }
    signed(&params)
}

/// A healthy server with this TLS configuration, and a probe that trusts this authority.
fn shows(authority: &Authority, config: Arc<ServerConfig>) -> Case {
    let server = greeting(config);
    trusting(authority, &server).keep(server)
}

fn greeting(config: Arc<ServerConfig>) -> Server {
    Server::tls(config, |conn| {
        conn.request();
        conn.send(server::ok("hello"));
    })
}

/// A probe of `good.test` at a server. The authority's file is copied, so that the authority may be
/// dropped.
fn trusting(authority: &Authority, server: &Server) -> Case {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::copy(authority.ca_file(), &ca_file).unwrap();
    Case::get(server.https("good.test", "/"))
        .at(server.address())
        .probe(|probe| probe.transport.tls.ca_file = Some(ca_file))
        .keep(folder)
}

/// A peer that receives a `ClientHello` and responds with its own bytes.
fn scripted(script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    let server = Server::start(move |conn| {
        conn.read_some(&mut Vec::new());
        script(conn);
    });
    let authority = Authority::new();
    trusting(&authority, &server).keep(server)
}

/// A TLS 1.2 server with certificates for which it cannot sign: the client rejects them before it
/// needs the signature.
fn shows_unsigned(ca_file: &std::path::Path, chain: &[CertificateDer<'static>]) -> Case {
    let flight = tls::unsigned_flight(chain);
    let server = Server::start(move |conn| {
        conn.read_some(&mut Vec::new());
        conn.send(&flight);
        conn.stall();
    });
    let ca_file = ca_file.to_owned();
    Case::get(server.https("good.test", "/"))
        .at(server.address())
        .probe(|probe| probe.transport.tls.ca_file = Some(ca_file))
        .keep(server)
}

fn wants_client(version: &'static rustls::SupportedProtocolVersion) -> Case {
    let authority = Authority::new();
    let config = authority.leaf(&["good.test"]).config_for_clients_of(&authority, &[version]);
    shows(&authority, config)
}

/// A server that asks for a client certificate, accepts that there is none, and closes the
/// connection without reading the request.
fn asks_and_closes(version: &'static rustls::SupportedProtocolVersion) -> Case {
    let authority = Authority::new();
    let config = authority.leaf(&["good.test"]).config_that_asks_clients_of(&authority, &[version]);
    let server = Server::tls(config, ScriptedConnection::drop_without_close_notify);
    trusting(&authority, &server).keep(server).keep(authority)
}
