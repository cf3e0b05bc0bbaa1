//! One pass: the sessions that are meant, fragment by fragment, piece by piece, from where the server says on.
//!
//! ```text
//!  head -> what the server has, and wants -> pieces from its offset on -> STEM.sent -> purge
//!            ^ 404: once more                 | 409: from the offset it says
//!                                             | no answer: smaller pieces, again, a few times
//! ```
//!
//! The server's offset is the truth: `STEM.sent` only saves asking. So two senders, a sender that was killed, and a
//! server that lost its last second need no care of their own.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kymo_model::SessionId;

use super::client::{Client, Head, SendError, SendErrorKind, Standing};
use super::pace::{Pace, Patience};
use super::pieces::{self, Growing};
use super::select::{Local, LocalFragment, has_all, select};
use super::{Criteria, Gate, SendReason, SendSettings, SendStatus, Sent, SentFragment, Wish, purge};

/// Pieces that bring nothing in a row before a fragment is left for later: a server that was killed takes back one.
const IN_VAIN_MAX: u32 = 10;
/// Pieces in a row that the server calls unfit: the line may have damaged one or two.
const UNFIT_MAX: u32 = 3;

/// How far sending is, told after each piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Whose fragment is sent.
    pub session: SessionId,
    /// Its number.
    pub fragment: u64,
    /// Bytes of it that the server has.
    pub bytes: u64,
    /// Bytes of it that are to be there.
    pub bytes_total: u64,
}

/// What came of a pass.
#[derive(Clone, Debug, Default)]
pub struct SendReport {
    /// Sessions that the server has all of, through their end.
    pub whole: Vec<SessionId>,
    /// Sessions that the server has as far as they go: they run.
    pub part: Vec<SessionId>,
    /// Sessions of which the server does not take all: something of them is too large, or not what it has already.
    pub short: Vec<SessionId>,
    /// Sessions that the server does not want.
    pub declined: Vec<SessionId>,
    /// Sessions that consent holds.
    pub held: Vec<SessionId>,
    /// What could not be sent, and why: where, what was expected. Without a session: nobody was asked.
    pub failed: Vec<(Option<SessionId>, String)>,
    /// Bytes that were sent and are there.
    pub bytes: u64,
    /// Fragments that were removed here, because the server has them.
    pub purged: u64,
    /// What is odd, in words.
    pub notes: Vec<String>,
}

/// Why a session was not sent to its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// It is to stop.
    Stopped,
    /// Nothing may leave.
    Held,
    /// What the disk says, or the server of this session; with others it may be different.
    Session(String),
    /// What the server says, or that it says nothing: it is the same with others.
    Server(SendError),
}

/// What of a session is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// The fragment that grows, too.
    pub(super) growing: bool,
    /// Whatever the server's policy is.
    pub(super) beyond_policy: bool,
    /// What `STEM.sent` says is believed.
    pub(super) trusts_sent: bool,
}

/// A fragment to be sent up to there.
#[derive(Debug)]
struct Target<'local> {
    fragment: &'local LocalFragment,
    to: u64,
}

/// What went wrong with a fragment since a piece of it last arrived.
#[derive(Clone, Copy, Debug, Default)]
struct Trouble {
    /// Pieces that brought nothing, in a row.
    in_vain: u32,
    /// Pieces that the server called unfit.
    unfit: u32,
    /// Requests without an answer.
    tries: u32,
}

/// One pass over any number of sessions.
pub(super) struct Pass<'a> {
    pub(super) client: &'a Client,
    pub(super) settings: &'a SendSettings,
    pub(super) pace: Pace,
    pub(super) patience: Patience,
    pub(super) growing: &'a mut Growing,
    pub(super) progress: &'a mut dyn FnMut(Progress),
    pub(super) stop: &'a dyn Fn() -> bool,
    pub(super) report: SendReport,
    /// Requests that went as they should.
    pub(super) answers: u64,
}

/// Sends once what is meant of the sessions in applications' folders, whatever the server's policy is: somebody wants
/// just this. Sessions of processes that are gone are recovered first; of those that run what is whole goes.
///
/// Blocks until all is sent, or the server was away for about a minute, or `stop` says so. What comes of it is told by
/// the report, and kept in each folder's `send-status.json`. `progress` is called after each piece.
pub fn send_now(
    folders: &[PathBuf],
    settings: &SendSettings,
    criteria: Criteria,
    reason: SendReason,
    progress: &mut dyn FnMut(Progress),
    stop: &dyn Fn() -> bool,
) -> SendReport {
    send_in(folders, settings, criteria, reason, true, (Patience::ONCE, progress, stop))
}

