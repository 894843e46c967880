//! Finds secrets inside base64 text: a server that echoes a request may encode it as base64 after several other
//! encodings.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{REDACTED, Redactor};

/// Minimum length of a base64 run: shorter ones are ordinary words.
const SHORTEST: usize = 12;

/// Accepts any trailing bits: a run may end anywhere.
const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The text without the base64 runs that hold a secret. Secrets in plain text are left to the redactor.
pub(super) fn redacted(text: &str, redactor: &Redactor) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(from) = rest.find(is_base64) {
        let (before, run) = rest.split_at(from);
        let end = run.find(|c| !is_base64(c)).unwrap_or(run.len());
        let (run, after) = run.split_at(end);
        out.push_str(before);
        out.push_str(if holds_secret(run, redactor) { REDACTED } else { run });
        rest = after;
    }
    out.push_str(rest);
    out
}

fn is_base64(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '-' | '_')
}

/// Whether the run holds a secret, wherever in it the encoded text begins.
fn holds_secret(run: &str, redactor: &Redactor) -> bool {
    if run.len() < SHORTEST {
        return false;
    }
    let standard: String = run
        .chars()
        .map(|c| {
            if c == '-' {
                '+'
            } else if c == '_' {
                '/'
            } else {
                c
            }
        })
        .collect();
    (0..4).any(|from| {
        let aligned = standard.get(from..).unwrap_or_default();
        // A single base64 character holds no whole byte.
        let whole = aligned.len() - usize::from(aligned.len() % 4 == 1);
        let decoded = TOLERANT.decode(aligned.get(..whole).unwrap_or_default()).unwrap_or_default();
        let text = String::from_utf8_lossy(&decoded);
        redactor.redact(&text) != text
    })
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    use super::*;
    use crate::model::Secret;

    const SECRET: &str = "hEAd00/+&=<\"tAil00";

    fn redactor() -> Redactor {
        Redactor::new([Secret::new(SECRET)])
    }

    #[test]
    fn a_secret_that_is_encoded_many_times_within_base64_is_taken_out_with_its_run() {
        let mut encoded = SECRET.to_owned();
        for times in 0..4 {
            for before in ["", "x", "GET /"] {
                let text = format!("{before}{encoded}?and=more");
                for base64 in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                    let out = redacted(&format!("note: echo={base64}; end"), &redactor());
                    assert!(out.starts_with("note: echo=[redacted]") && out.ends_with("; end"), "{times}: {out}");
                }
            }
            encoded = utf8_percent_encode(&encoded, NON_ALPHANUMERIC).to_string();
        }
    }

    #[test]
    fn what_holds_none_stays_as_it_is() {
        let etag = STANDARD.encode("nothing of interest is in here");
        for text in [etag.as_str(), "", "max-age=31536000; includeSubDomains", "ümläut/ünd/mehr", "abcdefghijklmnop"]
        {
            assert_eq!(redacted(text, &redactor()), text);
        }
    }
}
