//! A program that is followed, played: it speaks the live protocol (`docs/spec/live.md`) over TCP, and its session file grows
//! in memory. Blocking, a thread a connection.
//!
//! ```text
//!  LiveAgent::log -> file -> data connections      run: control connection, again and again until it is dropped
//! ```

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use kymo_format::live::{Command, Counts, Decoder, Hello, MAGIC, Message, Role, VERSION, header_payload};
use kymo_format::{Arg, Callsite, End, Header, Item, Reader, Record, Settings, Thread, Writer};
use kymo_model::{EndReason, Severity, Timestamp};

use crate::Random;

/// When its first line was; the others follow by a microsecond each.
const BEGIN_NANOS: i64 = 1_790_000_000_000_000_000;
/// How often a connection looks whether there is something to say.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Small frames, so that a cursor is often within one.
const FRAME_RAW_BYTES: usize = 4096;

struct File {
    writer: Writer,
    bytes: Vec<u8>,
    /// First sequence and place of each frame.
    frames: Vec<(u64, usize)>,
    outline: Reader,
    /// Bytes of the magic and the header's chunk.
    head: usize,
    last: u64,
    has_ended: bool,
    is_over: bool,
    /// Goes up when every connection is to break.
    cuts: u64,
}

struct Shared {
    header: Header,
    token: String,
    server: Mutex<String>,
    file: Mutex<File>,
    grown: Condvar,
}

/// A program with one session. It connects when it is told where, and comes back until it is dropped.
pub struct LiveAgent {
    shared: Arc<Shared>,
}

impl LiveAgent {
    /// With the session of that header and a token of scope `ingest`; `server` is `HOST:PORT` of the port for agents.
    pub fn start(header: &Header, token: &str, server: &str) -> Self {
        let settings = Settings { frame_raw_bytes: FRAME_RAW_BYTES, ..Settings::default() };
        let mut writer = Writer::new(header, settings).expect("a header");
        let callsite = Callsite::new(Severity::INFO, "line {n}: {number}", &["n", "number"]);
        writer.define_callsite(0, &callsite).expect("a callsite");
        let callsite = Callsite::new(Severity::WARN, "slow line {n}: {number}", &["n", "number"]);
        writer.define_callsite(1, &callsite).expect("a callsite");
        writer.define_thread(0, &Thread { id: 1, name: None }).expect("a thread");
        let bytes = writer.output().to_vec();
        writer.clear_output();
        let mut outline = Reader::new().outline();
        outline.feed(&bytes);
        let file = File {
            writer,
            head: bytes.len(),
            bytes,
            frames: Vec::new(),
            outline,
            last: 0,
            has_ended: false,
            is_over: false,
            cuts: 0,
        };
        let shared = Arc::new(Shared {
            header: header.clone(),
            token: token.to_owned(),
            server: Mutex::new(server.to_owned()),
            file: Mutex::new(file),
            grown: Condvar::new(),
        });
        let running = Arc::clone(&shared);
        std::thread::spawn(move || {
            while !running.file().is_over {
                // A line that breaks is what this is for.
                let _ = running.control();
                std::thread::sleep(LOOK_EVERY);
            }
        });
        Self { shared }
    }

    /// Logs that many lines as one block: `line N: …`, every tenth `slow line N: …` as a warning.
    pub fn log(&self, count: u64) {
        let mut file = self.shared.file();
        for _ in 0..count {
            file.last += 1;
            let n = file.last;
            // No compression makes anything of these.
            let args = [Arg::U64(n), Arg::U64(Random::new(n).number())];
            let time = Timestamp::from_unix_nanos(BEGIN_NANOS + n as i64 * 1000);
            let callsite = u32::from(n.is_multiple_of(10));
            let record = Record { time, thread: 0, callsite, args: &args, extra: None, origin: None };
            file.writer.record(&record).expect("a record");
        }
        file.flush();
        self.shared.grown.notify_all();
    }

    /// The session ends well.
    pub fn end(&self) {
        let mut file = self.shared.file();
        let time = Timestamp::from_unix_nanos(BEGIN_NANOS + file.last as i64 * 1000);
        file.writer.end(End { time, reason: EndReason::Normal, note: None, recovered: false });
        file.has_ended = true;
        file.flush();
        self.shared.grown.notify_all();
    }

    /// Of the last line.
    pub fn last(&self) -> u64 {
        self.shared.file().last
    }

    /// The session file, as far as it is.
    pub fn bytes(&self) -> Vec<u8> {
        self.shared.file().bytes.clone()
    }

