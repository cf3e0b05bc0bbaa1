//! Sessions by mail, as packages that fit into mails.
//!
//! ```text
//!  mail.lock -> what went before (STEM.sent) -> packages -> mail -> the server took it -> STEM.sent -> next
//!                                                  ^ too large: half the size, of what is left
//! ```
//!
//! What a mail took is kept before the next one goes, so that a session that grew, or a pass that was killed, is gone on
//! with where it was: nothing goes twice, but what was on the way when the connection broke.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kymo_model::SessionId;

use super::letter::{self, Addresses, Lines, Place, letter, package_bytes};
use super::package::{Package, PackageError, Plan, PlanOptions, file_name};
use super::smtp::Smtp;
pub use super::smtp::{MailError, MailErrorKind};
use crate::sending::select::has_all;
use crate::sending::sent::Mailed;
use crate::sending::{Local, MailSettings, Sent, Wish};

/// Smallest limit that is taken: a frame, which is not divided, has at most 256 KiB by our writer and a third more in a mail;
/// what stands around the attachment has its place. Mail servers take some megabytes.
pub const BYTES_MIN: u64 = 512 * 1024;
/// A server that takes no package of that size takes no mail to speak of.
const PACKAGE_BYTES_MIN: u64 = 16 * 1024;
/// Held by who mails from a folder.
const LOCK: &str = "mail.lock";
/// How long another one who mails from the folder is waited for, and how often it is asked.
const LOCK_TRIES: u32 = 50;
const LOCK_EVERY: Duration = Duration::from_millis(100);
/// Waits between the tries of one mail when the server is away: three in all.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
/// How often it is asked while waiting whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What holds beside the settings.
pub struct MailOptions<'a> {
    /// Also what went by mail before.
    pub again: bool,
    /// Asked before each mail: may it leave?
    pub may_leave: &'a dyn Fn() -> bool,
    /// Asked often: is it to stop?
    pub stop: &'a dyn Fn() -> bool,
}

/// How far it is, told after each mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailProgress {
    /// Mails that the server took.
    pub mails: usize,
    /// Mails there are in all, as far as that is known.
    pub mails_total: usize,
    /// Bytes of sessions in them.
    pub bytes: u64,
    /// Bytes there are in all.
    pub bytes_total: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct MailReport {
    /// Mails that the server took.
    pub mails: usize,
    /// Sessions of which all went, through their end.
    pub whole: Vec<SessionId>,
    /// Sessions of which all went that is there: they run.
    pub part: Vec<SessionId>,
    /// Sessions of which nothing was left to send.
    pub before: Vec<SessionId>,
    /// What did not go, and why; it stays. Without a session: nothing went on.
    pub failed: Vec<(Option<SessionId>, String)>,
    /// What kind of thing went wrong first.
    pub failure: Option<MailErrorKind>,
    /// It was stopped.
    pub is_stopped: bool,
    /// Consent does not allow it, or not any more.
    pub is_held: bool,
    /// Bytes of sessions that went.
    pub bytes: u64,
    /// What could not be read, in sentences.
    pub unreadable: Vec<String>,
}

/// Sends sessions by mail, in as many mails as the size needs. Blocks until all is sent, or the server was away thrice,
/// or `stop` says so. `progress` is called after each mail.
pub fn send(
    sessions: &[Local],
    settings: &MailSettings,
    options: &MailOptions<'_>,
    progress: &mut dyn FnMut(MailProgress),
) -> MailReport {
    let mut report = MailReport::default();
    let addresses = match check(settings) {
        Ok(addresses) => addresses,
        Err(error) => {
            report.fail(None, error);
            return report;
        }
    };
    let _locks = match lock_all(sessions, options.stop) {
        Ok(locks) => locks,
        Err(text) => {
            report.fail(None, MailError { kind: MailErrorKind::Away, text });
            return report;
        }
    };
    let mut sessions = sessions.to_vec();
    for session in &mut sessions {
        // What went may be more than when they were selected.
        session.sent = Sent::read(&session.folder, &session.stem);
        if options.again {
            session.sent.mailed = Mailed::default();
        }
    }
    let mut pass = Pass { settings, options, addresses, sessions, report, connection: None };
    pass.run(progress);
    pass.report
}

fn check(settings: &MailSettings) -> Result<Addresses, MailError> {
    if settings.server.is_empty() {
        return Err(MailError::settings("the mail server is not set: expected its name"));
    }
    if settings.bytes_max < BYTES_MIN {
        let text = format!("largest mail: expected at least {BYTES_MIN} bytes, found {}", settings.bytes_max);
        return Err(MailError::settings(text));
    }
    Addresses::of(settings)
}