/// The same, by the server's policy if it is not to go beyond that.
pub(super) fn send_in(
    folders: &[PathBuf],
    settings: &SendSettings,
    criteria: Criteria,
    reason: SendReason,
    beyond_policy: bool,
    (patience, progress, stop): (Patience, &mut dyn FnMut(Progress), &dyn Fn() -> bool),
) -> SendReport {
    by_one_client(settings, patience, progress, stop, |pass| {
        for folder in folders {
            let gate = Gate::new(folder.parent().unwrap_or(folder), settings);
            let before = (pass.report.failed.len(), pass.report.bytes);
            let goes_on = pass.folder(folder, criteria, &gate, reason, beyond_policy);
            let failure = pass.report.failed.get(before.0).map(|(_, text)| text.as_str());
            SendStatus::record(folder, pass.client.server(), failure, pass.report.bytes - before.1);
            if !goes_on {
                break;
            }
        }
    })
}

/// The same for these sessions and no others, as they were selected. Sessions of processes that are gone are to be
/// recovered before.
pub fn send_these(
    sessions: &[Local],
    settings: &SendSettings,
    reason: SendReason,
    progress: &mut dyn FnMut(Progress),
    stop: &dyn Fn() -> bool,
) -> SendReport {
    let scope = Scope { growing: true, beyond_policy: true, trusts_sent: false };
    by_one_client(settings, Patience::ONCE, progress, stop, |pass| {
        for session in sessions {
            let gate = Gate::new(session.folder.parent().unwrap_or(&session.folder), settings);
            if let Err(Halt::Stopped | Halt::Server(_)) = pass.session(session, &gate, reason, scope) {
                break;
            }
        }
    })
}

