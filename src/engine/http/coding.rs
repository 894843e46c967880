//! Decodes content codings as browsers and curl do: bytes are pushed into the decoder as they
//! arrive, and it produces no more than it has room for. The result depends on the body's bytes
//! alone, however they are split into packets.

mod brotli;
mod inflate;
mod progress;
mod zstd;

use http::{HeaderMap, HeaderValue, header};

use self::brotli::Brotli;
use self::inflate::Inflate;
use self::progress::Progress;
use self::zstd::Zstd;

pub(crate) use self::progress::CodingError;

/// The `accept-encoding` of a request, if its probe does not set one.
pub(crate) const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip, deflate, br, zstd");

/// The most codings decoded, one on top of another (curl's limit as well).
const LAYERS: usize = 5;

/// The bytes that pass from one coding to the next at a time.
const BETWEEN: usize = 8 * 1024;

/// How many bytes may pass between two codings beyond twice the final output. Data that expands in
/// between and yields no output would cost unbounded time.
const OVERHEAD: u64 = 1024 * 1024;

/// Codings that change the bytes and are not supported.
const UNDECODABLE: &[&str] = &[
    "compress",
    "x-compress",
    "aes128gcm",
    "bzip2",
    "x-bzip2",
    "dcb",
    "dcz",
    "exi",
    "lz4",
    "lzma",
    "pack200-gzip",
    "sdch",
    "snappy",
    "xpress",
    "xz",
];

/// Words that servers send as a coding but that change nothing. Charset labels count as well.
const NO_CODING: &[&str] = &["none", "binary", "7bit", "8bit", "plain", "raw", "text", "null", "default", "chunked"];

/// Decodes the content codings of one body.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// The coding that was applied last comes first, as it is decoded first.
    layers: Vec<Layer>,
    undecodable: Option<String>,
    ignored: Vec<String>,
    /// How many decoded bytes it has produced.
    given: u64,
}

/// One coding, and the bytes waiting to be decoded.
#[derive(Debug)]
struct Layer {
    coding: Coding,
    waiting: Vec<u8>,
    /// How many of `waiting` are decoded.
    done: usize,
    /// How many bytes have passed to it from the layer before.
    passed: u64,
}

#[derive(Debug)]
enum Coding {
    Inflate(Box<Inflate>),
    Brotli(Box<Brotli>),
    Zstd(Box<Zstd>),
}

impl Decoder {
    /// A decoder for a body with these headers. Several header lines count as one list. A compression in
    /// transfer-encoding, which curl decodes too, was applied last.
    pub(crate) fn for_headers(headers: &HeaderMap) -> Decoder {
        let mut decoder = Decoder::default();
        let mut names: Vec<String> = Vec::new();
        for name in [header::CONTENT_ENCODING, header::TRANSFER_ENCODING] {
            for value in headers.get_all(&name) {
                let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
                let tokens =
                    value.split(',').filter_map(|token| token.split(';').next()).map(|token| token.trim().to_owned());
                let is_framing = |token: &str| name == header::TRANSFER_ENCODING && token == "chunked";
                names.extend(tokens.filter(|token| !matches!(&**token, "" | "identity") && !is_framing(token)));
            }
        }
        for name in names.iter().rev() {
            if let Some(coding) = Coding::named(name) {
                if decoder.layers.len() == LAYERS {
                    decoder.layers.clear();
                    decoder.undecodable = Some(format!("of {} layers", names.len()));
                    break;
                }
                decoder.layers.push(Layer { coding, waiting: Vec::new(), done: 0, passed: 0 });
            } else if UNDECODABLE.contains(&name.as_str()) {
                decoder.undecodable = Some(name.clone());
                break;
            } else {
                decoder.ignored.push(name.clone());
                if !is_no_coding(name) {
                    break;
                }
            }
        }
        decoder
    }

    /// Whether the bytes pass through unchanged.
    pub(crate) fn is_identity(&self) -> bool {
        self.layers.is_empty()
    }

    /// The name of the coding that is not supported, if there is one.
    pub(crate) fn undecodable(&self) -> Option<&str> {
        self.undecodable.as_deref()
    }

