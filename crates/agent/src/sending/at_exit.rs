//! The helper: a process of its own that waits for the end of the program and sends then (ADR 0021). It runs as
//! `kymo helper`; this is all of it.
//!
//! ```text
//!   program                                    helper
//!   STEM.exit made and locked
//!   spawned, task and secrets through a pipe   own session, own folder, no handles but these three
//!   another line: settings anew, or `cancel`   reads lines; waits for the lock
//!   ends, however                              has the lock: recovers, asks consent, sends, goes
//! ```
//!
//! The lock is a POSIX record lock (`fcntl`), not `flock`: a process that was forked off the program shares the latter and
//! would keep it as long as it lives, as it would keep a pipe open. A process id says nothing after the end. A record lock is the
//! process's own, goes with it even by `kill -9`, and is not inherited; that it goes, too, when *any* handle of the file is closed
//! does no harm, as nobody else opens that file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[cfg(feature = "mail")]
use kymo_model::SessionId;
use serde::{Deserialize, Serialize};

use super::pace::Patience;
use super::pass::send_in;
use super::{Criteria, Gate, Local, SendReason, SendReport, SendSettings};
use crate::repository::names::FileName;
use crate::repository::{self, Consent};

/// Of this form of task.
const VERSION: u32 = 1;
/// Longest line of the pipe: settings are some KiB.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Pauses between tries while something could not be sent: two minutes in all. A laptop that is being closed has no network
/// any more; the next start goes on.
const TRIES_AFTER: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_secs(2),
    Duration::from_secs(8),
    Duration::from_secs(30),
    Duration::from_secs(80),
];
/// A child of the program that lives on keeps its files locked. They are tried again so often.
const RECOVER_AFTER: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5)];

/// It could not be started as it should.
const EXIT_BAD_TASK: u8 = 2;
/// Something could not be sent.
const EXIT_LEFT: u8 = 1;

/// What the helper is to do: the first line of its standard input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) version: u32,
    pub(crate) kind: String,
    /// The application's, with the session's files.
    pub(crate) folder: PathBuf,
    /// The session's id.
    pub(crate) session: String,
    /// What its files' names begin with.
    pub(crate) stem: String,
    pub(crate) settings: SendSettings,
}

impl Task {
    pub(crate) fn new(folder: &Path, session: String, stem: &FileName, settings: SendSettings) -> Self {
        let stem = stem.as_str().to_owned();
        Self { version: VERSION, kind: "exit".to_owned(), folder: folder.to_owned(), session, stem, settings }
    }
}

/// The lines after the first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Later {
    /// There is nothing to do any more.
    Cancel,
    /// They changed.
    Settings { settings: Box<SendSettings> },
    /// Of a newer version.
    #[serde(other)]
    Unknown,
}

/// A line of the pipe.
pub(crate) fn line(said: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    Ok(line)
}

/// Takes the lock that says that this process lives; false if another has it. On systems without such locks, the
/// system's usual one.
pub(crate) fn try_hold(file: &File) -> io::Result<bool> {
    #[cfg(unix)]
    match rustix::fs::fcntl_lock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => Ok(false),
        Err(error) => Err(error.into()),
    }
    #[cfg(not(unix))]
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(std::fs::TryLockError::WouldBlock) => Ok(false),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Waits for it as long as the other process lives.
fn wait_for(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    loop {
        match rustix::fs::fcntl_lock(file, rustix::fs::FlockOperation::LockExclusive) {
            Err(rustix::io::Errno::INTR) => {}
            done => return Ok(done?),
        }
    }
    #[cfg(not(unix))]
    file.lock()
}

