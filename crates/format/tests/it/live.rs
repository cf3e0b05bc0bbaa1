//! Messages of the live protocol: every one comes back, in pieces of any size; nothing else is believed.

use kymo_format::live::{
    Command, Counts, Decoder, GREETING_BYTES_MAX, Hello, MAGIC, MESSAGE_BYTES_MAX, Message,
    REGISTER_BYTES_MAX, Refusal, Role, VERSION,
};
use kymo_model::{SessionId, Timestamp};

const SESSION: SessionId = SessionId::from_u128(0x0192_f0c1_2b3c_8d4e_9f50_6172_8394_a5b6);
const AT: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_123_456_789);

fn hello() -> Message {
    Message::Hello(Hello {
        version: VERSION,
        role: Role::Data,
        token: "kymo_x".into(),
        key: Some([7; 16]),
        program: "kymo-rust 0.0.1".into(),
    })
}

/// One of each.
fn all() -> Vec<Message> {
    let counts =
        Counts { last_sequence: 1 << 40, messages: 9, errors: 2, warnings: 3, dropped: 1, first_sequence: 4 };
    let commands = [
        Command::Follow { after: 17, key: [9; 16] },
        Command::Stop,
        Command::SendNow,
        Command::Verbosity { filter: "info,shop=trace".into(), seconds: 600 },
        Command::Roll,
    ];
    let mut all = vec![
        hello(),
        Message::Welcome { version: 1, word_every_s: 30, at: AT },
        Message::Refused { code: Refusal::Other(99), why: "no room".into(), wait_ms: 1500 },
        Message::Refused { code: Refusal::Stopping, why: String::new(), wait_ms: 0 },
        Message::Ping { at: AT },
        Message::Pong { asked_at: AT, at: Timestamp::from_unix_nanos(-1) },
        Message::Register { header: vec![0; REGISTER_BYTES_MAX - 100], counts },
        Message::State(Counts::default()),
        Message::State(counts),
        Message::Done { number: 3, hindered: Some("the disk is full".into()) },
        Message::Done { number: 4, hindered: None },
        Message::Ended { reason: "normal".into(), last_sequence: 12 },
        Message::ComeBack { wait_ms: 20_000 },
        Message::List { filter: "app:shop \"x\"".into() },
        Message::Open { channel: 1, session: SESSION, after: Some(0), from_start: false },
        Message::Open { channel: 2, session: SESSION, after: None, from_start: true },
        Message::Close { channel: 2 },
        Message::Session { session: SESSION, json: "{}".into() },
        Message::Gone { session: SESSION, reason: Some("killed".into()) },
        Message::Opened { channel: 1, first_sequence: 18 },
        Message::Data { channel: 1, bytes: vec![0xd7; 40_000] },
        Message::Missed { channel: 1, first: 19, last: 40, why: "further behind than is kept".into() },
        Message::Closed { channel: 1, why: "the session has ended".into(), reason: Some("normal".into()) },
        Message::Lag { channel: 1, agent_has: 100, server_has: 50 },
    ];
    for (number, command) in (1..).zip(commands) {
        all.push(Message::Command { number, command: command.clone() });
        all.push(Message::Ask { number, session: SESSION, command });
    }
    all
}

fn greeted(mut decoder: Decoder) -> Decoder {
    decoder.greeted();
    decoder
}

fn drained(decoder: &mut Decoder) -> Vec<Message> {
    std::iter::from_fn(|| decoder.next().unwrap()).collect()
}

#[test]
fn every_message_comes_back_whatever_the_pieces() {
    let all = all();
    let mut bytes = MAGIC.to_vec();
    for message in &all {
        message.encode(&mut bytes);
    }
    for piece in [1, 2, 7, 4096, bytes.len()] {
        let mut decoder = greeted(Decoder::of_client());
        let mut found = Vec::new();
        for piece in bytes.chunks(piece) {
            decoder.feed(piece);
            found.extend(drained(&mut decoder));
        }
        assert_eq!(found, all, "in pieces of {piece}");
        assert_eq!(decoder.skipped(), 0);
    }
}

#[test]
fn a_message_that_is_cut_is_waited_for() {
    for message in all() {
        let bytes = message.bytes();
        for length in (0..bytes.len()).step_by(1 + bytes.len() / 50) {
            let mut decoder = greeted(Decoder::of_server());
            decoder.feed(&bytes[..length]);
            assert_eq!(decoder.next(), Ok(None), "{message:?} cut to {length}");
            decoder.feed(&bytes[length..]);
            assert_eq!(decoder.next(), Ok(Some(message.clone())));
        }
    }
}

