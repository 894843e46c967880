//! The origin's resolvers: small DNS servers (RFC 1035, UDP) that resolve every name to the
//! loopback address, or fail as the scenario defines.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::Instant;

/// A part of the run in which the resolver fails.
pub(super) struct ScheduledDnsFault {
    pub(super) from: Duration,
    pub(super) until: Duration,
    /// The suffix of the affected names; `None` affects all.
    pub(super) zone: Option<&'static str>,
    /// The response code; `None` sends no response.
    pub(super) code: Option<u8>,
}

const TYPE_A: [u8; 2] = [0, 1];

impl ScheduledDnsFault {
    fn concerns(&self, now: Duration, name: &str) -> bool {
        self.from <= now && now < self.until && self.zone.is_none_or(|zone| name.ends_with(zone))
    }
}

/// Answers queries until it is dropped.
pub(super) async fn answer(socket: UdpSocket, start: Instant, failing: Vec<ScheduledDnsFault>) -> io::Result<()> {
    let mut query = [0u8; 512];
    loop {
        let Ok((length, peer)) = socket.recv_from(&mut query).await else { continue };
        let Some(question) = DnsQuery::read(&query[..length]) else { continue };
        let now = start.elapsed();
        let code = match failing.iter().rev().find(|segment| segment.concerns(now, &question.name)) {
            Some(ScheduledDnsFault { code: None, .. }) => continue,
            Some(ScheduledDnsFault { code: Some(code), .. }) => *code,
            None => 0,
        };
        let _ = socket.send_to(&question.reply(code), peer).await;
    }
}

/// A query, which must have one question.
struct DnsQuery<'q> {
    query: &'q [u8],
    /// The offset at which the question ends.
    end: usize,
    /// The name in lower case, without the last dot.
    name: String,
}

impl DnsQuery<'_> {
    /// Parses a query. `None` if the bytes are not one.
    fn read(query: &[u8]) -> Option<DnsQuery<'_>> {
        let mut labels = Vec::new();
        let mut at = 12;
        while *query.get(at)? != 0 {
            let end = at + 1 + usize::from(query[at]);
            labels.push(String::from_utf8_lossy(query.get(at + 1..end)?).to_ascii_lowercase());
            at = end;
        }
        let end = at + 5;
        query.get(end - 1)?;
        Some(DnsQuery { query, end, name: labels.join(".") })
    }

    /// The response: 127.0.0.1 if the query asks for an IPv4 address and the code is 0, otherwise
    /// no record.
    fn reply(&self, code: u8) -> Vec<u8> {
        let answered = code == 0 && self.query[self.end - 4..self.end - 2] == TYPE_A;
        let mut reply = self.query[..2].to_vec();
        // A recursive response: flags QR, RD as in the query, RA; then one question and the number
        // of records.
        reply.extend([0x80 | (self.query[2] & 0x01), 0x80 | code, 0, 1, 0, u8::from(answered), 0, 0, 0, 0]);
        reply.extend_from_slice(&self.query[12..self.end]);
        if answered {
            // The name of the question, class IN, a TTL of one second, four bytes.
            reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
            reply.extend(Ipv4Addr::LOCALHOST.octets());
        }
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01x\x04test\x00\x00\x01\x00\x01";

    #[test]
    fn a_name_leads_to_the_loopback_interface() {
        let reply = DnsQuery::read(QUERY).expect("a question").reply(0);
        assert_eq!(&reply[..12], b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00");
        assert!(reply.ends_with(&[0, 4, 127, 0, 0, 1]));
    }

    #[test]
    fn a_failure_has_no_record() {
        let reply = DnsQuery::read(QUERY).expect("a question").reply(2);
        assert_eq!(&reply[..12], b"\x12\x34\x81\x82\x00\x01\x00\x00\x00\x00\x00\x00");
        assert_eq!(&reply[12..], &QUERY[12..]);
    }

    proptest::proptest! {
        #[test]
        fn nonsense_does_no_harm(bytes: Vec<u8>) {
            if let Some(question) = DnsQuery::read(&bytes) {
                let _ = question.reply(0);
            }
        }
    }
}
