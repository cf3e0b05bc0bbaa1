//! The program's side of the helper: started when something is to be sent at the end, so that a crash finds it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Policy, locked};
use crate::sending::at_exit::{self, Later, Task};
use crate::sending::{SendSettings, SendStatus, Wish};
use crate::session::Running;
use crate::spool::disk;

/// One that was told to go goes within so long, or is ended.
const GOES_WITHIN: Duration = Duration::from_secs(2);
/// The executable's name, beside the program.
const NAME: &str = if cfg!(windows) { "kymo.exe" } else { "kymo" };

/// The helper of a session, if it has one.
#[derive(Debug, Default)]
pub(super) struct Helper {
    launched: Option<Launched>,
    note: Option<String>,
    /// It was let go.
    is_over: bool,
}

#[derive(Debug)]
struct Launched {
    child: Child,
    pipe: Pipe,
    /// Its lock says that this process lives.
    lock: File,
    path: PathBuf,
    settings: SendSettings,
}

impl Helper {
    /// Why there is none, if there should be.
    pub(super) fn note(&self) -> Option<String> {
        self.note.clone()
    }

    /// The session has ended, whatever becomes of the process: the helper gets the lock.
    pub(super) fn let_go(&mut self) {
        self.is_over = true;
        if let Some(launched) = self.launched.take() {
            drop(launched.lock);
        }
    }
}

/// The helper that shows dialogs and sends after the end: what the settings say, or the one beside the program.
pub(super) fn executable(settings: &SendSettings) -> Result<PathBuf, String> {
    if let Some(said) = &settings.helper {
        if said.is_file() {
            return Ok(said.clone());
        }
        return Err(format!("there is no helper executable {}", said.display()));
    }
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join(NAME)));
    match beside {
        Some(path) if path.is_file() => Ok(path),
        _ => Err(format!("there is no helper executable {NAME} beside the program")),
    }
}

/// Has a helper if something is to be sent at the end, and none otherwise.
pub(super) fn align(running: &Arc<Running>) {
    let policy = &running.policy;
    if locked(&policy.helper).is_over {
        // The end was handed over: whoever comes late starts no second one.
        return;
    }
    let settings = policy.settings();
    let can_send = settings.server.is_some() || settings.mail.is_some();
    let is_implied = settings.auto_send_sessions
        && settings.server.is_some()
        && policy.has_reached_server.load(Ordering::Acquire);
    let by_rule = (settings.send_sessions_on_exit || is_implied) && Policy::is_open(running, &settings);
    let is_wanted = can_send && (by_rule || policy.is_asked_for());
    if let Err(error) = align_wish(running, settings.send_sessions_on_exit) {
        running.progress.failed(&error);
    }
    let mut helper = locked(&policy.helper);
    if helper.is_over {
        return;
    }
    let has_gone = helper.launched.as_mut().is_some_and(Launched::has_gone);
    if has_gone {
        helper.launched = None;
    }
    match (&mut helper.launched, is_wanted) {
        (None, true) => match Launched::start(running, &settings) {
            Ok(launched) => (helper.launched, helper.note) = (Some(launched), None),
            Err(error) => {
                let text = format!("{error}: the next start sends what is to be sent at the end");
                if settings.send_sessions_on_exit || policy.is_asked_for() {
                    let server = settings.server.as_deref().unwrap_or("mail");
                    SendStatus::record(&running.folder, server, Some(&text), 0);
                    helper.note = Some(text);
                }
            }
        },
        (Some(launched), true) => launched.say_settings(settings),
        (Some(_), false) => {
            let launched = helper.launched.take();
            // Others may look at the note meanwhile.
            drop(helper);
            if let Some(launched) = launched {
                launched.cancel();
            }
        }
        (None, false) => helper.note = None,
    }
}

/// Should there be no helper, or one that is killed, the next start finds this.
fn align_wish(running: &Running, is_on: bool) -> io::Result<()> {
    let known = Wish::read(&running.folder, &running.stem).ok().flatten().unwrap_or_default();
    if is_on && !known.when_ended {
        return Wish { when_ended: true, ..Wish::default() }.make(&running.folder, &running.stem);
    }
    if !is_on && known.when_ended && !known.user_asked {
        return Wish::change(&running.folder, &running.stem, |known| {
            known.map(|known| Wish { when_ended: known.when_ended && known.user_asked, ..known })
        });
    }
    Ok(())
}

impl Launched {
    fn start(running: &Arc<Running>, settings: &SendSettings) -> io::Result<Self> {
        let executable = executable(settings).map_err(io::Error::other)?;
        let path = running.folder.join(running.stem.exit());
        let lock = make_lock(&path)?;
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", executable.display()));
        let (pipe, input) = Pipe::new()?;
        let child = Command::new(&executable)
            .arg("helper")
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(named)?;
        let mut launched = Self { child, pipe, lock, path, settings: settings.clone() };
        let task = Task::new(&running.folder, running.session.to_string(), &running.stem, settings.clone());
        launched.pipe.write(&at_exit::line(&task)?)?;
        Ok(launched)
    }

    fn has_gone(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_some())
    }

    fn say_settings(&mut self, settings: SendSettings) {
        if self.settings == settings {
            return;
        }
        let said = Later::Settings { settings: Box::new(settings.clone()) };
        if let Ok(line) = at_exit::line(&said)
            && self.pipe.write(&line).is_ok()
        {
            self.settings = settings;
        }
    }

    /// Nothing is to be sent at the end any more.
    fn cancel(mut self) {
        if let Ok(line) = at_exit::line(&Later::Cancel) {
            let _ = self.pipe.write(&line);
        }
        // It has the lock only when it is gone, or it would send.
        if !self.pipe.closes_within(GOES_WITHIN) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.path);
        drop(self.lock);
    }
}

/// The file whose lock says that this process lives. One that is there is of a helper that was here before.
fn make_lock(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let lock = disk::create(path)?;
    if at_exit::try_hold(&lock)? {
        return Ok(lock);
    }
    Err(io::Error::other(format!("{}: somebody else has the lock", path.display())))
}

/// To the helper's standard input. On Unix a socket rather than a pipe: to write into a pipe that nobody reads ends a program
/// that took `SIGPIPE` back to what it does by default.
#[derive(Debug)]
struct Pipe(#[cfg(unix)] std::os::unix::net::UnixStream, #[cfg(not(unix))] std::io::PipeWriter);

#[cfg(unix)]
impl Pipe {
    fn new() -> io::Result<(Self, Stdio)> {
        let (ours, its) = std::os::unix::net::UnixStream::pair()?;
        // Never waits: a helper that does not read gets no more than fits.
        ours.set_write_timeout(Some(Duration::from_millis(100)))?;
        Ok((Self(ours), Stdio::from(std::os::fd::OwnedFd::from(its))))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match rustix::net::send(&self.0, rest, rustix::net::SendFlags::NOSIGNAL) {
                Ok(count) => rest = &rest[count..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.0.flush()
    }

    /// Nobody has the other end any more, or none of so long.
    fn closes_within(&mut self, time: Duration) -> bool {
        let _ = self.0.set_read_timeout(Some(time));
        matches!(self.0.read(&mut [0; 1]), Ok(0))
    }
}

#[cfg(not(unix))]
impl Pipe {
    fn new() -> io::Result<(Self, Stdio)> {
        let (its, ours) = io::pipe()?;
        Ok((Self(ours), Stdio::from(its)))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn closes_within(&mut self, _: Duration) -> bool {
        false
    }
}