/// What the page of the protocol says, byte by byte: other programs go by it.
#[test]
fn bytes_are_those_of_the_page() {
    assert_eq!(MAGIC, [0x8a, 0x4b, 0x59, 0x4d, 0x4c, 0x0d, 0x0a, 0x1a]);
    let ping = Message::Ping { at: Timestamp::from_unix_nanos(0x0102) };
    assert_eq!(ping.bytes(), [4, 9, 1 << 2 | 1, 2, 1, 0, 0, 0, 0, 0, 0]);
    let closed = Message::Close { channel: 300 };
    assert_eq!(closed.bytes(), [0x32, 3, 1 << 2, 0xac, 2]);
    let follow = Message::Command { number: 1, command: Command::Follow { after: 5, key: [0xee; 16] } };
    let mut expected = vec![0x20, 22, 4, 1, 8, 5, 14, 16];
    expected.extend([0xee; 16]);
    assert_eq!(follow.bytes(), expected);
    for length in [0, 5, 300, 60_000] {
        let bytes = vec![0xd7; length];
        let mut by_parts = Message::data_head(77, length);
        by_parts.extend_from_slice(&bytes);
        assert_eq!(by_parts, Message::Data { channel: 77, bytes }.bytes());
    }
}

#[test]
fn other_protocols_are_known_by_their_first_bytes() {
    for other in
        [&b"GET / HT"[..], &[0, 0, 0, 7, 0], &[0x16, 3, 1], &[0x80, 0x95], &[0x8a, 0x4b, 0x59, 0x4d, 0x4f]]
    {
        let mut decoder = Decoder::of_client();
        decoder.feed(other);
        let broken = decoder.next().unwrap_err();
        assert_eq!((broken.offset, broken.expected.as_str()), (0, "the protocol's first eight bytes"));
    }
    let mut decoder = Decoder::of_client();
    decoder.feed(&MAGIC[..7]);
    assert_eq!(decoder.next(), Ok(None));
}

#[test]
fn nothing_longer_than_it_may_be_is_waited_for() {
    let length = |kind: u8, length: usize| {
        let mut bytes = vec![kind];
        let mut rest = length;
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes
    };
    let broken = |mut decoder: Decoder, bytes: &[u8]| {
        decoder.feed(bytes);
        decoder.next().unwrap_err().to_string()
    };
    assert_eq!(
        broken(Decoder::of_server(), &length(1, GREETING_BYTES_MAX + 1)),
        "byte 0 of the connection: expected a message 0x01 of at most 4096 bytes, not of 4097"
    );
    broken(greeted(Decoder::of_server()), &length(0x10, REGISTER_BYTES_MAX + 1));
    broken(greeted(Decoder::of_server()), &length(0x43, MESSAGE_BYTES_MAX + 1));
    broken(greeted(Decoder::of_server()), &[0x43, 0xff, 0xff, 0xff, 0xff, 0xff]);
    let mut decoder = greeted(Decoder::of_server());
    decoder.feed(&length(0x43, MESSAGE_BYTES_MAX));
    assert_eq!(decoder.next(), Ok(None));
}

#[test]
fn what_a_newer_side_says_is_stepped_over() {
    let mut bytes = vec![0x7e, 3, 1, 2, 3];
    // A field 9 behind the ones that a close has.
    bytes.extend([0x32, 5, 4, 7, 9 << 2 | 2, 1, 0xff]);
    let mut decoder = greeted(Decoder::of_server());
    decoder.feed(&bytes);
    assert_eq!(decoder.next(), Ok(Some(Message::Close { channel: 7 })));
    assert_eq!((decoder.next(), decoder.skipped()), (Ok(None), 1));
}

#[test]
fn what_makes_no_sense_is_told_with_its_place() {
    let mut decoder = Decoder::of_server();
    // A hello of role 9, behind a ping.
    decoder.feed(&Message::Ping { at: AT }.bytes());
    decoder.feed(&[1, 4, 4, 1, 8, 9]);
    assert!(decoder.next().unwrap().is_some());
    let broken = decoder.next().unwrap_err();
    assert_eq!((broken.offset, broken.expected.as_str()), (11, "a message 0x01: role 1, 2 or 3"));
}

#[test]
fn behind_the_welcome_of_a_data_connection_lies_the_file() {
    let mut bytes = Message::Welcome { version: 1, word_every_s: 30, at: AT }.bytes();
    bytes.extend_from_slice(&kymo_format::MAGIC);
    let mut decoder = Decoder::of_server();
    decoder.feed(&bytes);
    assert!(matches!(decoder.next(), Ok(Some(Message::Welcome { .. }))));
    assert_eq!(decoder.rest(), kymo_format::MAGIC);
}