/// What comes of a pass that is over when `run` is.
fn by_one_client(
    settings: &SendSettings,
    patience: Patience,
    progress: &mut dyn FnMut(Progress),
    stop: &dyn Fn() -> bool,
    run: impl FnOnce(&mut Pass<'_>),
) -> SendReport {
    let client = match Client::of(settings) {
        Ok(client) => client,
        Err(error) => return SendReport { failed: vec![(None, error.text)], ..SendReport::default() },
    };
    let mut growing = Growing::default();
    let mut pass = Pass {
        client: &client,
        settings,
        pace: Pace::new(settings.bytes_per_second),
        patience,
        growing: &mut growing,
        progress,
        stop,
        report: SendReport::default(),
        answers: 0,
    };
    run(&mut pass);
    pass.report
}

impl Pass<'_> {
    /// All sessions of a folder that are meant. False if there is no use in going on with another.
    fn folder(
        &mut self,
        folder: &std::path::Path,
        criteria: Criteria,
        gate: &Gate,
        reason: SendReason,
        beyond_policy: bool,
    ) -> bool {
        let found = crate::repository::recover(folder).and_then(|(_, failed)| {
            self.report.notes.extend(failed);
            select(folder, criteria)
        });
        let sessions = match found {
            Ok(sessions) => sessions,
            Err(error) => {
                self.report.failed.push((None, format!("{}: {error}", folder.display())));
                return true;
            }
        };
        let scope = Scope { growing: true, beyond_policy, trusts_sent: false };
        for session in &sessions {
            match self.session(session, gate, reason, scope) {
                Ok(_) | Err(Halt::Held | Halt::Session(_)) => {}
                Err(Halt::Stopped | Halt::Server(_)) => return false,
            }
        }
        true
    }

    /// A session as far as the scope says: what is known to have arrived then. What came of it is in the report.
    pub(super) fn session(
        &mut self,
        local: &Local,
        gate: &Gate,
        reason: SendReason,
        scope: Scope,
    ) -> Result<Sent, Halt> {
        let id = local.id();
        let result = self.try_session(local, gate, reason, scope);
        match &result {
            Err(Halt::Held) => self.report.held.extend(id),
            Err(Halt::Session(text)) => self.report.failed.push((id, text.clone())),
            Err(Halt::Server(error)) => self.report.failed.push((id, error.text.clone())),
            Ok(_) | Err(Halt::Stopped) => {}
        }
        result
    }

    fn try_session(
        &mut self,
        local: &Local,
        gate: &Gate,
        reason: SendReason,
        scope: Scope,
    ) -> Result<Sent, Halt> {
        let was_asked = local.wish.as_ref().is_some_and(|wish| asks_now(wish, local.is_running));
        // A *no* that is said after it takes the wish back, and holds within a piece.
        let is_asked = || {
            let wish = Wish::read(&local.folder, &local.stem).ok().flatten();
            wish.is_some_and(|wish| asks_now(&wish, local.is_running))
        };
        let may_go = || gate.is_open(reason) || (was_asked && is_asked());
        // Before anything is read for it.
        self.may_go_on(&may_go)?;
        let id =
            local.id().ok_or_else(|| Halt::Session(format!("{}: expected an id", local.stem.summary())))?;
        let mut sent = local.sent.clone().at(self.client.server());
        if !scope.trusts_sent {
            sent.fragments.clear();
            sent.is_whole = false;
        }
        let targets = self.targets(local, &sent, scope)?;
        // Whoever asks is shown at least that there is a session.
        let is_shown = scope.trusts_sent && !sent.wanted.is_empty();
        if !targets.is_empty() || !is_shown {
            let is_wanted = self.send_targets(local, id, &targets, &mut sent, &may_go, scope)?;
            if !is_wanted {
                self.report.declined.push(id);
                return Ok(sent);
            }
        }
        self.finish(local, id, sent, scope, &may_go)
    }

    /// What there is to send, by what is known.
    fn targets<'local>(
        &mut self,
        local: &'local Local,
        sent: &Sent,
        scope: Scope,
    ) -> Result<Vec<Target<'local>>, Halt> {
        let mut targets = Vec::new();
        for fragment in local.fragments.iter().filter(|fragment| !sent.is_done(fragment.number)) {
            if fragment.is_closed {
                self.growing.forget(&fragment.path);
                // Its length may be that of before its end.
                match std::fs::metadata(&fragment.path) {
                    Ok(found) => targets.push(Target { fragment, to: found.len() }),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(of_disk(fragment, &error)),
                }
            } else if scope.growing {
                let to = match self.growing.whole_bytes(&fragment.path) {
                    Ok(to) => to,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(of_disk(fragment, &error)),
                };
                if to > sent.fragments.get(&fragment.number).map_or(0, |sent| sent.bytes) {
                    targets.push(Target { fragment, to });
                }
            }
        }
        Ok(targets)
    }

    /// Shows the head and sends what the server does not have. False if it does not want the session.
    fn send_targets(
        &mut self,
        local: &Local,
        id: SessionId,
        targets: &[Target<'_>],
        sent: &mut Sent,
        may_go: &dyn Fn() -> bool,
        scope: Scope,
    ) -> Result<bool, Halt> {
        let mut was_forgotten = false;
        'head: loop {
            let head = self.show_head(local, may_go)?;
            if sent.wanted != head.wanted {
                sent.is_requested |= !sent.wanted.is_empty() && head.wanted == "all";
                sent.wanted.clone_from(&head.wanted);
                keep(local, sent);
            }
            if !(scope.beyond_policy || local.is_wished_by_somebody() || local.is_wanted(&head.wanted)) {
                return Ok(false);
            }
            for target in targets {
                match self.fragment(id, target, &head, may_go) {
                    Ok(arrived) => {
                        sent.fragments.insert(target.fragment.number, arrived);
                        keep(local, sent);
                    }
                    Err(Halt::Server(error)) if error.kind == SendErrorKind::Unknown && !was_forgotten => {
                        was_forgotten = true;
                        continue 'head;
                    }
                    Err(halt) => return Err(halt),
                }
            }
            return Ok(true);
        }
    }

    /// Shows the head of the oldest fragment that is there.
    pub(super) fn show_head(&mut self, local: &Local, may_go: &dyn Fn() -> bool) -> Result<Head, Halt> {
        let Some(fragment) = local.fragments.first() else { return Ok(Head::default()) };
        let head = pieces::head(&fragment.path).map_err(|error| of_disk(fragment, &error))?;
        let mut tries = 0;
        loop {
            self.may_go_on(may_go)?;
            match self.client.begin(&head) {
                Ok(head) => {
                    self.answers += 1;
                    return Ok(head);
                }
                Err(error) => self.later(error, &mut tries)?,
            }
        }
    }

    /// Sends a fragment from where the server is.
    fn fragment(
        &mut self,
        session: SessionId,
        target: &Target<'_>,
        head: &Head,
        may_go: &dyn Fn() -> bool,
    ) -> Result<SentFragment, Halt> {
        let Target { fragment, to } = *target;
        let place = || fragment.path.display();
        let mut there = head.fragments.get(&fragment.number).copied().unwrap_or_default();
        if to > head.fragment_bytes_max {
            let limit = head.fragment_bytes_max;
            return Ok(
                self.given_up(there, format!("{}: the server takes {limit} bytes, found {to}", place()))
            );
        }
        let mut trouble = Trouble::default();
        while !there.is_complete && (fragment.is_closed || there.offset < to) {
            if there.offset > to {
                break;
            }
            if trouble.in_vain > IN_VAIN_MAX {
                let offset = there.offset;
                let text = format!("{}: the server does not get beyond byte {offset}", place());
                return Err(Halt::Session(text));
            }
            there = self.piece(session, target, there, head.append_bytes_max, may_go, &mut trouble)?;
            let progress =
                Progress { session, fragment: fragment.number, bytes: there.offset, bytes_total: to };
            (self.progress)(progress);
        }
        if fragment.is_closed && there.offset != to {
            let text = format!("{}: expected {to} bytes at the server, found {}", place(), there.offset);
            return Ok(self.given_up(there, text));
        }
        let is_complete = there.is_complete && fragment.is_closed;
        Ok(SentFragment { bytes: there.offset.min(to), is_complete, is_given_up: false })
    }

    /// Sends the next piece: where the server is then. Nothing moved if it is to be tried again.
    fn piece(
        &mut self,
        session: SessionId,
        target: &Target<'_>,
        there: Standing,
        bytes_max: u64,
        may_go: &dyn Fn() -> bool,
        trouble: &mut Trouble,
    ) -> Result<Standing, Halt> {
        let Target { fragment, to } = *target;
        let end = to.min(there.offset + self.pace.piece_bytes(bytes_max));
        let is_last = end == to && fragment.is_closed;
        self.may_go_on(may_go)?;
        self.pace.wait((end - there.offset) as usize, self.stop);
        self.may_go_on(may_go)?;
        let piece = pieces::read(&fragment.path, there.offset, end);
        let piece = piece.map_err(|error| of_disk(fragment, &error))?;
        let asked = Instant::now();
        match self.client.append(session, fragment.number, there.offset, &piece, is_last) {
            Ok(now) => {
                let is_further = now.offset > there.offset || now.is_complete;
                *trouble = Trouble {
                    in_vain: if is_further { 0 } else { trouble.in_vain + 1 },
                    ..Trouble::default()
                };
                self.answers += 1;
                self.report.bytes += now.offset.min(end).saturating_sub(there.offset);
                self.pace.took(asked.elapsed());
                return Ok(now);
            }
            // Damaged on its way, perhaps.
            Err(error) if error.kind == SendErrorKind::Unfit && trouble.unfit < UNFIT_MAX => {
                trouble.unfit += 1;
                self.pace.failed();
            }
            Err(error) => {
                self.pace.failed();
                self.later(error, &mut trouble.tries)?;
            }
        }
        Ok(there)
    }

    fn given_up(&mut self, there: Standing, note: String) -> SentFragment {
        self.report.notes.push(note);
        SentFragment { bytes: there.offset, is_complete: false, is_given_up: true }
    }

    /// Says what is known, fulfils the wish, and removes what is to be removed.
    fn finish(
        &mut self,
        local: &Local,
        id: SessionId,
        mut sent: Sent,
        scope: Scope,
        may_go: &dyn Fn() -> bool,
    ) -> Result<Sent, Halt> {
        let is_there = has_all(local, |number| sent.is_done(number));
        let is_there =
            is_there.map_err(|error| Halt::Session(format!("{}: {error}", local.folder.display())))?;
        sent.is_whole = is_there && !local.is_running;
        keep(local, &sent);
        if sent.fragments.values().any(|fragment| fragment.is_given_up) {
            self.report.short.push(id);
        } else if sent.is_whole {
            self.report.whole.push(id);
        } else if scope.growing {
            self.report.part.push(id);
        }
        if let Some(seen) = local.wish.as_ref().filter(|_| sent.is_whole || scope.growing) {
            fulfil(local, seen, sent.is_whole);
        }
        if self.settings.purge_sent_sessions {
            self.purge(local, &mut sent, may_go)?;
        }
        Ok(sent)
    }

    /// Removes what was sent. What is known may be of before the server went back to a backup: it is asked once more, and what
    /// it does not say it has is sent again, not removed.
    fn purge(&mut self, local: &Local, sent: &mut Sent, may_go: &dyn Fn() -> bool) -> Result<(), Halt> {
        if purge::candidates(local, sent).next().is_none() {
            return Ok(());
        }
        let head = self.show_head(local, may_go)?;
        let lost = purge::candidates(local, sent).filter(|fragment| {
            let known = sent.fragments.get(&fragment.number).map(|known| known.bytes);
            let there = head.fragments.get(&fragment.number);
            there.is_none_or(|there| !there.is_complete || Some(there.offset) != known)
        });
        let lost: Vec<u64> = lost.map(|fragment| fragment.number).collect();
        if !lost.is_empty() {
            sent.forget(&lost);
            sent.forgotten(&lost, &local.folder, &local.stem);
        }
        let purged = purge::purge(local, sent);
        self.report.purged +=
            purged.map_err(|error| Halt::Session(format!("{}: {error}", local.folder.display())))?;
        Ok(())
    }

    fn may_go_on(&self, may_go: &dyn Fn() -> bool) -> Result<(), Halt> {
        match () {
            () if (self.stop)() => Err(Halt::Stopped),
            () if !may_go() => Err(Halt::Held),
            () => Ok(()),
        }
    }

    /// Waits, if it is to be tried again.
    fn later(&mut self, error: SendError, tries: &mut u32) -> Result<(), Halt> {
        if (self.stop)() {
            return Err(Halt::Stopped);
        }
        *tries += 1;
        let wait: Option<Duration> = match error.kind {
            SendErrorKind::Unreachable | SendErrorKind::Busy => self.patience.wait(*tries, error.retry_after),
            SendErrorKind::Unfit => return Err(Halt::Session(error.text)),
            SendErrorKind::Unknown | SendErrorKind::Refused | SendErrorKind::Misunderstood => None,
        };
        let Some(wait) = wait else { return Err(Halt::Server(error)) };
        super::pace::sleep(wait, self.stop);
        Ok(())
    }
}

