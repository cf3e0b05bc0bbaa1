//! An agent for the tests: its session file grows in memory, and it does what the protocol's page says.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use kymo_format::live::{Command, Counts, Decoder, Hello, MAGIC, Message, Role, VERSION, header_payload};
use kymo_format::{Arg, Callsite, Header, Record, Settings, Thread, Writer};
use kymo_model::{Attributes, SessionId, SessionKind, Severity, Timestamp};
use kymo_relay::{Access, Filter, Limits, LiveSession, Relay, Viewer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::watch;

pub(crate) const SESSION: SessionId = SessionId::from_u128(0x0192_f0c1_2b3c_8d4e_9f50_6172_8394_a5b6);
pub(crate) const PROJECT: i64 = 7;

/// Tokens: `agent` sends to project 7, `viewer` sees it, `commander` also commands; `foreign` sees project 8. Clones are the
/// same.
#[derive(Clone, Default)]
pub(crate) struct Doors {
    /// No token holds any more.
    pub(crate) are_shut: Arc<AtomicBool>,
    /// How often a filter was asked about a session.
    pub(crate) filtered: Arc<AtomicU64>,
}

impl Access for Doors {
    fn agent(&self, token: &str) -> Result<i64, kymo_format::live::Refusal> {
        match token {
            _ if self.are_shut.load(Ordering::Relaxed) => Err(kymo_format::live::Refusal::Unauthorized),
            "agent" => Ok(PROJECT),
            "off" => Err(kymo_format::live::Refusal::Off),
            _ => Err(kymo_format::live::Refusal::Unauthorized),
        }
    }

    fn viewer(&self, token: &str) -> Result<Viewer, kymo_format::live::Refusal> {
        match token {
            _ if self.are_shut.load(Ordering::Relaxed) => Err(kymo_format::live::Refusal::Unauthorized),
            "viewer" | "commander" => Ok(Viewer { project: PROJECT, may_command: token == "commander" }),
            "foreign" => Ok(Viewer { project: 8, may_command: true }),
            _ => Err(kymo_format::live::Refusal::Unauthorized),
        }
    }

    fn describe(&self, session: &LiveSession) -> String {
        format!("{{\"messages\":{}}}", session.counts.messages)
    }

    fn filter(&self, text: &str) -> Result<Filter, String> {
        let filtered = Arc::clone(&self.filtered);
        match text {
            "" => Ok(Box::new(move |_| {
                filtered.fetch_add(1, Ordering::Relaxed);
                true
            })),
            "none" => Ok(Box::new(|_| false)),
            _ => Err("expected nothing, or none".to_owned()),
        }
    }
}

pub(crate) fn relay(limits: Limits) -> Relay {
    relay_behind(&Doors::default(), limits)
}

pub(crate) fn relay_behind(doors: &Doors, limits: Limits) -> Relay {
    Relay::new(doors.clone(), limits, || Timestamp::from_unix_nanos(1_790_000_000_000_000_000))
}

pub(crate) fn header() -> Header {
    Header {
        session: SESSION,
        fragment: 1,
        first_sequence: 1,
        started_at: Timestamp::from_unix_nanos(1_790_000_000_000_000_000),
        opened_at: Timestamp::from_unix_nanos(1_790_000_000_000_000_000),
        kind: SessionKind::Process,
        previous: None,
        agent: "test 1".to_owned(),
        resource: Attributes::default(),
    }
}

/// A session file that grows, with the places of its frames.
pub(crate) struct File {
    writer: Writer,
    bytes: Vec<u8>,
    /// First sequence and place of each frame.
    frames: Vec<(u64, usize)>,
    /// Bytes of the header's chunk, with the magic before it.
    head: usize,
    last: u64,
    has_ended: bool,
}

#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) relay: Relay,
    file: Arc<Mutex<File>>,
    grown: watch::Sender<u64>,
    /// Cuts every connection that is there.
    cut: watch::Sender<u64>,
    /// Bytes after which a data connection breaks.
    pub(crate) break_after: Arc<Mutex<Option<usize>>>,
    pub(crate) commands: Arc<Mutex<Vec<Command>>>,
}

