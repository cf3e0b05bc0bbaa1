//! Input that no agent sends, at the doors that take what strangers send: every request gets the answer
//! that was decided for it, and nothing else suffers. All the while well-behaved agents send, and in the
//! end all of theirs is there once.

mod bytes;
mod exceptionless;
mod heads;
mod large;
mod loupe;
mod witness;
mod words;

use std::collections::BTreeMap;
use std::sync::Mutex;

use kymo_testkit::Kymo;
use kymo_testkit::wire::{self, Body};
use serde_json::Value;

use self::witness::Witness;
use crate::kill::pages;

/// What the server may take at most, whatever it is sent.
const MEMORY_BYTES_MAX: u64 = 200_000_000;
/// Requests at once.
const AT_ONCE: usize = 8;
/// Times that a request is sent again when the server has no room for it, and the pause before.
const TRIES_MAX: usize = 100;
const SEND_AGAIN_AFTER: std::time::Duration = std::time::Duration::from_millis(100);
/// Every text that has to be found again begins like this.
const MARK: &str = "mark-";

/// A request and what has to become of it.
struct Row {
    name: String,
    sent: Sent,
    /// `None`: the connection is closed without an answer.
    status: Option<u16>,
    /// In the request's good parts; nobody else has it.
    mark: String,
    /// Events stored that have the mark in their message.
    keeps: usize,
}

enum Sent {
    Request {
        head: String,
        body: Vec<u8>,
    },
    Bytes(Vec<u8>),
    /// The same and then no more.
    Cut(Vec<u8>),
}

/// The rows of a door.
#[derive(Default)]
struct Rows(Vec<Row>);

impl Rows {
    /// A request; the body is made around the mark.
    fn request(
        &mut self,
        name: impl Into<String>,
        head: &str,
        body: impl FnOnce(&str) -> Vec<u8>,
        (status, keeps): (Option<u16>, usize),
    ) {
        let mark = self.next_mark();
        let body = body(&mark);
        let sent = Sent::Request { head: head.replace(MARK_HERE, &mark), body };
        self.0.push(Row { name: name.into(), sent, status, mark, keeps });
    }

    /// Bytes as they are, made around the mark.
    fn bytes(
        &mut self,
        name: impl Into<String>,
        sent: impl FnOnce(&str) -> Sent,
        (status, keeps): (Option<u16>, usize),
    ) {
        let mark = self.next_mark();
        let sent = sent(&mark);
        self.0.push(Row { name: name.into(), sent, status, mark, keeps });
    }

    fn next_mark(&self) -> String {
        format!("{MARK}{:04}", self.0.len())
    }
}

/// Stands for the mark in a head.
const MARK_HERE: &str = "@mark";

/// Sends the rows, some at once; the differences in the order of the rows.
fn send(kymo: &Kymo, rows: &[Row], at_once: usize) -> Vec<String> {
    let waiting = Mutex::new(rows.iter());
    let work = || {
        let mut wrong = Vec::new();
        loop {
            let next = waiting.lock().expect("nobody panics with it").next();
            let Some(row) = next else { return wrong };
            let ask = || match &row.sent {
                Sent::Request { head, body } => wire::request(kymo.url(), head, &Body::whole(body)),
                Sent::Bytes(bytes) => wire::exchange(kymo.url(), bytes),
                Sent::Cut(bytes) => wire::break_off(kymo.url(), bytes),
            };
            let mut answer = ask();
            // The memory for bodies is shared: when the others have it, an agent sends again.
            for _ in 0..TRIES_MAX {
                let is_later = match row.status {
                    Some(204) => answer.status.is_none(),
                    status => status != Some(503) && answer.status == Some(503),
                };
                if !is_later {
                    break;
                }
                std::thread::sleep(SEND_AGAIN_AFTER);
                answer = ask();
            }
            if answer.status != row.status {
                let text: String = answer.text.chars().take(600).collect();
                wrong.push(format!(
                    "{}: expected {:?}, found {:?}\n{text}",
                    row.name, row.status, answer.status
                ));
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a row panicked")).collect()
    })
}

/// How often each mark is in the message of a stored event.
fn marks(kymo: &Kymo) -> BTreeMap<String, usize> {
    // Some of them are megabytes long.
    let found = format!("text={MARK}&limit=4");
    let mut events = pages(kymo, &format!("/api/v1/events?project=shop&{found}"));
    for session in pages(kymo, "/api/v1/sessions?limit=500") {
        let id = session["id"].as_str().expect("an id");
        events.extend(pages(kymo, &format!("/api/v1/sessions/{id}/events?{found}")));
    }
    let mut marks = BTreeMap::new();
    for event in &events {
        let message = event["message"].as_str().unwrap_or_default();
        if let Some(at) = message.find(MARK)
            && let Some(mark) = message.get(at..at + MARK.len() + 4)
        {
            *marks.entry(mark.to_owned()).or_default() += 1;
        }
    }
    marks
}

/// Where a row's marks are not as expected.
fn differing_marks(rows: &[Row], marks: &BTreeMap<String, usize>) -> Vec<String> {
    let keeps = |row: &&Row| marks.get(&row.mark).copied().unwrap_or_default() != row.keeps;
    let tell =
        |row: &Row| format!("{}: expected {} stored, found {:?}", row.name, row.keeps, marks.get(&row.mark));
    rows.iter().filter(keeps).map(tell).collect()
}

/// Sends the rows while agents do their work, then looks at everything, and again after a restart. The
/// first rows, which take much memory, one by one.
fn check(rows: &[Row], large: usize, kymo: &mut Kymo, at_once: usize) {
    let witness = Witness::start(kymo);
    let mut wrong = send(kymo, &rows[..large], 1);
    wrong.extend(send(kymo, &rows[large..], at_once));
    let told = witness.finish();
    let peak = kymo.peak_memory_bytes();
    wrong.extend(differing_marks(rows, &marks(kymo)));
    assert!(wrong.is_empty(), "{} of {} rows\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    told.check(kymo);
    is_well(kymo);
    println!("{} requests, {told}, peak memory {} MB", rows.len(), peak / 1_000_000);
    assert!(peak <= MEMORY_BYTES_MAX, "{peak} bytes");

    assert!(kymo.stop().success(), "the server stops in peace");
    kymo.start();
    assert_eq!(differing_marks(rows, &marks(kymo)), [""; 0], "after a restart");
    told.check(kymo);
}

/// It answers, and everything it took in is accounted for.
fn is_well(kymo: &Kymo) {
    assert_eq!(wire::request(kymo.url(), "GET /readyz HTTP/1.1", &Body::whole(b"")).status, Some(200));
    let status = kymo.get("/api/v1/status");
    let refused = ["too_large", "overload", "unauthorized", "unsupported"];
    let dropped = status["dropped"].as_object().expect("counters").iter();
    let dropped: u64 = dropped
        .filter(|(reason, _)| !refused.contains(&reason.as_str()))
        .filter_map(|(_, count)| count.as_u64())
        .sum();
    assert_eq!(
        status["accepted"].as_u64(),
        status["stored"].as_u64().map(|stored| stored + dropped),
        "{status}"
    );
}

/// `content` as JSON.
fn quoted(content: &str) -> String {
    Value::from(content).to_string()
}
