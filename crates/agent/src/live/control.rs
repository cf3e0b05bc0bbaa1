//! The control connection: what the server hears of the session, and what it wants.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use kymo_format::live::{Command, Counts, Decoder, Message, Role, header_payload};
use kymo_model::EndReason;

use super::engine::{Shared, locked};
use super::follow::Follow;
use super::found::Door;
use super::link::{self, Link};
use super::raised;
use super::tail::Files;
use crate::clock;
use crate::sending::{SendSettings, Wish};

/// Data connections at a time: a server asks for four, and as many may be about to end.
const FOLLOWS_MAX: usize = 8;
/// Who does not take a message for that long has gone.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// After the last word: until the server closes, too.
const LINGER: Duration = Duration::from_millis(500);

/// How a connection ended.
#[derive(Debug)]
pub(super) enum Over {
    /// With the session.
    Ended,
    /// Nothing may leave any more.
    Held,
    /// The server said when to come back.
    Told(Duration),
    /// Live is off, or not for us: a person has to change something.
    Off { text: String },
    /// Otherwise; with what the server asked to wait, and how long we were in. After a while of that it is tried again quickly.
    Failed { text: String, wait: Option<Duration>, lasted: Duration },
}

impl Over {
    pub(super) fn failed(text: &str, wait: Option<Duration>) -> Self {
        Self::Failed { text: text.to_owned(), wait, lasted: Duration::ZERO }
    }
}

/// Connects, registers, and does what the server says until the end.
///
/// Errors: what went wrong before the session was registered.
pub(super) fn run(shared: &Arc<Shared>, settings: &SendSettings, door: &Door) -> io::Result<Over> {
    let mut looked_at = Instant::now();
    let mut waits = || {
        if shared.ends() {
            return Err(io::Error::other("the session ended"));
        }
        if looked_at.elapsed() >= shared.timing.look_every {
            looked_at = Instant::now();
            if !shared.is_allowed(settings) {
                return Err(io::Error::other("nothing may leave any more"));
            }
        }
        Ok(())
    };
    // Asked anew before each step that the server hears of: those before it may have taken long.
    if !shared.is_allowed(settings) {
        return Ok(Over::Held);
    }
    let mut link = Link::connect(door, &shared.lines, &mut waits)?;
    if !shared.is_allowed(settings) {
        return Ok(Over::Held);
    }
    shared.controls(Some(link.socket()));
    let (decoder, word_every) = link.greet(Role::Agent, settings.token.reveal(), None, &mut waits)?;
    if !shared.is_allowed(settings) {
        return Ok(Over::Held);
    }
    let running = &shared.running;
    let (folder, stem) = (running.folder.clone(), running.stem.clone());
    let mut control = Control {
        shared,
        settings,
        door,
        link,
        decoder,
        word_every,
        files: Files { folder, stem, session: running.session },
        first: None,
        follows: BTreeMap::new(),
        told: None,
        begun: Instant::now(),
        said: Instant::now(),
        heard: Instant::now(),
    };
    control.register()?;
    {
        let mut status = locked(&shared.status);
        status.connected_since = Some(clock::now().to_string());
        status.server = Some(control.link.peer().to_owned());
        (status.connections, status.next_try_at) = (status.connections + 1, None);
    }
    let over = control.serve();
    control.follows.values().for_each(Follow::stop);
    running.progress.look_again();
    if matches!(over, Ok(Over::Held)) {
        control.link.abort();
        return over;
    }
    Ok(over.unwrap_or_else(|error| {
        let text = format!("{}: {error}", control.link.peer());
        match control.told {
            Some(wait) => Over::Told(wait),
            None if shared.ends() => Over::Ended,
            None => Over::Failed { text, wait: None, lasted: control.begun.elapsed() },
        }
    }))
}

struct Control<'a> {
    shared: &'a Arc<Shared>,
    settings: &'a SendSettings,
    door: &'a Door,
    link: Link,
    decoder: Decoder,
    word_every: Duration,
    files: Files,
    /// The first fragment on the disk, and its first sequence.
    first: Option<(u64, u64)>,
    follows: BTreeMap<u64, Follow>,
    /// When to come back.
    told: Option<Duration>,
    begun: Instant,
    said: Instant,
    heard: Instant,
}

