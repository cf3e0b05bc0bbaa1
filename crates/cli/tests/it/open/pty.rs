//! The program in a pseudo-terminal, whose screen an emulator keeps.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use vt100::Parser;

use crate::KYMO;

/// What a test waits for comes in milliseconds, or never.
const WAIT_AT_MOST: Duration = Duration::from_mins(1);

/// What the emulator knows, and all bytes that came.
struct Seen {
    parser: Parser,
    bytes: Vec<u8>,
    is_over: bool,
}

/// `kymo` in a terminal of its own; killed when dropped.
pub(crate) struct Pty {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
}

impl Drop for Pty {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn at_least_one(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).unwrap()
}

fn size((columns, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

impl Pty {
    /// `kymo open PATH` on a terminal of that many columns and rows.
    pub(crate) fn open(path: &Path, cells: (u16, u16)) -> Self {
        Self::start(&["open", path.to_str().unwrap()], cells, &[])
    }

    pub(crate) fn start(args: &[&str], cells: (u16, u16), environment: &[(&str, &str)]) -> Self {
        let pty = native_pty_system().openpty(size(cells)).unwrap();
        let mut command = CommandBuilder::new(KYMO);
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let seen = Seen {
            parser: Parser::new(at_least_one(cells.1), at_least_one(cells.0), 0),
            bytes: Vec::new(),
            is_over: false,
        };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let mut reader = pty.master.try_clone_reader().unwrap();
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            loop {
                let length = reader.read(&mut piece).unwrap_or(0);
                let mut seen = shared.0.lock().unwrap();
                seen.parser.process(&piece[..length]);
                seen.bytes.extend_from_slice(&piece[..length]);
                seen.is_over = length == 0;
                shared.1.notify_all();
                if length == 0 {
                    return;
                }
            }
        });
        Self { seen, writer: pty.master.take_writer().unwrap(), child, master: pty.master }
    }

    pub(crate) fn keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    pub(crate) fn resize(&self, cells: (u16, u16)) {
        self.seen
            .0
            .lock()
            .unwrap()
            .parser
            .screen_mut()
            .set_size(at_least_one(cells.1), at_least_one(cells.0));
        self.master.resize(size(cells)).unwrap();
    }

    pub(crate) fn text(&self) -> String {
        self.seen.0.lock().unwrap().parser.screen().contents()
    }

    /// Waits until the screen's text is as wanted, and returns it.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let by = Instant::now() + WAIT_AT_MOST;
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            let text = seen.parser.screen().contents();
            if holds(&text) {
                return text;
            }
            assert!(!seen.is_over && Instant::now() < by, "never {what}; the screen:\n{text}");
            (seen, _) = self.seen.1.wait_timeout(seen, Duration::from_millis(500)).unwrap();
        }
    }

    /// Waits until the screen has this text.
    pub(crate) fn shows(&self, part: &str) -> String {
        self.until(part, |text| text.contains(part))
    }

    /// The cells of a text on the screen.
    pub(crate) fn cells(&self, part: &str) -> Vec<vt100::Cell> {
        let seen = self.seen.0.lock().unwrap();
        let screen = seen.parser.screen();
        let (rows, columns) = screen.size();
        for row in 0..rows.get() {
            let cells: Vec<vt100::Cell> =
                (0..columns.get()).filter_map(|column| screen.cell(row, column).cloned()).collect();
            let texts: Vec<String> = cells
                .iter()
                .map(|cell| if cell.has_contents() { cell.contents().to_owned() } else { " ".to_owned() })
                .collect();
            let wanted: Vec<String> = part.chars().map(String::from).collect();
            if let Some(at) = texts.windows(wanted.len()).position(|window| window == wanted) {
                return cells[at..at + wanted.len()].to_vec();
            }
        }
        panic!("{part:?} is not on the screen:\n{}", screen.contents());
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(name).arg(self.pid().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the program's end; its exit code. The terminal has to be as it was: the other screen left, the
    /// cursor there, the mouse nobody's.
    pub(crate) fn ends(&mut self) -> u32 {
        let status = self.child.wait().unwrap();
        let by = Instant::now() + WAIT_AT_MOST;
        let mut seen = self.seen.0.lock().unwrap();
        while !seen.is_over {
            assert!(Instant::now() < by, "the terminal stays open");
            (seen, _) = self.seen.1.wait_timeout(seen, Duration::from_millis(500)).unwrap();
        }
        let screen = seen.parser.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor(), "{:?}", screen.contents());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        status.exit_code()
    }
}
