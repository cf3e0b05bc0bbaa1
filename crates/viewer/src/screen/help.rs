//! What the keys do.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::Clear;

use super::paint;
use super::theme::{QUIET, SELECTED, STRONG, Theme};

const EVENTS: [(&str, &str); 15] = [
    ("j k, arrows", "next, previous"),
    ("PgDn PgUp, wheel", "further"),
    ("g G, Home End", "first, last"),
    ("e E", "next, previous error"),
    ("Enter", "details, and back"),
    ("Tab", "scroll the details"),
    ("/", "filter; Tab mends a word"),
    ("c", "no filter"),
    ("t", "go to a time"),
    ("f", "follow what comes"),
    ("r", "times since the start"),
    ("i", "about the session"),
    ("click", "go there"),
    ("Esc", "back"),
    ("q, Ctrl-C", "quit"),
];
const SESSIONS: [(&str, &str); 7] = [
    ("j k, arrows, wheel", "next, previous"),
    ("g G, Home End", "first, last"),
    ("Enter, click", "open"),
    ("/", "filter; Tab mends a word"),
    ("c", "no filter"),
    ("i", "about the files"),
    ("q, Ctrl-C", "quit"),
];

/// Over what is there; any key closes it.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, is_session: bool) {
    let keys: &[(&str, &str)] = if is_session { &EVENTS } else { &SESSIONS };
    let all = frame.area();
    let (width, height) = (all.width.min(48), all.height.min(keys.len() as u16 + 4));
    let area = Rect { x: (all.width - width) / 2, y: (all.height - height) / 2, width, height };
    frame.render_widget(Clear, area);
    let buffer = frame.buffer_mut();
    let title = " Keys".to_owned() + &" ".repeat(usize::from(width));
    paint::left(buffer, paint::row(area, 0), &[(title, SELECTED)]);
    for (at, (key, meaning)) in keys.iter().enumerate() {
        let row = paint::row(area, at as u16 + 1);
        let pieces = [(format!(" {key:<19}"), theme.accent()), ((*meaning).to_owned(), STRONG)];
        paint::left(buffer, row, &pieces);
    }
    let note = " Filters: docs/filter.md, e.g. level:>=warn".to_owned();
    paint::left(buffer, paint::row(area, keys.len() as u16 + 2), &[(note, QUIET)]);
}
