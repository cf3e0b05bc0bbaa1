//! A file that is read while it is written.

use kymo_format::Reader;
use kymo_testkit::Random;

use crate::sample::sample;

/// How many records can be read after each number of bytes.
pub(crate) fn records_by_length(bytes: &[u8]) -> Vec<usize> {
    let mut reader = Reader::new();
    let mut counts = vec![0];
    for byte in bytes.chunks(1) {
        reader.feed(byte);
        while reader.next().is_some() {}
        counts.push(reader.counts().records as usize);
    }
    counts
}

#[test]
fn records_come_as_soon_as_their_block_is_whole() {
    let sample = sample(&mut Random::seeded(4), 150);
    let counts = records_by_length(&sample.bytes);
    assert!(counts.is_sorted());
    assert_eq!(counts.last(), Some(&sample.records.len()));
    let steps = counts.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(steps > 10, "{steps} blocks");
}