impl Agent {
    pub(crate) fn new(relay: &Relay) -> Self {
        Self::of(relay, &header())
    }

    pub(crate) fn of(relay: &Relay, header: &Header) -> Self {
        let settings = Settings { frame_raw_bytes: 4096, ..Settings::default() };
        let mut writer = Writer::new(header, settings).unwrap();
        writer
            .define_callsite(
                0,
                &Callsite::new(Severity::INFO, "line {n} of {what}: {number}", &["n", "what", "number"]),
            )
            .unwrap();
        writer.define_thread(0, &Thread { id: 1, name: None }).unwrap();
        let bytes = writer.output().to_vec();
        writer.clear_output();
        let head = bytes.len();
        let file = File { writer, bytes, frames: Vec::new(), head, last: 0, has_ended: false };
        Self {
            relay: relay.clone(),
            file: Arc::new(Mutex::new(file)),
            grown: watch::Sender::new(0),
            cut: watch::Sender::new(0),
            break_after: Arc::default(),
            commands: Arc::default(),
        }
    }

    /// Logs that many lines, as one block.
    pub(crate) fn log(&self, count: u64) {
        let mut file = self.file.lock().unwrap();
        let file = &mut *file;
        for _ in 0..count {
            file.last += 1;
            // No compression makes anything of these.
            let number = kymo_testkit::Random::new(file.last).number();
            let args = [Arg::U64(file.last), Arg::Text("the test, which is long"), Arg::U64(number)];
            let time = Timestamp::from_unix_nanos(1_790_000_000_000_000_000 + file.last as i64 * 1000);
            let record = Record { time, thread: 0, callsite: 0, args: &args, extra: None, origin: None };
            file.writer.record(&record).unwrap();
        }
        self.flushed(file);
    }

    fn flushed(&self, file: &mut File) {
        file.writer.flush().unwrap();
        let output = file.writer.output().to_vec();
        file.writer.clear_output();
        // Several chunks may have come at once.
        let mut chunks = kymo_format::live::Chunks::default();
        chunks.feed(&kymo_format::MAGIC);
        let mut at = file.bytes.len();
        file.bytes.extend_from_slice(&output);
        let mut checked = kymo_format::live::Chunks::default();
        checked.feed(&file.bytes);
        // From the start, so that checksums that go on are right; files of tests are small.
        let (mut place, mut frames) = (kymo_format::MAGIC.len(), Vec::new());
        while let Some(chunk) = checked.next().unwrap() {
            if let kymo_format::live::ChunkKind::Frame { first_sequence } = chunk.what {
                frames.push((first_sequence, place));
            }
            place += chunk.bytes.len();
        }
        at = at.max(place);
        assert_eq!(at, file.bytes.len());
        file.frames = frames;
        self.grown.send_modify(|count| *count += 1);
    }

    pub(crate) fn end(&self) {
        let mut file = self.file.lock().unwrap();
        let end = kymo_format::End {
            time: Timestamp::from_unix_nanos(1_790_000_001_000_000_000),
            reason: kymo_model::EndReason::Normal,
            note: None,
            recovered: false,
        };
        file.writer.end(end);
        file.has_ended = true;
        self.flushed(&mut file);
    }

    pub(crate) fn last(&self) -> u64 {
        self.file.lock().unwrap().last
    }

