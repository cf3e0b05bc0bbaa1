//! Who gets in at the two ports, and what becomes of what is not the protocol.

use std::io::{Read, Write};
use std::net::TcpStream;

use kymo_format::live::{Counts, Decoder, Hello, MAGIC, Message, Refusal, Role, VERSION, header_payload};
use kymo_testkit::Kymo;
use kymo_testkit::kymo::wait_for;
use serde_json::json;

use super::{SESSION, agent, listed, port_of, server};

fn hello(role: Role, token: &str) -> Vec<u8> {
    let program = "test 1".to_owned();
    let mut bytes = MAGIC.to_vec();
    let hello = Hello { version: VERSION, role, token: token.to_owned(), key: None, program };
    Message::Hello(hello).encode(&mut bytes);
    bytes
}

/// What comes until the line is closed.
fn answers(mut line: TcpStream) -> Vec<Message> {
    let mut bytes = Vec::new();
    // A line that is reset is closed as well.
    let _ = line.read_to_end(&mut bytes);
    let mut decoder = Decoder::of_server();
    decoder.greeted();
    decoder.feed(&bytes);
    std::iter::from_fn(|| decoder.next().expect("the protocol")).collect()
}

fn refusal(address: &str, bytes: &[u8]) -> Option<Refusal> {
    let mut line = TcpStream::connect(address).unwrap();
    line.write_all(bytes).unwrap();
    answers(line).into_iter().find_map(|message| match message {
        Message::Refused { code, .. } => Some(code),
        _ => None,
    })
}

/// A series of `/metrics`.
fn counted(kymo: &Kymo, series: &str) -> u64 {
    let mut answer = ureq::get(format!("{}/metrics", kymo.url()))
        .header("authorization", format!("Bearer {}", kymo.read_token))
        .call()
        .unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    line.unwrap_or_else(|| panic!("no {series}")).trim().parse().unwrap()
}

#[test]
fn wrong_tokens_and_foreign_projects_are_refused_with_a_reason() {
    let kymo = server();
    let (agents, viewers) = (port_of(&kymo, "agents"), port_of(&kymo, "viewers"));
    kymo.command(&["project", "add", "Farm"]);
    let foreign = kymo.command(&["token", "add", "--project", "Farm", "--scope", "ingest"]);
    assert_eq!(refusal(&agents, &hello(Role::Agent, "nobody")), Some(Refusal::Unauthorized));
    assert_eq!(refusal(&agents, &hello(Role::Agent, &kymo.read_token)), Some(Refusal::Unauthorized));
    assert_eq!(refusal(&agents, &hello(Role::Agent, &foreign)), Some(Refusal::Off), "off in that project");
    assert_eq!(refusal(&agents, &hello(Role::Viewer, &kymo.read_token)), Some(Refusal::Unauthorized));
    assert_eq!(refusal(&viewers, &hello(Role::Viewer, &kymo.ingest_token)), Some(Refusal::Unauthorized));
    assert_eq!(refusal(&viewers, &hello(Role::Agent, &kymo.ingest_token)), Some(Refusal::Unauthorized));
    assert_eq!(refusal(&agents, &hello(Role::Data, "")), Some(Refusal::Key));
    assert_eq!(counted(&kymo, "kymo_live_connections_ended_total{reason=\"refused\"}"), 7);
    // What is asked of the HTTP port says the same.
    let asked = |token: &str| {
        let url = format!("{}/api/v1/live", kymo.url());
        let answer = ureq::get(url).header("authorization", format!("Bearer {token}")).call();
        let text = answer.unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    assert_eq!(asked(&foreign), json!({"enabled": false, "agents": null, "viewers": null}));
    assert_eq!(asked(&kymo.ingest_token)["enabled"], true);
}

#[test]
fn what_is_not_the_protocol_is_dropped_and_the_others_go_on() {
    let kymo = server();
    let agent = agent(&kymo);
    listed(&kymo, "", |item| item["id"] == SESSION.to_string());
    let (agents, viewers) = (port_of(&kymo, "agents"), port_of(&kymo, "viewers"));
    let mut oversize = MAGIC.to_vec();
    oversize.extend_from_slice(&[0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]);
    let garbage = vec![0xA5; 100_000];
    let http = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
    let mut sent = 0;
    for address in [&agents, &viewers] {
        for bytes in [&oversize, &garbage, &http] {
            let mut line = TcpStream::connect(address.as_str()).unwrap();
            // It may be closed before all of it was taken.
            let _ = line.write_all(bytes);
            assert_eq!(answers(line), []);
            sent += 1;
        }
    }
    wait_for("all of them counted", || {
        let count = counted(&kymo, "kymo_live_connections_ended_total{reason=\"not_the_protocol\"}");
        (count == sent).then_some(())
    });
    // Lines on which nothing, or a byte at a time, is said, are held while others come and go.
    let held: Vec<TcpStream> = (0..200)
        .map(|at| {
            let mut line = TcpStream::connect(&agents).unwrap();
            line.write_all(&MAGIC[..at % 8]).unwrap();
            line
        })
        .collect();
    agent.log(100);
    listed(&kymo, "", |item| item["event_count"] == 100);
    assert_eq!(counted(&kymo, "kymo_live_agents"), 1);
    drop(held);
}

#[test]
fn a_server_that_stops_says_when_to_come_back() {
    let mut kymo = server();
    let mut line = TcpStream::connect(port_of(&kymo, "agents")).unwrap();
    line.write_all(&hello(Role::Agent, &kymo.ingest_token)).unwrap();
    let header = header_payload(&super::header()).unwrap();
    line.write_all(&Message::Register { header, counts: Counts::default() }.bytes()).unwrap();
    listed(&kymo, "", |item| item["id"] == SESSION.to_string());
    assert!(kymo.stop().success());
    let said = answers(line);
    assert!(said.iter().any(|message| matches!(message, Message::ComeBack { .. })), "{said:?}");
}
