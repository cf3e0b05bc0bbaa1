//! How the steps look.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::pack::{Field, PackResult, Place, Step, Wizard};
use super::paint::{self, Pieces};
use super::theme::{QUIET, SELECTED, STRONG, Theme};
use crate::text::{bytes, fitted, harmless, thousands, width};

/// Width of the names of a form's fields.
const LABEL_CELLS: usize = 14;
/// Cells of a progress bar at most.
const BAR_CELLS_MAX: usize = 60;

pub(super) fn draw(frame: &mut Frame<'_>, wizard: &Wizard, theme: Theme) {
    let all = frame.area();
    if all.height < 4 || all.width < 10 {
        return;
    }
    let caret = {
        let buffer = frame.buffer_mut();
        head(buffer, all, wizard);
        foot(buffer, all, wizard, theme);
        let body = Rect { x: all.x + 1, y: all.y + 2, width: all.width - 2, height: all.height - 3 };
        match wizard.step {
            Step::Application => applications(buffer, body, wizard),
            Step::What => choices(buffer, body, wizard, theme),
            Step::Where => places(buffer, body, wizard),
            Step::How => form(buffer, body, wizard, theme),
            Step::Working => working(buffer, body, wizard, theme),
            Step::Done => done(buffer, body, wizard, theme),
        }
    };
    if let Some(caret) = caret {
        frame.set_cursor_position(caret);
    }
}

type Caret = Option<(u16, u16)>;

fn head(buffer: &mut Buffer, all: Rect, wizard: &Wizard) {
    let step = match wizard.step {
        Step::Application => "of which application?",
        Step::What => "what is to be packed?",
        Step::Where => "where is it to go?",
        Step::How => "how?",
        Step::Working => "at work",
        Step::Done => "done",
    };
    let cells = usize::from(all.width);
    let long = format!(" Kymo packs sessions: {step}");
    let title = if width(&long) <= cells { long } else { fitted(&format!(" {step}"), cells) };
    let pad = " ".repeat(cells.saturating_sub(width(&title)));
    let title = title + &pad;
    paint::left(buffer, paint::row(all, 0), &[(title, SELECTED)]);
}

fn foot(buffer: &mut Buffer, all: Rect, wizard: &Wizard, theme: Theme) {
    let keys: &[(&str, &str)] = match wizard.step {
        Step::Application | Step::What | Step::Where => {
            &[("Enter", "go on"), ("Esc", "back"), ("arrows", "choose"), ("q", "quit")]
        }
        Step::How => &[("Enter", "begin"), ("Esc", "back"), ("Tab", "next line"), ("Ctrl-C", "quit")],
        Step::Working if wizard.is_stopping => &[("Ctrl-C", "do not wait")],
        Step::Working => &[("Esc", "stop")],
        Step::Done => &[("Enter", "end"), ("b", "once more")],
    };
    let mut pieces: Pieces = vec![(" ".to_owned(), Style::new())];
    for (key, meaning) in keys {
        pieces.push(((*key).to_owned(), theme.accent()));
        pieces.push((format!(" {meaning}   "), QUIET));
    }
    paint::left(buffer, paint::row(all, all.height - 1), &pieces);
}

/// A list of entries of some lines; the selected one is always seen.
fn list(buffer: &mut Buffer, area: Rect, entries: &[(String, String)], selected: usize) -> u16 {
    let lines_of = |at: usize| 1 + usize::from(!entries[at].1.is_empty());
    let mut first = 0;
    // The selected entry and those before it, as many as there is room for.
    while (first..=selected).filter(|&at| at < entries.len()).map(lines_of).sum::<usize>()
        > usize::from(area.height)
        && first < selected
    {
        first += 1;
    }
    let mut y = 0;
    for (at, (title, detail)) in entries.iter().enumerate().skip(first) {
        let is_selected = at == selected;
        let mark = if at < 9 { format!("{} ", at + 1) } else { "  ".to_owned() };
        let sign = if is_selected { "> " } else { "  " };
        let cells = usize::from(area.width);
        let text = fitted(&format!("{sign}{mark}{title}"), cells);
        let pad = " ".repeat(cells.saturating_sub(width(&text)));
        let style = if is_selected { SELECTED } else { STRONG };
        paint::left(buffer, paint::row(area, y), &[(text + &pad, style)]);
        y += 1;
        if !detail.is_empty() {
            let text = fitted(&format!("    {detail}"), cells);
            paint::left(buffer, paint::row(area, y), &[(text, QUIET)]);
            y += 1;
        }
        if y >= area.height {
            break;
        }
    }
    y
}

