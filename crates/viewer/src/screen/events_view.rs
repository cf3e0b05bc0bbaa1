//! The page of one session, drawn.
//!
//! ```text
//!  who and what · started · length · how it ended
//!  ▁▂▂▅▂▁▂▇▂▁                                  kymogram, one to three rows
//!  ──╵─────▲·                                  errors, where one is
//!  / filter                        12 of 340
//!  list                          | details     beside each other from WIDE on, else below
//!  what is wrong, if something is
//!  keys
//! ```

use kymo_model::Timestamp;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::details::{self, Details};
use super::events::{EventsPage, Pane, Places};
use super::kymogram;
use super::paint::{self, Pieces};
use super::theme::{QUIET, SELECTED, STRONG, Theme, letter};
use crate::lines::level_name;
use crate::row::{Row, user_text};
use crate::session::{Cell, resource};
use crate::text::{bytes, duration, harmless, thousands, width};

/// Rows that a list, a line and a pane below it need.
const BOTH_ROWS_MIN: u16 = 3;
/// Columns from which details stand beside the list.
const WIDE: u16 = 100;
/// Rows that a sentence may take of the list; all of it is in the pane about the session.
const SAYS_ROWS_MAX: usize = 2;
/// Columns from which a row has a category and milliseconds.
const MIDDLE: u16 = 60;

