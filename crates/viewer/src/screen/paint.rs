//! Text into cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::text::{fitted, width};

/// Pieces of text with their styles.
pub(super) type Pieces = Vec<(String, Style)>;

/// One row of an area; nothing where the area has no such row.
pub(super) fn row(area: Rect, at: u16) -> Rect {
    let height = u16::from(at < area.height);
    Rect { y: area.y.saturating_add(at), height, ..area }
}

/// Writes pieces from the left on, as far as they fit.
pub(super) fn left(buffer: &mut Buffer, area: Rect, pieces: &[(String, Style)]) {
    if area.is_empty() {
        return;
    }
    let mut x = area.x;
    for (text, style) in pieces {
        let room = area.right().saturating_sub(x);
        if room == 0 {
            return;
        }
        let text = fitted(text, usize::from(room));
        (x, _) = buffer.set_stringn(x, area.y, &text, usize::from(room), *style);
    }
}

/// Writes pieces so that they end at the right, if they fit into the room that is free.
pub(super) fn right(buffer: &mut Buffer, area: Rect, taken: usize, pieces: &[(String, Style)]) {
    let needed: usize = pieces.iter().map(|(text, _)| width(text)).sum();
    let free = usize::from(area.width).saturating_sub(taken);
    if needed > free {
        return;
    }
    let x = area.right() - needed as u16;
    left(buffer, Rect { x, width: needed as u16, ..area }, pieces);
}

/// How wide pieces are.
pub(super) fn pieces_width(pieces: &[(String, Style)]) -> usize {
    pieces.iter().map(|(text, _)| width(text)).sum()
}

/// Lines of at most so many cells; words stay whole where that leaves half of a line.
pub(super) fn wrapped(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let line = line.trim_end_matches('\r').replace('\t', "    ");
        let mut rest = crate::text::harmless(&line);
        while width(&rest) > cells {
            let (mut end, mut used, mut space) = (0, 0, None);
            for (at, letter) in rest.char_indices() {
                let wide = width(letter.encode_utf8(&mut [0; 4]));
                if used + wide > cells {
                    break;
                }
                used += wide;
                end = at + letter.len_utf8();
                if letter == ' ' && used > cells / 2 {
                    space = Some(end);
                }
            }
            let end = space.unwrap_or(end).max(rest.chars().next().map_or(1, char::len_utf8));
            let tail = rest.split_off(end);
            if tail.is_empty() {
                break;
            }
            lines.push(std::mem::replace(&mut rest, tail));
        }
        lines.push(rest);
    }
    lines
}

/// A scroll position that shows `selected`, near the one before.
pub(super) fn scrolled(top: u64, selected: u64, rows: u64, count: u64) -> u64 {
    let rows = rows.max(1);
    let top = top.min(selected).max((selected + 1).saturating_sub(rows));
    top.min(count.saturating_sub(rows)).min(selected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("a\n\nb", 4), ["a", "", "b"]);
        assert_eq!(wrapped("中文字", 1), ["中", "文", "字"], "one that is too wide stands alone");
        assert_eq!(wrapped("\u{1b}[2J", 20), [r"\u{1b}[2J"]);
    }

    #[test]
    fn the_selection_stays_in_sight() {
        assert_eq!(scrolled(0, 5, 10, 100), 0);
        assert_eq!(scrolled(0, 10, 10, 100), 1);
        assert_eq!(scrolled(50, 20, 10, 100), 20);
        assert_eq!(scrolled(95, 99, 10, 100), 90);
        assert_eq!(scrolled(3, 0, 10, 0), 0);
    }
}