/// A person asked for it, and for now: what is to go when it has ended waits for that (ADR 0021).
fn asks_now(wish: &Wish, is_running: bool) -> bool {
    wish.user_asked && (wish.now || wish.through_end || !is_running)
}

fn of_disk(fragment: &LocalFragment, error: &io::Error) -> Halt {
    Halt::Session(format!("{}: {error}", fragment.path.display()))
}

/// Keeps what is known. Where that cannot be written the server is asked again, which costs a request.
pub(super) fn keep(local: &Local, sent: &Sent) {
    let known = Sent::read(&local.folder, &local.stem);
    let sent = sent.clone().merged(&known);
    if sent != known {
        let _ = sent.write(&local.folder, &local.stem);
    }
}

/// What was wished arrived. A wish that was made again meanwhile stays.
fn fulfil(local: &Local, seen: &Wish, is_whole: bool) {
    // What cannot be taken away is fulfilled again, which costs a request.
    let _ = Wish::change(&local.folder, &local.stem, |now| {
        let is_done = is_whole || !(seen.through_end || seen.when_ended);
        now.and_then(|now| match now == *seen {
            false => Some(now),
            true if is_done => None,
            true => Some(Wish { now: false, ..now }),
        })
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_asked_for_at_its_end_goes_at_its_end() {
        let wish = |now, through_end, when_ended| Wish {
            now,
            through_end,
            when_ended,
            user_asked: true,
            ..Wish::default()
        };
        assert!(!asks_now(&wish(false, false, true), true));
        assert!(asks_now(&wish(false, false, true), false));
        assert!(asks_now(&wish(true, false, true), true));
        assert!(asks_now(&wish(false, true, false), true));
        assert!(!asks_now(&Wish { user_asked: false, ..wish(true, true, true) }, false));
    }
}
