//! What is asked of the desktop beside a window: whether it is light or dark, and a browser.

use std::env;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// Longest wait for the desktop's answer about light or dark. It answers within a few milliseconds; one that hangs must
/// not keep the window from coming.
const THEME_WAIT: Duration = Duration::from_millis(300);
/// Longest answer about light or dark that is read; a true one has some sixty bytes.
const THEME_BYTES_MAX: u64 = 4096;

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// A question about light or dark that is under way.
pub(crate) struct ThemeAsked(Receiver<Option<Theme>>);

/// Asks, while other things are done.
pub(crate) fn ask_theme() -> ThemeAsked {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // Nobody listens any more once the wait is over.
        let _ = sender.send(named_theme().or_else(portal_theme));
    });
    ThemeAsked(receiver)
}

impl ThemeAsked {
    /// What the desktop says; waits for a moment at most.
    pub(crate) fn wait(self) -> Option<Theme> {
        self.0.recv_timeout(THEME_WAIT).ok().flatten()
    }
}

/// What `GTK_THEME` says, such as `Adwaita:dark`.
fn named_theme() -> Option<Theme> {
    let name = env::var("GTK_THEME").ok()?.to_ascii_lowercase();
    let is_dark = name.ends_with(":dark") || name.ends_with("-dark");
    (!name.is_empty()).then_some(if is_dark { Theme::Dark } else { Theme::Light })
}

/// What the desktop portal says, the same question in all desktops: `org.freedesktop.appearance`, `color-scheme`.
///
/// Asked through `dbus-send`, which is wherever there is such a bus: a library for it would be the largest part of
/// this crate.
fn portal_theme() -> Option<Theme> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let mut child = Command::new("dbus-send")
        .args([
            "--session",
            "--print-reply=literal",
            "--reply-timeout=300",
            "--dest=org.freedesktop.portal.Desktop",
        ])
        .args(["/org/freedesktop/portal/desktop", "org.freedesktop.portal.Settings.Read"])
        .args(["string:org.freedesktop.appearance", "string:color-scheme"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut answer = String::new();
    let is_read = child.stdout.take()?.take(THEME_BYTES_MAX).read_to_string(&mut answer).is_ok();
    drop(child.wait());
    is_read.then(|| portal_answer(&answer)).flatten()
}

/// `variant variant uint32 1`: 1 is dark, 2 light, 0 no preference.
fn portal_answer(answer: &str) -> Option<Theme> {
    let mut words = answer.split_whitespace().rev();
    match (words.next()?, words.next()?) {
        ("1", "uint32") => Some(Theme::Dark),
        ("2", "uint32") => Some(Theme::Light),
        _ => None,
    }
}

/// Has the desktop open the address, or says that nothing there can. The address is one that `protocol` let through:
/// it is no option and has no space.
pub(crate) fn open_in_browser(url: &str) -> bool {
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        let mut command = Command::new("rundll32");
        command.arg("url.dll,FileProtocolHandler");
        command
    } else {
        Command::new("xdg-open")
    };
    let child = command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    match child {
        Err(_) => false,
        Ok(mut child) => {
            // It may stay as long as the browser does.
            thread::spawn(move || child.wait());
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_portal_answers() {
        assert_eq!(portal_answer("   variant       variant          uint32 1\n"), Some(Theme::Dark));
        assert_eq!(portal_answer("   variant       variant          uint32 2\n"), Some(Theme::Light));
        for other in ["variant variant uint32 0", "", "1", "uint32", "string 1"] {
            assert_eq!(portal_answer(other), None, "{other}");
        }
    }
}
