//! The page of one session: where a person is in it, and what keys do there.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use kymo_filter::{Query, Subject, Test};
use kymo_format::Header;
use kymo_model::Timestamp;
use ratatui::layout::{Position, Rect};

use super::filter_bar::FilterBar;
use super::input::Input;
use super::{Next, kymogram};
use crate::session::{Live, SessionFiles};

/// Lines that a turn of the wheel moves.
const WHEEL: i64 = 3;

/// What the details pane shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pane {
    Event,
    /// About the session: what it is, what was dropped, what is damaged.
    Session,
}

/// Where things were drawn, for the mouse.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    pub(super) list: Rect,
    pub(super) kymogram: Rect,
    pub(super) pane: Rect,
    pub(super) range: (Timestamp, Timestamp),
}

pub(super) struct EventsPage {
    pub(super) files: SessionFiles,
    pub(super) header: Option<Arc<Header>>,
    pub(super) live: Live,
    pub(super) filter: FilterBar,
    /// The time that is being typed, and what is wrong with it.
    pub(super) jump: Option<(Input, Option<String>)>,
    /// The selected event: its place in the session. It stays when the filter changes.
    pub(super) place: u64,
    /// First row shown, among those that fit.
    pub(super) top: u64,
    pub(super) follow: bool,
    pub(super) pane: Option<Pane>,
    pub(super) pane_has_focus: bool,
    pub(super) pane_top: usize,
    pub(super) relative_times: bool,
    /// What could not be done.
    pub(super) message: Option<String>,
    pub(super) places: Places,
}