impl EventsPage {
    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, theme: Theme, has_list: bool) {
        let area = frame.area();
        if area.width < 10 || area.height < 5 {
            let buffer = frame.buffer_mut();
            return paint::left(buffer, paint::row(area, 0), &[("too small".to_owned(), Style::new())]);
        }
        if self.follow
            && let Some(place) = self.place_at(self.count().saturating_sub(1))
        {
            self.place = place;
        }
        if let Some(trouble) = self.live.trouble() {
            self.message = Some(trouble);
        }
        let bars = match area.height {
            30.. => 3,
            20.. => 2,
            _ => 1,
        };
        let buffer = frame.buffer_mut();
        self.title(buffer, paint::row(area, 0), theme);
        let life = Rect { y: area.y + 1, height: bars + 1, ..area };
        self.life(buffer, life, theme);
        let filter = paint::row(area, 2 + bars);
        let caret = self.filter_row(buffer, filter, theme);
        let says = self.says(theme);
        let cells = usize::from(area.width) - 1;
        let says = says.map_or_else(Vec::new, |(text, style)| {
            let lines = paint::wrapped(&text, cells).into_iter().take(SAYS_ROWS_MAX);
            lines.map(|line| (format!(" {line}"), style)).collect()
        });
        let foot = 1 + says.len() as u16;
        let middle = Rect { y: filter.y + 1, height: area.height.saturating_sub(3 + bars + foot), ..area };
        for (at, line) in says.into_iter().enumerate() {
            paint::left(buffer, paint::row(area, area.height - foot + at as u16), &[line]);
        }
        self.status(buffer, paint::row(area, area.height - 1), theme, has_list);
        self.middle(buffer, middle, theme);
        if let Some(caret) = caret {
            frame.set_cursor_position((filter.x + caret.min(usize::from(filter.width) - 1) as u16, filter.y));
        }
    }

    fn title(&self, buffer: &mut Buffer, area: Rect, theme: Theme) {
        let header = self.header.as_ref();
        let said = |name: &str| resource(header, name).map(|text| harmless(&text));
        let name = said("service.name").or_else(|| said("service.namespace"));
        let name = name.unwrap_or_else(|| harmless(&self.files.name()));
        let mut pieces: Pieces = vec![(format!(" {name}"), STRONG)];
        pieces.extend(said("service.version").map(|version| (format!(" {version}"), STRONG)));
        let (user, started_at, length, end, is_caught_up) = self.live.look(|counted, _| {
            let summary = &counted.summary;
            let (from, to) = (summary.started_at(header), summary.last_activity_at(header));
            let end = summary.end.as_ref().map(|end| end.reason);
            (summary.user(header), from, to.since(from), end, counted.is_caught_up)
        });
        let state = match end {
            Some(reason) => (reason.as_str().to_owned(), STRONG),
            None if is_caught_up => ("no end yet".to_owned(), theme.accent()),
            None => ("reading …".to_owned(), theme.accent()),
        };
        let user = user.map(|user| harmless(&user_text(&user)));
        let started = started_at.to_string().replace('T', " ");
        let started = started.get(..19).unwrap_or(&started).to_owned();
        let mut parts: Vec<(String, Style)> = vec![state, (duration(length), Style::new())];
        parts.extend(
            [Some(started), user, said("host.name")].into_iter().flatten().map(|text| (text, Style::new())),
        );
        for (text, style) in parts.into_iter().filter(|(text, _)| !text.is_empty()) {
            pieces.extend([(" · ".to_owned(), QUIET), (text, style)]);
        }
        paint::left(buffer, area, &pieces);
    }

    fn range(&self) -> (Timestamp, Timestamp) {
        let header = self.header.as_ref();
        self.live.look(|counted, _| {
            let (from, to) = (counted.summary.started_at(header), counted.summary.last_activity_at(header));
            let first = counted.summary.times.map_or(from, |(first, _)| first.min(from));
            // The last event is in it.
            (first, to.plus(std::time::Duration::from_nanos(1)))
        })
    }

    fn life(&mut self, buffer: &mut Buffer, area: Rect, theme: Theme) {
        let columns = usize::from(area.width) - 1;
        let range = self.range();
        let (cells, end): (Vec<Cell>, _) = self.live.look(|counted, matches| {
            let density = matches.map_or(&counted.density, |matches| &matches.density);
            (density.columns(range, columns), counted.summary.end.as_ref().map(|end| end.reason))
        });
        let bars = Rect { width: columns as u16, height: area.height - 1, ..area };
        kymogram::bars(buffer, bars, &cells, theme);
        let axis = paint::row(Rect { width: columns as u16, ..area }, area.height - 1);
        kymogram::axis(buffer, axis, &cells, self.column(range, columns), theme);
        buffer.set_string(area.right() - 1, axis.y, kymogram::end_sign(end), STRONG);
        (self.places.kymogram, self.places.range) = (Rect { height: area.height, ..bars }, range);
    }

    /// Filter or time, and how many fit. Returns where the caret is.
    fn filter_row(&self, buffer: &mut Buffer, area: Rect, theme: Theme) -> Option<usize> {
        if let Some((input, _)) = &self.jump {
            let lead = " go to time: ";
            let pieces = [(lead.to_owned(), theme.accent()), (input.text().to_owned(), STRONG)];
            paint::left(buffer, area, &pieces);
            return Some(lead.len() + input.caret());
        }
        let (pieces, caret) = self.filter.pieces(theme);
        paint::left(buffer, area, &pieces);
        let (events, found, looked_at) = self.live.look(|counted, matches| {
            let found = matches.map(|matches| (matches.selection.count(), matches.selection.len()));
            (counted.frames.events(), found.map(|(count, _)| count), found.map(|(_, len)| len))
        });
        let text = match (found, looked_at) {
            (Some(found), Some(looked_at)) if looked_at < events => {
                format!("{} … of {} ", thousands(found), thousands(events))
            }
            (Some(found), _) => format!("{} of {} ", thousands(found), thousands(events)),
            _ => format!("{} events ", thousands(events)),
        };
        paint::right(buffer, area, paint::pieces_width(&pieces) + 2, &[(text, Style::new())]);
        caret
    }

    /// What a person should read before anything else.
    fn says(&self, theme: Theme) -> Option<(String, Style)> {
        if let Some(message) = self.filter.message() {
            return Some((message, theme.wrong().remove_modifier(ratatui::style::Modifier::UNDERLINED)));
        }
        if let Some((_, Some(wrong))) = &self.jump {
            return Some((wrong.clone(), theme.warning()));
        }
        if let Some(message) = &self.message {
            return Some((harmless(message), theme.accent()));
        }
        let (first, count) = self.live.look(|counted, _| {
            let damages = &counted.summary.account.damages;
            let first = damages.first().or(counted.tail.first()).cloned();
            (first, damages.len() + counted.tail.len())
        });
        let more = if count > 1 { format!("; {} more: i", count - 1) } else { String::new() };
        first.map(|first| (format!("! {}{more}", harmless(&first)), theme.warning()))
    }

    fn status(&self, buffer: &mut Buffer, area: Rect, theme: Theme, has_list: bool) {
        let count = self.count();
        let position = if count == 0 { 0 } else { self.position() + 1 };
        let mut pieces: Pieces = vec![(format!(" {} ", thousands(position)), STRONG)];
        if self.follow {
            pieces.push((
                "FOLLOW ".to_owned(),
                theme.accent().add_modifier(ratatui::style::Modifier::REVERSED),
            ));
        }
        let back = if has_list { "Esc list  " } else { "" };
        let hints = [
            format!("? keys  / filter  e error  f follow  t time  Enter details  {back}q quit "),
            format!("? keys  / filter  e error  {back}q quit "),
            "? keys  q quit ".to_owned(),
        ];
        let taken = paint::pieces_width(&pieces);
        let free = usize::from(area.width).saturating_sub(taken);
        let hint = hints.into_iter().find(|hint| width(hint) <= free).unwrap_or_default();
        paint::left(buffer, area, &pieces);
        paint::right(buffer, area, taken, &[(hint, QUIET)]);
    }

    fn middle(&mut self, buffer: &mut Buffer, area: Rect, theme: Theme) {
        let (list, pane) = match self.pane {
            None => (area, Rect::default()),
            Some(_) if area.width >= WIDE => {
                let list = Rect { width: area.width * 11 / 20, ..area };
                let x = list.right() + 1;
                for y in area.y..area.bottom() {
                    buffer.set_string(list.right(), y, "│", QUIET);
                }
                (list, Rect { x: x + 1, width: area.right() - x - 1, ..area })
            }
            // There is no room for both.
            Some(_) if area.height < BOTH_ROWS_MIN => (area, Rect::default()),
            Some(_) => {
                let list = Rect { height: (area.height / 3).max(1), ..area };
                let line = "─".repeat(usize::from(area.width));
                buffer.set_string(area.x, list.bottom(), line, QUIET);
                let y = list.bottom() + 1;
                (
                    list,
                    Rect { x: area.x + 1, y, width: area.width - 1, height: area.bottom().saturating_sub(y) },
                )
            }
        };
        self.places = Places { list, pane, ..self.places };
        self.list(buffer, list, theme);
        match self.pane {
            Some(Pane::Event) => self.event_pane(buffer, pane, theme),
            Some(Pane::Session) => {
                let details = self.about(usize::from(pane.width), theme);
                self.pane_lines(buffer, pane, details, theme);
            }
            None => {}
        }
    }

    fn list(&mut self, buffer: &mut Buffer, area: Rect, theme: Theme) {
        let (count, position) = (self.count(), self.position());
        self.top = paint::scrolled(self.top, position, u64::from(area.height), count);
        let shown: Vec<u64> =
            (self.top..self.top + u64::from(area.height)).map_while(|at| self.place_at(at)).collect();
        let whole = self.place_at(position).filter(|_| self.pane == Some(Pane::Event));
        self.live.want(&shown, whole);
        let (started_at, _) = self.times();
        for (at, place) in shown.iter().enumerate() {
            let row = paint::row(area, at as u16);
            let Some(event) = self.live.row(*place) else {
                paint::left(buffer, row, &[(" …".to_owned(), QUIET)]);
                continue;
            };
            self.event(buffer, row, &event, started_at, theme);
            if self.top + at as u64 == position {
                buffer.set_style(row, SELECTED);
            }
        }
        if count == 0 {
            let (is_all, has_filter) =
                self.live.look(|counted, matches| (counted.is_caught_up, matches.is_some()));
            let text = match (is_all, has_filter) {
                (false, _) => " reading …",
                (true, true) => " no event fits: c for all",
                (true, false) => " no events",
            };
            paint::left(buffer, paint::row(area, 0), &[(text.to_owned(), QUIET)]);
        }
    }

    fn event(&self, buffer: &mut Buffer, area: Rect, event: &Row, started_at: Timestamp, theme: Theme) {
        let level = event.severity.level();
        let is_middle = area.width >= MIDDLE;
        let time = event.time.map(|time| {
            if self.relative_times { details::offset(started_at, time) } else { time_of_day(time) }
        });
        // Narrow: without milliseconds. Of `16:20:42.061` and `+00:02:10.061` the latter is longer by one.
        let longest = 12 + usize::from(self.relative_times);
        let shown = if is_middle { longest } else { longest - 4 };
        let time: String = time.unwrap_or_default().chars().take(shown).collect();
        let digits = shown + 1;
        let style = theme.level(level);
        let mut pieces: Pieces =
            vec![(format!(" {time:<digits$}"), QUIET), (format!("{} ", letter(level)), style)];
        if is_middle {
            let cells = usize::from(area.width / 6).clamp(6, 24);
            let category = crate::text::fitted(&event.category, cells);
            let pad = " ".repeat(cells - width(&category) + 1);
            pieces.push((category + &pad, QUIET));
        }
        let is_loud = level >= 3 || event.is_severe || level < 2;
        pieces.push((event.text.clone(), if is_loud { style } else { Style::new() }));
        if event.is_severe && level < 4 {
            pieces.insert(1, ("!".to_owned(), theme.level(4)));
        }
        paint::left(buffer, area, &pieces);
        if let (Some(user), 90..) = (&event.user, area.width) {
            paint::right(buffer, area, paint::pieces_width(&pieces) + 1, &[(format!("{user} "), QUIET)]);
        }
    }

    fn event_pane(&mut self, buffer: &mut Buffer, area: Rect, theme: Theme) {
        let place = self.place_at(self.position());
        let Some(record) = place.and_then(|place| self.live.whole(place)) else {
            return paint::left(buffer, paint::row(area, 0), &[("…".to_owned(), QUIET)]);
        };
        let details = details::of(&record, self.times().0, usize::from(area.width), theme);
        self.pane_lines(buffer, area, details, theme);
    }

    fn pane_lines(&mut self, buffer: &mut Buffer, area: Rect, details: Details, theme: Theme) {
        let rows = usize::from(area.height);
        self.pane_top = self.pane_top.min(details.lines.len().saturating_sub(rows));
        let is_more = details.lines.len() > self.pane_top + rows;
        for (at, line) in details.lines.into_iter().skip(self.pane_top).take(rows).enumerate() {
            paint::left(buffer, paint::row(area, at as u16), &[line]);
        }
        let sign = match (self.pane_has_focus, is_more) {
            (true, true) => "▼",
            (true, false) => "■",
            (false, true) => "↓ Tab",
            (false, false) => "",
        };
        let last = paint::row(area, area.height.saturating_sub(1));
        paint::right(buffer, last, 0, &[(sign.to_owned(), theme.accent())]);
    }

    /// Everything about the session that is no event.
    fn about(&self, cells: usize, theme: Theme) -> Details {
        let header = self.header.as_ref();
        let summary = self.live.look(|counted, _| {
            let mut summary = counted.summary.clone();
            summary.account.damages.extend(counted.tail.iter().cloned());
            summary
        });
        let mut about = Details::new(cells, theme);
        about.text(0, "Session", STRONG);
        about.pair("id", self.files.id().map(|id| id.to_string()));
        about.pair("kind", header.map(|header| header.kind.as_str().to_owned()));
        about.pair("started", Some(summary.started_at(header).to_string()));
        about.pair("last", Some(summary.last_activity_at(header).to_string()));
        let end = summary.end.as_ref();
        let recovered = if end.is_some_and(|end| end.recovered) { ", found out afterwards" } else { "" };
        about.pair("ended", end.map(|end| format!("{} {}{recovered}", end.time, end.reason)));
        about.pair("", end.and_then(|end| end.note.clone()));
        about.pair("users", Some(summary.users.iter().map(user_text).collect::<Vec<_>>().join(", ")));
        about.pair("previous", header.and_then(|header| header.previous).map(|id| id.to_string()));
        let levels = summary.levels.iter().enumerate().rev().filter(|(_, count)| **count > 0);
        let levels: Vec<String> =
            levels.map(|(level, count)| format!("{} {}", thousands(*count), level_name(level))).collect();
        about.pair("events", Some(format!("{}: {}", thousands(summary.events), levels.join(", "))));
        about.pair("written by", header.map(|header| header.agent.clone()));
        for (reason, count) in &summary.dropped {
            about.pair("dropped", Some(format!("{} {reason}", thousands(*count))));
        }
        self.about_files(&mut about, &summary, theme);
        if let Some(header) = header.filter(|header| !header.resource.is_empty()) {
            about.heading("Resource");
            for (name, value) in &header.resource {
                about.text(0, &format!("{name} = {}", crate::row::value_text(value)), Style::new());
            }
        }
        about
    }

    fn about_files(&self, about: &mut Details, summary: &crate::session::Summary, theme: Theme) {
        about.heading("Files");
        for fragment in self.live.fragments().iter() {
            let number = fragment.header.as_ref().map_or(0, |header| header.fragment);
            let path = fragment.path.display();
            let found = format!("{number}. {path}, {} when it was found", bytes(fragment.bytes));
            about.text(0, &found, Style::new());
        }
        for damage in &summary.account.damages {
            about.text(0, &format!("! {damage}"), theme.warning());
        }
        for note in summary.account.notes.iter().chain(&self.files.notes) {
            about.text(0, note, Style::new());
        }
    }
}

/// `16:20:42.061`, UTC.
fn time_of_day(time: Timestamp) -> String {
    let nanos_of_day = time.as_unix_nanos().rem_euclid(86_400_000_000_000);
    let seconds = nanos_of_day / 1_000_000_000;
    let millis = nanos_of_day / 1_000_000 % 1000;
    format!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
