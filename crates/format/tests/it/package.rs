//! Fragments of several sessions in one file, and pieces of one.

use kymo_format::{Header, Index, Item, MAGIC, Reader, index_length};
use kymo_model::SessionId;
use kymo_testkit::Random;

use crate::golden::{folder, told};
use crate::reading::{Read, read, read_with};
use crate::sample::{header, sample_of};

/// Fragments of three sessions, the second with two.
fn fragments() -> Vec<Vec<u8>> {
    let mut random = Random::new(2027);
    [(1, 1), (2, 1), (2, 2), (3, 1)]
        .into_iter()
        .map(|(session, fragment)| {
            let first_sequence = (fragment - 1) * 15 + 1;
            let session = SessionId::from_u128(session);
            let header = Header { session, fragment, first_sequence, ..header() };
            sample_of(&header, &mut random, 15).bytes
        })
        .collect()
}

fn without_index(file: &[u8]) -> &[u8] {
    let length = index_length(file[file.len() - 8..].try_into().unwrap());
    let (body, tail) = file.split_at(file.len() - length);
    assert!(Index::from_tail(tail).is_some());
    body
}

fn package(fragments: &[Vec<u8>]) -> Vec<u8> {
    let bodies = fragments.iter().flat_map(|file| without_index(file)[MAGIC.len()..].to_vec());
    MAGIC.into_iter().chain(bodies).collect()
}

/// Where headers begin; offset and first sequence of each frame; where what is whole ends.
type Outline = (Vec<(u64, Header)>, Vec<(u64, u64)>, u64);

fn outline(bytes: &[u8]) -> Outline {
    let mut reader = Reader::new().outline();
    let (mut headers, mut frames) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(99) {
        reader.feed(piece);
        while let Some(item) = reader.next() {
            match item {
                Item::Header(header) => headers.push((reader.item_offset(), (*header).clone())),
                Item::Frame { offset, first_sequence, .. } => frames.push((offset, first_sequence)),
                other => panic!("{other:?}"),
            }
        }
    }
    (headers, frames, reader.position())
}

#[test]
fn a_package_reads_as_ever() {
    let (file, expected) = (folder().join("package-1.kymo"), folder().join("package-1.ndjson"));
    if std::env::var("KYMO_GOLDEN").as_deref() == Ok("write") {
        let bytes = package(&fragments());
        std::fs::write(&expected, told(&bytes)).unwrap();
        std::fs::write(&file, bytes).unwrap();
    }
    let (bytes, expected) = (std::fs::read(file).unwrap(), std::fs::read_to_string(expected).unwrap());
    assert_eq!(told(&bytes), expected);
    assert_eq!((read(&bytes).counts.unknown(), read(&bytes).damages().len()), (0, 0));
}

#[test]
fn a_package_says_what_its_fragments_say() {
    let fragments = fragments();
    let bytes = package(&fragments);
    let said = |read: &Read| -> Vec<Item> {
        let is_place = |item: &&Item| matches!(item, Item::Frame { .. } | Item::Index(_));
        read.items.iter().filter(|item| !is_place(item)).cloned().collect()
    };
    let expected: Vec<Item> = fragments.iter().flat_map(|file| said(&read(file))).collect();
    assert_eq!(said(&read(&bytes)), expected);
    let (headers, frames, end) = outline(&bytes);
    assert_eq!((headers.len(), end), (4, bytes.len() as u64));
    assert_eq!(frames, read(&bytes).frames());
    // Each can be read from where it begins.
    for ((at, header), file) in headers.iter().zip(&fragments) {
        let from = &bytes[*at as usize..];
        let first = Reader::from_the_middle(*at);
        let length = without_index(file).len() - MAGIC.len();
        let part = read_with(first, &from[..length], 700);
        assert_eq!((said(&part), part.damages().len()), (said(&read(file)), 0), "{header:?}");
    }
}

#[test]
fn a_package_that_is_cut_says_all_before_the_cut() {
    let bytes = package(&fragments());
    let whole = read(&bytes);
    let (headers, frames, _) = outline(&bytes);
    for length in 0..bytes.len() {
        let cut = read(&bytes[..length]);
        let sound = cut.items.iter().take_while(|item| !matches!(item, Item::Damage(_))).count();
        assert!(cut.items[..sound] == whole.items[..sound] && cut.items.len() - sound <= 1, "{length}");
        let (some_headers, some_frames, end) = outline(&bytes[..length]);
        assert!(headers.starts_with(&some_headers) && frames.starts_with(&some_frames), "{length}");
        assert!(end <= length as u64);
        let damaged: u64 = cut.damages().iter().map(|damage| damage.bytes).sum();
        assert_eq!(end + damaged, length as u64, "what is whole, and what is not");
    }
}

#[test]
fn damage_costs_what_it_hits() {
    let fragments = fragments();
    let bytes = package(&fragments);
    let (headers, _, _) = outline(&bytes);
    let all = read(&bytes).records().len();
    for (hit, (at, _)) in headers.iter().enumerate().skip(1) {
        let mut damaged = bytes.clone();
        damaged[*at as usize + 20] ^= 1;
        // Frames without a header belong to nobody: the fragment is lost, the others are not.
        let found = read(&damaged);
        let of_same_session = hit == 2;
        let lost = if of_same_session { 0 } else { read(&fragments[hit]).records().len() };
        assert_eq!(found.records().len(), all - lost, "{hit}");
        assert!(!found.damages().is_empty());
    }
}

#[test]
fn a_piece_that_begins_later_is_a_file_of_its_own() {
    let file = sample_of(&header(), &mut Random::new(5), 60).bytes;
    let body = without_index(&file);
    let (headers, frames, _) = outline(body);
    assert!(frames.len() > 2 && headers.len() == 1);
    let head = &body[..frames[0].0 as usize];
    let (at, first_sequence) = frames[1];
    let piece = [head, &body[at as usize..]].concat();
    let (whole, found) = (read(&file), read(&piece));
    assert_eq!(found.damages(), []);
    assert_eq!(found.sequences().first(), Some(&first_sequence));
    assert_eq!(found.records(), whole.records()[whole.records().len() - found.records().len()..]);
}
