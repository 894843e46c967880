//! Decoders must yield the same result however the input and the output are split.

use std::io::Write as _;

use flate2::Compression;
use proptest::prelude::*;

use super::*;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

fn raw_deflate(data: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), Compression::best());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

fn brotli(data: &[u8]) -> Vec<u8> {
    let mut writer = ::brotli::CompressorWriter::new(Vec::new(), 1 << 12, 5, 22);
    writer.write_all(data).unwrap();
    writer.into_inner()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn decoder(lines: &[&str]) -> Decoder {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(header::CONTENT_ENCODING, HeaderValue::from_bytes(line.as_bytes()).unwrap());
    }
    Decoder::for_headers(&headers)
}

/// Decodes pieces of a body, `room` bytes at a time.
fn decoded(decoder: &mut Decoder, pieces: &[&[u8]], room: usize) -> Result<Vec<u8>, (CodingError, Vec<u8>)> {
    let mut out = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        loop {
            let before = out.len();
            match decoder.push(rest, &mut out, room) {
                Ok(taken) => rest = &rest[taken..],
                Err(error) => return Err((error, out)),
            }
            assert!(out.len() - before <= room);
            if out.len() - before < room {
                assert!(rest.is_empty(), "less than there was room for, and not all is taken");
                break;
            }
        }
    }
    match decoder.finish() {
        Ok(()) => Ok(out),
        Err(error) => Err((error, out)),
    }
}

fn whole(lines: &[&str], body: &[u8]) -> Result<Vec<u8>, CodingError> {
    decoded(&mut decoder(lines), &[body], 1 << 20).map_err(|(error, _)| error)
}

#[test]
fn every_coding_is_undone_in_every_spelling() {
    for (lines, body) in [
        (&["gzip"][..], gzip(b"hello")),
        (&["x-gzip"], gzip(b"hello")),
        (&["GZip"], gzip(b"hello")),
        (&["deflate"], zlib(b"hello")),
        (&["deflate"], raw_deflate(b"hello")),
        (&["br"], brotli(b"hello")),
        (&["zstd"], zstd(b"hello")),
        (&[" gzip ,, identity "], gzip(b"hello")),
        (&["gzip, gzip"], gzip(&gzip(b"hello"))),
        (&["deflate", "br"], brotli(&raw_deflate(b"hello"))),
        (&["br, zstd", "gzip"], gzip(&zstd(&brotli(b"hello")))),
        (&["utf-8", "gzip"], gzip(b"hello")),
        (&["gzip, none"], gzip(b"hello")),
        (&["gzip;q=1.0"], gzip(b"hello")),
        (&[], b"hello".to_vec()),
        (&[""], b"hello".to_vec()),
        (&["identity, identity"], b"hello".to_vec()),
        (&["UTF-8"], b"hello".to_vec()),
        (&["klingon"], b"hello".to_vec()),
    ] {
        assert_eq!(whole(lines, &body).as_deref(), Ok(&b"hello"[..]), "{lines:?}");
    }
}

#[test]
fn the_shortest_of_raw_deflate_is_undone() {
    for data in [&b""[..], b"a", b"ab", &[0; 1000]] {
        for room in [1, 2, 1000] {
            let body = raw_deflate(data);
            let pieces: Vec<&[u8]> = body.chunks(1).collect();
            assert_eq!(decoded(&mut decoder(&["deflate"]), &pieces, room), Ok(data.to_vec()));
        }
    }
}

#[test]
fn an_empty_body_is_complete_whatever_its_coding() {
    for coding in ["gzip", "deflate", "br", "zstd", "gzip, br", "compress"] {
        assert_eq!(whole(&[coding], b""), Ok(Vec::new()), "{coding}");
    }
}

#[test]
fn what_cannot_be_decoded_is_named() {
    for (line, name) in [
        ("compress", "compress"),
        ("X-Compress", "x-compress"),
        ("gzip, dcb", "dcb"),
        ("gzip,gzip,gzip,gzip,gzip,gzip", "of 6 layers"),
    ] {
        let decoder = decoder(&[line]);
        assert_eq!(decoder.undecodable(), Some(name));
        assert!(decoder.is_identity() && decoder.note().unwrap().contains(name), "{line}");
    }
}

