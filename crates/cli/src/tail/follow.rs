//! Sessions of a server, followed over one connection; another takes its place where it breaks.
//!
//! ```text
//!  HTTP: where to connect -> hello, list, open with cursors -> records -> lines -> flush -> read on
//!          ^------------------ after a pause -------------------- the connection broke
//! ```
//!
//! One thread does it all: while standard output is not taken, nothing is read, and the server keeps what it keeps.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use kymo_format::live::{Message, Refusal};
use kymo_model::{SessionId, Timestamp};
use kymo_viewer::session::ChannelItem;
use serde_json::Value;

use super::followed::{Followed, From};
use super::line::{Address, Line, Lost};
use super::print::Printer;
use super::stored::{Stored, Whereabouts};
use super::{OFF, REFUSED, UNKNOWN, ended, session_id};
use crate::args;

/// Channels of one connection: the server's limit.
const CHANNELS_MAX: usize = 64;
/// The first pause before another connection, and the longest.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A connection that lasted so long, or brought something new, was a good one: pauses begin anew.
const LASTED: Duration = Duration::from_secs(10);
/// While it pauses, how often it is looked whether anybody still reads.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Printing that takes longer was waited for.
const HELD_UP: Duration = Duration::from_secs(1);

/// Why a connection is over.
enum Stop {
    Done(ExitCode),
    Lost(Lost),
    Output(io::Error),
    Failed(anyhow::Error),
}

impl std::convert::From<Lost> for Stop {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl std::convert::From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

pub(super) fn run(args: &args::Tail, printer: &mut Printer) -> anyhow::Result<ExitCode> {
    let mut follow = Follow {
        args,
        printer,
        stored: Stored::new(&args.server),
        only: None,
        sessions: HashMap::new(),
        channels: HashMap::new(),
        next_channel: 1,
        since: None,
        is_full_told: false,
        has_come_on: false,
    };
    let mut pause = PAUSE_MIN;
    loop {
        let began = Instant::now();
        let Err(stop) = follow.connect().and_then(|mut line| follow.serve(&mut line));
        if began.elapsed() >= LASTED || std::mem::take(&mut follow.has_come_on) {
            pause = PAUSE_MIN;
        }
        let (why, at_least) = match stop {
            Stop::Done(code) => return Ok(code),
            Stop::Output(error) => return Err(error.into()),
            Stop::Failed(error) => return Err(error),
            Stop::Lost(Lost::Refused { code, why, wait }) => match follow.refused(code, &why)? {
                Some(code) => return Ok(code),
                None => (why, wait),
            },
            // Before it was ever reached, it is the address that is wrong rather than the line.
            Stop::Lost(Lost::Broken(why)) if follow.since.is_none() => bail!(why),
            Stop::Lost(Lost::Broken(why)) => (why, Duration::ZERO),
        };
        let wait = jittered(pause).max(at_least);
        pause = (pause * 2).min(PAUSE_MAX);
        follow.disconnected();
        follow.printer.say(&format!("{why}; connecting again in {:.1} s", wait.as_secs_f64()))?;
        if paused_in_vain(wait) {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

/// Half of it to all of it, so that those who were cut off together come back apart.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8) as u32;
    pause.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0)
}

/// Waits; true when nobody reads any more.
fn paused_in_vain(wait: Duration) -> bool {
    let began = Instant::now();
    while let Some(left) = wait.checked_sub(began.elapsed()) {
        if Printer::is_in_vain() {
            return true;
        }
        std::thread::sleep(left.min(LOOK_EVERY));
    }
    false
}

struct Follow<'run> {
    args: &'run args::Tail,
    printer: &'run mut Printer,
    stored: Stored<'run>,
    /// The one session that was asked for, once its id is known.
    only: Option<SessionId>,
    sessions: HashMap<SessionId, Followed>,
    /// Those of this connection.
    channels: HashMap<u64, SessionId>,
    next_channel: u64,
    /// The server's clock when it was first reached: sessions that began later are told from their start.
    since: Option<Timestamp>,
    is_full_told: bool,
    /// This connection brought something new.
    has_come_on: bool,
}

impl Follow<'_> {
    fn connect(&mut self) -> Result<Line, Stop> {
        let asked = self.stored.whereabouts();
        let refused = |code, why: String| Lost::Refused { code, why, wait: Duration::ZERO };
        let mut address = match asked.map_err(|error| Lost::Broken(format!("{error:#}")))? {
            Whereabouts::At(address) => address,
            Whereabouts::Off => return Err(refused(Refusal::Off, String::new()).into()),
            Whereabouts::Refused(why) => return Err(refused(Refusal::Unauthorized, why).into()),
        };
        if let Some(said) = &self.args.live_address {
            let parts = said.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
            let wrong = || Stop::Failed(anyhow!("--live-address: expected HOST:PORT, found {said:?}"));
            let (host, port) = parts.ok_or_else(wrong)?;
            address = Address { host: host.to_owned(), port, ..address };
        }
        Ok(Line::open(&address, self.args.server.token.as_deref().unwrap_or_default())?)
    }

