//! The live protocol's decoder on bytes that were damaged or made up: it never panics, keeps no more than it may, and
//! what it gives comes back the same.

use std::time::Instant;

use kymo_format::live::{Command, Decoder, Hello, MAGIC, Message, REGISTER_BYTES_MAX, Role, VERSION};
use kymo_model::{SessionId, Timestamp};
use kymo_testkit::Random;

/// Connections of a run without a given time.
const CONNECTIONS: usize = 20_000;
/// Fed at a time.
const PIECE_BYTES: usize = 512;

#[test]
fn live() {
    let until = super::until();
    let mut random = Random::seeded(20_261_122);
    let mut count = 0;
    while until.map_or(count < CONNECTIONS, |until| Instant::now() < until) {
        let input = damaged(&mut random);
        let mut decoder = if random.below(2) == 0 { Decoder::of_client() } else { Decoder::of_server() };
        if random.below(4) > 0 {
            decoder.greeted();
        }
        'connection: for piece in input.chunks(PIECE_BYTES) {
            decoder.feed(piece);
            loop {
                match decoder.next() {
                    Ok(Some(message)) => assert_eq!(again(&message), message),
                    Ok(None) => break,
                    Err(broken) => {
                        assert!(broken.offset <= input.len() as u64);
                        break 'connection;
                    }
                }
            }
        }
        assert!(decoder.rest().len() <= REGISTER_BYTES_MAX + PIECE_BYTES);
        count += 1;
    }
    println!("live: {count} connections");
}

fn again(message: &Message) -> Message {
    let mut decoder = Decoder::of_server();
    decoder.greeted();
    decoder.feed(&message.bytes());
    decoder.next().expect("what was written").expect("a whole message")
}

fn damaged(random: &mut Random) -> Vec<u8> {
    let session = SessionId::from_u128(u128::from(random.number()));
    let messages = [
        Message::Hello(Hello {
            version: VERSION,
            role: Role::Viewer,
            token: "kymo_abcdef".into(),
            key: None,
            program: "kymo 1".into(),
        }),
        Message::Ping { at: Timestamp::from_unix_nanos(random.number() as i64) },
        Message::Open { channel: random.below(300), session, after: Some(random.number()), from_start: true },
        Message::Data { channel: 1, bytes: vec![random.number() as u8; random.below(700) as usize] },
        Message::Command { number: 7, command: Command::Verbosity { filter: "debug".into(), seconds: 60 } },
        Message::Ask { number: 8, session, command: Command::Follow { after: 1, key: [3; 16] } },
        Message::Refused { code: kymo_format::live::Refusal::Off, why: "it is off".into(), wait_ms: 9 },
    ];
    let mut input = if random.below(2) == 0 { MAGIC.to_vec() } else { Vec::new() };
    for _ in 0..=random.below(6) {
        messages[random.below(messages.len() as u64) as usize].encode(&mut input);
    }
    for _ in 0..random.below(4) {
        let at = random.below(input.len() as u64) as usize;
        match random.below(3) {
            0 => input[at] ^= 1 << random.below(8),
            1 => input.truncate(at.max(1)),
            _ => input.insert(at, random.number() as u8),
        }
    }
    input
}
