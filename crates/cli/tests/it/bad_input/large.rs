//! Large bodies, sixteen at once: the memory of the server stays below its limit, and nobody else notices.

use std::sync::Mutex;

use kymo_testkit::wire::{self, Body};
use kymo_testkit::{Kymo, Random};

use super::bytes::{MIB, deep, gzip, gzip_of_list, gzip_of_zeros};
use super::witness::Witness;
use super::{MEMORY_BYTES_MAX, is_well};
use crate::KYMO;

const AT_ONCE: usize = 16;
/// How often each is sent: so often that it meets all the others.
const TIMES: usize = 6;
/// Of a body that nobody takes.
const HUGE_MIB: usize = 50;
/// As large as a post of a page may be.
const POST_BYTES: usize = 8 * MIB - 1000;
/// As large as events may be when they are inflated.
const EVENTS_BYTES: usize = 1_950_000;

/// A body and what may become of it.
struct Large {
    name: &'static str,
    head: String,
    piece: Vec<u8>,
    times: usize,
    is_chunked: bool,
    /// `None`: the connection is closed without an answer.
    statuses: &'static [Option<u16>],
}

/// Whatever has not fitted in is refused in a way that the agent survives.
const EVENTS_TAKEN: &[Option<u16>] = &[Some(202), Some(503)];
const POST_TAKEN: &[Option<u16>] = &[Some(204), None];
/// A client that is busy sending may find the connection closed before it has seen the answer.
const EVENTS_TOO_LARGE: &[Option<u16>] = &[Some(413), Some(503), None];
const EVENTS_INFLATE_TOO_LARGE: &[Option<u16>] = &[Some(413), Some(503)];
const POST_TOO_LARGE: &[Option<u16>] = &[None];

#[test]
fn sixteen_large_bodies_at_once() {
    let mut kymo = Kymo::with_project(KYMO);
    let all: Vec<Large> = events(&kymo.ingest_token).into_iter().chain(posts(&kymo.ingest_token)).collect();
    let mut order: Vec<&Large> = all.iter().flat_map(|large| vec![large; TIMES]).collect();
    Random::seeded(20_261_120).shuffle(&mut order);
    let sent = order.len();

    let witness = Witness::start(&kymo);
    let waiting = Mutex::new(order);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().expect("nobody panics with it").pop();
                    let Some(large) = next else { break };
                    send(kymo.url(), large);
                }
            });
        }
    });
    let told = witness.finish();
    let peak = kymo.peak_memory_bytes();
    println!("{sent} large bodies, {AT_ONCE} at once, {told}, peak memory {} MB", peak / 1_000_000);
    told.check(&kymo);
    is_well(&kymo);
    assert!(peak <= MEMORY_BYTES_MAX, "{peak} bytes");

    assert!(kymo.stop().success(), "the server stops in peace");
    kymo.start();
    told.check(&kymo);
    is_well(&kymo);
}

fn send(url: &str, large: &Large) {
    let body = Body::repeated(&large.piece, large.times);
    let body = if large.is_chunked { body.chunked() } else { body };
    let answer = wire::request(url, &large.head, &body);
    assert!(large.statuses.contains(&answer.status), "{}: {:?}", large.name, answer.status);
}

fn events(token: &str) -> Vec<Large> {
    let head = format!("POST /api/v2/events HTTP/1.1\nauthorization: Bearer {token}");
    let zipped = format!("{head}\ncontent-encoding: gzip");
    let huge = |name, is_chunked| Large {
        name,
        head: head.clone(),
        piece: vec![b' '; MIB],
        times: HUGE_MIB,
        is_chunked,
        statuses: EVENTS_TOO_LARGE,
    };
    let packed = |name, piece, statuses| Large {
        name,
        head: zipped.clone(),
        piece,
        times: 1,
        is_chunked: false,
        statuses,
    };
    let list = |element: &str| gzip_of_list(&dense(element, EVENTS_BYTES));
    let attribute =
        |element: &str| gzip_of_list(&format!("{{\"data\":{{\"a\":[{}]}}}}", dense(element, EVENTS_BYTES)));
    vec![
        huge("50 MB of blanks", false),
        huge("50 MB of blanks in chunks", true),
        packed("190 MB of zeros", gzip_of_zeros(190), EVENTS_INFLATE_TOO_LARGE),
        packed("1 GB of zeros", gzip_of_zeros(1024), EVENTS_TOO_LARGE),
        packed("1 GB of zeros in gzip in gzip", gzip(&gzip_of_zeros(1024)), EVENTS_INFLATE_TOO_LARGE),
        packed("a million deep", gzip_of_list(&deep(970_000, "[")), EVENTS_TAKEN),
        packed("numbers as events", list("0"), EVENTS_TAKEN),
        packed("a list of numbers", attribute("0"), EVENTS_TAKEN),
        packed("a list of maps", attribute("{\"a\":0}"), EVENTS_TAKEN),
        packed("49,000 events", gzip_of_list(&["{\"a\":0}"; 49_000].join(",")), EVENTS_TAKEN),
    ]
}

fn posts(token: &str) -> Vec<Large> {
    let head = format!("POST /in/{token}/loupe/log HTTP/1.1");
    let zipped = format!("{head}\ncontent-encoding: gzip");
    let plain = |name, piece: Vec<u8>, times, is_chunked, statuses| Large {
        name,
        head: head.clone(),
        piece,
        times,
        is_chunked,
        statuses,
    };
    let details = |element: &str| {
        format!(r#"[{{"caption":"large","details":[{}]}}]"#, dense(element, POST_BYTES)).into_bytes()
    };
    vec![
        plain("50 MB of blanks", vec![b' '; MIB], HUGE_MIB, false, POST_TOO_LARGE),
        plain("50 MB of blanks in chunks", vec![b' '; MIB], HUGE_MIB, true, POST_TOO_LARGE),
        plain("a million deep", deep(1_000_000, "{\"a\":").into_bytes(), 1, false, POST_TAKEN),
        plain("8 MB of empty maps", details("{}"), 1, false, POST_TAKEN),
        plain("8 MB of texts, in chunks", details("\"text\""), 1, true, POST_TAKEN),
        plain(
            "8 MB of messages",
            format!("[{}]", dense("{\"a\":0}", POST_BYTES)).into_bytes(),
            1,
            false,
            POST_TAKEN,
        ),
        Large {
            name: "1 GB of zeros",
            head: zipped,
            piece: gzip_of_zeros(1024),
            times: 1,
            is_chunked: false,
            statuses: POST_TOO_LARGE,
        },
    ]
}

/// The element again and again, up to so many bytes.
fn dense(element: &str, bytes: usize) -> String {
    vec![element; bytes / (element.len() + 1)].join(",")
}
