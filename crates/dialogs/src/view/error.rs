//! The window about a problem.

use egui::{
    Align, Align2, Button, FontId, Layout, RichText, ScrollArea, Sense, TextEdit, TextStyle, Ui, vec2,
};

use super::{Answer, Choice, ErrorChoice, State, colours, followed, scrolled, small, tick_box};
use crate::protocol::Problem;

/// Height of the box of details when it unfolds: some twelve lines.
pub(super) const DETAILS_HEIGHT: f32 = 200.0;
/// Lowest it becomes; in a lower window the whole page scrolls.
pub(super) const DETAILS_HEIGHT_MIN: f32 = 110.0;
const SIGN_SIZE: f32 = 32.0;

/// Restart is never what Enter means: it does something, the last one only goes on with what is.
pub(super) fn choices(problem: &Problem) -> Vec<Choice<ErrorChoice>> {
    let restart = Choice {
        text: "Restart",
        means: ErrorChoice::Restart,
        is_default: false,
        is_accented: false,
        is_apart: false,
    };
    let (text, means) =
        if problem.is_blocking { ("Close", ErrorChoice::Close) } else { ("Continue", ErrorChoice::Continue) };
    let last = Choice { text, means, is_default: true, is_accented: true, is_apart: false };
    if problem.can_restart { vec![restart, last] } else { vec![last] }
}

pub(super) fn answer(choice: ErrorChoice, state: &State) -> Answer {
    Answer::Error { choice, ignore_further: state.ignore_further, report_at_end: state.report_at_end }
}

pub(super) fn body(ui: &mut Ui, problem: &Problem, state: &mut State) {
    ui.horizontal_top(|ui| {
        sign(ui);
        ui.add_space(6.0);
        ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
            ui.label(
                RichText::new(format!("{} has met an unexpected problem", problem.application)).heading(),
            );
            if !problem.version.is_empty() {
                small(ui, &format!("Version {}", problem.version));
            }
            ui.add_space(4.0);
            ui.label(&problem.message);
        });
    });
    if !problem.details.is_empty() {
        details(ui, problem, state);
    }
    ui.add_space(4.0);
    ui.separator();
    ui.add_space(2.0);
    tick_box(
        ui,
        &mut state.ignore_further,
        &mut state.is_in_box,
        "Ignore further problems in this session",
        "",
    );
    if problem.can_report {
        let meaning = report_meaning(problem);
        tick_box(
            ui,
            &mut state.report_at_end,
            &mut state.is_in_box,
            "Report at the end of this session",
            &meaning,
        );
    }
}

fn report_meaning(problem: &Problem) -> String {
    let recipient = match problem.company.as_str() {
        "" => format!("the people who make {}", problem.application),
        company => company.to_owned(),
    };
    format!(
        "When the program has ended, what it recorded goes to {recipient}: what it did, its errors, its version, and \
         facts about this computer and its user. That is this session and earlier ones that were not sent; only this once."
    )
}

/// A disc with an exclamation mark.
fn sign(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(SIGN_SIZE, SIGN_SIZE), Sense::hover());
    let colours = colours(ui);
    let painter = ui.painter();
    painter.circle_filled(rect.center(), SIGN_SIZE / 2.0, colours.warning);
    let font = FontId::proportional(SIGN_SIZE * 0.7);
    painter.text(rect.center(), Align2::CENTER_CENTER, "!", font, colours.warning_text);
}

fn details(ui: &mut Ui, problem: &Problem, state: &mut State) {
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        let text = if state.is_unfolded { "▾ Details" } else { "▸ Details" };
        if followed(ui.add(Button::new(text))).clicked() {
            state.is_unfolded = !state.is_unfolded;
            state.has_unfolded = state.is_unfolded;
            if state.is_unfolded && state.details_height == 0.0 {
                state.details_height = DETAILS_HEIGHT;
            }
        }
        if !state.is_unfolded {
            return;
        }
        if followed(ui.button(if state.has_copied { "Copied" } else { "Copy" })).clicked() {
            state.has_copied = true;
            ui.ctx().copy_text(problem.details_whole.clone());
        }
    });
    if !state.is_unfolded {
        return;
    }
    let spacing = ui.spacing().item_spacing.y;
    let area = ScrollArea::vertical()
        .id_salt("details")
        .auto_shrink([false, false])
        .max_height(state.details_height - spacing)
        .min_scrolled_height(state.details_height - spacing);
    scrolled(ui, area, |ui| {
        // A text that cannot be changed can be selected and copied all the same.
        let mut text = problem.details.as_str();
        let shown = ui.add(
            TextEdit::multiline(&mut text)
                .font(TextStyle::Monospace)
                .desired_width(f32::INFINITY)
                .desired_rows(1)
                .min_size(vec2(0.0, state.details_height - spacing)),
        );
        state.is_in_box |= followed(shown).has_focus();
    });
}