    /// Every connection breaks; it comes back.
    pub fn cut(&self) {
        self.shared.file().cuts += 1;
        self.shared.grown.notify_all();
    }

    /// The server is somewhere else now.
    pub fn moves_to(&self, server: &str) {
        server.clone_into(&mut self.shared.server.lock().expect("nobody panicked"));
    }
}

impl Drop for LiveAgent {
    fn drop(&mut self) {
        let mut file = self.shared.file();
        file.is_over = true;
        file.cuts += 1;
        drop(file);
        self.shared.grown.notify_all();
    }
}

impl File {
    fn flush(&mut self) {
        self.writer.flush().expect("a block");
        self.outline.feed(self.writer.output());
        self.bytes.extend_from_slice(self.writer.output());
        self.writer.clear_output();
        while let Some(item) = self.outline.next() {
            if let Item::Frame { offset, first_sequence, .. } = item {
                self.frames.push((first_sequence, offset as usize));
            }
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            last_sequence: self.last,
            messages: self.last,
            warnings: self.last / 10,
            first_sequence: 1,
            ..Counts::default()
        }
    }
}

impl Shared {
    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().expect("nobody panicked")
    }

    fn connect(&self, role: Role, key: Option<[u8; 16]>) -> std::io::Result<(TcpStream, Decoder)> {
        let server = self.server.lock().expect("nobody panicked").clone();
        let mut stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let token = if key.is_some() { String::new() } else { self.token.clone() };
        let hello = Hello { version: VERSION, role, token, key, program: "test 1".to_owned() };
        stream.write_all(&MAGIC)?;
        stream.write_all(&Message::Hello(hello).bytes())?;
        let mut decoder = Decoder::of_server();
        loop {
            match decoder.next() {
                Ok(Some(Message::Welcome { .. })) => break,
                Ok(None) => {
                    let mut byte = [0];
                    stream.read_exact(&mut byte)?;
                    decoder.feed(&byte);
                }
                other => return Err(std::io::Error::other(format!("expected a welcome, found {other:?}"))),
            }
        }
        decoder.greeted();
        stream.set_read_timeout(Some(LOOK_EVERY))?;
        Ok((stream, decoder))
    }

    fn control(self: &Arc<Self>) -> std::io::Result<()> {
        let cuts = self.file().cuts;
        let (mut stream, mut decoder) = self.connect(Role::Agent, None)?;
        let mut said = self.file().counts();
        let header = header_payload(&self.header).map_err(std::io::Error::other)?;
        stream.write_all(&Message::Register { header, counts: said }.bytes())?;
        let mut has_said_end = false;
        let mut piece = [0; 4096];
        loop {
            while let Some(message) = decoder.next().map_err(std::io::Error::other)? {
                match message {
                    Message::Command { number, command } => {
                        if let Command::Follow { after, key } = command {
                            let shared = Arc::clone(self);
                            std::thread::spawn(move || shared.data(after, key));
                        }
                        stream.write_all(&Message::Done { number, hindered: None }.bytes())?;
                    }
                    Message::Ping { at } => {
                        stream.write_all(&Message::Pong { asked_at: at, at }.bytes())?;
                    }
                    Message::ComeBack { .. } => return Ok(()),
                    _ => {}
                }
            }
            let (counts, has_ended, is_cut) = {
                let file = self.file();
                (file.counts(), file.has_ended, file.cuts != cuts)
            };
            if is_cut {
                return Ok(());
            }
            if counts != said {
                said = counts;
                stream.write_all(&Message::State(counts).bytes())?;
            }
            if has_ended && !std::mem::replace(&mut has_said_end, true) {
                let ended = Message::Ended { reason: "normal".into(), last_sequence: counts.last_sequence };
                stream.write_all(&ended.bytes())?;
            }
            match stream.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(count) => decoder.feed(&piece[..count]),
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// A data connection, until it is cut or nothing more comes.
    fn data(&self, after: u64, key: [u8; 16]) {
        let cuts = self.file().cuts;
        let Ok((mut stream, _)) = self.connect(Role::Data, Some(key)) else { return };
        let mut at = None;
        let mut file = self.file();
        loop {
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
            let is_last = file.has_ended;
            drop(file);
            if stream.write_all(&piece).is_err() || is_last {
                return;
            }
            file = self.file();
            while file.cuts == cuts && at.is_none_or(|at| at == file.bytes.len()) && !file.has_ended {
                let frames = file.frames.len();
                file = self.grown.wait(file).expect("nobody panicked");
                if at.is_none() && file.frames.len() > frames {
                    break;
                }
            }
            if file.cuts != cuts {
                return;
            }
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
