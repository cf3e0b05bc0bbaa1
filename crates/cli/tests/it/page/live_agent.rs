//! A program that lets itself be followed, as `docs/spec/live.md` says and no more: its session file grows in memory.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use kymo_format::live::{
    ChunkKind, Chunks, Command, Counts, Decoder, Hello, MAGIC, Message, Role, VERSION, header_payload,
};
use kymo_format::{Arg, Callsite, End, Header, Record, Settings, Thread, Writer};
use kymo_model::{Attributes, EndReason, SessionId, SessionKind, Severity, Timestamp, Value};

pub(super) const SESSION: SessionId = SessionId::from_u128(0x0192_f0c1_2b3c_8d4e_9f50_6172_8394_a5b6);

struct File {
    writer: Writer,
    bytes: Vec<u8>,
    /// First sequence and place of each frame.
    frames: Vec<(u64, usize)>,
    /// Bytes of magic and header.
    head: usize,
    last: u64,
    has_ended: bool,
}

#[derive(Clone)]
pub(super) struct LiveAgent {
    address: String,
    header: Header,
    file: Arc<(Mutex<File>, Condvar)>,
}

fn now() -> Timestamp {
    Timestamp::from_unix_nanos(jiff::Timestamp::now().as_nanosecond() as i64)
}

fn header() -> Header {
    let text = |name: &str, value: &str| (name.to_owned(), Value::Text(value.to_owned()));
    Header {
        session: SESSION,
        fragment: 1,
        first_sequence: 1,
        started_at: now(),
        opened_at: now(),
        kind: SessionKind::Process,
        previous: None,
        agent: "test 1".to_owned(),
        resource: Attributes(vec![
            text("service.name", "till"),
            text("service.version", "2.4.1"),
            text("host.name", "till-7"),
        ]),
    }
}

impl LiveAgent {
    /// Connects in threads of its own, which end with the process.
    pub(super) fn connect(address: String, token: String) -> Self {
        let header = header();
        let mut writer = Writer::new(&header, Settings::default()).unwrap();
        writer.define_callsite(0, &Callsite::new(Severity::INFO, "sold {number}", &["number"])).unwrap();
        writer.define_thread(0, &Thread { id: 1, name: None }).unwrap();
        let bytes = writer.output().to_vec();
        writer.clear_output();
        let head = bytes.len();
        let file = File { writer, bytes, frames: Vec::new(), head, last: 0, has_ended: false };
        let agent = Self { address, header, file: Arc::new((Mutex::new(file), Condvar::new())) };
        let control = agent.clone();
        std::thread::spawn(move || control.control(&token));
        agent
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.file.0.lock().unwrap()
    }

    /// Logs so many lines, `sold N` of their sequence.
    pub(super) fn log(&self, count: u64) {
        let mut file = self.file();
        for _ in 0..count {
            file.last += 1;
            let args = [Arg::U64(file.last)];
            let record =
                Record { time: now(), thread: 0, callsite: 0, args: &args, extra: None, origin: None };
            file.writer.record(&record).unwrap();
        }
        self.flush(&mut file);
    }

    /// The sequence of the last line.
    pub(super) fn last(&self) -> u64 {
        self.file().last
    }

    pub(super) fn end(&self) {
        let mut file = self.file();
        let end = End { time: now(), reason: EndReason::Normal, note: None, recovered: false };
        file.writer.end(end);
        file.has_ended = true;
        self.flush(&mut file);
    }

    fn flush(&self, file: &mut File) {
        file.writer.flush().unwrap();
        let output = file.writer.output().to_vec();
        file.writer.clear_output();
        file.bytes.extend_from_slice(&output);
        let mut chunks = Chunks::default();
        chunks.feed(&file.bytes);
        let mut place = kymo_format::MAGIC.len();
        file.frames.clear();
        while let Some(chunk) = chunks.next().unwrap() {
            if let ChunkKind::Frame { first_sequence } = chunk.what {
                file.frames.push((first_sequence, place));
            }
            place += chunk.bytes.len();
        }
        self.file.1.notify_all();
    }

