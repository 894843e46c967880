//! One question, and how a message replies to it. The codec is hickory's; it reads what glibc
//! reads: header, question and answers, and none of the later sections.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::ProtoError;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{DNSClass, Name, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, DecodeError};

use crate::engine::resolve::dns_query::{ALIASES, DnsQuery, DnsReplyHead};

/// The UDP payload size that an OPT record offers, in bytes (glibc's `RESOLV_EDNS_BUFFER_SIZE`).
const PAYLOAD: u16 = 1200;

/// The most addresses kept of one reply.
const ADDRESSES: usize = 256;

/// A usable reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The addresses at the end of the aliases.
    Addresses(Vec<IpAddr>),
    /// The name is an alias of this name, which has no address in the reply.
    Alias(Name),
    /// The name exists without an address of this family.
    NoData,
    /// The name does not exist.
    NotFound,
    /// The aliases lead back to themselves.
    AliasLoop,
}

/// Why a reply cannot be used; another server may give a better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// The server answered with an error.
    Code(ResponseCode),
    /// The server does not recurse and refers to other servers.
    Referral,
    /// The answer section cannot be read.
    Malformed,
    /// The reply was truncated: the question must be repeated over TCP.
    Truncated,
}

/// A question for the records of a name, with an OPT record if `edns` is set.
///
/// # Errors
/// The name cannot be encoded.
pub(super) fn query(name: &Name, kind: RecordType, edns: bool) -> Result<DnsQuery, ProtoError> {
    DnsQuery::new(name.clone(), kind, edns.then_some(PAYLOAD))
}

/// Reads a message as the reply to a question; none if it replies to a different question or none,
/// so that it must be ignored.
pub(super) fn read(query: &DnsQuery, message: &[u8]) -> Option<Result<Reply, Unusable>> {
    let DnsReplyHead { header, has_question, mut rest } = query.answered_by(message)?;
    let code = header.response_code;
    if !matches!(code, ResponseCode::NoError | ResponseCode::NXDomain) {
        return Some(Err(Unusable::Code(code)));
    }
    if !has_question {
        return None;
    }
    if header.truncation {
        return Some(Err(Unusable::Truncated));
    }
    if code == ResponseCode::NXDomain {
        return Some(Ok(Reply::NotFound));
    }
    let counts = header.counts;
    if counts.answers == 0 {
        let referral = !header.authoritative && !header.recursion_available && counts.additionals == 0;
        return Some(if referral { Err(Unusable::Referral) } else { Ok(Reply::NoData) });
    }
    let answers = Answers::read(&mut rest, counts.answers, query.kind);
    Some(answers.map(|answers| answers.follow(&query.name)).map_err(|_| Unusable::Malformed))
}

/// The address and alias records of an answer section.
#[derive(Debug, Default)]
struct Answers {
    aliases: Vec<(Name, Name)>,
    addresses: Vec<(Name, IpAddr)>,
}

impl Answers {
    fn read(decoder: &mut BinDecoder<'_>, count: u16, kind: RecordType) -> Result<Answers, DecodeError> {
        let mut answers = Answers::default();
        for _ in 0..count {
            let owner = Name::read(decoder)?;
            let of = RecordType::from(decoder.read_u16()?.unverified());
            let class = decoder.read_u16()?.unverified();
            let _time_to_live = decoder.read_u32()?;
            let length = usize::from(decoder.read_u16()?.unverified());
            let start = decoder.index();
            let data = decoder.read_slice(length)?.unverified();
            if class != u16::from(DNSClass::IN) {
                continue;
            }
            if of == RecordType::CNAME {
                let at = u16::try_from(start).map_err(|_| DecodeError::InsufficientBytes)?;
                answers.aliases.push((owner, Name::read(&mut decoder.clone(at))?));
            } else if of == kind {
                // A record of another length is skipped, as in glibc.
                answers.addresses.extend(address(data).map(|address| (owner, address)));
            }
        }
        Ok(answers)
    }