impl Control<'_> {
    fn say(&mut self, message: &Message) -> io::Result<()> {
        let until = Instant::now() + WRITE_WITHIN;
        let mut waits = || if Instant::now() > until { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) };
        self.link.write(&message.bytes(), &mut waits)?;
        self.said = Instant::now();
        Ok(())
    }

    fn register(&mut self) -> io::Result<()> {
        let reached = self.shared.running.progress.now();
        let header = self.files.header(reached.fragment)?;
        let header = header_payload(&header).map_err(io::Error::other)?;
        let counts = self.counts();
        self.say(&Message::Register { header, counts })
    }

    /// How far the session is, and what of it is on the disk.
    fn counts(&mut self) -> Counts {
        let running = &self.shared.running;
        let reached = running.progress.now();
        if self.first.is_none_or(|(fragment, _)| !self.files.has(fragment)) {
            self.first = self.files.first(&reached).ok();
        }
        Counts {
            last_sequence: reached.last_sequence,
            messages: reached.tally.messages,
            errors: reached.tally.errors + reached.tally.fatal,
            warnings: reached.tally.warnings,
            dropped: running.shared.status().dropped.total(),
            first_sequence: self.first.map_or(reached.last_sequence + 1, |(_, sequence)| sequence),
        }
    }

    fn serve(&mut self) -> io::Result<Over> {
        let timing = self.shared.timing;
        let mut told = self.counts();
        let (mut told_at, mut looked_at, mut pinged_at) = (Instant::now(), Instant::now(), Instant::now());
        let mut room = vec![0; link::READ_BYTES];
        loop {
            if self.shared.ends() {
                self.leave()?;
                return Ok(Over::Ended);
            }
            if looked_at.elapsed() >= timing.look_every {
                looked_at = Instant::now();
                if !self.shared.is_allowed(self.settings) {
                    return Ok(Over::Held);
                }
                raised::tick();
                self.follows.retain(|_, follow| !follow.is_over());
            }
            if told_at.elapsed() >= timing.state_every {
                told_at = Instant::now();
                let counts = self.counts();
                if counts != told {
                    told = counts;
                    self.say(&Message::State(counts))?;
                }
            }
            let silent = self.said.min(self.heard).elapsed();
            if silent >= self.word_every && pinged_at.elapsed() >= self.word_every {
                pinged_at = Instant::now();
                self.say(&Message::Ping { at: link::now() })?;
            }
            if self.heard.elapsed() >= self.word_every * 3 {
                return Err(io::Error::other("expected a word of the server, found none for too long"));
            }
            match self.link.read(&mut room, timing.look_every.min(timing.state_every))? {
                None => {}
                Some(0) if self.shared.ends() => {}
                Some(0) => return Err(io::Error::other("the server closed the connection")),
                Some(count) => {
                    self.heard = Instant::now();
                    self.decoder.feed(&room[..count]);
                    if let Some(over) = self.take()? {
                        return Ok(over);
                    }
                }
            }
        }
    }

    /// What came. An end, if that is what it says.
    fn take(&mut self) -> io::Result<Option<Over>> {
        while let Some(message) = self.decoder.next().map_err(io::Error::other)? {
            match message {
                Message::Ping { at } => self.say(&Message::Pong { asked_at: at, at: link::now() })?,
                Message::Command { number, command } => self.command(number, command)?,
                // Followers have what there is until the server closes.
                Message::ComeBack { wait_ms } => self.told = Some(Duration::from_millis(wait_ms)),
                Message::Refused { why, wait_ms, .. } => {
                    let text = format!("{} refused: {why}", self.link.peer());
                    let wait = Some(Duration::from_millis(wait_ms));
                    return Ok(Some(Over::Failed { text, wait, lasted: self.begun.elapsed() }));
                }
                // Pongs are heard; the rest is of other roles.
                _ => {}
            }
        }
        self.decoder.shrink();
        Ok(None)
    }

    fn command(&mut self, number: u64, command: Command) -> io::Result<()> {
        let done = match command {
            Command::Stop => {
                if let Some(follow) = self.follows.get(&number) {
                    follow.stop();
                    self.shared.running.progress.look_again();
                }
                return Ok(());
            }
            Command::Follow { after, key } => match self.follow(number, after, key) {
                // The data is the answer.
                Ok(()) => return Ok(()),
                Err(hindered) => Err(hindered),
            },
            Command::SendNow => self.send_now(),
            Command::Verbosity { filter, seconds } => raised::raise(&filter, seconds),
            Command::Roll => self.roll(),
        };
        self.say(&Message::Done { number, hindered: done.err() })
    }

    fn follow(&mut self, number: u64, after: u64, key: [u8; 16]) -> Result<(), String> {
        self.follows.retain(|_, follow| !follow.is_over());
        if self.follows.contains_key(&number) {
            return Err(format!("expected a number that is not in use, found {number}"));
        }
        // Those of a connection before count as well, until they are over.
        if self.shared.follows.load(Ordering::Acquire) >= FOLLOWS_MAX {
            return Err(format!("expected at most {FOLLOWS_MAX} data connections at a time"));
        }
        let started = Follow::start(self.shared, self.door, self.files.clone(), after, key);
        let follow = started.map_err(|error| format!("no thread can be started: {error}"))?;
        self.follows.insert(number, follow);
        locked(&self.shared.status).follows_total += 1;
        Ok(())
    }

    /// As a person asks for it, but not in place of the one at this machine: consent holds it.
    fn send_now(&self) -> Result<(), String> {
        let running = &self.shared.running;
        running.shared.flush();
        let wish = Wish { now: true, ..Wish::default() };
        running.wish(wish).map_err(|error| error.to_string())?;
        running.nudge_sender();
        Ok(())
    }

    fn roll(&self) -> Result<(), String> {
        if self.shared.running.roll() {
            return Ok(());
        }
        Err("the disk refused it; it is tried again with what is recorded next".to_owned())
    }

    /// The session ended: followers get what they lack, the server hears of it.
    fn leave(&mut self) -> io::Result<()> {
        let until = Instant::now() + self.shared.timing.end_within;
        self.shared.running.progress.look_again();
        self.shared.wait_for_follows(until.checked_sub(LINGER).unwrap_or(until));
        if self.shared.is_allowed(self.settings) {
            let progress = &self.shared.running.progress;
            let reason = progress.ending().map_or(EndReason::Normal, |(reason, _)| reason);
            let last_sequence = progress.now().last_sequence;
            self.say(&Message::Ended { reason: reason.as_str().to_owned(), last_sequence })?;
        }
        self.link.end();
        self.link.linger(until.min(Instant::now() + LINGER));
        Ok(())
    }
}
