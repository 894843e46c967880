//! The answer of a name server, read as far as a check judges it, and what is wrong with it.

use std::fmt::Write as _;

use hickory_proto::ProtoError;
use hickory_proto::op::{Header, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType as WireType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinDecoder, DecodeError};

use crate::engine::expectation::dns_record_data;
use crate::engine::resolve::dns_query::{ALIASES, DnsQuery, DnsReplyHead};
use crate::model::{
    DnsExpect, DnsFacts, DnsQuestion, DnsSections, FailureClass, MessageText, RecordType, Redactor, message,
};

/// The UDP payload size that an OPT record offers, in bytes (DNS flag day 2020).
const PAYLOAD: u16 = 1232;

/// How many records are kept, and how long each, in characters.
const RECORDS: usize = 16;
const RECORD: usize = 200;

#[derive(Clone, Debug)]
pub(crate) struct DnsAnswer {
    /// The response code, with the extended bits of an OPT record.
    pub(crate) code: u16,
    /// Whether the server is authoritative for the zone.
    pub(crate) authoritative: bool,
    /// The records of the answer section.
    pub(crate) records: Vec<DnsRecord>,
    /// The indices of the records that were asked for, at the end of the aliases.
    pub(crate) asked: Vec<usize>,
    /// The name that the aliases end at, if there are any.
    alias_target: Option<Name>,
    /// Why the aliases lead nowhere, if they do.
    broken_aliases: Option<String>,
    /// How many records each section holds, if the message can be read to its end.
    pub(crate) sections: Option<DnsSections>,
}

#[derive(Clone, Debug)]
pub(crate) struct DnsRecord {
    owner: Name,
    kind: WireType,
    /// In seconds.
    pub(crate) ttl: u32,
    /// As in a zone file.
    pub(crate) data: String,
    target: Option<Name>,
    /// The serial number of the zone, if it is a SOA record.
    serial: Option<u32>,
}

/// A message that answers the question.
pub(crate) enum DnsMessage {
    /// The answer.
    Answer(DnsAnswer),
    /// The answer was truncated: the question must be repeated over TCP.
    Truncated,
    /// It cannot be read.
    Malformed,
}

/// Encodes a question, with an OPT record if `edns` is set.
///
/// # Errors
/// A name that a message cannot carry.
pub(crate) fn query(question: &DnsQuestion, edns: bool) -> Result<DnsQuery, ProtoError> {
    let labels = question.name.split('.').filter(|label| !label.is_empty()).map(str::as_bytes);
    let mut name = Name::from_labels(labels)?;
    name.set_fqdn(true);
    DnsQuery::new(name, WireType::from(question.kind.0), edns.then_some(PAYLOAD))
}

/// Reads a message as the answer to a question; none if it answers a different question or none.
pub(crate) fn read(query: &DnsQuery, message: &[u8]) -> Option<DnsMessage> {
    let DnsReplyHead { header, has_question, mut rest } = query.answered_by(message)?;
    let mut answer = DnsAnswer {
        code: header.response_code.into(),
        authoritative: header.authoritative,
        records: Vec::new(),
        asked: Vec::new(),
        alias_target: None,
        broken_aliases: None,
        sections: None,
    };
    if !has_question {
        return (header.response_code != ResponseCode::NoError).then_some(DnsMessage::Answer(answer));
    }
    if header.truncation {
        return Some(DnsMessage::Truncated);
    }
    for _ in 0..header.counts.answers {
        let mut at = rest.clone(u16::try_from(rest.index()).unwrap_or(u16::MAX));
        match Record::read(&mut at) {
            Ok(record) if !lacks_data(&record) => {
                rest = at;
                answer.records.extend(DnsRecord::of(&record));
            }
            // A record of another type than the question's may be in a form that hickory does not read.
            Ok(_) | Err(_) if pass_over(&mut rest).is_ok_and(|(kind, _)| kind != query.kind) => {}
            Ok(_) | Err(_) => return Some(DnsMessage::Malformed),
        }
    }
    answer.follow(query);
    if let Ok((sections, extension)) = sections(&header, &mut rest) {
        answer.sections = Some(sections);
        answer.code |= u16::from(extension) << 4;
    }
    Some(DnsMessage::Answer(answer))
}

/// How many records each section holds; those after the answers are counted but not read. The OPT record does not
/// count: it is not of the zone, but has the upper bits of the response code (RFC 6891).
fn sections(header: &Header, rest: &mut BinDecoder<'_>) -> Result<(DnsSections, u8), DecodeError> {
    let counts = header.counts;
    for _ in 0..counts.authorities {
        pass_over(rest)?;
    }
    let (mut additional, mut extension) = (0, 0);
    for _ in 0..counts.additionals {
        match pass_over(rest)? {
            (WireType::OPT, ttl) => extension = ttl.to_be_bytes()[0],
            _ => additional += 1,
        }
    }
    let (answer, authority) = (counts.answers.into(), counts.authorities.into());
    Ok((DnsSections { answer, authority, additional }, extension))
}

/// Whether a record lacks the data that its type requires: hickory takes such a record for part of an update.
fn lacks_data(record: &Record) -> bool {
    match record.data {
        RData::Update0(kind) => !matches!(kind, WireType::NULL | WireType::Unknown(_)),
        _ => false,
    }
}

