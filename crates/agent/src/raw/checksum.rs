//! CRC32C (Castagnoli) over words of eight bytes.
//!
//! Hot: every record passes here, by eight to ten words. With the instruction a word costs a cycle of throughput;
//! the table is for processors without it. `cargo xtask bench agent` measures it within the call.

use std::sync::atomic::{AtomicU64, Ordering};

const POLYNOMIAL: u32 = 0x82f6_3b78;

const TABLE: [u32; 256] = {
    let mut table = [0u32; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// Goes on from `crc` with the eight bytes of `word`, the lowest first. No final inversion: the seed is not zero in
/// practice, and both sides are ours.
pub(crate) fn portable(crc: u32, word: u64) -> u32 {
    word.to_le_bytes().iter().fold(crc, |crc, byte| TABLE[((crc as u8) ^ byte) as usize] ^ (crc >> 8))
}

/// Of words that lie in a ring.
#[inline]
pub(crate) fn of_slots(seed: u32, slots: &[AtomicU64]) -> u32 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if std::arch::is_x86_feature_detected!("sse4.2") {
        // SAFETY: the instruction was found to be there.
        return unsafe { instruction::of_slots(seed, slots) };
    }
    slots.iter().fold(seed, |crc, slot| portable(crc, slot.load(Ordering::Relaxed)))
}

/// Of words that were copied out of one.
pub(crate) fn of_words(seed: u32, words: &[u64]) -> u32 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if std::arch::is_x86_feature_detected!("sse4.2") {
        // SAFETY: the instruction was found to be there.
        return unsafe { instruction::of_words(seed, words) };
    }
    words.iter().copied().fold(seed, portable)
}

/// Of bytes; a last word that is not full counts as filled with zeros.
pub(crate) fn of_bytes(seed: u32, bytes: &[u8]) -> u32 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if std::arch::is_x86_feature_detected!("sse4.2") {
        // SAFETY: the instruction was found to be there.
        return unsafe { instruction::of_bytes(seed, bytes) };
    }
    words(bytes).fold(seed, portable)
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    })
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod instruction {
    use std::arch::x86_64::_mm_crc32_u64;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[target_feature(enable = "sse4.2")]
    pub(super) fn of_slots(seed: u32, slots: &[AtomicU64]) -> u32 {
        slots.iter().fold(u64::from(seed), |crc, slot| _mm_crc32_u64(crc, slot.load(Ordering::Relaxed)))
            as u32
    }

    #[target_feature(enable = "sse4.2")]
    pub(super) fn of_words(seed: u32, words: &[u64]) -> u32 {
        words.iter().fold(u64::from(seed), |crc, &word| _mm_crc32_u64(crc, word)) as u32
    }

    #[target_feature(enable = "sse4.2")]
    pub(super) fn of_bytes(seed: u32, bytes: &[u8]) -> u32 {
        let (full, rest) = bytes.as_chunks::<8>();
        let crc =
            full.iter().fold(u64::from(seed), |crc, word| _mm_crc32_u64(crc, u64::from_le_bytes(*word)));
        super::words(rest).fold(crc, |crc, word| _mm_crc32_u64(crc, word)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_crc32c() {
        // Of "123456789" the standard gives e3069283; here without the final inversion and in whole words.
        let crc = b"12345678"
            .chunks(8)
            .fold(u32::MAX, |crc, word| portable(crc, u64::from_le_bytes(word.try_into().unwrap())));
        let crc = TABLE[((crc as u8) ^ b'9') as usize] ^ (crc >> 8);
        assert_eq!(!crc, 0xe306_9283);
    }

    #[test]
    fn table_and_instruction_agree() {
        let bytes: Vec<u8> = (0..100_u8).map(|n| n.wrapping_mul(37)).collect();
        for length in 0..bytes.len() {
            let expected = words(&bytes[..length]).fold(7, portable);
            assert_eq!(of_bytes(7, &bytes[..length]), expected, "{length} bytes");
        }
        let slots: Vec<AtomicU64> = words(&bytes[..64]).map(AtomicU64::new).collect();
        assert_eq!(of_slots(7, &slots), of_bytes(7, &bytes[..64]));
    }
}
