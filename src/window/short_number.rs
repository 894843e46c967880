//! Signed numbers in one to nine bytes, small ones in few: seven bits a byte, the least significant first, the ninth byte
//! whole; odd values are negative (`ZigZag` LEB128-64b9B of `HdrHistogram`'s format).

/// Writes a number as [`read`] reads it.
pub(crate) fn write(out: &mut Vec<u8>, number: i64) {
    let mut bits = ((number << 1) ^ (number >> 63)).cast_unsigned();
    for _ in 0..8 {
        let low = u8::try_from(bits & 0x7f).unwrap_or(0x7f);
        bits >>= 7;
        if bits == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
    out.push(u8::try_from(bits).unwrap_or(u8::MAX));
}

/// Reads a number and returns what follows it; `None` if the bytes end before it does.
#[inline]
pub(crate) fn read(bytes: &[u8]) -> Option<(i64, &[u8])> {
    // Nearly all of them take one byte.
    match bytes {
        [only @ 0..0x80, rest @ ..] => Some((i64::from(only >> 1) ^ -i64::from(only & 1), rest)),
        _ => read_long(bytes),
    }
}

fn read_long(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut bits = 0_u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        let (value, more) = if at == 8 { (*byte, false) } else { (*byte & 0x7f, *byte & 0x80 != 0) };
        bits |= u64::from(value) << (7 * at);
        if !more {
            let number = (bits >> 1).cast_signed() ^ -(bits & 1).cast_signed();
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_size_and_sign_come_back() {
        for number in [0, 1, -1, 63, 64, -64, -65, i64::MAX, i64::MIN, 1 << 55, -(1 << 56)] {
            let mut bytes = Vec::new();
            write(&mut bytes, number);
            assert_eq!(read(&bytes), Some((number, &[][..])));
        }
        assert_eq!((read(&[]), read(&[0x80])), (None, None));
    }
}
