//! A server whose port for viewers is played: what a real one says only when somebody is far behind.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use kymo_format::live::{Decoder, Message};
use kymo_model::Timestamp;
use kymo_testkit::LiveAgent;

use super::remote::{ID, Server, header};
use super::{json, sequences};

/// Bytes of one message.
const PIECE_BYTES: usize = 60 << 10;

/// The next connection, welcomed, and the channel that is opened on it.
fn opened(listener: &TcpListener) -> (TcpStream, u64) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut decoder = Decoder::of_client();
    let mut piece = [0; 4096];
    loop {
        match decoder.next().unwrap() {
            Some(Message::Hello(_)) => {
                decoder.greeted();
                let at = Timestamp::from_unix_nanos(0);
                say(&mut stream, &Message::Welcome { version: 1, word_every_s: 30, at });
            }
            Some(Message::Open { channel, .. }) => return (stream, channel),
            Some(_) => {}
            None => {
                let count = stream.read(&mut piece).unwrap();
                assert!(count > 0, "the viewer went away");
                decoder.feed(&piece[..count]);
            }
        }
    }
}

fn say(stream: &mut TcpStream, message: &Message) {
    stream.write_all(&message.bytes()).unwrap();
}

fn send(stream: &mut TcpStream, channel: u64, first_sequence: u64, bytes: &[u8]) {
    say(stream, &Message::Opened { channel, first_sequence });
    for piece in bytes.chunks(PIECE_BYTES) {
        say(stream, &Message::Data { channel, bytes: piece.to_vec() });
    }
}

fn missed(channel: u64, first: u64, last: u64) -> Message {
    Message::Missed { channel, first, last, why: "further behind than is kept".to_owned() }
}

#[test]
fn what_was_missed_is_read_from_the_store_in_its_place() {
    let server = Server::start();
    // It never reaches a server: its file is all that is wanted.
    let agent = LiveAgent::start(&header(ID, "till"), "none", "127.0.0.1:9");
    agent.log(100);
    let first = agent.bytes();
    agent.log(200);
    let folder = tempfile::TempDir::new().unwrap();
    let stored = folder.path().join("till.kymo");
    std::fs::write(&stored, agent.bytes()).unwrap();
    let mut import = std::process::Command::new(crate::KYMO);
    import.args(["import", "--server", server.kymo.url(), "--token", &server.kymo.ingest_token]);
    assert!(import.arg(&stored).output().unwrap().status.success());
    agent.log(200);
    let whole = agent.bytes();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let follow = |filter: &[&str]| {
        server.tail(&[&[ID, "--from-start", "--json", "--live-address", &address], filter].concat())
    };
    let play = |is_whole: bool| {
        let (mut stream, channel) = opened(&listener);
        send(&mut stream, channel, 1, &first);
        say(&mut stream, &Message::Lag { channel, agent_has: 300, server_has: 100 });
        say(&mut stream, &Message::Lag { channel, agent_has: 300, server_has: 100 });
        say(&mut stream, &missed(channel, 101, 200));
        // What was told already comes again at the beginning.
        send(&mut stream, channel, 201, &whole);
        if !is_whole {
            say(&mut stream, &missed(channel, 501, 520));
        }
        let why = "the session has ended".to_owned();
        say(&mut stream, &Message::Closed { channel, why, reason: Some("normal".to_owned()) });
        stream
    };
    let tail = follow(&[]);
    let stream = play(true);
    let (code, lines, said) = tail.ends();
    assert_eq!((code, sequences(&lines)), (0, (1..=500).collect()), "{said}");
    let events = json(&lines);
    let ids: Vec<usize> = (0..500).filter(|at| events[*at]["id"].is_string()).collect();
    assert_eq!(ids, (100..200).collect::<Vec<_>>(), "from the store");
    let from_the_store =
        "events 101 to 200 did not come (further behind than is kept); they are read from the store";
    assert!(said.contains(from_the_store) && said.contains("200 events ahead"), "{said}");
    drop(stream);

    let tail = follow(&["--filter", "level:warn"]);
    let stream = play(false);
    let (code, lines, said) = tail.ends();
    let slow: Vec<u64> = (1..=50).map(|number| number * 10).collect();
    assert_eq!((code, sequences(&lines)), (3, slow), "{said}");
    assert!(said.contains("events 501 to 520 did not come") && said.contains("0 of 20 are stored"), "{said}");
    drop(stream);
}
