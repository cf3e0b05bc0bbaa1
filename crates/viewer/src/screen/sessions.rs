//! The list of a folder's sessions, newest start first.

use std::path::{Path, PathBuf};

use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use kymo_filter::Subject;
use kymo_model::Timestamp;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::filter_bar::FilterBar;
use super::overview::{Entry, Overview};
use super::paint::{self, Pieces};
use super::theme::{QUIET, SELECTED, STRONG, Theme};
use super::{Next, Waker, kymogram};
use crate::row::user_text;
use crate::session::{Found, SessionFiles, resource};
use crate::text::{bytes, duration, fitted, harmless, thousands, width};

/// Columns of the small kymogram, at most.
const LIFE_MAX: u16 = 40;

pub(super) struct SessionsPage {
    folder: PathBuf,
    overview: Overview,
    filter: FilterBar,
    selected: u64,
    /// The name of the selected session: it stays when others come.
    name: Option<String>,
    top: u64,
    notes_shown: bool,
    list: Rect,
}

impl SessionsPage {
    pub(super) fn new(folder: &Path, found: Found, waker: Waker) -> Self {
        Self {
            folder: folder.to_owned(),
            overview: Overview::new(folder, found, waker),
            filter: FilterBar::new(Subject::Session),
            selected: 0,
            name: None,
            top: 0,
            notes_shown: false,
            list: Rect::default(),
        }
    }

    /// The files of the session at that place of the list.
    pub(super) fn session(&self, at: usize) -> Option<SessionFiles> {
        self.overview.look(|shown, _, _| shown.get(at).map(|entry| entry.files.clone()))
    }

    fn count(&self) -> u64 {
        self.overview.look(|shown, _, _| shown.len() as u64)
    }

    fn select(&mut self, at: u64) {
        self.selected = at.min(self.count().saturating_sub(1));
        self.name = self.session(self.selected as usize).map(|session| session.name());
    }

    pub(super) fn key(&mut self, key: KeyEvent, now: Timestamp) -> Next {
        if self.filter.is_editing() {
            if self.filter.key(key, now) {
                self.overview.filter(self.filter.query().cloned());
            }
            return Next::Stay;
        }
        let page = i64::from(self.list.height.max(2)) - 1;
        let moved = match key.code {
            KeyCode::Char('j') | KeyCode::Down => 1,
            KeyCode::Char('k') | KeyCode::Up => -1,
            KeyCode::PageDown | KeyCode::Char(' ') => page,
            KeyCode::PageUp => -page,
            KeyCode::Char('g') | KeyCode::Home => i64::MIN,
            KeyCode::Char('G') | KeyCode::End => i64::MAX,
            _ => return self.command(key.code, now),
        };
        self.select(self.selected.saturating_add_signed(moved));
        Next::Stay
    }

    fn command(&mut self, code: KeyCode, now: Timestamp) -> Next {
        match code {
            KeyCode::Enter | KeyCode::Right if self.count() > 0 => return Next::Open(self.selected as usize),
            KeyCode::Char('/') => self.filter.begin(),
            KeyCode::Char('c') => {
                self.filter.set("", now);
                self.overview.filter(None);
            }
            KeyCode::Char('i') => self.notes_shown = !self.notes_shown,
            KeyCode::Char('?') => return Next::Help,
            KeyCode::Char('q') => return Next::Quit,
            KeyCode::Esc => self.notes_shown = false,
            _ => {}
        }
        Next::Stay
    }