    /// Decodes bytes of the body into `out`, `room` bytes at most, and returns how many input bytes it
    /// took. If fewer than `room` were added, all input is taken and nothing is held back; otherwise
    /// call it again with the rest, even if that is empty.
    ///
    /// # Errors
    /// The data is damaged or expands out of all proportion. What was decoded before that is in `out`.
    pub(crate) fn push(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> Result<usize, CodingError> {
        if self.layers.is_empty() {
            let taken = input.len().min(room);
            out.extend_from_slice(&input[..taken]);
            self.given += taken as u64;
            return Ok(taken);
        }
        let start = out.len();
        let allowance = OVERHEAD.saturating_add(2 * (self.given + room as u64));
        let mut rest = input;
        let mut ended = Ok(());
        // The buffer grows with the output, not to `room` at once.
        let mut step = room.min(BETWEEN);
        while out.len() - start < room && ended.is_ok() {
            let begin = out.len();
            out.resize(begin + step, 0);
            let (given, result) = pull(&mut self.layers, &mut rest, &mut out[begin..], allowance);
            out.truncate(begin + given);
            ended = result;
            if given < step {
                break;
            }
            step = (step * 2).min(room - (out.len() - start)).min(64 * 1024);
        }
        self.given += (out.len() - start) as u64;
        ended.map(|()| input.len() - rest.len())
    }

    /// Ends the body. A body without any byte is complete, whatever its coding.
    ///
    /// # Errors
    /// The data of a coding is not complete.
    pub(crate) fn finish(&self) -> Result<(), CodingError> {
        self.layers.iter().try_for_each(|layer| match &layer.coding {
            Coding::Inflate(inflate) => inflate.finish(),
            Coding::Brotli(brotli) => brotli.finish(),
            Coding::Zstd(zstd) => zstd.finish(),
        })
    }

    /// The defects tolerated so far, in one line.
    pub(crate) fn note(&self) -> Option<String> {
        let mut notes = Vec::new();
        if let Some(name) = &self.undecodable {
            notes.push(format!("the content coding {name} is not supported, the body was not decoded"));
        }
        notes.extend(self.ignored.iter().map(|name| format!("the content coding {name} is unknown and was ignored")));
        for layer in &self.layers {
            let (coding, after, unchecked) = match &layer.coding {
                Coding::Inflate(inflate) => (inflate.name(), inflate.ignored(), inflate.lacks_checksum()),
                Coding::Brotli(brotli) => (brotli::NAME, brotli.ignored(), false),
                Coding::Zstd(zstd) => (zstd::NAME, zstd.ignored(), false),
            };
            if after > 0 {
                notes.push(format!("{after} bytes after the end of the {coding} data were ignored"));
            }
            if unchecked {
                notes.push(format!("the {coding} data end without their checksum"));
            }
        }
        (!notes.is_empty()).then(|| notes.join(", "))
    }
}

/// Fills `out` from the last of these layers. It stays partly empty only if all input is used up.
fn pull(layers: &mut [Layer], input: &mut &[u8], out: &mut [u8], allowance: u64) -> (usize, Result<(), CodingError>) {
    let Some((last, before)) = layers.split_last_mut() else { return (0, Ok(())) };
    if before.is_empty() {
        let (taken, given, result) = last.coding.step(input, out);
        *input = &input[taken..];
        return (given, result);
    }
    let mut given = 0;
    loop {
        let (taken, more, result) = last.coding.step(&last.waiting[last.done..], &mut out[given..]);
        last.done += taken;
        given += more;
        if result.is_err() || given == out.len() {
            return (given, result);
        }
        last.waiting.resize(BETWEEN, 0);
        let (refilled, result) = pull(before, input, &mut last.waiting, allowance);
        last.waiting.truncate(refilled);
        last.done = 0;
        last.passed += refilled as u64;
        if refilled == 0 {
            return (given, result);
        }
        if last.passed > allowance {
            return (given, Err(CodingError::Disproportionate));
        }
        if result.is_err() {
            // The bytes before the damage are still decoded.
            let (taken, more, _) = last.coding.step(&last.waiting, &mut out[given..]);
            last.done = taken;
            return (given + more, result);
        }
    }
}

impl Coding {
    fn named(name: &str) -> Option<Coding> {
        match name {
            "gzip" | "x-gzip" => Some(Coding::Inflate(Box::new(Inflate::gzip()))),
            "deflate" => Some(Coding::Inflate(Box::new(Inflate::deflate()))),
            "br" => Some(Coding::Brotli(Box::new(Brotli::new()))),
            "zstd" => Some(Coding::Zstd(Box::new(Zstd::new()))),
            _ => None,
        }
    }

    /// Decodes until `out` is full, or all input is taken and nothing is held back. Returns the bytes
    /// taken, the bytes produced, and the error if the data is damaged after those.
    fn step(&mut self, input: &[u8], out: &mut [u8]) -> (usize, usize, Result<(), CodingError>) {
        let mut progress = Progress { taken: 0, given: 0 };
        let result = match self {
            Coding::Inflate(inflate) => inflate.step(input, out, &mut progress),
            Coding::Brotli(brotli) => brotli.step(input, out, &mut progress),
            Coding::Zstd(zstd) => zstd.step(input, out, &mut progress),
        };
        (progress.taken, progress.given, result)
    }
}

/// Whether a word in place of a coding changes nothing: a charset label, or a word for no coding.
fn is_no_coding(name: &str) -> bool {
    NO_CODING.contains(&name) || encoding_rs::Encoding::for_label(name.as_bytes()).is_some()
}

#[cfg(test)]
mod tests;
