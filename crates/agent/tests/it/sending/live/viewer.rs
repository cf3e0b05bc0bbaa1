//! Somebody who looks on at the server's port for terminals, byte by byte as the protocol says; and a stand-in for the
//! server's HTTP that says where programs connect.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kymo_format::live::{Command, Decoder, Hello, MAGIC, Message, Role, VERSION};
use kymo_format::{Item, Reader};
use kymo_model::SessionId;
use kymo_testkit::Kymo;
use serde_json::Value;

/// Longer than anything takes on the slowest machine.
const WITHIN: Duration = Duration::from_mins(1);

/// A connection that looks on.
pub(crate) struct Viewer {
    socket: TcpStream,
    decoder: Decoder,
    read_at: Instant,
}

impl Viewer {
    pub(crate) fn connect(kymo: &Kymo, token: &str) -> Self {
        let port = kymo.get("/api/v1/live")["viewers"]["port"].as_u64().expect("live is on");
        let mut socket = TcpStream::connect(("127.0.0.1", port as u16)).unwrap();
        let hello = Hello {
            version: VERSION,
            role: Role::Viewer,
            token: token.to_owned(),
            key: None,
            program: "test 1".to_owned(),
        };
        socket.write_all(&MAGIC).unwrap();
        socket.write_all(&Message::Hello(hello).bytes()).unwrap();
        let mut viewer = Self { socket, decoder: Decoder::of_server(), read_at: Instant::now() };
        assert!(matches!(viewer.next().unwrap(), Message::Welcome { .. }));
        viewer.decoder.greeted();
        viewer
    }

    pub(crate) fn say(&mut self, message: &Message) {
        self.socket.write_all(&message.bytes()).unwrap();
    }

