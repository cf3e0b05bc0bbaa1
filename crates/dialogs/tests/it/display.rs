//! A dialog on an X server in memory, that is looked at and used as a person does.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kymo_testkit::Screen;
pub(crate) use kymo_testkit::kymo::wait_for as until;
pub(crate) use kymo_testkit::screen::{ENTER, ESCAPE, SPACE, TAB};
use serde_json::Value;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ClientMessageEvent, ConnectionExt, CreateWindowAux, EventMask,
    MOTION_NOTIFY_EVENT, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::{COPY_DEPTH_FROM_PARENT, CURRENT_TIME, NONE};

/// A server that ends with the test.
pub(crate) struct Display(Screen);

/// A dialog with its window. It ends with the test.
pub(crate) struct Dialog<'a> {
    display: &'a Display,
    process: Child,
    window: Window,
}

/// What is on the screen where the window is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// `0x00RRGGBB`.
    pub(crate) pixels: Vec<u32>,
}

impl Display {
    /// Starts one, or says that there is none here: then a test has nothing to look at.
    pub(crate) fn start(width: u16, height: u16) -> Option<Self> {
        Screen::start(width, height).map(Self)
    }

    fn connection(&self) -> &RustConnection {
        self.0.connection()
    }

    /// Starts a dialog and waits until its window is there and has its first picture.
    pub(crate) fn dialog(
        &self,
        request: &Value,
        arguments: &[&str],
        environment: &[(&str, &Path)],
    ) -> Dialog<'_> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kymo-dialogs"));
        for name in
            ["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "GTK_THEME"]
        {
            command.env_remove(name);
        }
        command.args(arguments).env("DISPLAY", self.0.name()).envs(environment.iter().copied());
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        writeln!(process.stdin.take().unwrap(), "{request}").unwrap();
        let window = self.0.window("kymo-dialog");
        Dialog { display: self, process, window }
    }

    /// What the clipboard holds.
    pub(crate) fn clipboard(&self) -> String {
        let window = self.connection().generate_id().unwrap();
        let class = WindowClass::INPUT_ONLY;
        self.connection()
            .create_window(
                COPY_DEPTH_FROM_PARENT,
                window,
                self.0.root(),
                0,
                0,
                1,
                1,
                0,
                class,
                0,
                &CreateWindowAux::default(),
            )
            .unwrap();
        let (clipboard, text, place) =
            (self.0.atom("CLIPBOARD"), self.0.atom("UTF8_STRING"), self.0.atom("KYMO_TEST"));
        until("an owner of the clipboard", || {
            let owner = self.connection().get_selection_owner(clipboard).unwrap().reply().unwrap().owner;
            (owner != NONE).then_some(())
        });
        self.connection().convert_selection(window, clipboard, text, place, CURRENT_TIME).unwrap();
        self.connection().flush().unwrap();
        until("the clipboard's answer", || match self.connection().poll_for_event().unwrap() {
            Some(Event::SelectionNotify(_)) => Some(()),
            _ => None,
        });
        String::from_utf8(self.0.property(window, place)).unwrap()
    }
}

impl Dialog<'_> {
    pub(crate) fn press(&self, keys: &[u32]) {
        self.display.0.press(keys);
    }

    /// Clicks a place in the window.
    pub(crate) fn click(&self, x: usize, y: usize) {
        let (left, top, ..) = self.geometry();
        let place = (left + x as i16, top + y as i16);
        self.display.0.input(MOTION_NOTIFY_EVENT, 0, place);
        self.display.0.input(BUTTON_PRESS_EVENT, 1, place);
        self.display.0.input(BUTTON_RELEASE_EVENT, 1, place);
    }

    /// What a window manager does when a person clicks the cross.
    pub(crate) fn close(&self) {
        let data = [self.display.0.atom("WM_DELETE_WINDOW"), CURRENT_TIME, 0, 0, 0];
        let message = ClientMessageEvent::new(32, self.window, self.display.0.atom("WM_PROTOCOLS"), data);
        self.display.connection().send_event(false, self.window, EventMask::NO_EVENT, message).unwrap();
        self.display.connection().flush().unwrap();
    }

    /// Left, top, width, height.
    pub(crate) fn geometry(&self) -> (i16, i16, usize, usize) {
        let found = self.display.connection().get_geometry(self.window).unwrap().reply().unwrap();
        (found.x, found.y, usize::from(found.width), usize::from(found.height))
    }

    pub(crate) fn title(&self) -> String {
        String::from_utf8(self.display.0.property(self.window, self.display.0.atom("_NET_WM_NAME"))).unwrap()
    }

    /// What is on the screen where the window is.
    pub(crate) fn picture(&self) -> Picture {
        let (.., width, height) = self.geometry();
        // It may have become smaller or larger in between.
        let pixels = self.display.0.pixels(self.window);
        Picture { width, height, pixels }
    }

    /// Waits until the picture is as expected.
    pub(crate) fn until_drawn(&self, mut expected: impl FnMut(&Picture) -> bool) -> Picture {
        until("a picture", || {
            let picture = self.picture();
            let is_whole =
                picture.pixels.len() == picture.width * picture.height && !picture.pixels.is_empty();
            (is_whole && expected(&picture)).then_some(picture)
        })
    }

    /// The line that came out, as JSON, once the process has ended well.
    pub(crate) fn answer(mut self) -> Value {
        let mut line = String::new();
        let mut output = BufReader::new(self.process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let status = self.process.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{line}");
        serde_json::from_str(&line).unwrap()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }
}

impl Drop for Dialog<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Picture {
    /// How many pixels have the colour.
    pub(crate) fn count(&self, colour: u32) -> usize {
        self.pixels.iter().filter(|&&pixel| pixel == colour).count()
    }

    /// The middle of what has the colour.
    pub(crate) fn middle_of(&self, colour: u32) -> (usize, usize) {
        let places = self.pixels.iter().enumerate().filter(|&(_, &pixel)| pixel == colour);
        let (count, x, y) = places.fold((0, 0, 0), |(count, x, y), (index, _)| {
            (count + 1, x + index % self.width, y + index / self.width)
        });
        assert_ne!(count, 0, "nothing is #{colour:06x}");
        (x / count, y / count)
    }

    /// For people to look at, where `KYMO_SCREENSHOTS` names a folder.
    pub(crate) fn keep(&self, name: &str) {
        let Some(folder) = env::var_os("KYMO_SCREENSHOTS").filter(|folder| !folder.is_empty()) else {
            return;
        };
        fs::create_dir_all(&folder).unwrap();
        fs::write(PathBuf::from(folder).join(format!("dialog-{name}.png")), self.png()).unwrap();
    }

    fn png(&self) -> Vec<u8> {
        let mut rows = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        for row in self.pixels.chunks_exact(self.width) {
            rows.write_all(&[0]).unwrap();
            for pixel in row {
                rows.write_all(&pixel.to_be_bytes()[1..]).unwrap();
            }
        }
        let size = [self.width as u32, self.height as u32].map(u32::to_be_bytes).concat();
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        for (kind, data) in [
            (b"IHDR", [&size[..], &[8, 2, 0, 0, 0]].concat()),
            (b"IDAT", rows.finish().unwrap()),
            (b"IEND", Vec::new()),
        ] {
            let mut sum = flate2::Crc::new();
            sum.update(kind);
            sum.update(&data);
            let length = (data.len() as u32).to_be_bytes();
            file.extend([&length[..], kind, &data, &sum.sum().to_be_bytes()].concat());
        }
        file
    }
}