/// Does what the standard input says, to its end: what `kymo helper` is. Gives the exit code: 0, everything is sent or there was
/// nothing to send; 1, something is left for the next start; 2, the task is none.
///
/// To be called first of all in `main`: it closes every handle but the standard ones.
pub fn run_helper() -> u8 {
    leave_the_program();
    let mut input = BufReader::new(io::stdin());
    let task = match read_task(&mut input) {
        Ok(task) => task,
        Err(error) => {
            let text = serde_json::json!({ "error": error.to_string() });
            // Nobody may listen.
            let _ = writeln!(io::stdout(), "{text}");
            return EXIT_BAD_TASK;
        }
    };
    let path = task.folder.join(format!("{}.exit", task.stem));
    let settings = Arc::new(Mutex::new(task.settings.clone()));
    let said = Arc::clone(&settings);
    let listener = std::thread::Builder::new().name("listener".into()).spawn(move || listen(input, &said));
    let waited = listener.and_then(|_| File::options().write(true).open(&path)).and_then(|file| {
        wait_for(&file)?;
        Ok(file)
    });
    // Held until the end, so that two are never at it.
    let Ok(_held) = waited else { return EXIT_BAD_TASK };
    let settings = settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let is_done = send(&task, &settings);
    let _ = std::fs::remove_file(path);
    if is_done { 0 } else { EXIT_LEFT }
}

/// Out of the program's terminal, folder and handles: what ends the one or waits for the other has nothing to do with this.
fn leave_the_program() {
    #[cfg(unix)]
    {
        crate::raw::handles::close_all_but_standard();
        let _ = std::env::set_current_dir("/");
        // It fails for who leads a group already: somebody who starts it by hand.
        let _ = rustix::process::setsid();
    }
}

fn read_task(input: &mut impl BufRead) -> io::Result<Task> {
    let mut line = String::new();
    input.take(LINE_BYTES_MAX).read_line(&mut line)?;
    let refused =
        |found: String| io::Error::new(io::ErrorKind::InvalidData, format!("expected a task: {found}"));
    let task: Task = serde_json::from_str(&line).map_err(|error| refused(error.to_string()))?;
    if task.kind != "exit" || task.version != VERSION {
        return Err(refused(format!("found kind {:?} of version {}", task.kind, task.version)));
    }
    // It becomes the name of a file.
    if FileName::of(&task.stem).is_none_or(|stem| stem.as_str() != task.stem) {
        return Err(refused(format!("found stem {:?}", task.stem)));
    }
    Ok(task)
}

/// What the program says while it runs. Its end says nothing: a child of it may hold the other end.
fn listen(mut input: impl BufRead, settings: &Mutex<SendSettings>) {
    let mut line = String::new();
    while input.by_ref().take(LINE_BYTES_MAX).read_line(&mut line).is_ok_and(|count| count > 0) {
        match serde_json::from_str(&line) {
            Ok(Later::Cancel) => std::process::exit(0),
            Ok(Later::Settings { settings: new }) => {
                *settings.lock().unwrap_or_else(PoisonError::into_inner) = *new;
            }
            Ok(Later::Unknown) | Err(_) => {}
        }
        line.clear();
    }
}

/// Sends what is to be sent, in a few tries; true if nothing is left.
fn send(task: &Task, settings: &SendSettings) -> bool {
    for pause in RECOVER_AFTER {
        std::thread::sleep(pause);
        // What fails here is told by the next start, which tries it too.
        let _ = repository::recover(&task.folder);
        let is_meant = |session: &&Local| session.stem.as_str() == task.stem;
        let found = super::select(&task.folder, Criteria::ALL).unwrap_or_default();
        // The process may still be on its way out.
        if found.iter().find(is_meant).is_none_or(|session| !session.is_running) {
            break;
        }
    }
    let Some(product) = task.folder.parent() else { return false };
    let folders = super::folders(&task.folder, settings);
    let gate = Gate::new(product, settings);
    let mut is_done = false;
    for pause in TRIES_AFTER {
        std::thread::sleep(pause);
        // Asked anew each time. Whatever it says, what a person asked for has wishes that say so.
        let by_rule =
            (settings.auto_send_sessions || settings.send_sessions_on_exit) && gate.is_open(SendReason::Rule);
        let asked = Criteria { asked: true, all: false, ..Criteria::ALL };
        let criteria = if by_rule { Criteria::NEW } else { asked };
        is_done = send_once(&folders, settings, criteria).failed.is_empty();
        if is_done {
            break;
        }
    }
    // The session it held for has ended.
    let _ = Consent::end_once(product, None);
    is_done
}