#[test]
fn a_word_that_is_no_coding_is_noted() {
    for word in ["utf-8", "none", "iso-8859-1", "klingon"] {
        let note = decoder(&[word]).note();
        assert_eq!(note, Some(format!("the content coding {word} is unknown and was ignored")));
    }
    assert_eq!(decoder(&["identity"]).note(), None);
    // Nothing below an unknown coding can be decoded: the bytes stay as they are.
    assert!(decoder(&["gzip, klingon"]).is_identity());
}

#[test]
fn members_and_frames_follow_each_other() {
    let both = |one: Vec<u8>, other: Vec<u8>| [one, other].concat();
    assert_eq!(whole(&["gzip"], &both(gzip(b"one "), gzip(b"two"))), Ok(b"one two".to_vec()));
    assert_eq!(whole(&["zstd"], &both(zstd(b"one "), zstd(b"two"))), Ok(b"one two".to_vec()));
    let skipped = [&0x184d_2a53_u32.to_le_bytes()[..], &3_u32.to_le_bytes(), b"xyz"].concat();
    assert_eq!(whole(&["zstd"], &both(skipped.clone(), both(zstd(b"one"), skipped))), Ok(b"one".to_vec()));
}

#[test]
fn bytes_after_the_end_are_ignored_and_noted() {
    for (coding, body) in [
        ("gzip", gzip(b"hello")),
        ("deflate", zlib(b"hello")),
        ("deflate", raw_deflate(b"hello")),
        ("br", brotli(b"hello")),
        ("zstd", zstd(b"hello")),
    ] {
        for after in [&b"\0\0\0"[..], b"<!-- served in 3 ms -->", b"\x1f", b"\x1f\x8b", b"\x28\xb5\x2f"] {
            let body = [&body[..], after].concat();
            let mut decoder = decoder(&[coding]);
            let pieces: Vec<&[u8]> = body.chunks(1).collect();
            assert_eq!(decoded(&mut decoder, &pieces, 100), Ok(b"hello".to_vec()), "{coding} {after:?}");
            let note = decoder.note().unwrap();
            assert!(note.starts_with(&format!("{} bytes after the end", after.len())), "{coding}: {note}");
        }
    }
}

#[test]
fn data_that_break_off_are_told_with_what_came() {
    let text: String = (0..5_000).map(|n| n.to_string()).collect();
    for (coding, body) in [
        ("gzip", gzip(text.as_bytes())),
        ("deflate", zlib(text.as_bytes())),
        ("deflate", raw_deflate(text.as_bytes())),
        ("br", brotli(text.as_bytes())),
        ("zstd", zstd(text.as_bytes())),
    ] {
        let (error, came) = decoded(&mut decoder(&[coding]), &[&body[..body.len() / 2]], 1 << 20).unwrap_err();
        assert!(matches!(error, CodingError::Truncated(_)), "{coding}: {error}");
        assert!(text.as_bytes().starts_with(&came), "{coding}");
        let (error, _) = decoded(&mut decoder(&[coding]), &[&body[..1]], 1 << 20).unwrap_err();
        assert!(matches!(error, CodingError::Truncated(_)), "{coding}: {error}");
    }
}

#[test]
fn a_missing_checksum_is_noted_and_a_wrong_one_refused() {
    for (coding, body, length) in [("gzip", gzip(b"hello"), 8), ("deflate", zlib(b"hello"), 4)] {
        for missing in 1..=length {
            let mut decoder = decoder(&[coding]);
            assert_eq!(decoded(&mut decoder, &[&body[..body.len() - missing]], 100), Ok(b"hello".to_vec()));
            assert_eq!(decoder.note().as_deref(), Some(&*format!("the {coding} data end without their checksum")));
        }
    }
    for (coding, mut body) in [("gzip", gzip(b"hello")), ("deflate", zlib(b"hello")), ("zstd", zstd(b"hello"))] {
        let at = body.len() - if coding == "gzip" { 6 } else { 2 };
        body[at] ^= 0xff;
        assert!(matches!(whole(&[coding], &body), Err(CodingError::Invalid { .. })), "{coding}");
    }
}

