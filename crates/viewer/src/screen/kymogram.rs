//! A session's life in block characters: height is how much happened, colour how bad it was, notches below are errors.

use kymo_model::{EndReason, Kymogram, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::theme::{QUIET, Theme};
use crate::session::Cell;

const BLOCKS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Draws columns into an area, from its lower edge up. Without colours errors are told by their notches.
pub(super) fn bars(buffer: &mut Buffer, area: Rect, cells: &[Cell], theme: Theme) {
    let most = cells.iter().map(|cell| cell.count).max().unwrap_or(0).max(1) as f64;
    let steps = usize::from(area.height) * 8;
    for (x, cell) in (area.x..area.right()).zip(cells).filter(|(_, cell)| cell.count > 0) {
        // By the square root: a burst must not hide what is quiet.
        let height = ((cell.count as f64 / most).sqrt() * steps as f64).round().max(1.0) as usize;
        for up in 0..area.height {
            let block = height.saturating_sub(usize::from(up) * 8).min(8);
            if block > 0 {
                buffer.set_string(x, area.bottom() - 1 - up, BLOCKS[block], theme.column(cell.worst_level));
            }
        }
    }
}

/// Draws the line below: where something happened, errors as notches, where the person is.
pub(super) fn axis(buffer: &mut Buffer, area: Rect, cells: &[Cell], here: Option<usize>, theme: Theme) {
    if area.is_empty() {
        return;
    }
    for (at, cell) in cells.iter().enumerate().take(usize::from(area.width)) {
        let (sign, style) = match cell {
            _ if here == Some(at) => ("▲", theme.accent()),
            Cell { severe: 1.., .. } => ("╵", theme.column(cell.worst_level.max(4))),
            Cell { count: 0, .. } => ("·", QUIET),
            _ => ("─", QUIET),
        };
        buffer.set_string(area.x + at as u16, area.y, sign, style);
    }
}

/// How the life ended, in one sign: a cap, a break, a fade, or a moving edge.
pub(super) fn end_sign(end: Option<EndReason>) -> &'static str {
    match end {
        None => "▸",
        Some(EndReason::Normal) => "▌",
        Some(EndReason::Crashed | EndReason::Killed | EndReason::LostPower) => "╳",
        Some(EndReason::TimedOut) => "┄",
        Some(EndReason::Unknown) => "?",
    }
}

/// Columns of the coarse drawing that a list has.
pub(super) fn columns(drawing: &Kymogram, (from, to): (Timestamp, Timestamp), columns: usize) -> Vec<Cell> {
    let mut cells = vec![Cell::default(); columns];
    let span = to.since(from).as_nanos().max(1);
    for &bucket in drawing.buckets() {
        let at = drawing.start_of(bucket).since(from).as_nanos() * columns as u128 / span;
        if let Some(cell) = cells.get_mut((at as usize).min(columns.saturating_sub(1))) {
            cell.count += u64::from(bucket.count);
            cell.worst_level = cell.worst_level.max(bucket.worst_level);
            cell.severe += u64::from(bucket.worst_level >= 4);
        }
    }
    cells
}

/// The column in which a time is.
pub(super) fn column_of((from, to): (Timestamp, Timestamp), time: Timestamp, columns: usize) -> usize {
    let span = to.since(from).as_nanos().max(1);
    ((time.since(from).as_nanos() * columns as u128 / span) as usize).min(columns.saturating_sub(1))
}