/// By the server; and by mail, if there is none or it cannot be reached. What goes because the server is there goes by its policy.
fn send_once(folders: &[PathBuf], settings: &SendSettings, criteria: Criteria) -> SendReport {
    let beyond_policy = settings.send_sessions_on_exit || criteria.asked;
    #[cfg(feature = "mail")]
    if settings.server.is_none() && settings.mail.is_some() {
        // No server, no policy.
        return by_mail(folders, settings, criteria, true, SendReport::default());
    }
    // Other tries follow, or mail: it does not wait long for a server that is away.
    let means: (_, &mut dyn FnMut(_), &dyn Fn() -> bool) = (Patience::OFTEN, &mut |_| {}, &|| false);
    let report = send_in(folders, settings, criteria, SendReason::Rule, beyond_policy, means);
    #[cfg(feature = "mail")]
    if !report.failed.is_empty() && settings.mail.is_some() {
        return by_mail(folders, settings, criteria, beyond_policy, report);
    }
    report
}

/// What is not there yet, by mail. The report has what is still not sent: what the server said holds no more once a mail went.
#[cfg(feature = "mail")]
fn by_mail(
    folders: &[PathBuf],
    settings: &SendSettings,
    criteria: Criteria,
    beyond_policy: bool,
    before: SendReport,
) -> SendReport {
    use super::mail::{self, MailOptions};
    let Some(to) = &settings.mail else { return before };
    let answered: Vec<SessionId> = [&before.declined, &before.whole, &before.part, &before.short]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    let mut report = SendReport { failed: Vec::new(), ..before };
    for folder in folders {
        let sessions = match super::select(folder, criteria) {
            Ok(sessions) => left_for_mail(sessions, &answered, beyond_policy),
            Err(error) => {
                report.failed.push((None, format!("{}: {error}", folder.display())));
                continue;
            }
        };
        let gate = Gate::new(folder.parent().unwrap_or(folder), settings);
        let may_leave = || gate.is_open(SendReason::Rule) || sessions.iter().all(is_asked);
        let options = MailOptions { again: false, may_leave: &may_leave, stop: &|| false };
        let sent = mail::send(&sessions, to, &options, &mut |_| {});
        report.bytes += sent.bytes;
        report.whole.extend(sent.whole);
        report.part.extend(sent.part);
        report.failed.extend(sent.failed);
        report.notes.extend(sent.unreadable);
        if sent.is_held {
            report.failed.push((None, "held: the person has not consented".to_owned()));
        }
    }
    report
}

/// Sessions that failed, or that the server was not asked about any more after one that did: not those of which it said what
/// it has, or that it does not want them, now or when it was last asked.
#[cfg(feature = "mail")]
fn left_for_mail(sessions: Vec<Local>, answered: &[SessionId], beyond_policy: bool) -> Vec<Local> {
    let is_wanted = |session: &Local| {
        beyond_policy || session.is_wished_by_somebody() || session.is_wanted(&session.sent.wanted)
    };
    let is_answered = |session: &Local| session.id().is_some_and(|id| answered.contains(&id));
    sessions.into_iter().filter(|session| !is_answered(session) && is_wanted(session)).collect()
}

/// A person still wants it, by what is said now; or it went, and the wish with it.
#[cfg(feature = "mail")]
fn is_asked(session: &Local) -> bool {
    let wish = super::Wish::read(&session.folder, &session.stem).ok().flatten();
    wish.is_some_and(|wish| wish.user_asked)
        || super::Sent::read(&session.folder, &session.stem).mailed.is_whole
}