    pub(super) fn mouse(&mut self, mouse: MouseEvent) -> Next {
        match mouse.kind {
            MouseEventKind::ScrollDown => self.select(self.selected + 3),
            MouseEventKind::ScrollUp => self.select(self.selected.saturating_sub(3)),
            MouseEventKind::Down(MouseButton::Left)
                if self.list.contains(Position { x: mouse.column, y: mouse.row }) =>
            {
                let at = self.top + u64::from(mouse.row - self.list.y);
                if at < self.count() {
                    self.select(at);
                    return Next::Open(at as usize);
                }
            }
            _ => {}
        }
        Next::Stay
    }

    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, theme: Theme) {
        let area = frame.area();
        if area.width < 10 || area.height < 5 {
            let buffer = frame.buffer_mut();
            return paint::left(buffer, paint::row(area, 0), &[("too small".to_owned(), Style::new())]);
        }
        self.stay_at_name();
        let buffer = frame.buffer_mut();
        let (count, all, open) = self.overview.look(|shown, all, open| (shown.len(), all, open));
        let folder = harmless(&self.folder.display().to_string());
        paint::left(buffer, paint::row(area, 0), &[(format!(" {folder}"), STRONG)]);
        let (pieces, caret) = self.filter.pieces(theme);
        paint::left(buffer, paint::row(area, 1), &pieces);
        let reading = if open > 0 { format!(", {open} being read") } else { String::new() };
        let counted = if count == all {
            format!("{} sessions{reading} ", thousands(all as u64))
        } else {
            format!("{} of {}{reading} ", thousands(count as u64), thousands(all as u64))
        };
        paint::right(
            buffer,
            paint::row(area, 1),
            paint::pieces_width(&pieces) + 2,
            &[(counted, Style::new())],
        );
        let columns = Columns::of(area.width);
        paint::left(buffer, paint::row(area, 2), &[(columns.names(), QUIET)]);
        let notes = self.overview.notes();
        let says = self.filter.message().or_else(|| {
            let more = if notes.len() > 1 { format!("; {} more: i", notes.len() - 1) } else { String::new() };
            notes.first().map(|first| format!("! {}{more}", harmless(first)))
        });
        let foot = 1 + u16::from(says.is_some());
        self.list = Rect { y: area.y + 3, height: area.height.saturating_sub(3 + foot), ..area };
        if let Some(says) = says {
            paint::left(buffer, paint::row(area, area.height - 2), &[(format!(" {says}"), theme.warning())]);
        }
        let hints = " Enter open  / filter  ? keys  q quit".to_owned();
        paint::left(buffer, paint::row(area, area.height - 1), &[(hints, QUIET)]);
        if self.notes_shown {
            self.notes(buffer, &notes);
        } else {
            self.rows(buffer, columns, theme);
        }
        if let Some(caret) = caret {
            frame.set_cursor_position((area.x + caret.min(usize::from(area.width) - 1) as u16, area.y + 1));
        }
    }

    fn stay_at_name(&mut self) {
        let name = self.name.clone();
        let found = self.overview.look(|shown, _, _| {
            let at = shown.iter().position(|entry| Some(entry.files.name()) == name);
            at.unwrap_or((self.selected as usize).min(shown.len().saturating_sub(1)))
        });
        self.selected = found as u64;
    }

    fn notes(&self, buffer: &mut Buffer, notes: &[String]) {
        let cells = usize::from(self.list.width.saturating_sub(1));
        let lines = notes.iter().flat_map(|note| paint::wrapped(note, cells));
        for (at, line) in lines.take(usize::from(self.list.height)).enumerate() {
            paint::left(buffer, paint::row(self.list, at as u16), &[(format!(" {line}"), Style::new())]);
        }
    }

    fn rows(&mut self, buffer: &mut Buffer, columns: Columns, theme: Theme) {
        let count = self.count();
        self.top = paint::scrolled(self.top, self.selected, u64::from(self.list.height), count);
        let (top, list, selected) = (self.top as usize, self.list, self.selected as usize);
        self.overview.look(|shown, _, _| {
            for (at, entry) in shown.iter().enumerate().skip(top).take(usize::from(list.height)) {
                let row = paint::row(list, (at - top) as u16);
                columns.draw(buffer, row, entry, theme);
                if at == selected {
                    buffer.set_style(row, SELECTED);
                }
            }
        });
        if count == 0 {
            let text = " no session fits: c for all".to_owned();
            paint::left(buffer, paint::row(list, 0), &[(text, QUIET)]);
        }
    }
}