    /// The exit code, where there is no use in another try.
    fn refused(&mut self, code: Refusal, why: &str) -> anyhow::Result<Option<ExitCode>> {
        let url = &self.args.server.url;
        Ok(match code {
            Refusal::Off => {
                self.printer.say(&format!(
                    "live is off on {url}: it is switched on for the server by live.enabled = true in its kymo.toml, and for the project by kymo project set NAME live.enabled=true"
                ))?;
                Some(ExitCode::from(OFF))
            }
            Refusal::Unauthorized => {
                let text = format!("{url} refuses the token: {why}; expected one of scope read or admin");
                self.printer.say(&text)?;
                Some(ExitCode::from(REFUSED))
            }
            Refusal::Version => bail!("{url} speaks another version: {why}"),
            _ => None,
        })
    }

    fn disconnected(&mut self) {
        self.channels.clear();
        self.sessions.values_mut().for_each(Followed::disconnected);
    }

    /// Which sessions are asked for, in the filter language.
    fn filter(&self) -> String {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        if let Some(only) = self.only {
            return format!("id:{}", quoted(&only.to_string()));
        }
        let user = self.args.user.as_deref().map(quoted);
        let user = user.map(|user| format!("(user.id~{user} OR user.name~{user})"));
        let app = self.args.app.as_deref().map(|app| format!("application:{}", quoted(app)));
        user.into_iter().chain(app).collect::<Vec<_>>().join(" ")
    }

    /// Until the connection is over.
    fn serve(&mut self, line: &mut Line) -> Result<std::convert::Infallible, Stop> {
        let is_first = self.since.is_none();
        self.since.get_or_insert(line.welcomed_at);
        if let (true, Some(name)) = (is_first, &self.args.session) {
            self.begin(name)?;
        }
        if !is_first {
            self.printer.say("connected again")?;
        }
        line.say(&Message::List { filter: self.filter() })?;
        let mut known: Vec<SessionId> = self.sessions.keys().copied().collect();
        known.sort_unstable();
        for session in known {
            self.open(line, session)?;
        }
        loop {
            let began = Instant::now();
            while let Some(message) = line.next()? {
                self.take(line, message)?;
            }
            self.printer.flush()?;
            if began.elapsed() >= HELD_UP {
                line.was_held_up();
            }
            self.look_after()?;
            if Printer::is_in_vain() {
                return Err(Stop::Done(ExitCode::SUCCESS));
            }
            line.wait()?;
        }
    }

