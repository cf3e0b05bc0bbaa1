//! A compact notation for histories and what they come to.
//!
//! A script is a list of steps, separated by `;`:
//!
//! | step | means |
//! |---|---|
//! | `ev@0, end@10 u=B` | a batch. Kinds: `ev`, `err`, `start`, `end`, `hb`; seconds after T0; `u=` identity, `s=` external id, `n=` user name, `u=-` nobody |
//! | `clock 480` | the server's clock shows T0 + 480 s; it starts at T0 + 300 s |
//! | `beat A`, `close A` | a heartbeat or a close call |
//! | `idle`, `idle 60` | the closing job, with the default limit or one of 60 s |
//!
//! The outcome is one line: sessions as `key(start,duration,state)xEVENTS` in order of start, then
//! what was stored without session, what was dropped, and marks left.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use kymo_model::{DropReason, EndReason, Event, EventKind, Exception, SessionState, Timestamp, User};

use crate::key::SessionKey;
use crate::row::SessionRow;
use crate::rules::Rules;
use crate::step::{self, Applied, Incoming, Role, Rows, Signal};

const T0: i64 = 1_790_000_000_000;

/// A moment, in seconds after T0.
pub(super) fn at(seconds: f64) -> Timestamp {
    Timestamp::from_unix_millis(T0 + (seconds * 1000.0).round() as i64).unwrap()
}

fn seconds(moment: Timestamp) -> f64 {
    (moment.as_unix_millis() - T0) as f64 / 1000.0
}

/// A history being played.
pub(super) struct World {
    pub(super) rows: Rows,
    pub(super) rules: Rules,
    pub(super) now: Timestamp,
    /// Answers of the last batch.
    pub(super) applied: Vec<Applied>,
    default_key: String,
    arrival: u64,
    loose: u64,
    dropped: BTreeMap<&'static str, u64>,
}

/// Plays `script` with client dates as they are.
pub(super) fn play(default_key: &str, script: &str) -> World {
    play_with_clock(default_key, script, 0.0)
}

/// Plays `script` with a client whose clock is ahead by `ahead` seconds.
pub(super) fn play_with_clock(default_key: &str, script: &str, ahead: f64) -> World {
    let mut world = World {
        rows: Rows::default(),
        rules: Rules::default(),
        now: at(300.0),
        applied: Vec::new(),
        default_key: default_key.to_owned(),
        arrival: 0,
        loose: 0,
        dropped: BTreeMap::new(),
    };
    for step in script.split(';').map(str::trim) {
        world.play_step(step, ahead);
    }
    world
}

impl World {
    fn play_step(&mut self, step: &str, ahead: f64) {
        let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
        match word {
            "clock" => self.now = at(rest.parse().unwrap()),
            "beat" | "close" => {
                let signal = Signal { id: rest.to_owned(), close: word == "close" };
                step::signal(&mut self.rows, &signal, self.now, &self.rules);
            }
            "idle" => {
                let mut rules = self.rules.clone();
                if !rest.is_empty() {
                    rules.idle_after = Duration::from_secs(rest.parse().unwrap());
                }
                step::close_idle(&mut self.rows, self.now, &rules);
            }
            _ => {
                let batch: Vec<Incoming> =
                    step.split(',').map(|item| self.incoming(item.trim(), ahead)).collect();
                self.take(&batch);
            }
        }
    }

    fn take(&mut self, batch: &[Incoming]) {
        self.applied = step::step(&mut self.rows, batch, self.now, &self.rules);
        assert_eq!(self.applied.len(), batch.len());
        for applied in &self.applied {
            match applied {
                Applied::Stored { session: None, .. } => self.loose += 1,
                Applied::Stored { .. } => {}
                Applied::Dropped { reason, .. } => *self.dropped.entry(reason.as_str()).or_default() += 1,
            }
        }
    }

    fn incoming(&mut self, item: &str, ahead: f64) -> Incoming {
        let (kind, rest) = item.split_once('@').unwrap_or_else(|| panic!("kind@seconds in {item:?}"));
        let mut words = rest.split(' ');
        let time = at(words.next().unwrap().parse::<f64>().unwrap() + ahead);
        let words: Vec<&str> = words.collect();
        let is_keyed = words.iter().any(|word| word.starts_with("u=") || word.starts_with("s="));
        let default = self.default_key.clone();
        let words = words.into_iter().chain((!is_keyed).then_some(default.as_str()));

        let (role, event_kind) = match kind {
            "ev" => (Role::Ordinary, EventKind::Log),
            "err" => (Role::Ordinary, EventKind::Error),
            "start" => (Role::Start, EventKind::SessionStart),
            "end" => (Role::End, EventKind::SessionEnd),
            "hb" => (Role::Heartbeat, EventKind::Other("heartbeat".into())),
            other => panic!("unknown kind {other:?} in {item:?}"),
        };
        let mut event = Event::new(event_kind, time, self.now);
        event.body = Some(item.to_owned());
        event.exception = (kind == "err").then(Exception::default);
        let mut user = User::default();
        let mut external = None;
        for word in words {
            match word.split_once('=').unwrap() {
                ("u", "-") => {}
                ("u", id) => user.id = Some(id.to_owned()),
                ("n", name) => user.name = Some(name.to_owned()),
                ("s", id) => external = Some(id.to_owned()),
                other => panic!("unknown word {other:?} in {item:?}"),
            }
        }
        let key = external.map(SessionKey::External).or(user.id.clone().map(SessionKey::Identity));
        event.user = (user != User::default()).then_some(user);
        self.arrival += 1;
        Incoming { arrival: self.arrival, ..Incoming::new(key, role, event) }
    }

    /// The sessions in order of start, then key.
    pub(super) fn sessions(&self) -> Vec<&SessionRow> {
        let mut rows: Vec<&SessionRow> = self.rows.sessions.values().collect();
        rows.sort_by_key(|row| (row.started_at, row.key.clone(), row.last_activity_at));
        rows
    }

    pub(super) fn outcome(&self) -> String {
        let mut parts = Vec::new();
        for row in self.sessions() {
            let hidden = if row.visible { "" } else { "hidden " };
            let duration = seconds(row.last_activity_at) - seconds(row.started_at);
            let state = match row.state() {
                SessionState::Running => "open",
                SessionState::Ended(EndReason::TimedOut) => "timed_out",
                SessionState::Ended(_) => "closed",
                SessionState::Silent => unreachable!("the tracker has no such state"),
            };
            let start = seconds(row.started_at);
            let mut part =
                format!("{hidden}{}({start},{duration},{state})x{}", row.key.text(), row.event_count);
            if row.error_count > 0 {
                write!(part, " {} errors", row.error_count).unwrap();
            }
            parts.push(part);
        }
        if self.loose > 0 {
            parts.push(format!("loose {}", self.loose));
        }
        parts.extend(self.dropped.iter().map(|(reason, count)| format!("{reason} {count}")));
        parts.extend(self.rows.marks.iter().map(|(id, mark)| {
            let sort = if mark.close { "close" } else { "beat" };
            format!("mark {id} {sort}")
        }));
        parts.join("; ")
    }
}

/// The reason of the only drop of the last batch.
pub(super) fn drop_of(applied: &Applied) -> Option<DropReason> {
    match applied {
        Applied::Dropped { reason, .. } => Some(*reason),
        Applied::Stored { .. } => None,
    }
}