/// One mails from a folder at a time; the locks end with the process.
fn lock_all(sessions: &[Local], stop: &dyn Fn() -> bool) -> Result<Vec<File>, String> {
    let mut folders: Vec<&PathBuf> = sessions.iter().map(|session| &session.folder).collect();
    // In one order, so that two never wait for each other.
    folders.sort();
    folders.dedup();
    folders.into_iter().map(|folder| lock(&folder.join(LOCK), stop)).collect()
}

fn lock(path: &Path, stop: &dyn Fn() -> bool) -> Result<File, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(wrong)?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if !stop() => std::thread::sleep(LOCK_EVERY),
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(error)) => return Err(wrong(error)),
        }
    }
    Err(format!("{}: another process is sending mail from there", path.display()))
}

impl MailReport {
    fn fail(&mut self, session: Option<SessionId>, error: MailError) {
        self.failure = self.failure.or(Some(error.kind));
        self.failed.push((session, error.text));
    }
}

struct Pass<'a> {
    settings: &'a MailSettings,
    options: &'a MailOptions<'a>,
    addresses: Addresses,
    /// With what went of them by mail.
    sessions: Vec<Local>,
    report: MailReport,
    connection: Option<Smtp>,
}

/// How a mail ended that did not go.
enum Halt {
    Stopped,
    Held,
    Error(MailError),
}