    /// The one session: what the store knows of it.
    fn begin(&mut self, name: &str) -> Result<(), Stop> {
        let standing = self.stored.standing(name).map_err(Stop::Failed)?;
        let id = standing.as_ref().and_then(|standing| standing.id).or_else(|| session_id(name));
        let Some(id) = id else {
            self.printer.say(&format!("there is no session {name}"))?;
            return Err(Stop::Done(ExitCode::from(UNKNOWN)));
        };
        let from = match (self.args.from_start, self.args.after) {
            (true, _) => From::Start,
            (false, Some(after)) => From::After(after),
            (false, None) => From::Now,
        };
        let mut followed = Followed::new(id, from);
        self.only = Some(id);
        let Some(standing) = standing else {
            self.sessions.insert(id, followed);
            return Ok(());
        };
        if standing.kind != "process" {
            let kind = standing.kind;
            self.printer.say(&format!(
                "{name} is a session of a {kind}, which sends over HTTP: the page follows it as it is stored"
            ))?;
            return Err(Stop::Done(ExitCode::from(UNKNOWN)));
        }
        if standing.has_ended && from == From::Now {
            self.printer.say(&format!("{name} has ended: kymo events {name} prints what is stored"))?;
            return Err(Stop::Done(ExitCode::from(UNKNOWN)));
        }
        followed.is_known = true;
        followed.stored_to = standing.recorded;
        if standing.has_ended {
            return self.over(followed, standing.reason);
        }
        self.sessions.insert(id, followed);
        Ok(())
    }

    fn open(&mut self, line: &mut Line, session: SessionId) -> Result<(), Stop> {
        if self.channels.len() >= CHANNELS_MAX && !self.make_room(line)? {
            if !std::mem::replace(&mut self.is_full_told, true) {
                self.printer.say(&format!(
                    "{CHANNELS_MAX} sessions are followed and more run: expected a narrower choice, by --app or --user"
                ))?;
            }
            return Ok(());
        }
        let number = self.next_channel;
        let Some(followed) = self.sessions.get_mut(&session) else { return Ok(()) };
        self.next_channel += 1;
        self.channels.insert(number, session);
        Ok(line.say(&followed.open(number))?)
    }

    /// Closes a channel whose program is away; false if there is none.
    fn make_room(&mut self, line: &mut Line) -> Result<bool, Stop> {
        let away =
            self.sessions.values_mut().find(|followed| !followed.is_listed && followed.number.is_some());
        let Some(channel) = away.and_then(|followed| followed.number.take()) else { return Ok(false) };
        self.channels.remove(&channel);
        line.say(&Message::Close { channel })?;
        Ok(true)
    }

    fn take(&mut self, line: &mut Line, message: Message) -> Result<(), Stop> {
        match message {
            Message::Session { session, json } => self.listed(line, session, &json),
            Message::Gone { session, reason } => {
                let Some(followed) = self.sessions.get_mut(&session) else { return Ok(()) };
                followed.left();
                if reason.is_none() && self.only.is_some() {
                    let text =
                        format!("{}: the program is not connected any more: waiting", followed.whose.tag);
                    self.printer.say(&text)?;
                }
                Ok(())
            }
            Message::Closed { channel: 0, why, .. } => Err(Stop::Failed(anyhow!("{why}"))),
            Message::Opened { channel, .. }
            | Message::Data { channel, .. }
            | Message::Missed { channel, .. }
            | Message::Closed { channel, .. }
            | Message::Lag { channel, .. } => {
                // What still comes of a channel that was closed is nobody's.
                let session = self.channels.get(&channel).copied();
                let followed = session.and_then(|session| self.sessions.remove(&session));
                let Some(mut followed) = followed else { return Ok(()) };
                if let Message::Closed { why, reason, .. } = message {
                    self.channels.remove(&channel);
                    return self.closed(line, followed, &why, reason);
                }
                let done = self.of_channel(&mut followed, message);
                self.sessions.insert(followed.whose.session, followed);
                done
            }
            _ => Ok(()),
        }
    }

    /// The server's list says that it runs.
    fn listed(&mut self, line: &mut Line, session: SessionId, json: &str) -> Result<(), Stop> {
        if self.only.is_some_and(|only| only != session) {
            return Ok(());
        }
        let said: Value = serde_json::from_str(json).unwrap_or_default();
        let from = if self.args.from_start || self.began_meanwhile(&said) { From::Start } else { From::Now };
        let followed = self.sessions.entry(session).or_insert_with(|| Followed::new(session, from));
        followed.listed(&said);
        if followed.number.is_none() {
            self.open(line, session)?;
        }
        Ok(())
    }