/// Skips a record, and returns its type and TTL.
fn pass_over(decoder: &mut BinDecoder<'_>) -> Result<(WireType, u32), DecodeError> {
    let _owner = Name::read(decoder)?;
    let kind = WireType::from(decoder.read_u16()?.unverified());
    let _class = decoder.read_u16()?;
    let ttl = decoder.read_u32()?.unverified();
    let length = usize::from(decoder.read_u16()?.unverified());
    decoder.read_slice(length)?;
    Ok((kind, ttl))
}

impl DnsAnswer {
    /// Follows the aliases of the name to the records that were asked for, whatever their order.
    fn follow(&mut self, query: &DnsQuery) {
        let mut at = query.name.clone();
        let is_any = u16::from(query.kind) == RecordType::ANY.0;
        let mut passed = vec![at.clone()];
        loop {
            let own = |(_, record): &(usize, &DnsRecord)| record.owner == at && (record.kind == query.kind || is_any);
            self.asked = self.records.iter().enumerate().filter(own).map(|(place, _)| place).collect();
            let alias = self.records.iter().find(|record| record.owner == at).and_then(|record| record.target.clone());
            let Some(target) = alias.filter(|_| self.asked.is_empty()) else { return };
            if passed.contains(&target) {
                self.broken_aliases = Some("its aliases lead back to themselves".to_owned());
                return;
            }
            if passed.len() > ALIASES {
                self.broken_aliases = Some(format!("it has more than {ALIASES} aliases in a row"));
                return;
            }
            passed.push(target.clone());
            self.alias_target = Some(target.clone());
            at = target;
        }
    }

    /// Whether the server may not support the OPT record, so that a question without one may succeed.
    pub(crate) fn is_for_edns(&self) -> bool {
        [ResponseCode::FormErr, ResponseCode::NotImp, ResponseCode::BADVERS].map(u16::from).contains(&self.code)
    }
}

impl DnsRecord {
    fn of(record: &Record) -> Option<DnsRecord> {
        if record.dns_class != DNSClass::IN {
            return None;
        }
        let (data, target, serial) = match &record.data {
            RData::OPT(_) => return None,
            RData::CNAME(alias) => (alias.to_string(), Some(alias.0.clone()), None),
            RData::SOA(zone) => (zone.to_string(), None, Some(zone.serial)),
            data => (dns_record_data::text(data), None, None),
        };
        // RFC 2181 section 8: a TTL with the highest bit set counts as zero.
        let ttl = if record.ttl > u32::MAX / 2 { 0 } else { record.ttl };
        Some(DnsRecord { owner: record.name.clone(), kind: record.record_type(), ttl, data, target, serial })
    }
}

impl DnsAnswer {
    /// The records in zone file format, one per line.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for record in &self.records {
            let kind = RecordType(record.kind.into());
            let _ = writeln!(text, "{} {} {kind} {}", record.owner, record.ttl, record.data);
        }
        text
    }

    /// The records that were asked for.
    pub(crate) fn asked(&self) -> impl Iterator<Item = &DnsRecord> {
        self.asked.iter().filter_map(|place| self.records.get(*place))
    }

    /// The part of the answer that is recorded.
    pub(crate) fn facts(&self, redactor: &Redactor) -> DnsFacts {
        let records = self.asked().take(RECORDS).map(|record| redactor.clean(&record.data, RECORD));
        DnsFacts {
            rcode: self.code_name(),
            authoritative: self.authoritative,
            records_total: u32::try_from(self.asked.len()).unwrap_or(u32::MAX),
            records: records.collect(),
            ttl_seconds: self.asked().map(|record| record.ttl).min(),
            sections: self.sections,
            serial: self.asked().find_map(|record| record.serial),
        }
    }

    pub(crate) fn code_name(&self) -> String {
        code_name(self.code)
    }

    /// What is wrong with the answer before its records are judged: its code, no records, or an alias loop.
    pub(crate) fn refusal(&self, expect: &DnsExpect) -> Option<(FailureClass, MessageText)> {
        if !expect.rcode.is_empty() || self.code == 0 && expect.is_of_records() && self.broken_aliases.is_none() {
            return None;
        }
        if let (0, Some(why)) = (self.code, &self.broken_aliases) {
            return Some((FailureClass::DnsServerFailure, why.clone().into()));
        }
        match self.code {
            0 if self.asked.is_empty() => Some((FailureClass::DnsNoAddress, self.nothing_found())),
            0 => None,
            3 => Some((FailureClass::DnsNotFound, "there is no such name (NXDOMAIN)".into())),
            code => Some((FailureClass::DnsServerFailure, message!("the server answers {}", code_name(code)))),
        }
    }

    fn nothing_found(&self) -> MessageText {
        match &self.alias_target {
            Some(target) => message!("its aliases end at {target}, and the answer has no record of that type for it"),
            None => "it has no record of that type (NODATA)".into(),
        }
    }
}

fn code_name(code: u16) -> String {
    let known = DnsExpect::CODES.iter().find(|(_, number)| *number == code);
    known.map_or_else(|| format!("code {code}"), |(name, _)| (*name).to_owned())
}
