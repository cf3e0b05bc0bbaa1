//! Runs the example, asks it, and reads what it recorded.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use kymo_format::{ArgValue, ReadRecord};

use crate::recorded;

/// The status of an answer.
fn ask(address: &str, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().to_owned()
}

fn spans(record: &ReadRecord) -> Vec<ArgValue> {
    record.span.as_ref().map(|span| span.args.clone()).unwrap_or_default()
}

#[test]
fn requests_visitors_and_counters_are_in_its_session() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Command::new(env!("CARGO_BIN_EXE_kymo-example-axum-service"))
        .env("KYMO_REPOSITORY", folder.path().join("sessions"))
        .env("KYMO__AGENT__FREE_MIB", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let address = address.trim();
    assert_eq!(ask(address, "GET", "/cart/ann"), "200");
    assert_eq!(ask(address, "GET", "/cart/nobody"), "404");
    assert_eq!(ask(address, "POST", "/leave/ann"), "204");
    assert_eq!(ask(address, "GET", "/cart/bob"), "200");
    drop(service.stdin.take());
    assert!(service.wait().unwrap().success());

    let (records, reason) = recorded::read(&folder.path().join("sessions"));
    let text = |text: &str| ArgValue::Text(text.to_owned());
    let answered: Vec<Vec<ArgValue>> =
        records.iter().filter(|record| record.message() == "answered").map(spans).collect();
    let request = |path: &str, status| vec![text(path), ArgValue::U64(status)];
    assert_eq!(
        answered,
        [
            request("/cart/ann", 200),
            request("/cart/nobody", 404),
            request("/leave/ann", 204),
            request("/cart/bob", 200)
        ]
    );
    let error = records.iter().find(|record| record.exception.is_some()).unwrap();
    assert_eq!((error.message().as_str(), spans(error)), ("no cart", vec![text("/cart/nobody")]));
    let visits: Vec<(String, String)> = records
        .iter()
        .filter(|record| record.category() == Some("session"))
        .map(|record| (record.callsite.kind.to_string(), record.message()))
        .collect();
    let visits: Vec<(&str, &str)> =
        visits.iter().map(|(kind, text)| (kind.as_str(), text.as_str())).collect();
    assert_eq!(
        visits,
        [
            ("session.start", "ann begins"),
            ("session.end", "ann ends: signed out"),
            ("session.start", "bob begins"),
            ("session.end", "bob ends")
        ]
    );
    let mut counted: Vec<String> = records
        .iter()
        .filter(|record| record.callsite.metric.is_some())
        .map(|record| format!("{} {:?}", record.message(), record.args[1]))
        .collect();
    counted.sort_unstable();
    let counter = |many, status| format!("http.server.requests {many} Text({status:?})");
    assert_eq!(counted, [counter(1, "204"), counter(1, "404"), counter(2, "200")]);
    assert_eq!(reason, "normal");
}
