//! gzip (RFC 1952) and deflate, both with the zlib wrapper (RFC 1950) that HTTP requires and
//! without it (RFC 1951), as some servers send it.

use flate2::{Decompress, FlushDecompress, Status};

use super::progress::{CodingError, Progress, invalid};

const GZIP: &str = "gzip";
const DEFLATE: &str = "deflate";

/// A decoder of gzip members or of one deflate stream.
#[derive(Debug)]
pub(super) struct Inflate {
    wrapper: Wrapper,
    state: State,
    deflated: Decompress,
    check: Check,
    /// How many members or streams have ended.
    ended: u64,
    /// How many bytes after the end were ignored.
    ignored: u64,
    /// The first bytes of raw deflate data, which were inspected but are not decoded yet.
    sniffed: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrapper {
    Gzip,
    Zlib,
    /// Deflate before its second byte, which tells zlib from raw.
    Unknown,
    Raw,
}

#[derive(Debug)]
enum State {
    Header(GzipHeader),
    /// At the first two bytes of a deflate stream, with the first if it was read.
    Sniff(Option<u8>),
    Data,
    Trailer {
        bytes: [u8; 8],
        known: usize,
    },
    /// After the last member or stream.
    After,
}

impl Inflate {
    pub(super) fn gzip() -> Inflate {
        Inflate::new(Wrapper::Gzip, State::Header(GzipHeader::default()))
    }

    pub(super) fn deflate() -> Inflate {
        Inflate::new(Wrapper::Unknown, State::Sniff(None))
    }