    fn counts(&self) -> Counts {
        let last = self.file().last;
        Counts { last_sequence: last, messages: last, first_sequence: 1, ..Counts::default() }
    }

    /// Its one control connection.
    fn control(&self, token: &str) {
        let (mut io, mut decoder) = self.greet(Role::Agent, token, None);
        let register =
            Message::Register { header: header_payload(&self.header).unwrap(), counts: self.counts() };
        io.write_all(&register.bytes()).unwrap();
        let (state, mut out) = (self.clone(), io.try_clone().unwrap());
        std::thread::spawn(move || state.say_how_it_stands(&mut out));
        while let Some(message) = next(&mut io, &mut decoder) {
            let answer = match message {
                Message::Command { number, command } => {
                    if let Command::Follow { after, key } = command {
                        let agent = self.clone();
                        std::thread::spawn(move || agent.data(after, key));
                    }
                    Message::Done { number, hindered: None }
                }
                Message::Ping { at } => Message::Pong { asked_at: at, at: now() },
                _ => continue,
            };
            if io.write_all(&answer.bytes()).is_err() {
                return;
            }
        }
    }

    fn say_how_it_stands(&self, out: &mut TcpStream) {
        loop {
            let has_ended = {
                let file = self.file.1.wait(self.file()).unwrap();
                file.has_ended
            };
            let counts = self.counts();
            let mut bytes = Message::State(counts).bytes();
            if has_ended {
                let ended = Message::Ended { reason: "normal".into(), last_sequence: self.file().last };
                bytes.extend_from_slice(&ended.bytes());
            }
            if out.write_all(&bytes).is_err() || has_ended {
                return;
            }
        }
    }

    /// From the frame on that holds what is asked for, while the file grows.
    fn data(&self, after: u64, key: [u8; 16]) {
        let (mut io, _) = self.greet(Role::Data, "", Some(key));
        let mut at = None;
        loop {
            let (piece, has_ended) = {
                let mut file = self.file();
                while !file.has_ended && at.is_some_and(|at| at == file.bytes.len()) {
                    file = self.file.1.wait(file).unwrap();
                }
                let mut piece = Vec::new();
                let begin =
                    file.frames.iter().rev().find(|(first, _)| *first <= after + 1).map(|(_, place)| *place);
                if at.is_none() {
                    piece.extend_from_slice(&file.bytes[..file.head]);
                }
                let from = at.unwrap_or(begin.unwrap_or(file.head));
                piece.extend_from_slice(&file.bytes[from..]);
                at = Some(file.bytes.len());
                (piece, file.has_ended)
            };
            if io.write_all(&piece).is_err() || has_ended {
                return;
            }
        }
    }

    fn greet(&self, role: Role, token: &str, key: Option<[u8; 16]>) -> (TcpStream, Decoder) {
        let mut io = TcpStream::connect(&self.address).unwrap();
        io.set_nodelay(true).unwrap();
        let hello = Hello { version: VERSION, role, token: token.into(), key, program: "test 1".into() };
        io.write_all(&MAGIC).unwrap();
        io.write_all(&Message::Hello(hello).bytes()).unwrap();
        let mut decoder = Decoder::of_server();
        let welcome = next(&mut io, &mut decoder);
        assert!(matches!(welcome, Some(Message::Welcome { .. })), "{welcome:?}");
        decoder.greeted();
        (io, decoder)
    }
}

/// `None`: the server has let it go.
fn next(io: &mut TcpStream, decoder: &mut Decoder) -> Option<Message> {
    loop {
        if let Some(message) = decoder.next().unwrap() {
            return Some(message);
        }
        let mut buffer = [0; 4096];
        let count = io.read(&mut buffer).ok().filter(|count| *count > 0)?;
        decoder.feed(&buffer[..count]);
    }
}