/// How wide each column is; those with 0 have no room.
#[derive(Clone, Copy)]
struct Columns {
    started: usize,
    length: usize,
    state: usize,
    application: usize,
    events: usize,
    errors: usize,
    size: usize,
    user: usize,
    life: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        let all = usize::from(width);
        let mut columns = Self {
            started: if width >= 60 { 16 } else { 11 },
            length: if width >= 50 { 9 } else { 0 },
            state: if width >= 70 { 10 } else { 0 },
            application: (all / 5).clamp(10, 28),
            events: if width >= 90 { 10 } else { 7 },
            errors: if width >= 60 { 6 } else { 0 },
            size: if width >= 110 { 9 } else { 0 },
            user: if width >= 90 { 16 } else { 0 },
            life: 0,
        };
        let taken: usize = columns.widths().iter().filter(|width| **width > 0).map(|width| width + 1).sum();
        columns.life = (all.saturating_sub(taken + 2) as u16).min(LIFE_MAX);
        columns
    }

    fn widths(self) -> [usize; 8] {
        [
            self.started,
            self.length,
            self.state,
            self.application,
            self.events,
            self.errors,
            self.size,
            self.user,
        ]
    }

    fn names(self) -> String {
        let names = [
            if self.started < 16 { "started" } else { "started (UTC)" },
            "length",
            "state",
            "application",
            "events",
            "errors",
            "size",
            "user",
        ];
        let cells = names.map(str::to_owned);
        format!("{}life", self.line(&cells))
    }

    /// Figures to the right, texts to the left.
    fn line(self, cells: &[String; 8]) -> String {
        let mut line = String::from(" ");
        for (at, (cell, cells)) in
            cells.iter().zip(self.widths()).enumerate().filter(|(_, (_, cells))| *cells > 0)
        {
            let text = fitted(cell, cells);
            let pad = " ".repeat(cells - width(&text));
            let is_figure = matches!(at, 1 | 4..=6);
            let (before, after) = if is_figure { (&pad, &text) } else { (&text, &pad) };
            line.extend([before, after, " "]);
        }
        line
    }

    fn draw(self, buffer: &mut Buffer, area: Rect, entry: &Entry, theme: Theme) {
        let header = entry.files.header();
        let said = |name: &str| resource(header, name).map(|text| harmless(&text));
        let application = match (said("service.name"), said("service.version")) {
            (Some(name), Some(version)) => format!("{name} {version}"),
            (Some(name), None) => name,
            (None, _) => {
                let name = entry.files.fragments[0].path.file_name();
                harmless(&name.unwrap_or_default().to_string_lossy())
            }
        };
        let summary = entry.summary.as_deref();
        let started = summary.map_or_else(|| entry.files.started_at(), |summary| summary.started_at(header));
        let started = started.to_string().replace('T', " ");
        let started = if self.started < 16 { started.get(5..16) } else { started.get(..16) };
        let counted = |count: Option<u64>| count.map_or_else(|| "…".to_owned(), thousands);
        let last = summary.map(|summary| summary.last_activity_at(header));
        let length = last.map(|last| duration(last.since(entry.files.started_at().min(last))));
        let end = summary.and_then(|summary| summary.end.as_ref()).map(|end| end.reason);
        let severe = summary.map(|summary| summary.errors.max(summary.levels[4] + summary.levels[5]));
        let user = summary.and_then(|summary| summary.user(header)).map(|user| harmless(&user_text(&user)));
        let cells = [
            started.unwrap_or_default().to_owned(),
            length.unwrap_or_default(),
            end.map_or_else(
                || summary.map_or("", |summary| summary.state()).to_owned(),
                |end| end.to_string(),
            ),
            application,
            counted(summary.map(|summary| summary.events)),
            counted(severe),
            bytes(entry.files.bytes()),
            user.unwrap_or_default(),
        ];
        let line = self.line(&cells);
        let taken = width(&line) as u16;
        let style = if severe.is_some_and(|severe| severe > 0) { STRONG } else { Style::new() };
        let pieces: Pieces = vec![(line, style)];
        paint::left(buffer, area, &pieces);
        if let (Some(summary), Some((first, last)), 4..) =
            (summary, summary.and_then(|one| one.times), self.life)
        {
            let range = (first.min(summary.started_at(header)), last.max(first));
            let cells = kymogram::columns(&summary.kymogram, range, usize::from(self.life) - 1);
            let life = Rect { x: area.x + taken, width: self.life - 1, ..area };
            kymogram::bars(buffer, life, &cells, theme);
            buffer.set_string(life.right(), area.y, kymogram::end_sign(end), STRONG);
        }
    }
}