    fn new(wrapper: Wrapper, state: State) -> Inflate {
        Inflate {
            wrapper,
            state,
            deflated: Decompress::new(false),
            check: Check::default(),
            ended: 0,
            ignored: 0,
            sniffed: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        if self.wrapper == Wrapper::Gzip { GZIP } else { DEFLATE }
    }

    /// How many bytes after the end were ignored.
    pub(super) fn ignored(&self) -> u64 {
        match &self.state {
            State::Header(header) if self.ended > 0 && !header.is_sure() => header.read,
            _ => self.ignored,
        }
    }

    /// Whether only the checksum is missing: browsers show such a page.
    pub(super) fn lacks_checksum(&self) -> bool {
        matches!(self.state, State::Trailer { .. })
    }

    pub(super) fn finish(&self) -> Result<(), CodingError> {
        let is_complete = match &self.state {
            State::Header(header) => header.read == 0 || self.ended > 0 && !header.is_sure(),
            State::Sniff(first) => first.is_none(),
            State::Data => false,
            State::Trailer { .. } | State::After => true,
        };
        if is_complete { Ok(()) } else { Err(CodingError::Truncated(self.name())) }
    }

    pub(super) fn step(&mut self, input: &[u8], out: &mut [u8], progress: &mut Progress) -> Result<(), CodingError> {
        loop {
            let rest = &input[progress.taken..];
            match &mut self.state {
                State::Header(header) => {
                    let Some(&byte) = rest.first() else { return Ok(()) };
                    match header.read(byte) {
                        Ok(is_complete) => {
                            progress.taken += 1;
                            if is_complete {
                                self.state = State::Data;
                            }
                        }
                        // Bytes after a member that do not begin another are ignored.
                        Err(_) if self.ended > 0 && !header.is_sure() => {
                            self.ignored = header.read;
                            self.state = State::After;
                        }
                        Err(reason) => return Err(invalid(GZIP, reason)),
                    }
                }
                State::Sniff(first) => {
                    let Some(&byte) = rest.first() else { return Ok(()) };
                    progress.taken += 1;
                    match *first {
                        None => *first = Some(byte),
                        Some(first) => self.begin_deflate([first, byte])?,
                    }
                }
                State::Data if self.sniffed.is_empty() => {
                    if !self.inflate(rest, out, progress)? {
                        return Ok(());
                    }
                }
                State::Data => {
                    self.inflate_sniffed(out, progress)?;
                    if progress.given == out.len() {
                        return Ok(());
                    }
                }
                State::Trailer { bytes, known } => {
                    let Some(&byte) = rest.first() else { return Ok(()) };
                    progress.taken += 1;
                    bytes[*known] = byte;
                    *known += 1;
                    let bytes = *bytes;
                    if *known == if self.wrapper == Wrapper::Gzip { 8 } else { 4 } {
                        self.end(bytes)?;
                    }
                }
                State::After => {
                    self.ignored += rest.len() as u64;
                    progress.taken = input.len();
                    return Ok(());
                }
            }
        }
    }

    /// Tells a zlib wrapper from raw deflate data, in which the wrapper's first byte would be a stored
    /// block with padding bits set that encoders leave clear.
    fn begin_deflate(&mut self, first: [u8; 2]) -> Result<(), CodingError> {
        let [cmf, flags] = first;
        let is_zlib = cmf & 0x0f == 8 && cmf >> 4 <= 7 && u16::from_be_bytes(first).is_multiple_of(31);
        self.state = State::Data;
        if !is_zlib {
            self.wrapper = Wrapper::Raw;
            self.sniffed.extend_from_slice(&first);
            return Ok(());
        }
        self.wrapper = Wrapper::Zlib;
        if flags & 0x20 != 0 {
            return Err(invalid(DEFLATE, "it needs a dictionary"));
        }
        Ok(())
    }

    /// Inflates the first bytes, which were inspected before.
    fn inflate_sniffed(&mut self, out: &mut [u8], progress: &mut Progress) -> Result<(), CodingError> {
        let sniffed = std::mem::take(&mut self.sniffed);
        let mut of_sniffed = Progress { taken: 0, given: progress.given };
        let result = self.inflate(&sniffed, out, &mut of_sniffed);
        self.sniffed.extend_from_slice(&sniffed[of_sniffed.taken..]);
        progress.given = of_sniffed.given;
        result.map(|_| ())
    }

    /// Inflates until the output is full or the input is taken; true if the data has ended.
    fn inflate(&mut self, input: &[u8], out: &mut [u8], progress: &mut Progress) -> Result<bool, CodingError> {
        let mut input = input;
        loop {
            if progress.given == out.len() {
                return Ok(false);
            }
            let (in_before, out_before) = (self.deflated.total_in(), self.deflated.total_out());
            let status = self.deflated.decompress(input, &mut out[progress.given..], FlushDecompress::None);
            let taken = usize::try_from(self.deflated.total_in() - in_before).unwrap_or(usize::MAX);
            let given = usize::try_from(self.deflated.total_out() - out_before).unwrap_or(usize::MAX);
            self.check.update(self.wrapper, &out[progress.given..progress.given + given]);
            progress.taken += taken;
            progress.given += given;
            input = &input[taken..];
            match status {
                Ok(Status::StreamEnd) => {
                    self.ended += 1;
                    self.state = match self.wrapper {
                        Wrapper::Gzip | Wrapper::Zlib => State::Trailer { bytes: [0; 8], known: 0 },
                        Wrapper::Raw | Wrapper::Unknown => State::After,
                    };
                    return Ok(true);
                }
                Ok(Status::Ok | Status::BufError) if taken == 0 && given == 0 => return Ok(false),
                Ok(Status::Ok | Status::BufError) => {}
                Err(_) => return Err(invalid(self.name(), "damaged data")),
            }
        }
    }

    /// Verifies the checksum, and prepares for another member.
    fn end(&mut self, trailer: [u8; 8]) -> Result<(), CodingError> {
        let (first, second) = (word(trailer, 0), word(trailer, 4));
        let check = std::mem::take(&mut self.check);
        if self.wrapper == Wrapper::Zlib {
            self.state = State::After;
            let fits = check.adler.finish() == u32::from_be_bytes(first);
            return if fits { Ok(()) } else { Err(invalid(DEFLATE, "the checksum does not match the data")) };
        }
        self.state = State::Header(GzipHeader::default());
        self.deflated.reset(false);
        let size = check.crc.amount();
        if check.crc.finalize() != u32::from_le_bytes(first) {
            return Err(invalid(GZIP, "the checksum does not match the data"));
        }
        if size != u32::from_le_bytes(second) {
            return Err(invalid(GZIP, "the size does not match the data"));
        }
        Ok(())
    }
}

fn word(trailer: [u8; 8], at: usize) -> [u8; 4] {
    std::array::from_fn(|place| trailer[at + place])
}

/// The checksums of the data of one member.
#[derive(Debug, Default)]
struct Check {
    crc: Crc,
    adler: Adler,
}

impl Check {
    fn update(&mut self, wrapper: Wrapper, data: &[u8]) {
        match wrapper {
            Wrapper::Gzip => self.crc.update(data),
            Wrapper::Zlib => self.adler.update(data),
            Wrapper::Raw | Wrapper::Unknown => {}
        }
    }
}

/// CRC-32 of the data, and its length modulo 2^32.
#[derive(Debug, Default)]
struct Crc {
    hasher: crc32fast::Hasher,
    amount: u32,
}

impl Crc {
    fn update(&mut self, data: &[u8]) {
        self.hasher.update(data);
        #[allow(clippy::cast_possible_truncation, reason = "the format counts modulo 2^32")]
        let more = data.len() as u32;
        self.amount = self.amount.wrapping_add(more);
    }

