//! An X server that draws into memory (Xvfb), and windows on it that get a person's keys and clicks.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use x11rb::CURRENT_TIME;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt, ImageFormat, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MapState,
    Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::kymo::wait_for;

const IT_ANSWERS: &str = "the X server answers";

/// The key Esc.
pub const ESCAPE: u32 = 0xff1b;
/// The key Enter.
pub const ENTER: u32 = 0xff0d;
/// The key Tab.
pub const TAB: u32 = 0xff09;
/// The space bar.
pub const SPACE: u32 = 0x20;

/// A server that ends with the test.
#[derive(Debug)]
pub struct Screen {
    server: Child,
    name: String,
    connection: RustConnection,
    root: Window,
}

impl Screen {
    /// Starts one, or says that there is none here: then a test has nothing to look at.
    pub fn start(width: u16, height: u16) -> Option<Self> {
        let Some(program) = program() else {
            eprintln!("skipped: Xvfb is not here (Debian's package `xvfb`, or KYMO_XVFB=path)");
            return None;
        };
        // It takes a free number, and says which once it listens.
        let mut server = Command::new(program)
            .args(["-displayfd", "1", "-nolisten", "tcp", "-noreset", "-screen", "0"])
            .arg(format!("{width}x{height}x24"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        let mut line = String::new();
        let output = server.stdout.take().expect("its output was asked for");
        BufReader::new(output).read_line(&mut line).expect("the server's number");
        let name = format!(":{}", line.trim());
        let (connection, _) = RustConnection::connect(Some(&name)).expect("a server that listens");
        let root = connection.setup().roots[0].root;
        Some(Self { server, name, connection, root })
    }

    /// What `DISPLAY` is to be for programs that show windows on it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// To ask it more.
    pub fn connection(&self) -> &RustConnection {
        &self.connection
    }

    /// What all windows are on.
    pub fn root(&self) -> Window {
        self.root
    }

    /// The window of that class that is seen; it gets the focus. Waits until it is there and has its first picture: then
    /// it takes keys.
    pub fn window(&self, class: &str) -> Window {
        let window = wait_for("a window", || self.find(class));
        self.connection.set_input_focus(InputFocus::PARENT, window, CURRENT_TIME).expect(IT_ANSWERS);
        wait_for("its first picture", || {
            let pixels = self.pixels(window);
            pixels.iter().any(|pixel| *pixel != pixels[0]).then_some(())
        });
        window
    }

    /// What is on the screen where the window is, row by row, as `0x00RRGGBB`; none while it changes its size.
    pub fn pixels(&self, window: Window) -> Vec<u32> {
        let asked = self.connection.get_geometry(window).expect(IT_ANSWERS);
        let Ok(size) = asked.reply() else { return Vec::new() };
        let (format, planes) = (ImageFormat::Z_PIXMAP, u32::MAX);
        let cookie = self.connection.get_image(format, window, 0, 0, size.width, size.height, planes);
        let data = cookie.expect(IT_ANSWERS).reply().map(|reply| reply.data).unwrap_or_default();
        data.chunks_exact(4).map(|pixel| u32::from_le_bytes([pixel[0], pixel[1], pixel[2], 0])).collect()
    }

    /// The window of that class that is seen, if there is one.
    pub fn find(&self, class: &str) -> Option<Window> {
        let asked = self.connection.query_tree(self.root).expect(IT_ANSWERS);
        let class = [class.as_bytes(), b"\0"].concat();
        asked.reply().expect(IT_ANSWERS).children.into_iter().find(|&window| {
            let is_seen = self.connection.get_window_attributes(window).expect(IT_ANSWERS).reply();
            is_seen.is_ok_and(|attributes| attributes.map_state == MapState::VIEWABLE)
                && self.property(window, AtomEnum::WM_CLASS.into()).starts_with(&class)
        })
    }

    /// What a window says of itself; empty if it does not, or is gone.
    pub fn property(&self, window: Window, name: Atom) -> Vec<u8> {
        let cookie = self.connection.get_property(false, window, name, AtomEnum::ANY, 0, u32::MAX / 4);
        cookie.expect(IT_ANSWERS).reply().map(|reply| reply.value).unwrap_or_default()
    }

    /// The number of a name.
    pub fn atom(&self, name: &str) -> Atom {
        let cookie = self.connection.intern_atom(false, name.as_bytes()).expect(IT_ANSWERS);
        cookie.reply().expect(IT_ANSWERS).atom
    }

    /// Presses keys and lets them go, one after another: whoever has the focus gets them.
    pub fn press(&self, keys: &[u32]) {
        let setup = self.connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let asked = self.connection.get_keyboard_mapping(first, last - first + 1).expect(IT_ANSWERS);
        let map = asked.reply().expect(IT_ANSWERS);
        let columns = usize::from(map.keysyms_per_keycode);
        for &key in keys {
            let mut codes = (first..=last).zip(map.keysyms.chunks(columns));
            let (code, _) = codes.find(|(_, keysyms)| keysyms.contains(&key)).expect("a key of that name");
            self.input(KEY_PRESS_EVENT, code, (0, 0));
            self.input(KEY_RELEASE_EVENT, code, (0, 0));
        }
    }

    /// An event as of a keyboard or mouse.
    pub fn input(&self, kind: u8, detail: u8, (x, y): (i16, i16)) {
        let sent = self.connection.xtest_fake_input(kind, detail, CURRENT_TIME, self.root, x, y, 0);
        drop(sent.expect(IT_ANSWERS));
        self.connection.flush().expect(IT_ANSWERS);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn program() -> Option<OsString> {
    if let Some(named) = env::var_os("KYMO_XVFB").filter(|named| !named.is_empty()) {
        return Some(named);
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join("Xvfb"))
        .find(|file| file.is_file())
        .map(PathBuf::into_os_string)
}