    /// Follows the aliases of a name to its addresses, whatever the order of the records.
    fn follow(self, name: &Name) -> Reply {
        let mut at = name;
        let mut followed = 0;
        while let Some((_, target)) = self.aliases.iter().find(|(owner, _)| owner == at) {
            followed += 1;
            if target == name || followed > ALIASES.min(self.aliases.len()) {
                return Reply::AliasLoop;
            }
            at = target;
        }
        let mut addresses: Vec<IpAddr> = Vec::new();
        for (_, address) in self.addresses.iter().filter(|(owner, _)| owner == at) {
            if addresses.len() < ADDRESSES && !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        match (addresses.is_empty(), followed) {
            (false, _) => Reply::Addresses(addresses),
            (true, 0) => Reply::NoData,
            (true, _) => Reply::Alias(at.clone()),
        }
    }
}

fn address(data: &[u8]) -> Option<IpAddr> {
    match data.len() {
        4 => <[u8; 4]>::try_from(data).ok().map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes))),
        16 => <[u8; 16]>::try_from(data).ok().map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes))),
        _ => None,
    }
}

/// The name of a host as written: its labels may contain any bytes.
///
/// # Errors
/// A label that is empty or longer than 63 bytes, or a name longer than 255.
pub(super) fn name(host: &str) -> Result<Name, ProtoError> {
    let host = host.strip_suffix('.').unwrap_or(host);
    Name::from_labels(host.split('.').map(str::as_bytes))
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{Message, MessageType, OpCode, Query};
    use hickory_proto::rr::rdata::{A, AAAA, CNAME};
    use hickory_proto::rr::{RData, Record};
    use proptest::prelude::*;

    use super::*;

    fn host(text: &str) -> Name {
        name(text).expect("a name")
    }

    fn question() -> DnsQuery {
        query(&host("site.test"), RecordType::A, false).expect("a question")
    }

    fn reply(question: &DnsQuery, records: Vec<Record>) -> Message {
        let mut message = Message::new(question.id, MessageType::Response, OpCode::Query);
        message.metadata.recursion_available = true;
        message.add_query(Query::query(question.name.clone(), question.kind));
        message.add_answers(records);
        message
    }

    fn a(owner: &str, last: u8) -> Record {
        Record::from_rdata(host(owner), 1, RData::A(A::new(192, 0, 2, last)))
    }

    fn alias(owner: &str, target: &str) -> Record {
        Record::from_rdata(host(owner), 1, RData::CNAME(CNAME(host(target))))
    }

    fn read(records: Vec<Record>) -> Reply {
        let question = question();
        let bytes = reply(&question, records).to_vec().expect("a message");
        super::read(&question, &bytes).expect("a reply").expect("a usable one")
    }

    fn addresses(last: &[u8]) -> Reply {
        Reply::Addresses(last.iter().map(|&last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))).collect())
    }

    #[test]
    fn names_are_carried_as_they_are_written() {
        for written in ["my_app.test", "-a.test", "a-.test", "9.test", "a b.test", "*.test", "xn--bcher-kva.test"] {
            let name = host(written);
            let labels: Vec<&[u8]> = name.iter().collect();
            assert_eq!(labels.join(&b'.'), written.as_bytes());
            query(&name, RecordType::A, false).expect("a question");
        }
        for written in ["", "a..test", ".test", "..", &format!("{}.test", "a".repeat(64)), &"abcdefg.".repeat(40)] {
            assert!(name(written).is_err(), "{written:?}");
        }
    }

    #[test]
    fn aliases_are_followed_in_any_order() {
        assert_eq!(read(vec![a("site.test", 1), a("site.test", 2), a("site.test", 1)]), addresses(&[1, 2]));
        let shuffled =
            vec![a("cdn.test", 1), alias("b.test", "CDN.test"), alias("site.test", "b.test"), a("other.test", 9)];
        assert_eq!(read(shuffled), addresses(&[1]));
        assert_eq!(read(vec![alias("site.test", "cdn.test")]), Reply::Alias(host("cdn.test")));
        assert_eq!(read(vec![a("other.test", 9)]), Reply::NoData);
        assert_eq!(read(vec![alias("site.test", "site.test")]), Reply::AliasLoop);
        let circle = vec![alias("site.test", "b.test"), alias("b.test", "c.test"), alias("c.test", "b.test")];
        assert_eq!(read(circle), Reply::AliasLoop);
    }

    #[test]
    fn a_record_of_another_family_is_no_address_of_this_one() {
        let v6 = Record::from_rdata(host("site.test"), 1, RData::AAAA(AAAA(Ipv6Addr::LOCALHOST)));
        assert_eq!(read(vec![v6]), Reply::NoData);
    }

    #[test]
    fn thousands_of_records_are_bounded() {
        let records = (0..2_000u32).map(|n| {
            let [_, _, high, low] = n.to_be_bytes();
            Record::from_rdata(host("site.test"), 1, RData::A(A::new(10, 0, high, low)))
        });
        let Reply::Addresses(found) = read(records.collect()) else { panic!("addresses are there") };
        assert_eq!(found.len(), ADDRESSES);
    }

    #[test]
    fn what_answers_another_question_is_ignored() {
        let question = question();
        let good = reply(&question, vec![a("site.test", 1)]);
        let mut wrong_id = good.clone();
        wrong_id.metadata.id ^= 1;
        let mut a_query = good.clone();
        a_query.metadata.message_type = MessageType::Query;
        let mut wrong_name = good.clone();
        wrong_name.queries = vec![Query::query(host("other.test"), RecordType::A)];
        let mut wrong_kind = good.clone();
        wrong_kind.queries = vec![Query::query(host("site.test"), RecordType::AAAA)];
        let mut no_question = good.clone();
        no_question.queries.clear();
        for message in [wrong_id, a_query, wrong_name, wrong_kind, no_question] {
            assert_eq!(super::read(&question, &message.to_vec().expect("a message")), None);
        }
        assert_eq!(super::read(&question, &[]), None);
        assert_eq!(super::read(&question, b"HTTP/1.1 400 Bad Request\r\n"), None);
        let mut other_case = good.clone();
        other_case.queries = vec![Query::query(host("SITE.Test"), RecordType::A)];
        assert!(super::read(&question, &other_case.to_vec().expect("a message")).is_some());
    }

    #[test]
    fn errors_send_the_question_on() {
        let question = question();
        for code in [ResponseCode::ServFail, ResponseCode::Refused, ResponseCode::NotImp, ResponseCode::FormErr] {
            let mut message = reply(&question, Vec::new());
            message.metadata.response_code = code;
            let whole = super::read(&question, &message.to_vec().expect("a message"));
            assert_eq!(whole, Some(Err(Unusable::Code(code))));
            message.queries.clear();
            assert_eq!(super::read(&question, &message.to_vec().expect("a message")), Some(Err(Unusable::Code(code))));
        }
        let mut lame = reply(&question, Vec::new());
        lame.metadata.recursion_available = false;
        assert_eq!(super::read(&question, &lame.to_vec().expect("a message")), Some(Err(Unusable::Referral)));
        lame.metadata.authoritative = true;
        assert_eq!(super::read(&question, &lame.to_vec().expect("a message")), Some(Ok(Reply::NoData)));
    }

    #[test]
    fn what_stands_after_the_answers_is_not_read() {
        let question = question();
        let mut bytes = reply(&question, vec![a("site.test", 1)]).to_vec().expect("a message");
        // Eight additional records are announced, and three bytes of nonsense follow.
        bytes[11] = 8;
        bytes.extend([0xff, 0xff, 0xff]);
        assert_eq!(super::read(&question, &bytes), Some(Ok(addresses(&[1]))));
        // The header announces an answer that is missing.
        bytes[7] = 2;
        assert_eq!(super::read(&question, &bytes), Some(Err(Unusable::Malformed)));
    }

    proptest! {
        #[test]
        fn no_message_is_too_odd(cut in 0usize..200, at in 0usize..200, with in any::<u8>()) {
            let question = question();
            let records = vec![alias("site.test", "b.test"), a("b.test", 1)];
            let mut bytes = reply(&question, records).to_vec().expect("a message");
            let length = bytes.len();
            bytes[at % length] = with;
            bytes.truncate(cut);
            let _ = super::read(&question, &bytes);
        }
    }
}
