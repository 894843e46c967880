//! Starts TLS on a port that begins without it, in the protocol of SMTP, IMAP or `PostgreSQL`.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::engine::transport::stream::Stream;
use crate::model::Starttls;

/// The most bytes that a server may send before TLS.
const MOST: usize = 64 * 1024;

/// The most bytes of a server's reply that are quoted.
const QUOTED: usize = 120;

/// The SMTP greeting, which requires a client name.
const EHLO: &[u8] = b"EHLO uptick.localhost\r\n";

/// The `SSLRequest` of `PostgreSQL`: its length, and 1234 with 5679 in place of a version.
const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Why TLS is not started.
#[derive(Debug)]
pub(crate) enum StarttlsError {
    /// The connection broke.
    Io(io::Error),
    /// The server does not offer TLS, refuses to start it, or speaks another protocol.
    Refused(String),
}

impl From<io::Error> for StarttlsError {
    fn from(error: io::Error) -> StarttlsError {
        StarttlsError::Io(error)
    }
}

/// Asks the server to start TLS; the next bytes to send are the `ClientHello`.
///
/// # Errors
/// Why TLS cannot start.
pub(crate) async fn ask(stream: &mut Stream, starttls: Starttls) -> Result<(), StarttlsError> {
    match starttls {
        Starttls::Smtp => ask_smtp(&mut Lines::of(stream)).await,
        Starttls::Imap => ask_imap(&mut Lines::of(stream)).await,
        Starttls::Postgres => ask_postgres(stream).await,
    }
}

/// The logout to send on a connection that was only opened for TLS.
pub(crate) const fn logout(starttls: Starttls) -> &'static [u8] {
    match starttls {
        Starttls::Smtp => b"QUIT\r\n",
        Starttls::Imap => b"a2 LOGOUT\r\n",
        // There is no session yet to end.
        Starttls::Postgres => b"",
    }
}

async fn ask_smtp(lines: &mut Lines<'_>) -> Result<(), StarttlsError> {
    smtp_reply(lines, "220").await?;
    lines.send(EHLO).await?;
    let offers = smtp_reply(lines, "250").await?;
    let keyword =
        |line: &str| line.get(4..).and_then(|rest| rest.split_whitespace().next().map(str::to_ascii_uppercase));
    let is_starttls = |line: &String| keyword(line).as_deref() == Some("STARTTLS");
    // The first line is a greeting: it names the server, which may be called STARTTLS.
    if !offers.iter().skip(1).any(is_starttls) {
        return Err(StarttlsError::Refused("it does not offer STARTTLS".to_owned()));
    }
    lines.send(b"STARTTLS\r\n").await?;
    smtp_reply(lines, "220").await?;
    lines.end()
}

/// The lines of one SMTP reply, which must begin with this code.
async fn smtp_reply(lines: &mut Lines<'_>, code: &str) -> Result<Vec<String>, StarttlsError> {
    let mut reply = Vec::new();
    loop {
        let line = lines.next().await?;
        let is_reply = line.get(..3).is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
        if !is_reply || !matches!(line.as_bytes().get(3), None | Some(b' ' | b'-')) {
            return Err(StarttlsError::Refused(format!("it does not speak SMTP: {}", quoted(&line))));
        }
        if !line.starts_with(code) {
            return Err(StarttlsError::Refused(format!("it says {}", quoted(&line))));
        }
        let is_last = line.as_bytes().get(3) != Some(&b'-');
        reply.push(line);
        if is_last {
            return Ok(reply);
        }
    }
}

async fn ask_imap(lines: &mut Lines<'_>) -> Result<(), StarttlsError> {
    let greeting = lines.next().await?;
    if begins(&greeting, "* BYE") || begins(&greeting, "* PREAUTH") {
        return Err(StarttlsError::Refused(format!("it says {}", quoted(&greeting))));
    }
    if !begins(&greeting, "* OK") {
        return Err(StarttlsError::Refused(format!("it does not speak IMAP: {}", quoted(&greeting))));
    }
    lines.send(b"a1 STARTTLS\r\n").await?;
    loop {
        let line = lines.next().await?;
        if begins(&line, "a1 OK") {
            return lines.end();
        }
        if !line.starts_with("* ") || begins(&line, "* BYE") {
            return Err(StarttlsError::Refused(format!("it says {}", quoted(&line))));
        }
    }
}

/// Whether an IMAP line begins with these words, in any case (RFC 9051 section 9).
fn begins(line: &str, words: &str) -> bool {
    line.get(..words.len()).is_some_and(|start| start.eq_ignore_ascii_case(words))
}

async fn ask_postgres(stream: &mut Stream) -> Result<(), StarttlsError> {
    stream.write_all(SSL_REQUEST).await?;
    // Exactly one byte: TLS follows it.
    match stream.read_u8().await? {
        b'S' => Ok(()),
        b'N' => Err(StarttlsError::Refused("it has no TLS".to_owned())),
        b'E' => {
            let mut said = vec![0; QUOTED];
            let count = stream.read(&mut said).await?;
            let said = String::from_utf8_lossy(said.get(..count).unwrap_or_default()).into_owned();
            // Its fields end in NULs.
            let said = said.split(char::is_control).filter(|field| !field.is_empty()).collect::<Vec<_>>().join(" ");
            Err(StarttlsError::Refused(format!("it answers with an error: {}", quoted(&said))))
        }
        other => Err(StarttlsError::Refused(format!("it does not speak PostgreSQL's protocol (byte {other:#04x})"))),
    }
}

/// The lines that a server sends in clear text.
struct Lines<'s> {
    stream: &'s mut Stream,
    unread: Vec<u8>,
    heard: usize,
}

impl Lines<'_> {
    fn of(stream: &mut Stream) -> Lines<'_> {
        Lines { stream, unread: Vec::new(), heard: 0 }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), StarttlsError> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// The next line, without its end.
    async fn next(&mut self) -> Result<String, StarttlsError> {
        let mut looked_at = 0;
        loop {
            if let Some(end) = self.unread.iter().skip(looked_at).position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=looked_at + end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            looked_at = self.unread.len();
            if self.heard >= MOST {
                return Err(StarttlsError::Refused(format!("it sends more than {MOST} bytes before TLS")));
            }
            let mut buffer = [0; 4096];
            let count = self.stream.read(&mut buffer).await?;
            if count == 0 {
                return Err(if self.unread.is_empty() {
                    io::Error::from(io::ErrorKind::UnexpectedEof).into()
                } else {
                    StarttlsError::Refused("it closed the connection in the middle of a line".to_owned())
                });
            }
            self.heard += count;
            self.unread.extend(buffer.iter().take(count));
        }
    }

    /// Fails if more clear text was received: unprotected bytes must not count as part of the TLS session.
    fn end(&self) -> Result<(), StarttlsError> {
        if self.unread.is_empty() {
            return Ok(());
        }
        Err(StarttlsError::Refused("it sends more in clear text after it agreed to start TLS".to_owned()))
    }
}

fn quoted(text: &str) -> String {
    let end = text.floor_char_boundary(QUOTED);
    format!("`{}`", text.get(..end).unwrap_or_default())
}