#[cfg(test)]
#[cfg(unix)]
#[cfg(feature = "mail")]
mod tests {

    use super::*;
    use crate::raw::fork;
    use crate::spool::disk;

    fn sessions(folder: &Path, count: u128) -> Vec<Local> {
        for id in 1..=count {
            let at = kymo_model::Timestamp::from_unix_millis(1_790_000_000_000 + id as i64).unwrap();
            let stem = FileName::new(SessionId::from_u128(id), at);
            std::fs::write(folder.join(stem.fragment(1)), [0; 10]).unwrap();
            let summary = repository::Summary { state: "ended".to_owned(), ..Default::default() };
            summary.write(&folder.join(stem.summary())).unwrap();
        }
        crate::sending::select(folder, Criteria::ALL).unwrap()
    }

    #[test]
    fn what_the_server_has_or_does_not_want_does_not_go_by_mail_instead() {
        let folder = tempfile::tempdir().unwrap();
        let mut all = sessions(folder.path(), 3);
        let id = SessionId::from_u128;
        let left = |all: &[Local], answered: &[SessionId], beyond_policy| {
            let left = left_for_mail(all.to_vec(), answered, beyond_policy);
            left.iter().map(|session| session.id().unwrap()).collect::<Vec<_>>()
        };
        // The third was not tried any more.
        assert_eq!(left(&all, &[id(1)], true), [id(2), id(3)]);
        all[1].sent.wanted = "none".to_owned();
        assert_eq!(left(&all, &[id(1)], true), [id(2), id(3)]);
        assert_eq!(left(&all, &[id(1)], false), [id(3)]);
        all[1].wish = Some(crate::sending::Wish { now: true, ..Default::default() });
        assert_eq!(left(&all, &[id(1)], false), [id(2), id(3)]);
    }

    #[test]
    fn a_no_between_two_mails_is_heard() {
        let folder = tempfile::tempdir().unwrap();
        let all = sessions(folder.path(), 2);
        let wish = crate::sending::Wish { when_ended: true, user_asked: true, ..Default::default() };
        for session in &all {
            wish.clone().make(folder.path(), &session.stem).unwrap();
        }
        assert!(all.iter().all(is_asked));
        // It went, and with it its wish.
        let mailed = crate::sending::sent::Mailed { is_whole: true, ..Default::default() };
        crate::sending::Sent { mailed, ..Default::default() }.write(folder.path(), &all[0].stem).unwrap();
        crate::sending::Wish::remove(folder.path(), &all[0].stem).unwrap();
        assert!(all.iter().all(is_asked));
        crate::sending::Wish::remove(folder.path(), &all[1].stem).unwrap();
        assert!(!is_asked(&all[1]));
    }

    /// What the choice of the lock rests on.
    #[test]
    fn the_lock_goes_with_its_process_whatever_that_forked() {
        let _turn = crate::recorder::tests::turn();
        let folder = tempfile::tempdir().unwrap();
        let (record, shared) = (folder.path().join("record"), folder.path().join("shared"));
        let (ready, done) = (folder.path().join("ready"), folder.path().join("done"));
        let holder = fork::child(|| {
            let record = disk::create(&record).unwrap();
            let shared = disk::create(&shared).unwrap();
            assert!(try_hold(&record).unwrap());
            shared.lock().unwrap();
            // It lives on when this process has gone, with handles of both.
            let _ = fork::child(|| {
                std::fs::write(&ready, "").unwrap();
                // Until it is said, or everything is gone.
                while ready.exists() && !done.exists() {
                    std::thread::yield_now();
                }
                0
            });
            while !ready.exists() {
                std::thread::yield_now();
            }
            0
        });
        assert_eq!(holder.wait(), 0);
        let file = File::options().write(true).open(&shared).unwrap();
        assert!(file.try_lock().is_err(), "the usual lock is the child's, too");
        wait_for(&File::options().write(true).open(&record).unwrap()).unwrap();
        std::fs::write(&done, "").unwrap();
    }
}
