//! A panic gives the terminal back before it says anything. The test starts itself in a pseudo-terminal.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;

use kymo_model::Timestamp;
use kymo_viewer::{View, view};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const INSIDE: &str = "KYMO_VIEWER_INSIDE";
const ROWS: u16 = 24;
const COLUMNS: u16 = 80;

fn golden() -> String {
    format!("{}/../../conformance/session-file/version-1.kymo", env!("CARGO_MANIFEST_DIR"))
}

/// In the child: a clock that breaks as soon as somebody presses a key.
fn break_inside() {
    let now = || -> Timestamp { panic!("the clock is broken") };
    let path = golden();
    let view_of = View { path: Path::new(&path), filter: None, has_colors: true, now: &now };
    let _ = view(&view_of);
}

#[test]
fn a_panic_gives_the_terminal_back() {
    if std::env::var_os(INSIDE).is_some() {
        return break_inside();
    }
    let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
    let pty = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", "panic::a_panic_gives_the_terminal_back", "--nocapture"]);
    command.env(INSIDE, "1");
    command.env("TERM", "xterm-256color");
    // What it says has to fit on the screen.
    command.env("RUST_BACKTRACE", "0");
    let mut child = pty.slave.spawn_command(command).unwrap();
    drop(pty.slave);
    let mut parser = vt100::Parser::new(NonZero::new(ROWS).unwrap(), NonZero::new(COLUMNS).unwrap(), 0);
    let mut reader = pty.master.try_clone_reader().unwrap();
    let mut writer = pty.master.take_writer().unwrap();
    let (mut was_drawn, mut piece) = (false, [0; 4096]);
    // It ends by itself: the terminal closes.
    while let Ok(length @ 1..) = reader.read(&mut piece) {
        parser.process(&piece[..length]);
        if !was_drawn
            && parser.screen().alternate_screen()
            && parser.screen().contents().contains("60 events")
        {
            was_drawn = true;
            writer.write_all(b"j").unwrap();
            writer.flush().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success(), "it panicked");
    let screen = parser.screen();
    assert!(was_drawn && !screen.alternate_screen() && !screen.hide_cursor(), "{}", screen.contents());
    assert!(screen.contents().contains("the clock is broken"), "{}", screen.contents());
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
}