    /// The whole file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.file.lock().unwrap().bytes.clone()
    }

    pub(crate) fn counts(&self) -> Counts {
        let last = self.last();
        Counts { last_sequence: last, messages: last, first_sequence: 1, ..Counts::default() }
    }

    /// Every connection breaks.
    pub(crate) fn cut(&self) {
        self.cut.send_modify(|count| *count += 1);
    }

    pub(crate) fn connect(&self) -> DuplexStream {
        // Small, so that slow readers are felt.
        let (ours, theirs) = duplex(2048);
        let relay = self.relay.clone();
        tokio::spawn(async move { relay.agent_connection(theirs, None).await });
        ours
    }

    /// Its control connection, until it is cut; then what the server said.
    pub(crate) async fn run(&self) {
        let mut cut = self.cut.subscribe();
        let mut io = self.connect();
        greet(&mut io, Role::Agent, "agent", None).await;
        let mut decoder = Decoder::of_server();
        decoder.greeted();
        let register =
            Message::Register { header: header_payload(&header()).unwrap(), counts: self.counts() };
        io.write_all(&register.bytes()).await.unwrap();
        let mut grown = self.grown.subscribe();
        let mut has_said_end = false;
        grown.mark_changed();
        loop {
            while let Some(message) = decoder.next().unwrap() {
                match message {
                    Message::Command { number, command } => {
                        self.commands.lock().unwrap().push(command.clone());
                        if let Command::Follow { after, key } = command {
                            let agent = self.clone();
                            tokio::spawn(async move { agent.data(after, key).await });
                        }
                        let _ = io.write_all(&Message::Done { number, hindered: None }.bytes()).await;
                    }
                    Message::Ping { at } => {
                        let pong =
                            Message::Pong { asked_at: at, at: at.plus(std::time::Duration::from_secs(3)) };
                        let _ = io.write_all(&pong.bytes()).await;
                    }
                    Message::ComeBack { .. } => return,
                    _ => {}
                }
            }
            let mut buffer = [0; 4096];
            tokio::select! {
                read = io.read(&mut buffer) => match read {
                    Ok(count) if count > 0 => decoder.feed(&buffer[..count]),
                    _ => return,
                },
                _ = grown.changed() => {
                    let _ = io.write_all(&Message::State(self.counts()).bytes()).await;
                    let has_ended = self.file.lock().unwrap().has_ended;
                    if has_ended && !std::mem::replace(&mut has_said_end, true) {
                        let ended = Message::Ended { reason: "normal".into(), last_sequence: self.last() };
                        let _ = io.write_all(&ended.bytes()).await;
                    }
                }
                _ = cut.changed() => return,
            }
        }
    }

    async fn data(&self, after: u64, key: [u8; 16]) {
        let mut cut = self.cut.subscribe();
        let mut grown = self.grown.subscribe();
        let mut io = self.connect();
        greet(&mut io, Role::Data, "", Some(key)).await;
        let break_after = self.break_after.lock().unwrap().take();
        let mut sent = 0;
        let mut at = None;
        loop {
            let (piece, has_ended) = {
                let file = self.file.lock().unwrap();
                let mut piece = Vec::new();
                if at.is_none()
                    && let Some((_, place)) = file.frames.iter().rev().find(|(first, _)| *first <= after + 1)
                {
                    piece.extend_from_slice(&file.bytes[..file.head]);
                    at = Some(*place);
                }
                if let Some(at) = &mut at {
                    piece.extend_from_slice(&file.bytes[*at..]);
                    *at = file.bytes.len();
                }
                (piece, file.has_ended)
            };
            let room = break_after.map_or(usize::MAX, |max: usize| max - sent);
            let piece_end = piece.len().min(room);
            sent += piece_end;
            tokio::select! {
                written = io.write_all(&piece[..piece_end]) => if written.is_err() { return },
                _ = cut.changed() => return,
            }
            if piece_end < piece.len() || has_ended {
                return;
            }
            tokio::select! {
                changed = grown.changed() => if changed.is_err() { return },
                _ = cut.changed() => return,
            }
        }
    }
}

/// Says hello, and takes the welcome.
pub(crate) async fn greet(
    io: &mut DuplexStream,
    role: Role,
    token: &str,
    key: Option<[u8; 16]>,
) -> Option<Message> {
    let hello = Hello { version: VERSION, role, token: token.into(), key, program: "test 1".into() };
    io.write_all(&MAGIC).await.ok()?;
    io.write_all(&Message::Hello(hello).bytes()).await.ok()?;
    // Byte by byte: what comes behind it is not ours.
    let mut decoder = Decoder::of_server();
    loop {
        if let Some(message) = decoder.next().unwrap() {
            return Some(message);
        }
        let byte = io.read_u8().await.ok()?;
        decoder.feed(&[byte]);
    }
}