fn applications(buffer: &mut Buffer, area: Rect, wizard: &Wizard) -> Caret {
    let entries: Vec<(String, String)> = wizard
        .applications()
        .iter()
        .map(|application| {
            let all = application.choices.last();
            let detail = all.map(|all| amount(all.sessions, all.bytes)).unwrap_or_default();
            (harmless(&application.title), detail)
        })
        .collect();
    list(buffer, area, &entries, wizard.application);
    None
}

fn amount(sessions: usize, size: u64) -> String {
    match sessions {
        0 => "nothing".to_owned(),
        1 => format!("1 session, {}", bytes(size)),
        count => format!("{} sessions, {}", thousands(count as u64), bytes(size)),
    }
}

fn choices(buffer: &mut Buffer, area: Rect, wizard: &Wizard, theme: Theme) -> Caret {
    let entries: Vec<(String, String)> = wizard
        .choices()
        .iter()
        .map(|choice| {
            let detail = if choice.detail.is_empty() {
                String::new()
            } else {
                format!("; {}", harmless(&choice.detail))
            };
            (harmless(&choice.title), format!("{}{detail}", amount(choice.sessions, choice.bytes)))
        })
        .collect();
    let notes = wizard.applications().get(wizard.application).map_or(&[][..], |one| &one.notes);
    let cells = usize::from(area.width);
    let lines: Vec<String> = notes.iter().flat_map(|note| paint::wrapped(note, cells)).collect();
    let room = area.height.saturating_sub(lines.len() as u16 + 1).max(area.height / 2);
    let y = list(buffer, Rect { height: room, ..area }, &entries, wizard.choice);
    for (at, line) in lines.into_iter().enumerate() {
        paint::left(buffer, paint::row(area, y + 1 + at as u16), &[(line, theme.warning())]);
    }
    None
}

fn places(buffer: &mut Buffer, area: Rect, wizard: &Wizard) -> Caret {
    let defaults = &wizard.offer.defaults;
    let said = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { harmless(text) };
    let entries: Vec<(String, String)> = wizard
        .places()
        .iter()
        .map(|place| match place {
            Place::Mail => ("By mail".to_owned(), format!("to {}", said(&defaults.mail.to, "whom you say"))),
            Place::File => ("Into a file".to_owned(), "one file, which kymo open opens".to_owned()),
            Place::Folder => {
                ("Into a folder".to_owned(), "a new file in it; a drive, or one that others see".to_owned())
            }
            Place::Drive(at) => {
                let drive = &defaults.drives[*at];
                let free = drive.free.map(|free| format!("{} free", bytes(free))).unwrap_or_default();
                (format!("Onto the drive {}", harmless(&drive.folder)), free)
            }
            Place::Server => {
                ("To a server".to_owned(), said(&defaults.server, "a Kymo server that you have a token of"))
            }
        })
        .collect();
    list(buffer, area, &entries, wizard.place);
    None
}

fn form(buffer: &mut Buffer, area: Rect, wizard: &Wizard, theme: Theme) -> Caret {
    let chosen = wizard.choices().get(wizard.choice);
    let summary = chosen.map(|choice| {
        let title = harmless(&choice.title);
        format!("{title}: {}", amount(choice.sessions, choice.bytes))
    });
    paint::left(buffer, paint::row(area, 0), &[(summary.unwrap_or_default(), QUIET)]);
    let label_cells = LABEL_CELLS.min(usize::from(area.width) / 3);
    let room = usize::from(area.width).saturating_sub(label_cells + 1).max(1);
    let rows = usize::from(area.height.saturating_sub(3)).max(1);
    // The line that is typed in is always seen.
    let first = (wizard.field + 1).saturating_sub(rows);
    let mut caret = None;
    for (at, field) in wizard.fields.iter().enumerate().skip(first).take(rows) {
        let row = paint::row(area, 2 + (at - first) as u16);
        let is_here = at == wizard.field;
        let label = fitted(field.label, label_cells);
        let pad = " ".repeat(label_cells + 1 - width(&label));
        let label_style = if is_here { STRONG } else { QUIET };
        let (shown, before) = shown(field, room, is_here);
        let fill = " ".repeat(room.saturating_sub(width(&shown)));
        let style = if is_here { theme.accent().patch(UNDERLINED) } else { Style::new() };
        let gap = if is_here { fill } else { String::new() };
        paint::left(buffer, row, &[(label + &pad, label_style), (shown + &gap, style)]);
        if is_here && field.words.is_empty() {
            caret = Some((row.x + (label_cells + 1 + before).min(usize::from(area.width) - 1) as u16, row.y));
        }
    }
    let at = 3 + (wizard.fields.len() - first).min(rows) as u16;
    let (text, style) = match (&wizard.wrong, wizard.fields.get(wizard.field)) {
        (Some(wrong), _) => (wrong.clone(), theme.wrong()),
        (None, Some(field)) if !field.words.is_empty() => {
            (format!("Space changes it: {}", field.words.join(", ")), QUIET)
        }
        _ => (String::new(), QUIET),
    };
    let at = at.min(area.height.saturating_sub(1));
    for (line, text) in paint::wrapped(&text, usize::from(area.width)).into_iter().enumerate() {
        paint::left(buffer, paint::row(area, at + line as u16), &[(text, style)]);
    }
    caret
}