impl EventsPage {
    pub(super) fn new(files: SessionFiles, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            header: files.header().cloned(),
            live: Live::open(&files, wake),
            files,
            filter: FilterBar::new(Subject::Event),
            jump: None,
            place: 0,
            top: 0,
            follow: false,
            pane: None,
            pane_has_focus: false,
            pane_top: 0,
            relative_times: false,
            message: None,
            places: Places::default(),
        }
    }

    pub(super) fn begin_with(&mut self, filter: &str, now: Timestamp) {
        if self.filter.set(filter, now) {
            self.live.filter(self.filter.query().cloned());
        }
    }

    /// How many events are listed.
    pub(super) fn count(&self) -> u64 {
        self.live.look(|counted, matches| match matches {
            Some(matches) => matches.selection.count(),
            None => counted.frames.events(),
        })
    }

    /// Where in the list the selected event is, or the one that took its place.
    pub(super) fn position(&self) -> u64 {
        let place = self.place;
        self.live.look(|counted, matches| match matches {
            Some(matches) => matches.selection.rank(place).min(matches.selection.count().saturating_sub(1)),
            None => place.min(counted.frames.events().saturating_sub(1)),
        })
    }

    /// The event at a place of the list.
    pub(super) fn place_at(&self, position: u64) -> Option<u64> {
        self.live.look(|counted, matches| match matches {
            Some(matches) => matches.selection.nth(position),
            None => (position < counted.frames.events()).then_some(position),
        })
    }

    fn select(&mut self, position: u64) {
        let last = self.count().saturating_sub(1);
        if let Some(place) = self.place_at(position.min(last)) {
            if place != self.place && self.pane == Some(Pane::Event) {
                self.pane_top = 0;
            }
            self.place = place;
        }
    }

    fn step(&mut self, by: i64) {
        self.follow = false;
        self.select(self.position().saturating_add_signed(by));
    }

    /// To the next error after the selected event, or the one before; among those that fit the filter.
    fn error(&mut self, is_forwards: bool) {
        self.follow = false;
        let place = self.place;
        let found = self.live.look(|counted, matches| {
            let severe = &counted.severe;
            let mut rank = severe.rank(place);
            if is_forwards {
                rank += u64::from(severe.contains(place));
            }
            loop {
                rank = if is_forwards { rank } else { rank.checked_sub(1)? };
                let found = severe.nth(rank)?;
                if matches.is_none_or(|matches| matches.selection.contains(found)) {
                    return Some(found);
                }
                rank += u64::from(is_forwards);
            }
        });
        match found {
            Some(place) => {
                self.place = place;
                self.pane_top = 0;
            }
            None if is_forwards => self.message = Some("no error after this one".to_owned()),
            None => self.message = Some("no error before this one".to_owned()),
        }
    }

    fn go_to(&mut self, time: Timestamp) {
        self.follow = false;
        if let Some(place) = self.live.at_time(time) {
            self.place = place;
            self.pane_top = 0;
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent, now: Timestamp) -> Next {
        self.message = None;
        if self.filter.is_editing() {
            if self.filter.key(key, now) {
                self.live.filter(self.filter.query().cloned());
            }
            return Next::Stay;
        }
        if self.jump.is_some() {
            self.jump_key(key);
            return Next::Stay;
        }
        let page = i64::from(self.places.list.height.max(2)) - 1;
        let moved = match key.code {
            KeyCode::Char('j') | KeyCode::Down => Some(1),
            KeyCode::Char('k') | KeyCode::Up => Some(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => Some(page),
            KeyCode::PageUp => Some(-page),
            KeyCode::Char('g') | KeyCode::Home => Some(i64::MIN),
            KeyCode::Char('G') | KeyCode::End => Some(i64::MAX),
            _ => None,
        };
        match moved {
            Some(by) if self.pane_has_focus => self.scroll(by),
            Some(by) => self.step(by),
            None => return self.command(key.code, now),
        }
        Next::Stay
    }

    fn command(&mut self, code: KeyCode, now: Timestamp) -> Next {
        match code {
            KeyCode::Char('e') => self.error(true),
            KeyCode::Char('E') => self.error(false),
            KeyCode::Char('/') => self.filter.begin(),
            KeyCode::Char('c') => self.begin_with("", now),
            KeyCode::Char('t') => self.jump = Some((Input::default(), None)),
            KeyCode::Char('f') => self.follow = !self.follow,
            KeyCode::Char('r') => self.relative_times = !self.relative_times,
            KeyCode::Char('i') => self.toggle(Pane::Session),
            KeyCode::Enter => self.toggle(Pane::Event),
            KeyCode::Tab => self.pane_has_focus = self.pane.is_some() && !self.pane_has_focus,
            KeyCode::Char('?') => return Next::Help,
            KeyCode::Char('q') => return Next::Quit,
            KeyCode::Esc | KeyCode::Left | KeyCode::Backspace => {
                if self.pane.take().is_none() {
                    return Next::Back;
                }
                self.pane_has_focus = false;
            }
            _ => {}
        }
        Next::Stay
    }

    fn toggle(&mut self, pane: Pane) {
        self.pane = Some(pane).filter(|_| self.pane != Some(pane));
        (self.pane_top, self.pane_has_focus) = (0, false);
    }

    fn scroll(&mut self, by: i64) {
        // Drawing brings it within what there is.
        self.pane_top = self.pane_top.saturating_add_signed(isize::try_from(by).unwrap_or(isize::MAX));
    }

    fn jump_key(&mut self, key: KeyEvent) {
        let (started_at, here) = self.times();
        let Some((input, error)) = &mut self.jump else { return };
        match key.code {
            KeyCode::Esc => self.jump = None,
            KeyCode::Enter => {
                let text = input.text().to_owned();
                match time(&text, started_at, here) {
                    Ok(time) => {
                        self.jump = None;
                        self.go_to(time);
                    }
                    Err(wrong) => *error = Some(wrong),
                }
            }
            _ => {
                *error = None;
                input.key(key);
            }
        }
    }

    /// When the session began, and when the selected event was.
    pub(super) fn times(&self) -> (Timestamp, Timestamp) {
        let header = self.header.as_ref();
        let started_at = self.live.look(|counted, _| counted.summary.started_at(header));
        let here = self.live.row(self.place).and_then(|row| row.time);
        (started_at, here.unwrap_or(started_at))
    }

    pub(super) fn mouse(&mut self, mouse: MouseEvent) -> Next {
        let at = Position { x: mouse.column, y: mouse.row };
        let is_in_pane = self.places.pane.contains(at);
        match mouse.kind {
            MouseEventKind::ScrollDown if is_in_pane => self.scroll(WHEEL),
            MouseEventKind::ScrollUp if is_in_pane => self.scroll(-WHEEL),
            MouseEventKind::ScrollDown => self.step(WHEEL),
            MouseEventKind::ScrollUp => self.step(-WHEEL),
            MouseEventKind::Down(MouseButton::Left) if self.places.list.contains(at) => {
                self.follow = false;
                self.select(self.top + u64::from(at.y - self.places.list.y));
            }
            MouseEventKind::Down(MouseButton::Left) if self.places.kymogram.contains(at) => {
                let (area, (from, to)) = (self.places.kymogram, self.places.range);
                let column = u32::from(at.x - area.x);
                self.go_to(from.plus(to.since(from) * column / u32::from(area.width.max(1))));
            }
            _ => {}
        }
        Next::Stay
    }

    /// The column of the kymogram that the selected event is in.
    pub(super) fn column(&self, range: (Timestamp, Timestamp), columns: usize) -> Option<usize> {
        let time = self.live.row(self.place).and_then(|row| row.time)?;
        Some(kymogram::column_of(range, time, columns))
    }
}

/// A moment as people type it: in full, a time of the day of `here`, or `+1h30m` after the session began.
fn time(text: &str, started_at: Timestamp, here: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    let day = here.to_string();
    let written = match text.as_bytes() {
        [b'+' | b'-', ..] => format!("now{text}"),
        [b'0'..=b'9', b':', ..] => format!("{}T0{text}", day.split('T').next().unwrap_or_default()),
        [b'0'..=b'9', b'0'..=b'9', b':', ..] => {
            format!("{}T{text}", day.split('T').next().unwrap_or_default())
        }
        _ => text.replacen(' ', "T", 1),
    };
    let quoted = format!("time:>=\"{}\"", written.replace(['"', '\\'], ""));
    let expected = || {
        format!("{text:?} is no time: expected 16:20, 16:20:42, 2026-11-20T16:20, or +1h30m after the start")
    };
    let query = Query::parse(&quoted, Subject::Event, started_at).map_err(|_| expected())?;
    match query.root {
        kymo_filter::Node::Term(term) => match term.test {
            Test::Time { from: Some(from), .. } => Ok(from),
            _ => Err(expected()),
        },
        _ => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them() {
        let at = |text: &str| Timestamp::from_unix_nanos(1_790_000_000_000_000_000).plus(span(text));
        let (started_at, here) = (at("0"), at("86400"));
        for (text, expected) in [
            ("16:20", "2026-09-22T16:20:00Z"),
            ("9:20:42", "2026-09-22T09:20:42Z"),
            ("2026-09-21 15:00", "2026-09-21T15:00:00Z"),
            ("2026-09-21", "2026-09-21T00:00:00Z"),
            ("+1h30m", "2026-09-21T15:43:20Z"),
        ] {
            assert_eq!(time(text, started_at, here).map(|time| time.to_string()).as_deref(), Ok(expected));
        }
        for bad in ["", "soon", "25:99", "+", "\"*"] {
            assert!(time(bad, started_at, here).is_err(), "{bad}");
        }
    }

    fn span(seconds: &str) -> std::time::Duration {
        std::time::Duration::from_secs(seconds.parse().unwrap())
    }
}
