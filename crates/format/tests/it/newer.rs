//! Files of later versions 1.x: what this reader does not know is stepped over and counted.
//!
//! The chunks are made by hand, so that these are also a second writer of the specification.

use kymo_format::{ArgValue, Item};

use crate::reading::{Read, read};

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn message(fields: &[(u64, Field<'_>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, field) in fields {
        match field {
            Field::Number(value) => {
                varint(&mut out, number << 2);
                varint(&mut out, *value);
            }
            Field::Bytes(value) => {
                varint(&mut out, number << 2 | 2);
                bytes(&mut out, value);
            }
        }
    }
    out
}

/// Numbers and bytes, as sections and as definitions have them.
fn parts(parts: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, part) in parts {
        varint(&mut out, *number);
        bytes(&mut out, part);
    }
    out
}

fn chunk(out: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    let mut chunk = vec![kind];
    if kind >= 0x80 {
        chunk.extend([0xd7, 0x4b, 0x59]);
    }
    bytes(&mut chunk, payload);
    let before = if kind < 0x80 { u32::from_le_bytes(out.last_chunk().copied().unwrap()) } else { 0 };
    let crc = crc32c::crc32c_append(before, &chunk);
    out.extend(chunk);
    out.extend(crc.to_le_bytes());
}

fn file(version: u64, block: &[u8]) -> Vec<u8> {
    use Field::{Bytes, Number};
    let session = [7; 16];
    let mut out = b"\x89KYMO\r\n\x1a".to_vec();
    let header = message(&[(1, Number(version)), (2, Bytes(&session)), (99, Bytes(b"new"))]);
    chunk(&mut out, 0x81, &header);
    let head =
        message(&[(1, Bytes(&session)), (3, Number(1)), (5, Number(1)), (6, Number(1)), (77, Number(1))]);
    let mut frame = Vec::new();
    bytes(&mut frame, &head);
    frame.extend(zstd::bulk::compress(block, 3).unwrap());
    chunk(&mut out, 0x82, &frame);
    chunk(&mut out, 0x05, b"a kind of chunk that goes on");
    chunk(&mut out, 0x90, b"a kind of chunk that stands for itself");
    out
}

fn newer_block() -> Vec<u8> {
    use Field::{Bytes, Number};
    let callsite = message(&[
        (2, Number(9)),
        (4, Bytes(b"{} and {b}")),
        (5, Bytes(b"")),
        (5, Bytes(b"b")),
        (40, Number(5)),
    ]);
    let thread = message(&[(1, Number(4711))]);
    // Part 20 and type 7 do not exist in version 1.0.
    let shape = message(&[(1, Number(0)), (2, Number(1 << 20)), (3, Bytes(&[3, 7]))]);
    let definitions = parts(&[(1, callsite), (9, b"a new kind".to_vec()), (2, thread), (4, shape)]);
    parts(&[
        (1, vec![2]),
        (2, definitions),
        (3, vec![0, 0]),
        (4, vec![0, 0]),
        (5, vec![0, 2]),
        (12, b"a new section".to_vec()),
        (16, b"column of the part".to_vec()),
        (17, vec![10, 2]),
        (18, b"column of the type".to_vec()),
    ])
}

fn messages(read: &Read) -> Vec<String> {
    read.records().iter().map(|record| record.message()).collect()
}

#[test]
fn what_is_newer_is_stepped_over_and_counted() {
    let read = read(&file(1, &newer_block()));
    assert_eq!(messages(&read), ["5 and null", "6 and null"]);
    assert_eq!(read.records()[1].args, [ArgValue::U64(6), ArgValue::Null]);
    assert_eq!(read.damages(), []);
    let counts = read.counts;
    assert_eq!(
        (counts.unknown_fields, counts.unknown_definitions, counts.unknown_sections, counts.unknown_chunks),
        (3, 1, 1, 2)
    );
    assert_eq!(counts.unknown_parts, 4, "a part and an argument of two records");
    assert_eq!(counts.unknown(), 11);
}

#[test]
fn another_version_is_refused() {
    let read = read(&file(2, &newer_block()));
    let Some(Item::Damage(damage)) = read.items.first() else { panic!("{:?}", read.items) };
    assert_eq!((damage.offset, damage.expected), (8, "a session file of version 1"));
}