    /// A session that began after this did: nothing of it was missed yet, and nothing is to be.
    fn began_meanwhile(&self, session: &Value) -> bool {
        let began = session["started_at"].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
        let ahead_ms = session["clock_ahead_ms"].as_i64().unwrap_or(0);
        let began_ms = began.map(|began| began.as_millisecond().saturating_sub(ahead_ms));
        began_ms.zip(self.since).is_some_and(|(began, since)| began >= since.as_unix_millis())
    }

    fn of_channel(&mut self, followed: &mut Followed, message: Message) -> Result<(), Stop> {
        match message {
            Message::Opened { first_sequence, .. } => {
                if followed.channel.after().is_none() {
                    followed.channel.pass_over(first_sequence.saturating_sub(1));
                }
                followed.channel.begin();
                Ok(())
            }
            Message::Data { bytes, .. } => {
                followed.channel.feed(&bytes);
                self.print(followed)
            }
            Message::Missed { first, last, why, .. } => {
                let first = first.max(followed.channel.after().map_or(0, |after| after.saturating_add(1)));
                followed.channel.pass_over(last);
                self.fill(followed, first, last, &why)
            }
            Message::Lag { agent_has, server_has, .. } => self.lag(followed, agent_has, server_has),
            _ => Ok(()),
        }
    }

    fn print(&mut self, followed: &mut Followed) -> Result<(), Stop> {
        while let Some(item) = followed.channel.next() {
            match item {
                ChannelItem::Record(record) => {
                    self.has_come_on = true;
                    followed.whose.record(&record);
                    self.printer.record(&followed.whose, &record)?;
                }
                ChannelItem::Gap { first, last } => {
                    self.fill(followed, first, last, "the program does not have them any more")?;
                }
                ChannelItem::Loss { reason, total } => {
                    if total > followed.dropped {
                        followed.dropped = total;
                        let tag = &followed.whose.tag;
                        let text = format!("{tag}: the program dropped {total} events so far ({reason})");
                        self.printer.say(&text)?;
                    }
                }
                ChannelItem::Header(header) => followed.whose.header(&header),
                ChannelItem::Damage(damage) => {
                    let (tag, expected) = (&followed.whose.tag, damage.expected);
                    return Err(
                        Lost::Broken(format!("{tag}: what came is damaged: expected {expected}")).into()
                    );
                }
                ChannelItem::End(_) | ChannelItem::Closed => {}
            }
        }
        Ok(())
    }

    /// Told where it lasts: what the program had a second ago is not there yet.
    fn lag(&mut self, followed: &mut Followed, agent_has: u64, server_has: u64) -> Result<(), Stop> {
        let before = followed.agent_has;
        followed.agent_has = agent_has.max(before);
        let is_behind = before > server_has;
        if is_behind != std::mem::replace(&mut followed.lags, is_behind) {
            let tag = &followed.whose.tag;
            let text = if is_behind {
                format!(
                    "{tag}: the program is {} events ahead of what comes",
                    before.saturating_sub(server_has)
                )
            } else {
                format!("{tag}: what comes has caught up with the program")
            };
            self.printer.say(&text)?;
        }
        Ok(())
    }

