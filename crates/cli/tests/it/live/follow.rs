//! Followed by scripts and pages: everything once and in order, whatever breaks in between.

use std::io::{BufRead, BufReader, Lines};
use std::net::TcpStream;

use kymo_testkit::Kymo;
use kymo_testkit::kymo::wait_for;
use serde_json::{Value as Json, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

use super::{SESSION, agent, listed, server};

/// Server-sent events of a session: names and data.
pub(super) struct Stream {
    lines: Lines<BufReader<Box<dyn std::io::Read>>>,
    pub(super) last_id: Option<String>,
}

impl Stream {
    fn open(kymo: &Kymo, id: &str, query: &str, last_id: Option<&str>) -> Self {
        let path = format!("{id}/events{query}");
        Self::try_open(kymo.url(), &kymo.read_token, &path, last_id).expect("a stream")
    }

    /// `None`: nobody answers, or the session is not there.
    pub(super) fn try_open(url: &str, token: &str, path: &str, last_id: Option<&str>) -> Option<Self> {
        let mut request = ureq::get(format!("{url}/api/v1/live/sessions/{path}"))
            .header("authorization", format!("Bearer {token}"));
        if let Some(last_id) = last_id {
            request = request.header("last-event-id", last_id);
        }
        let body: Box<dyn std::io::Read> = Box::new(request.call().ok()?.into_body().into_reader());
        Some(Self { lines: BufReader::new(body).lines(), last_id: None })
    }

    pub(super) fn next(&mut self) -> Option<(String, Json)> {
        let (mut name, mut data) = (String::new(), Json::Null);
        for line in self.lines.by_ref() {
            let line = line.ok()?;
            if line.is_empty() && !name.is_empty() {
                return Some((name, data));
            }
            if let Some(text) = line.strip_prefix("event: ") {
                text.clone_into(&mut name);
            } else if let Some(text) = line.strip_prefix("data: ") {
                data = serde_json::from_str(text).expect("JSON");
            } else if let Some(text) = line.strip_prefix("id: ") {
                self.last_id = Some(text.to_owned());
            }
        }
        None
    }

    /// Sequences of the events that come until there are so many.
    fn sequences(&mut self, count: usize) -> Vec<u64> {
        let mut found = Vec::new();
        while found.len() < count {
            let (name, data) = self.next().expect("more comes");
            if name == "events" {
                found.extend(sequences_of(&data));
            }
        }
        found
    }
}

pub(super) fn sequences_of(data: &Json) -> Vec<u64> {
    data["items"].as_array().expect("events").iter().map(|item| item["sequence"].as_u64().unwrap()).collect()
}

fn run_of(first: u64, last: u64) -> Vec<u64> {
    (first..=last).collect()
}

#[test]
fn a_script_follows_from_the_first_line_and_comes_back_where_it_was() {
    let kymo = server();
    let agent = agent(&kymo);
    agent.log(2000);
    let session = listed(&kymo, "", |item| item["event_count"] == 2000);
    let id = session["id"].as_str().unwrap();
    assert_eq!(id, SESSION.to_string());
    assert_eq!((&session["source"], &session["is_stored"]), (&json!("agent"), &json!(false)));
    assert_eq!((&session["application"], &session["host"]), (&json!("Till"), &json!("till-7")));
    let mut stream = Stream::open(&kymo, id, "", None);
    assert_eq!(stream.next().unwrap(), ("opened".to_owned(), json!({"type": "opened", "first_sequence": 1})));
    assert_eq!(stream.sequences(2000), run_of(1, 2000));
    agent.log(10);
    assert_eq!(stream.sequences(10), run_of(2001, 2010));
    // The line to the program breaks, and breaks again.
    for round in 0..5 {
        agent.cut();
        agent.log(100);
        let first = 2011 + round * 100;
        assert_eq!(stream.sequences(100), run_of(first, first + 99));
    }
    let last_id = stream.last_id.clone().unwrap();
    drop(stream);
    assert_eq!(last_id, "2510");
    agent.log(50);
    let mut stream = Stream::open(&kymo, id, "", Some(&last_id));
    assert_eq!(stream.sequences(50), run_of(2511, 2560));
    agent.end();
    let closed = std::iter::from_fn(|| stream.next()).find(|(name, _)| name == "closed").expect("its end");
    assert_eq!(closed.1["reason"], "normal");
    assert!(stream.next().is_none(), "it is over");
    // Who missed that is told when they come back.
    drop(agent);
    wait_for("its program to be gone", || {
        (kymo.get("/api/v1/live")["enabled"] == true && kymo.get("/api/v1/live/sessions")["connected"] == 0)
            .then_some(())
    });
    let mut stream = Stream::open(&kymo, id, "", Some("2560"));
    let (name, data) = stream.next().expect("a word");
    assert_eq!((name.as_str(), &data["reason"]), ("closed", &json!("normal")));
}

#[test]
fn a_filter_leaves_out_and_the_place_goes_on() {
    let kymo = server();
    let agent = agent(&kymo);
    agent.log(100);
    let id = SESSION.to_string();
    listed(&kymo, "?filter=user:ann", |item| item["id"] == id.as_str());
    let none = kymo.get("/api/v1/live/sessions?filter=user:bob");
    assert_eq!(none["items"], json!([]));
    let mut stream = Stream::open(&kymo, &id, "?filter=level:warn", None);
    let slow: Vec<u64> = (1..=10).map(|tenth| tenth * 10).collect();
    assert_eq!(stream.sequences(10), slow);
    assert_eq!(stream.last_id.as_deref(), Some("100"));
    // An event is what it is when it is read from the store.
    let mut stream = Stream::open(&kymo, &id, "?after=99", None);
    let (_, data) = std::iter::from_fn(|| stream.next()).find(|(name, _)| name == "events").unwrap();
    let event = &data["items"][0];
    let message = event["message"].as_str().unwrap();
    assert!(message.starts_with("slow line 100: "), "{message}");
    assert_eq!((&event["severity"], &event["sequence"]), (&json!("warn"), &json!(100)));
    let refused = ureq::get(format!("{}/api/v1/live/sessions/{id}/events?filter=lvel:warn", kymo.url()))
        .config()
        .http_status_as_error(false)
        .build()
        .header("authorization", format!("Bearer {}", kymo.read_token))
        .call()
        .unwrap();
    assert_eq!(refused.status(), 400);
}

/// The page's one stream.
struct Page(WebSocket<MaybeTlsStream<TcpStream>>);

impl Page {
    fn open(kymo: &Kymo) -> Self {
        let url = format!("{}/api/v1/stream", kymo.url().replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        let token = format!("Bearer {}", kymo.read_token).parse().unwrap();
        request.headers_mut().insert("authorization", token);
        Self(tungstenite::connect(request).unwrap().0)
    }

    fn say(&mut self, message: &Json) {
        self.0.send(Message::text(message.to_string())).unwrap();
    }

    /// The next message that is not about what was stored.
    fn next(&mut self) -> Json {
        loop {
            if let Message::Text(text) = self.0.read().unwrap() {
                let message: Json = serde_json::from_str(&text).unwrap();
                if message["type"] != "changed" {
                    return message;
                }
            }
        }
    }

    /// Until that channel has so many events.
    fn sequences(&mut self, channel: u64, count: usize) -> Vec<u64> {
        let mut found = Vec::new();
        while found.len() < count {
            let message = self.next();
            if message["type"] == "events" && message["channel"] == channel {
                found.extend(sequences_of(&message));
            }
        }
        found
    }
}

#[test]
fn a_page_follows_on_channels_of_one_stream() {
    let kymo = server();
    let agent = agent(&kymo);
    agent.log(1500);
    let id = SESSION.to_string();
    listed(&kymo, "", |item| item["event_count"] == 1500);
    let mut page = Page::open(&kymo);
    page.say(&json!({"type": "follow", "channel": 1, "session": id, "after": 1000}));
    assert_eq!(page.next(), json!({"type": "opened", "channel": 1, "first_sequence": 1001}));
    assert_eq!(page.sequences(1, 500), run_of(1001, 1500));
    page.say(&json!({"type": "follow", "channel": 2, "session": id, "filter": "level:warn"}));
    assert_eq!(page.sequences(2, 150).last(), Some(&1500));
    page.say(&json!({"type": "close", "channel": 1}));
    page.say(&json!({"type": "follow", "channel": 3, "session": "nothere"}));
    let refused = page.next();
    assert_eq!((&refused["type"], &refused["channel"]), (&json!("closed"), &json!(3)));
    assert_eq!(refused["why"], "there is no session nothere");
    page.say(&json!({"type": "watch", "live": true}));
    page.say(&json!({"type": "tea"}));
    agent.log(100);
    let (mut warned, mut was_told) = (Vec::new(), false);
    while warned.len() < 10 || !was_told {
        let message = page.next();
        assert_ne!(message["channel"], 1, "it was closed");
        match message["type"].as_str() {
            Some("events") => warned.extend(sequences_of(&message)),
            Some("live") => was_told = true,
            _ => {}
        }
    }
    // Who opened it made it known to the store: it is a session as any other, whose events are with the program.
    let stored = kymo.get(&format!("/api/v1/sessions/{id}"));
    assert_eq!((&stored["state"], &stored["event_count"]), (&json!("running"), &json!(0)));
    assert_eq!(stored["external_id"], id.as_str());
    let known = listed(&kymo, "", |item| item["is_stored"] == true);
    assert_eq!(known["id"], id.as_str());
    wait_for("what it says of itself", || {
        (kymo.get(&format!("/api/v1/sessions/{id}"))["process"]["messages"] == 1500).then_some(())
    });
}

#[test]
fn a_server_that_stops_and_starts_again_costs_no_line() {
    let mut kymo = server();
    let agent = agent(&kymo);
    agent.log(100);
    let id = SESSION.to_string();
    listed(&kymo, "", |item| item["event_count"] == 100);
    let mut stream = Stream::open(&kymo, &id, "", None);
    assert_eq!(stream.sequences(100), run_of(1, 100));
    for round in 1..=3_u64 {
        // Once politely, twice not.
        if round == 1 {
            assert!(kymo.stop().success());
        } else {
            kymo.kill();
        }
        while stream.next().is_some() {}
        let last_id = stream.last_id.clone();
        agent.log(100);
        kymo.start_with(&super::EVERYWHERE);
        agent.moves_to(&super::port_of(&kymo, "agents"));
        listed(&kymo, "", |item| item["id"] == id.as_str());
        stream = Stream::open(&kymo, &id, "", last_id.as_deref());
        assert_eq!(stream.sequences(100), run_of(round * 100 + 1, round * 100 + 100));
    }
}
