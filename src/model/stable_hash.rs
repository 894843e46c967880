//! A hash that is the same in every run, on every machine and in every version: the hasher of the standard library
//! promises none of that.

/// Where FNV-1a begins.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a of 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>). Its high bits hardly change between short names that
/// differ only in their last letter; [`mixed`] spreads the change over all bits.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    seeded_fnv1a(0, bytes)
}

/// FNV-1a that begins elsewhere for each seed.
pub(crate) fn seeded_fnv1a(seed: u64, bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(seed ^ OFFSET, step)
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood 2014): every bit of the input affects every bit of the result.
pub(crate) const fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A whole step of `SplitMix64`: unlike [`mixed`] it does not leave 0 as it is.
pub(crate) const fn split_mix(value: u64) -> u64 {
    mixed(value.wrapping_add(0x9e37_79b9_7f4a_7c15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors_hold() {
        // http://www.isthe.com/chongo/src/fnv/test_fnv.c, and the first number of SplitMix64 from the seed 0.
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(split_mix(0), 0xe220_a839_7b1d_cdaf);
    }
}