    /// The next message; an error when the server is gone.
    pub(crate) fn next(&mut self) -> io::Result<Message> {
        let started = Instant::now();
        self.socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut room = [0; 4096];
        loop {
            if let Some(message) = self.decoder.next().map_err(io::Error::other)? {
                return Ok(message);
            }
            assert!(started.elapsed() < WITHIN, "waited in vain for a message");
            if self.read_at.elapsed() > Duration::from_secs(20) {
                self.read_at = Instant::now();
                self.say(&Message::Ping { at: kymo_model::Timestamp::from_unix_nanos(1) });
            }
            match self.socket.read(&mut room) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.decoder.feed(&room[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next session that is told of.
    pub(crate) fn session(&mut self) -> (SessionId, Value) {
        loop {
            if let Message::Session { session, json } = self.next().unwrap() {
                return (session, serde_json::from_str(&json).unwrap());
            }
        }
    }

    /// Lists what runs, and waits for a session that is not known yet.
    pub(crate) fn find(&mut self, known: &[SessionId]) -> SessionId {
        self.say(&Message::List { filter: String::new() });
        loop {
            let (session, _) = self.session();
            if !known.contains(&session) {
                return session;
            }
        }
    }

    /// Has a program do something: what hindered it.
    pub(crate) fn ask(&mut self, session: SessionId, command: Command) -> Option<String> {
        self.say(&Message::Ask { number: 7, session, command });
        loop {
            if let Message::Done { number: 7, hindered } = self.next().unwrap() {
                return hindered;
            }
        }
    }
}

/// What a follower has of a session, over as many connections as it takes.
#[derive(Default)]
pub(crate) struct Followed {
    /// Its records by sequence: each once.
    pub(crate) records: BTreeMap<u64, String>,
    /// What was told that is missing.
    pub(crate) missed: Vec<(u64, u64, String)>,
    /// How it ended.
    pub(crate) reason: Option<String>,
    is_opened: bool,
}

/// Follows to the session's end, in a thread of its own; returns once the server has taken it in.
pub(crate) fn to_the_end(
    mut viewer: Viewer,
    session: SessionId,
    from_start: bool,
    mut followed: Followed,
) -> JoinHandle<Followed> {
    let (opened, is_opened) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        followed.is_opened = false;
        let tell = |it: &Followed| {
            if it.is_opened {
                // Who waits hears the first.
                let _ = opened.send(());
            }
            false
        };
        assert!(followed.follow(&mut viewer, session, from_start, tell).unwrap());
        followed
    });
    is_opened.recv().expect("it is opened");
    thread
}

impl Followed {
    fn last(&self) -> Option<u64> {
        self.records.keys().next_back().copied()
    }

    /// Follows until `is_enough`, over restarts of the server; true when the session ended.
    pub(crate) fn follow(
        &mut self,
        viewer: &mut Viewer,
        session: SessionId,
        from_start: bool,
        mut is_enough: impl FnMut(&Self) -> bool,
    ) -> io::Result<bool> {
        let after = self.last();
        viewer.say(&Message::Open { channel: 1, session, after, from_start });
        let (mut reader, started) = (Reader::new(), Instant::now());
        loop {
            let has = self.records.len();
            assert!(started.elapsed() < WITHIN, "waited in vain for more than {has} records");
            if is_enough(self) {
                viewer.say(&Message::Close { channel: 1 });
                return Ok(false);
            }
            match viewer.next()? {
                Message::Data { channel: 1, bytes } => {
                    reader.feed(&bytes);
                    while let Some(item) = reader.next() {
                        match item {
                            Item::Record(record) => self.take(record.sequence, record.message()),
                            Item::Damage(damage) => panic!("{damage:?}"),
                            _ => {}
                        }
                    }
                }
                Message::Opened { channel: 1, .. } => self.is_opened = true,
                Message::Missed { channel: 1, first, last, why } => {
                    self.missed.push((first, last, why));
                    reader = Reader::new();
                }
                Message::Closed { channel: 1, reason, why } => {
                    assert!(reason.is_some(), "{why}");
                    self.reason = reason;
                    return Ok(true);
                }
                _ => {}
            }
        }
    }

    /// In order, and no gap but what was told.
    fn take(&mut self, sequence: u64, text: String) {
        if let Some(last) = self.last() {
            // The beginning of the frame that it goes on in comes again.
            if sequence <= last {
                assert_eq!(self.records[&sequence], text);
                return;
            }
            assert_eq!(sequence, last + 1, "in order");
        }
        self.records.insert(sequence, text);
    }
}

/// Says over HTTP that live is on and where; counts who asks.
pub(crate) struct Signpost {
    address: String,
    asked: Arc<AtomicU64>,
}

impl Signpost {
    /// To that port.
    pub(crate) fn start(port: u16, is_tls: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(AtomicU64::new(0));
        let its_asked = Arc::clone(&asked);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                its_asked.fetch_add(1, Ordering::AcqRel);
                // Whoever goes away meanwhile asks again.
                let _ = connection.and_then(|connection| answer(connection, port, is_tls));
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self, host: &str) -> String {
        let (_, port) = self.address.split_once(':').unwrap();
        format!("http://{host}:{port}")
    }

    /// Connections so far.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Acquire)
    }
}

fn answer(mut connection: TcpStream, port: u16, is_tls: bool) -> io::Result<()> {
    let (mut asked, mut room) = (Vec::new(), [0; 4096]);
    while !asked.windows(4).any(|four| four == b"\r\n\r\n") {
        let count = connection.read(&mut room)?;
        if count == 0 {
            return Ok(());
        }
        asked.extend_from_slice(&room[..count]);
    }
    let body =
        format!(r#"{{"enabled": true, "agents": {{"port": {port}, "tls": {is_tls}}}, "viewers": null}}"#);
    let status = if asked.starts_with(b"GET /api/v1/live ") { "200 OK" } else { "404 Not Found" };
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/json\r\n");
    write!(connection, "{head}content-length: {}\r\n\r\n{body}", body.len())
}