const UNDERLINED: Style = Style::new().add_modifier(ratatui::style::Modifier::UNDERLINED);

/// What of a field is seen, and how many cells stand before the caret.
fn shown(field: &Field, room: usize, is_here: bool) -> (String, usize) {
    let text = field.input.text();
    let text = if field.is_secret { "*".repeat(text.chars().count()) } else { text.to_owned() };
    // A control letter would have another width than it is counted with.
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let caret = if is_here { field.input.caret() } else { text.chars().count() };
    let mut before: String = text.chars().take(caret).collect();
    let mut skipped = 0;
    while width(&before) >= room && !before.is_empty() {
        before.remove(0);
        skipped += 1;
    }
    if !is_here {
        return (fitted(&text, room), 0);
    }
    let rest: String = text.chars().skip(skipped).collect();
    (fitted(&rest, room), width(&before))
}

fn working(buffer: &mut Buffer, area: Rect, wizard: &Wizard, theme: Theme) -> Caret {
    let progress = wizard.progress();
    let text = if wizard.is_stopping { "stopping …".to_owned() } else { harmless(&progress.text) };
    let text = if text.is_empty() { "looking at the sessions …".to_owned() } else { text };
    let cells = usize::from(area.width);
    for (at, line) in paint::wrapped(&text, cells).into_iter().take(2).enumerate() {
        paint::left(buffer, paint::row(area, at as u16), &[(line, STRONG)]);
    }
    let (done, total) = progress.bytes;
    if total > 0 {
        let bar = cells.min(BAR_CELLS_MAX);
        let full = (u128::from(done.min(total)) * bar as u128 / u128::from(total)) as usize;
        let pieces = [("█".repeat(full), theme.accent()), ("░".repeat(bar - full), QUIET)];
        paint::left(buffer, paint::row(area, 3), &pieces);
        let text = format!("{} of {}", bytes(done.min(total)), bytes(total));
        paint::left(buffer, paint::row(area, 4), &[(text, QUIET)]);
    }
    None
}

fn done(buffer: &mut Buffer, area: Rect, wizard: &Wizard, theme: Theme) -> Caret {
    let Some(PackResult { is_good, lines, .. }) = &wizard.result else { return None };
    let (sign, style) =
        if *is_good { ("Done", theme.accent()) } else { ("Not everything went", theme.warning()) };
    paint::left(buffer, paint::row(area, 0), &[(sign.to_owned(), style.patch(STRONG))]);
    let cells = usize::from(area.width);
    let lines: Vec<String> = lines.iter().flat_map(|line| paint::wrapped(line, cells)).collect();
    let rows = usize::from(area.height.saturating_sub(2));
    let top = wizard.top.min(lines.len().saturating_sub(rows));
    for (at, line) in lines.iter().skip(top).take(rows).enumerate() {
        paint::left(buffer, paint::row(area, 2 + at as u16), &[(line.clone(), Style::new())]);
    }
    if lines.len() > top + rows && rows > 0 {
        let more = format!("… {} more lines", lines.len() - top - rows);
        paint::right(buffer, paint::row(area, area.height - 1), 0, &[(more, QUIET)]);
    }
    None
}
