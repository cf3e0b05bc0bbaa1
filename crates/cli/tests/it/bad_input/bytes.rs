//! Bodies made of bytes: compressed, deep, in other encodings.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use kymo_testkit::Random;

pub(super) const MIB: usize = 1024 * 1024;

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// Zeros in gzip, a thousandth of their size: members of a MiB, one after the other.
pub(super) fn gzip_of_zeros(mib: usize) -> Vec<u8> {
    gzip(&vec![0; MIB]).repeat(mib)
}

/// In gzip with so much noise before it, in a text of the list, that the ratio is an honest one.
pub(super) fn gzip_of_list(elements: &str) -> Vec<u8> {
    let mut random = Random::new(1);
    let noise: String = (0..16_000).map(|_| char::from(b'a' + random.below(26) as u8)).collect();
    gzip(format!("[\"{noise}\",{elements}]").as_bytes())
}

/// `[[[…]]]` or `{"a":{"a":…0}}` that deep.
pub(super) fn deep(depth: usize, opening: &str) -> String {
    let (inner, closing) = if opening == "[" { ("", "]") } else { ("0", "}") };
    format!("{}{inner}{}", opening.repeat(depth), closing.repeat(depth))
}

pub(super) fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}
