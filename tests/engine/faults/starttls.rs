//! Servers that are asked to start TLS on a port that starts without it.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use uptick::model::FailureClass::{
    ConnectionReset, EmptyReply, ResponseTimeout, StarttlsRefused, TlsCertUntrusted, TlsHandshakeTimeout, TlsNotTls,
};
use uptick::model::Phase::{Processing, Tls};
use uptick::model::Starttls;

use crate::faults::row::{Case, Row, fails, up};
use crate::support::server::{ScriptedConnection, Server};
use crate::support::tls::Authority;

pub(crate) const ROWS: &[Row] = &[
    up(132, "a mail server starts TLS when it is asked to (SMTP)", || {
        case(Starttls::Smtp, |conn, config| {
            smtp(conn, "250-mail.test\r\n250-PIPELINING\r\n250 STARTTLS\r\n", "220 go ahead\r\n");
            conn.shake_hands(config);
            conn.stall();
        })
        .also(|outcome| {
            let timings = outcome.timings;
            assert!(timings.processing.is_some() && timings.tls.is_some(), "{timings:?}");
            assert!(outcome.tls.as_ref().expect("facts").verified);
        })
    }),
    up(132, "a mail server starts TLS when it is asked to (IMAP)", || {
        case(Starttls::Imap, |conn, config| {
            conn.send("* OK ready\r\n");
            conn.read_exactly(13);
            conn.send("* CAPABILITY IMAP4rev1\r\na1 OK begin\r\n");
            conn.shake_hands(config);
            conn.stall();
        })
    }),
    up(132, "an IMAP server speaks in small letters", || {
        case(Starttls::Imap, |conn, config| {
            conn.send("* ok ready\r\n");
            conn.read_exactly(13);
            conn.send("a1 Ok begin\r\n");
            conn.shake_hands(config);
            conn.stall();
        })
    }),
    up(132, "a mail server offers STARTTLS with a word behind it", || {
        case(Starttls::Smtp, |conn, config| {
            smtp(conn, "250-mail.test\r\n250 starttls required\r\n", "220 go ahead\r\n");
            conn.shake_hands(config);
            conn.stall();
        })
    }),
    up(132, "a database starts TLS when it is asked to (PostgreSQL)", || {
        case(Starttls::Postgres, |conn, config| {
            conn.read_exactly(8);
            conn.send("S");
            conn.shake_hands(config);
            conn.stall();
        })
    }),
    fails(132, "a mail server does not offer STARTTLS", StarttlsRefused, Processing, || {
        case(Starttls::Smtp, |conn, _| {
            smtp(conn, "250-mail.test\r\n250 PIPELINING\r\n", "502 no\r\n");
        })
    }),
    fails(132, "a mail server of the name STARTTLS does not offer it", StarttlsRefused, Processing, || {
        case(Starttls::Smtp, |conn, _| {
            smtp(conn, "250-STARTTLS at your service\r\n250 PIPELINING\r\n", "220 go ahead\r\n");
        })
        .also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("does not offer STARTTLS"), "{message}");
        })
    }),
    fails(132, "a mail server refuses to start TLS", StarttlsRefused, Processing, || {
        case(Starttls::Smtp, |conn, _| {
            smtp(conn, OFFER, "454 TLS not available due to temporary reason\r\n");
            conn.stall();
        })
        .also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("`454 TLS not available"), "{message}");
        })
    }),
    fails(132, "a mail server serves nobody", StarttlsRefused, Processing, || says("554 no service here\r\n")),
    fails(132, "what is asked to start TLS speaks another protocol", StarttlsRefused, Processing, || {
        says("SSH-2.0-OpenSSH_9.7\r\n")
    }),
    fails(132, "what is asked to start TLS speaks TLS at once", StarttlsRefused, Processing, || {
        says([21, 3, 3, 0, 2, 2, 10, b'\n'])
    }),
    fails(
        132,
        "a mail server says more in clear text after it agreed to start TLS",
        StarttlsRefused,
        Processing,
        || {
            case(Starttls::Smtp, |conn, _| {
                smtp(conn, OFFER, "220 go ahead\r\n250 injected\r\n");
                conn.stall();
            })
        },
    ),
    fails(132, "a mail server's greeting never ends a line", StarttlsRefused, Processing, || {
        case(Starttls::Smtp, |conn, _| conn.send_forever("220-".repeat(1_000), Duration::ZERO))
    }),
    fails(132, "a mail server's greeting never ends", StarttlsRefused, Processing, || {
        case(Starttls::Smtp, |conn, _| conn.send_forever("220-welcome\r\n".repeat(100), Duration::ZERO))
    }),
    fails(132, "a mail server is silent", ResponseTimeout, Processing, || {
        case(Starttls::Smtp, |conn, _| conn.stall()).within(300)
    }),
    fails(132, "a mail server greets and is silent then", ResponseTimeout, Processing, || {
        case(Starttls::Smtp, |conn, _| {
            conn.send("220 mail.test\r\n");
            conn.stall();
        })
        .within(300)
    }),
    fails(132, "a mail server closes without a word", EmptyReply, Processing, || case(Starttls::Smtp, |_, _| {})),
    fails(132, "a mail server resets the connection", ConnectionReset, Processing, || {
        case(Starttls::Smtp, |conn, _| {
            conn.wait(Duration::from_millis(50));
            conn.reset();
        })
    }),
    fails(132, "an IMAP server says goodbye", StarttlsRefused, Processing, || {
        case(Starttls::Imap, |conn, _| {
            conn.send("* BYE overloaded\r\n");
        })
    }),
    fails(132, "an IMAP server refuses to start TLS", StarttlsRefused, Processing, || {
        case(Starttls::Imap, |conn, _| {
            conn.send("* OK ready\r\n");
            conn.read_exactly(13);
            conn.send("a1 BAD unknown\r\n");
            conn.stall();
        })
    }),
    fails(132, "a database has no TLS", StarttlsRefused, Processing, || {
        case(Starttls::Postgres, |conn, _| {
            conn.read_exactly(8);
            conn.send("N");
        })
    }),
    fails(132, "a database answers with an error", StarttlsRefused, Processing, || {
        case(Starttls::Postgres, |conn, _| {
            conn.read_exactly(8);
            conn.send("E\0\0\0\x1bSFATAL\0Mtoo many clients\0\0");
        })
    }),
    fails(132, "a mail server agrees to start TLS and does not", TlsNotTls, Tls, || {
        case(Starttls::Smtp, |conn, _| {
            smtp(conn, OFFER, "220 go ahead\r\n");
            conn.read_exactly(5);
            conn.send("500 what?\r\n");
            conn.stall();
        })
    }),
    fails(132, "a mail server agrees to start TLS and is silent then", TlsHandshakeTimeout, Tls, || {
        case(Starttls::Smtp, |conn, _| {
            smtp(conn, OFFER, "220 go ahead\r\n");
            conn.stall();
        })
        .within(400)
    }),
    fails(132, "a mail server's certificate is not trusted", TlsCertUntrusted, Tls, || {
        let stranger = Authority::named("stranger");
        let ca_file = stranger.ca_file();
        let case = case(Starttls::Smtp, |conn, config| {
            smtp(conn, OFFER, "220 go ahead\r\n");
            conn.shake_hands(config);
        });
        case.probe(|probe| probe.transport.tls.ca_file = Some(ca_file)).keep(stranger)
    }),
];