#[test]
fn plain_text_is_none_of_the_codings() {
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let error = whole(&[coding], b"<!doctype html><title>Hello</title><p>Hello, world").unwrap_err();
        assert!(matches!(error, CodingError::Invalid { .. }), "{coding}: {error}");
    }
}

#[test]
fn a_window_larger_than_browsers_have_is_refused() {
    // A frame that asks for 16 MiB.
    let body = [&MAGIC[..], &[0x00, 14 << 3], &[1, 0, 0]].concat();
    let error = whole(&["zstd"], &body).unwrap_err().to_string();
    assert!(error.starts_with("the body is not valid zstd: its window has 16777216 bytes"), "{error}");
}

const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();

#[test]
fn codings_that_blow_each_other_up_to_nothing_are_given_up() {
    // Megabytes of empty stored blocks, compressed a thousandfold.
    let blocks = [0, 0, 0, 0xff, 0xff].repeat(1 << 16);
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..8 {
        writer.write_all(&blocks).unwrap();
    }
    let body = writer.finish().unwrap();
    let error = decoded(&mut decoder(&["deflate, gzip"]), &[&body], 1 << 16).unwrap_err().0;
    assert_eq!(error, CodingError::Disproportionate);
}

fn packed(coding: u8, data: &[u8]) -> (&'static str, Vec<u8>) {
    match coding {
        0 => ("gzip", gzip(data)),
        1 => ("deflate", zlib(data)),
        2 => ("deflate", raw_deflate(data)),
        3 => ("br", brotli(data)),
        _ => ("zstd", zstd(data)),
    }
}

/// Cuts a body into pieces of these lengths, in a cycle.
fn cut<'b>(mut body: &'b [u8], lengths: &[usize]) -> Vec<&'b [u8]> {
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if body.is_empty() {
            break;
        }
        let (piece, rest) = body.split_at((*length).min(body.len()));
        pieces.push(piece);
        body = rest;
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_split_gives_the_same_bytes(
        data in prop::collection::vec("[a-d]{0,40}|[ -~]{0,9}", 0..400),
        codings in prop::collection::vec(0u8..5, 1..4),
        after in "[a-z]{0,3}",
        lengths in prop::collection::vec(1usize..700, 1..5),
        room in 1usize..3000,
    ) {
        let data = data.concat().into_bytes();
        let (mut names, mut body) = (Vec::new(), data.clone());
        for coding in codings {
            let (name, packed) = packed(coding, &body);
            names.push(name);
            body = packed;
        }
        body.extend_from_slice(after.as_bytes());
        let line = names.join(", ");
        prop_assert_eq!(decoded(&mut decoder(&[&line]), &cut(&body, &lengths), room), Ok(data.clone()));
        prop_assert_eq!(decoded(&mut decoder(&[&line]), &[&body], 1 << 20), Ok(data));
    }

    #[test]
    fn damage_gives_the_same_however_it_is_split_and_never_a_panic(
        data in "[a-f ]{0,3000}",
        coding in 0u8..5,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        lengths in prop::collection::vec(1usize..700, 1..5),
        room in 1usize..3000,
    ) {
        let (name, mut body) = packed(coding, data.as_bytes());
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let in_pieces = decoded(&mut decoder(&[name]), &cut(&body, &lengths), room);
        let at_once = decoded(&mut decoder(&[name]), &[&body], 1 << 24);
        match (in_pieces, at_once) {
            (Ok(pieces), Ok(whole)) => prop_assert_eq!(pieces, whole),
            (Err(_), Err(_)) => {}
            (pieces, whole) => prop_assert!(false, "{:?} and {:?}", pieces.is_ok(), whole.is_ok()),
        }
    }

    #[test]
    fn noise_is_refused_or_read_and_never_a_panic(body: Vec<u8>, coding in 0u8..5) {
        let (name, _) = packed(coding, b"");
        let _ = decoded(&mut decoder(&[name]), &[&body], 1 << 20);
    }
}