    /// Prints what was not sent, if it is stored, in its place.
    fn fill(&mut self, followed: &Followed, first: u64, last: u64, why: &str) -> Result<(), Stop> {
        if first > last {
            return Ok(());
        }
        let (tag, session) = (&followed.whose.tag, followed.whose.session);
        let count = last - first + 1;
        let stored = match self.stored.count(session, first, last) {
            Ok(stored) => stored,
            Err(error) => {
                self.printer.say(&format!("{tag}: the store cannot be read: {error:#}"))?;
                0
            }
        };
        let told = format!("{tag}: events {first} to {last} did not come ({why})");
        let told = if stored < count {
            self.printer.is_incomplete = true;
            let later = format!("kymo events {session} --filter 'sequence:[{first} TO {last}]'");
            format!("{told}; {stored} of {count} are stored, later maybe more: {later}")
        } else {
            format!("{told}; they are read from the store")
        };
        self.printer.say(&told)?;
        if stored == 0 {
            return Ok(());
        }
        for event in self.stored.events(session, first, last, self.args.filter.as_deref()) {
            match event {
                Ok(event) => self.printer.stored(&followed.whose, &event)?,
                Err(error) => {
                    self.printer.is_incomplete = true;
                    self.printer.say(&format!("{tag}: the store cannot be read on: {error:#}"))?;
                    break;
                }
            }
        }
        Ok(())
    }

    /// A channel is over.
    fn closed(
        &mut self,
        line: &mut Line,
        mut followed: Followed,
        why: &str,
        reason: Option<String>,
    ) -> Result<(), Stop> {
        followed.number = None;
        if reason.is_some() {
            self.over(followed, reason)?;
            return self.open_waiting(line);
        }
        let session = followed.whose.session;
        if !followed.is_known {
            self.printer.say(&format!("{session}: {why}"))?;
            if self.only.is_some() {
                return Err(Stop::Done(ExitCode::from(UNKNOWN)));
            }
            return Ok(());
        }
        if self.only.is_some() && followed.channel.after().is_none() {
            // What it records until it is there is not to be missed.
            followed.channel.pass_over(followed.stored_to);
        }
        if self.only.is_some() && !followed.is_listed {
            self.printer.say(&format!("{session}: the program is not connected: waiting"))?;
        }
        self.sessions.insert(session, followed);
        Ok(())
    }

    /// There is room for those that found none.
    fn open_waiting(&mut self, line: &mut Line) -> Result<(), Stop> {
        let is_waiting = |followed: &&Followed| followed.is_listed && followed.number.is_none();
        let waiting = self.sessions.values().find(is_waiting).map(|followed| followed.whose.session);
        waiting.map_or(Ok(()), |session| self.open(line, session))
    }

    /// A session has ended; what of it did not come may be stored.
    fn over(&mut self, mut followed: Followed, reason: Option<String>) -> Result<(), Stop> {
        let session = followed.whose.session;
        let standing = self.stored.standing(&session.to_string()).ok().flatten();
        let recorded = standing.map_or(0, |standing| standing.recorded).max(followed.stored_to);
        let last = recorded.max(followed.agent_has);
        if let Some(after) = followed.channel.after().filter(|after| *after < last) {
            followed.channel.pass_over(last);
            self.fill(&followed, after + 1, last, "the program is gone")?;
        }
        let reason = reason.unwrap_or_else(|| "unknown".to_owned());
        self.printer.say(&format!("{} {session} has ended: {reason}", followed.whose.tag))?;
        if self.only.is_some() {
            self.printer.flush()?;
            return Err(Stop::Done(ended(self.printer)));
        }
        Ok(())
    }

    /// Sessions whose programs are away for long: a program that was killed says no end, but the next may have sent it.
    fn look_after(&mut self) -> Result<(), Stop> {
        let mut away = self
            .sessions
            .values_mut()
            .filter_map(|followed| followed.is_to_be_asked_for().then_some(followed.whose.session));
        let Some(session) = away.next() else { return Ok(()) };
        // No answer says nothing: it is asked again.
        let Ok(standing) = self.stored.standing(&session.to_string()) else { return Ok(()) };
        match standing {
            Some(standing) if standing.has_ended => {
                let Some(followed) = self.sessions.remove(&session) else { return Ok(()) };
                self.channels.retain(|_, open| *open != session);
                self.over(followed, standing.reason)
            }
            None if self.sessions.get(&session).is_some_and(|followed| !followed.is_known) => {
                self.printer.say(&format!("there is no session {session}"))?;
                Err(Stop::Done(ExitCode::from(UNKNOWN)))
            }
            _ => Ok(()),
        }
    }
}