    fn amount(&self) -> u32 {
        self.amount
    }

    fn finalize(self) -> u32 {
        self.hasher.finalize()
    }
}

/// Adler-32 of the data (RFC 1950 section 8.2).
#[derive(Debug)]
struct Adler {
    a: u32,
    b: u32,
}

impl Default for Adler {
    fn default() -> Adler {
        Adler { a: 1, b: 0 }
    }
}

impl Adler {
    const MODULUS: u32 = 65_521;
    /// The most bytes after which neither sum can have overflowed.
    const CHUNK: usize = 5_552;

    fn update(&mut self, data: &[u8]) {
        for chunk in data.chunks(Adler::CHUNK) {
            for byte in chunk {
                self.a += u32::from(*byte);
                self.b += self.a;
            }
            self.a %= Adler::MODULUS;
            self.b %= Adler::MODULUS;
        }
    }

    fn finish(&self) -> u32 {
        self.b << 16 | self.a
    }
}

/// Parses the header of a gzip member byte by byte, and keeps none of its fields.
#[derive(Debug, Default)]
struct GzipHeader {
    /// How many bytes were read.
    read: u64,
    flags: u8,
    part: GzipPart,
}

#[derive(Clone, Copy, Debug, Default)]
enum GzipPart {
    #[default]
    Fixed,
    ExtraLow,
    ExtraHigh(u8),
    Extra(u16),
    Name,
    Comment,
    /// How many bytes of the header checksum are left.
    Checksum(u8),
}

impl GzipHeader {
    const HAS_CHECKSUM: u8 = 0x02;
    const HAS_EXTRA: u8 = 0x04;
    const HAS_NAME: u8 = 0x08;
    const HAS_COMMENT: u8 = 0x10;
    const RESERVED: u8 = 0xe0;

    /// Whether enough was read to be sure that this is a member's header and not trailing bytes.
    fn is_sure(&self) -> bool {
        self.read >= 3
    }

    /// Reads one byte; true if the header is complete. A refused byte does not count as read.
    fn read(&mut self, byte: u8) -> Result<bool, &'static str> {
        let mut is_complete = false;
        match self.part {
            GzipPart::Fixed => match (self.read, byte) {
                (0, 0x1f) | (1, 0x8b) | (2, 8) | (4..=8, _) => {}
                (0 | 1, _) => return Err("it does not start as gzip does"),
                (2, _) => return Err("an unknown compression method"),
                (3, flags) if flags & GzipHeader::RESERVED != 0 => return Err("unknown flags in its header"),
                (3, flags) => self.flags = flags,
                _ if self.flags & GzipHeader::HAS_EXTRA != 0 => self.part = GzipPart::ExtraLow,
                _ => is_complete = self.after_extra(),
            },
            GzipPart::ExtraLow => self.part = GzipPart::ExtraHigh(byte),
            GzipPart::ExtraHigh(low) => match u16::from_le_bytes([low, byte]) {
                0 => is_complete = self.after_extra(),
                length => self.part = GzipPart::Extra(length),
            },
            GzipPart::Extra(1) => is_complete = self.after_extra(),
            GzipPart::Extra(left) => self.part = GzipPart::Extra(left - 1),
            GzipPart::Name if byte == 0 => is_complete = self.after_name(),
            GzipPart::Comment if byte == 0 => is_complete = self.after_comment(),
            GzipPart::Name | GzipPart::Comment => {}
            GzipPart::Checksum(1) => is_complete = true,
            GzipPart::Checksum(left) => self.part = GzipPart::Checksum(left - 1),
        }
        self.read += 1;
        Ok(is_complete)
    }

    fn after_extra(&mut self) -> bool {
        if self.flags & GzipHeader::HAS_NAME == 0 {
            return self.after_name();
        }
        self.part = GzipPart::Name;
        false
    }

    fn after_name(&mut self) -> bool {
        if self.flags & GzipHeader::HAS_COMMENT == 0 {
            return self.after_comment();
        }
        self.part = GzipPart::Comment;
        false
    }

    fn after_comment(&mut self) -> bool {
        self.part = GzipPart::Checksum(2);
        self.flags & GzipHeader::HAS_CHECKSUM == 0
    }
}
