//! A session file that grows by a clock, and programs that stand in for the agent: they register and send it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kymo_format::live::{ChunkKind, Chunks, Command, Counts, Message, Role, header_payload};
use kymo_format::{Arg, Callsite, Header, Record, Settings, Thread, Writer};
use kymo_model::{Attributes, SessionId, SessionKind, Severity, Timestamp, Value};
use tokio::sync::watch;
use tokio::time::Instant;

use super::line::{Line, Port, Wire};
use super::tally::now_ns;

/// While somebody follows, the recorder writes that often: docs/adr/0024-live.md.
const WRITES_EVERY: Duration = Duration::from_millis(15);
/// A word at least that often.
const WORD_EVERY: Duration = Duration::from_secs(25);

/// What is written of one session, from its start on. Many sessions may play the same: the server looks at the sequences.
pub(super) struct Tape {
    written: Mutex<Written>,
    grown: watch::Sender<u64>,
}

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    /// Bytes of magic and header.
    head: usize,
    /// First sequence and place of each frame.
    frames: Vec<(u64, usize)>,
}

pub(super) fn header(session: u128) -> Header {
    let now = Timestamp::from_unix_nanos(now_ns());
    let mut resource = Attributes::default();
    for (key, value) in [
        ("service.name", "Kymo Bench"),
        ("service.version", "1.4.0"),
        ("deployment.environment.name", "production"),
        ("host.name", "bench-machine.example.org"),
        ("os.type", "linux"),
        ("process.command", "kymo-bench live"),
    ] {
        resource.push(key, Value::from(value));
    }
    Header {
        session: SessionId::from_u128(session),
        fragment: 1,
        first_sequence: 1,
        started_at: now,
        opened_at: now,
        kind: SessionKind::Process,
        previous: None,
        agent: "bench 1".to_owned(),
        resource,
    }
}

impl Tape {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { written: Mutex::default(), grown: watch::Sender::new(0) })
    }

    fn written(&self) -> std::sync::MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes that many messages a second for that long; how many, and how many bytes they took.
    pub(super) async fn play(&self, per_second: u64, time: Duration) -> anyhow::Result<(u64, usize)> {
        let mut writer = Writer::new(&header(1), Settings::default())?;
        let site =
            Callsite::new(Severity::INFO, "order {order} took {us} us on {host}", &["order", "us", "host"]);
        writer.define_callsite(0, &site)?;
        writer.define_thread(0, &Thread { id: 1, name: None })?;
        let mut chunks = Chunks::default();
        let (started, started_ns) = (Instant::now(), now_ns());
        let every_ns = 1_000_000_000 / per_second as i64;
        let most = per_second * time.as_millis() as u64 / 1000;
        let (mut count, mut ticks) = (0, tokio::time::interval(WRITES_EVERY));
        let mut head = 0;
        while count < most {
            ticks.tick().await;
            let due = (per_second as f64 * started.elapsed().as_secs_f64()) as u64;
            while count < due.min(most) {
                let args = [Arg::U64(count), Arg::U64(count * 7919 % 1000), Arg::Text("machine-17")];
                let time = Timestamp::from_unix_nanos(started_ns + count as i64 * every_ns);
                writer.record(&Record {
                    time,
                    thread: 0,
                    callsite: 0,
                    args: &args,
                    extra: None,
                    origin: None,
                })?;
                count += 1;
            }
            writer.flush()?;
            head = self.append(writer.output(), &mut chunks)?;
            writer.clear_output();
            self.grown.send_modify(|count| *count += 1);
        }
        Ok((most, self.written().bytes.len() - head))
    }

    fn append(&self, output: &[u8], chunks: &mut Chunks) -> anyhow::Result<usize> {
        chunks.feed(output);
        let mut written = self.written();
        if written.bytes.is_empty() {
            written.bytes.extend_from_slice(&kymo_format::MAGIC);
        }
        while let Some(chunk) = chunks.next()? {
            let at = written.bytes.len();
            written.bytes.extend_from_slice(&chunk.bytes);
            match chunk.what {
                ChunkKind::Header(_) => written.head = written.bytes.len(),
                ChunkKind::Frame { first_sequence } => written.frames.push((first_sequence, at)),
                ChunkKind::Block | ChunkKind::Other => {}
            }
        }
        Ok(written.head)
    }

    /// What to send from a place on, and where that ends; nothing before the frame of what was asked for is there.
    fn piece(&self, at: Option<usize>, after: u64) -> Option<(Vec<u8>, usize)> {
        let written = self.written();
        let end = written.bytes.len();
        if let Some(at) = at {
            return Some((written.bytes[at..].to_vec(), end));
        }
        let (_, frame) = *written.frames.iter().rev().find(|(first, _)| *first <= after + 1)?;
        Some(([&written.bytes[..written.head], &written.bytes[frame..]].concat(), end))
    }
}

/// What a program that stands in for the agent needs.
#[derive(Clone)]
pub(super) struct Player {
    pub(super) port: Port,
    pub(super) token: String,
    pub(super) tape: Arc<Tape>,
    /// Of its control connection, and of its data connections.
    pub(super) control: Arc<Wire>,
    pub(super) data: Arc<Wire>,
}

impl Player {
    /// Registers the session; told once the server has it. Serves the control connection until it breaks.
    pub(super) async fn run(
        self,
        session: u128,
        registered: tokio::sync::mpsc::Sender<()>,
    ) -> anyhow::Result<()> {
        let mut line = Line::open(&self.port, Role::Agent, &self.token, None, &self.control).await?;
        let header = header_payload(&header(session))?;
        line.say(&Message::Register { header, counts: Counts { first_sequence: 1, ..Counts::default() } })
            .await?;
        let mut registered = Some(registered);
        loop {
            let Ok(message) = tokio::time::timeout(WORD_EVERY, line.next()).await else {
                line.say(&Message::Ping { at: Timestamp::from_unix_nanos(now_ns()) }).await?;
                continue;
            };
            match message? {
                Message::Ping { at } => {
                    line.say(&Message::Pong { asked_at: at, at: Timestamp::from_unix_nanos(now_ns()) })
                        .await?;
                    if let Some(registered) = registered.take() {
                        // Who counts may have seen enough.
                        let _ = registered.send(()).await;
                    }
                }
                Message::Command { number, command } => {
                    if let Command::Follow { after, key } = command {
                        let player = self.clone();
                        tokio::spawn(async move {
                            let line =
                                Line::open(&player.port, Role::Data, "", Some(key), &player.data).await;
                            // The server asks again for what does not come.
                            if let Ok(line) = line {
                                let _ = player.send(line, after).await;
                            }
                        });
                    }
                    line.say(&Message::Done { number, hindered: None }).await?;
                }
                _ => {}
            }
        }
    }

    async fn send(&self, mut line: Line, after: u64) -> anyhow::Result<()> {
        let mut grown = self.tape.grown.subscribe();
        let mut at = None;
        loop {
            grown.mark_unchanged();
            if let Some((bytes, end)) = self.tape.piece(at, after) {
                at = Some(end);
                if !bytes.is_empty() {
                    line.send(&bytes).await?;
                }
            }
            tokio::select! {
                changed = grown.changed() => changed?,
                () = line.closed() => return Ok(()),
            }
        }
    }
}