/// An answer to EHLO with an offer of TLS.
const OFFER: &str = "250-mail.test\r\n250 STARTTLS\r\n";

/// The words of an SMTP server up to its answer to STARTTLS.
fn smtp(conn: &mut ScriptedConnection, offers: &str, answer: &str) {
    conn.send("220 mail.test ESMTP\r\n");
    conn.read_exactly("EHLO uptick.localhost\r\n".len());
    conn.send(offers);
    conn.read_exactly("STARTTLS\r\n".len());
    conn.send(answer);
}

/// A server that should speak SMTP and sends this instead.
fn says(words: impl AsRef<[u8]> + Send + Sync + 'static) -> Case {
    case(Starttls::Smtp, move |conn, _| {
        conn.send(words.as_ref());
        conn.stall();
    })
}

fn case(
    starttls: Starttls,
    script: impl Fn(&mut ScriptedConnection, Arc<ServerConfig>) + Send + Sync + 'static,
) -> Case {
    let authority = Authority::new();
    let config = authority.leaf(&["good.test"]).config();
    let server = Server::start(move |conn| script(conn, Arc::clone(&config)));
    let ca_file = authority.ca_file();
    Case::get(format!("tls://good.test:{}", server.port()))
        .at(server.address())
        .probe(|probe| probe.transport.tls.ca_file = Some(ca_file))
        .step(|step| step.request.starttls = Some(starttls))
        .keep(server)
        .keep(authority)
}