impl Pass<'_> {
    fn run(&mut self, progress: &mut dyn FnMut(MailProgress)) {
        let mut bytes_max = package_bytes(self.settings.bytes_max);
        let mut is_first = true;
        loop {
            let plan =
                Plan::new(&self.sessions, PlanOptions { bytes_max: Some(bytes_max), is_after_mail: true });
            if is_first {
                self.report.unreadable.clone_from(&plan.unreadable);
                self.settle(&plan);
                self.report.before = self.settled_before(&plan);
            }
            is_first = false;
            let done = (self.report.mails, self.report.bytes);
            let (count, bytes_total) = (plan.packages.len(), plan.bytes());
            let mut too_large = None;
            for package in &plan.packages {
                let mails_total = done.0 + count;
                match self.mail(package, Place { number: self.report.mails + 1, of: mails_total }) {
                    Ok(()) => progress(MailProgress {
                        mails: self.report.mails,
                        mails_total,
                        bytes: self.report.bytes,
                        bytes_total: done.1 + bytes_total,
                    }),
                    Err(Halt::Error(error)) if error.kind == MailErrorKind::TooLarge => {
                        too_large = Some((package.clone(), error));
                        break;
                    }
                    Err(halt) => return self.halt(halt),
                }
            }
            let Some((package, error)) = too_large else { break };
            // Half of what it did not take, until there is nothing to divide any more.
            bytes_max = bytes_max.min(package.bytes()) / 2;
            if bytes_max < PACKAGE_BYTES_MIN {
                self.give_up(&package, &error);
                bytes_max = package_bytes(self.settings.bytes_max);
            }
        }
        if let Some(connection) = self.connection.take() {
            connection.quit();
        }
        self.tell();
    }

    fn halt(&mut self, halt: Halt) {
        match halt {
            Halt::Stopped => self.report.is_stopped = true,
            Halt::Held => self.report.is_held = true,
            Halt::Error(error) => self.report.fail(None, error),
        }
        self.tell();
    }

    /// The mail server takes nothing so small as what can be sent of these sessions: the others go without them.
    fn give_up(&mut self, package: &Package, error: &MailError) {
        for at in package.sessions() {
            let session = &mut self.sessions[at];
            session.fragments.clear();
            self.report.fail(session.stem.session(), error.clone());
        }
    }

    fn mail(&mut self, package: &Package, place: Place) -> Result<(), Halt> {
        if (self.options.stop)() {
            return Err(Halt::Stopped);
        }
        let at = package.sessions().first().copied().unwrap_or_default();
        let name = file_name(&self.sessions[at..=at]);
        let name = match place.of {
            1 => name,
            of => name.replace(".kymo", &format!("-{}of{of}.kymo", place.number)),
        };
        let mut lines = Lines::default();
        lines.encoded.reserve(package.bytes() as usize / 57 * 78 + letter::AROUND_BYTES as usize);
        match package.write(&mut lines, &mut |_| {}, self.options.stop) {
            Ok(left_out) if left_out.is_empty() => {}
            Ok(left_out) => {
                // Pruned meanwhile, or the disk is failing: it is planned anew by who asks next.
                let text = left_out.join("; ");
                return Err(Halt::Error(MailError { kind: MailErrorKind::Away, text }));
            }
            Err(PackageError::Stopped) => return Err(Halt::Stopped),
            Err(PackageError::Target(error)) => {
                let text = error.to_string();
                return Err(Halt::Error(MailError { kind: MailErrorKind::Away, text }));
            }
        }
        let (envelope, mail) = letter(&self.sessions, package, place, &self.addresses, &name, lines.done())
            .map_err(Halt::Error)?;
        self.hand_over(&envelope, &mail)?;
        self.report.mails += 1;
        self.report.bytes += package.bytes();
        self.took(package);
        Ok(())
    }

    fn hand_over(&mut self, envelope: &lettre::address::Envelope, mail: &[u8]) -> Result<(), Halt> {
        let mut waits = WAITS.iter();
        loop {
            if !(self.options.may_leave)() {
                return Err(Halt::Held);
            }
            let connection = match self.connection.take() {
                Some(connection) => Ok(connection),
                None => Smtp::connect(self.settings),
            };
            let sent = connection.and_then(|mut connection| {
                connection.send(self.settings, envelope, mail).map(|()| connection)
            });
            let error = match sent {
                Ok(connection) => {
                    self.connection = Some(connection);
                    return Ok(());
                }
                Err(error) => error,
            };
            match waits.next() {
                Some(&wait) if error.kind == MailErrorKind::Away => self.wait(wait)?,
                _ => return Err(Halt::Error(error)),
            }
        }
    }

    fn wait(&self, time: Duration) -> Result<(), Halt> {
        let looks = time.as_millis() / LOOK_EVERY.as_millis();
        for _ in 0..looks {
            if (self.options.stop)() {
                return Err(Halt::Stopped);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Keeps what the server took. Where that cannot be written, it is told: it would go again.
    fn took(&mut self, package: &Package) {
        for piece in &package.pieces {
            let mailed = &mut self.sessions[piece.session].sent.mailed;
            let known = mailed.fragments.entry(piece.fragment).or_default();
            known.bytes = known.bytes.max(piece.to);
            known.is_complete |= piece.is_last;
        }
        for at in package.sessions() {
            self.keep(at);
        }
    }

    /// Fragments of which all went while they grew, and that were closed since.
    fn settle(&mut self, plan: &Plan) {
        for &(at, fragment) in &plan.settled {
            let known = self.sessions[at].sent.mailed.fragments.entry(fragment).or_default();
            if !std::mem::replace(&mut known.is_complete, true) {
                self.keep(at);
            }
        }
    }

    /// Sessions that the plan has nothing of, because all went.
    fn settled_before(&self, plan: &Plan) -> Vec<SessionId> {
        let planned: BTreeSet<usize> = plan.packages.iter().flat_map(Package::sessions).collect();
        let others = self
            .sessions
            .iter()
            .enumerate()
            .filter(|(at, session)| !planned.contains(at) && is_all_sent(session));
        others.filter_map(|(_, session)| session.stem.session()).collect()
    }

    fn keep(&mut self, at: usize) {
        let session = &mut self.sessions[at];
        session.sent.mailed.is_whole = is_all(session) && !session.is_running;
        // What a server has is not forgotten because somebody mails it, too.
        let known = Sent::read(&session.folder, &session.stem);
        let known = Sent { mailed: session.sent.mailed.clone(), ..known };
        let kept = known.write(&session.folder, &session.stem);
        if let Err(error) = kept {
            let text = format!(
                "{}: what was sent cannot be kept, and may go again: {error}",
                session.folder.display()
            );
            self.report.unreadable.push(text);
        } else if session.sent.mailed.is_whole {
            // A wish that stays is fulfilled again by who finds it: nothing is left to send then.
            let _ = Wish::remove(&session.folder, &session.stem);
        }
    }

    /// What became of each session.
    fn tell(&mut self) {
        let failed = self.report.failed.iter().filter_map(|(id, _)| *id);
        let told: BTreeSet<SessionId> = failed.chain(self.report.before.iter().copied()).collect();
        for session in &self.sessions {
            let Some(id) = session.stem.session().filter(|id| !told.contains(id)) else { continue };
            if session.sent.mailed.is_whole {
                self.report.whole.push(id);
            } else if session.is_running && is_all_sent(session) {
                self.report.part.push(id);
            }
        }
    }
}

/// Every fragment that is there went to its end.
fn is_all(session: &Local) -> bool {
    let mailed = &session.sent.mailed.fragments;
    let is_done = |number| mailed.get(&number).is_some_and(|sent| sent.is_complete);
    // What cannot be listed is asked about again by the next mail.
    !session.fragments.is_empty() && has_all(session, is_done).unwrap_or(false)
}

/// Of every fragment that is there something went, of closed ones all.
fn is_all_sent(session: &Local) -> bool {
    session.fragments.iter().all(|fragment| {
        let sent = session.sent.mailed.fragments.get(&fragment.number);
        sent.is_some_and(|sent| sent.is_complete || !fragment.is_closed)
    })
}
