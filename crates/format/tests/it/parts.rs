//! Files of one or many sessions, taken apart into their fragments.

use kymo_format::{MAGIC, Part, Plan, Splitter, Standing};
use kymo_model::SessionId;
use kymo_testkit::record_requests::{header, record_fragments_as};
use kymo_testkit::requests::requests;

const SESSION: u128 = 0x0192_f0c1_0000_7000_8000_0000_0000_0000;

fn session(number: u128, fragments: usize) -> Vec<Vec<u8>> {
    let header = kymo_format::Header { session: SessionId::from_u128(SESSION + number), ..header() };
    record_fragments_as(&header, &requests()[..2000], fragments).unwrap()
}

fn split(file: &[u8], piece: usize) -> Vec<Part> {
    let mut splitter = Splitter::new();
    file.chunks(piece).for_each(|piece| splitter.feed(piece));
    splitter.finish()
}

/// The fragment as it is on its own.
fn bytes_of(file: &[u8], part: &Part) -> Vec<u8> {
    let (magic, place) = part.place(0..part.bytes);
    [magic, &file[place.start as usize..place.end as usize]].concat()
}

#[test]
fn a_package_is_the_fragments_that_were_put_into_it() {
    let fragments: Vec<Vec<u8>> = (0..3).flat_map(|number| session(number, 1 + number as usize)).collect();
    let mut package = MAGIC.to_vec();
    for fragment in &fragments {
        package.extend_from_slice(&fragment[MAGIC.len()..]);
    }
    for piece in [61, 4096, package.len()] {
        let parts = split(&package, piece);
        assert_eq!(parts.len(), fragments.len());
        for (part, fragment) in parts.iter().zip(&fragments) {
            assert_eq!(&bytes_of(&package, part), fragment);
            assert!(part.is_closed && part.whole_bytes == part.bytes && part.content_bytes < part.bytes);
            assert_eq!(split(&fragment[..part.head_bytes as usize], piece).len(), 1, "the header is in it");
            // In any stretches.
            let cut = part.bytes / 3;
            let (magic, first) = part.place(0..cut);
            let (none, rest) = part.place(cut..part.bytes);
            assert!(
                none.is_empty()
                    && first.end == rest.start
                    && magic.len() == if part.start == 0 { 0 } else { 8 }
            );
        }
        let ids: Vec<u128> = parts.iter().map(|part| part.session.as_u128() - SESSION).collect();
        assert_eq!(ids, [0, 1, 1, 2, 2, 2]);
    }
    assert_eq!(split(b"no session file", 4), []);
}

#[test]
fn what_is_not_whole_is_not_complete() {
    let file = &session(0, 2)[0];
    let whole = split(file, 4096)[0];
    let cut = split(&file[..file.len() / 2], 4096)[0];
    assert!(!cut.is_closed && cut.whole_bytes < cut.bytes && cut.bytes == file.len() as u64 / 2);
    let there = |offset: u64, is_complete: bool| Standing { offset, is_complete };
    let none = Standing::default();
    let add = |to: u64, is_complete: bool| Plan::Add { from: 0, to, is_complete };
    for is_followed in [false, true] {
        assert_eq!(whole.plan(none, is_followed), add(whole.bytes, true));
        assert_eq!(cut.plan(none, is_followed), add(cut.whole_bytes, false), "a copy that broke off");
    }
    // Whole as far as it goes: all of it only where another follows.
    let open = split(&file[..cut.whole_bytes as usize], 4096)[0];
    assert_eq!(
        (open.plan(none, false), open.plan(none, true)),
        (add(open.bytes, false), add(open.bytes, true))
    );
    let rows = [
        (whole.plan(there(whole.bytes, true), false), Plan::There(whole.bytes)),
        // A server gives it out without its index.
        (whole.plan(there(whole.content_bytes, true), false), Plan::There(whole.content_bytes)),
        (whole.plan(there(whole.content_bytes - 1, true), false), Plan::Shorter(whole.content_bytes - 1)),
        (cut.plan(there(whole.bytes, true), false), Plan::There(cut.whole_bytes)),
        (cut.plan(there(cut.whole_bytes, false), true), Plan::There(cut.whole_bytes)),
        (cut.plan(there(whole.bytes, false), false), Plan::Longer(whole.bytes)),
        (
            whole.plan(there(whole.bytes, false), false),
            Plan::Add { from: whole.bytes, to: whole.bytes, is_complete: true },
        ),
    ];
    for (number, (found, expected)) in rows.into_iter().enumerate() {
        assert_eq!(found, expected, "row {number}");
    }
}

#[test]
fn damage_takes_no_other_session_with_it() {
    let fragments: Vec<Vec<u8>> = (0..2).flat_map(|number| session(number, 1)).collect();
    let mut package = fragments[0].clone();
    package.extend_from_slice(&fragments[1][MAGIC.len()..]);
    let end = fragments[0].len();
    package[end - 3000..end].fill(0x55);
    let parts = split(&package, 4096);
    assert_eq!(parts.len(), 2);
    assert!(!parts[0].is_closed && parts[0].whole_bytes < parts[0].bytes, "{:?}", parts[0]);
    assert_eq!(bytes_of(&package, &parts[1]), fragments[1]);
    // Nothing of any bytes makes it panic.
    for at in 0..200 {
        let mut odd = package.clone();
        odd[at * 37] ^= 0x81;
        odd.truncate(package.len() - at * 11);
        for part in split(&odd, 997) {
            assert!(part.whole_bytes <= part.bytes && part.head_bytes <= part.bytes);
            bytes_of(&odd, &part);
        }
    }
}
