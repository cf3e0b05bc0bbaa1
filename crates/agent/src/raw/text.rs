//! Words as the bytes they are made of.

/// The bytes of the words as they lie in memory.
#[inline]
pub(crate) fn bytes(words: &[u64]) -> &[u8] {
    // SAFETY: every byte of a word is a byte, the range is that of `words`, and bytes need no alignment.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words)) }
}
