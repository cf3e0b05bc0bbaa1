//! What is in the windows: their parts from above to below, and what keys and clicks make of them.
//!
//! ```text
//!  headline                       in a part that scrolls where the window is too low
//!  text, boxes, details
//!  ------------------------------------------------------------------------------
//!  [ button ]      [ button ] [ button ]      always there; one below the other where the window is too narrow
//! ```

use egui::containers::scroll_area::ScrollAreaOutput;
use egui::{
    Align, Button, Frame, Key, Layout, Modifiers, Response, RichText, ScrollArea, TextStyle, Ui, Vec2, vec2,
};

use crate::look::{self, BUTTON_HEIGHT, Palette};
use crate::protocol::{Answer, ConsentChoice, ErrorChoice, Request};

mod consent;
mod error;

/// Width of a window when it opens: some seventy characters in a line.
pub(crate) const WIDTH: f32 = 520.0;
/// Smallest size that a person can drag a window to.
pub(crate) const SIZE_MIN: Vec2 = vec2(260.0, 180.0);
const MARGIN: f32 = 20.0;
/// Between the part that scrolls and the buttons.
const GAP: f32 = 16.0;
const BUTTON_WIDTH_MIN: f32 = 96.0;

/// A window's content and what a person has set in it.
#[derive(Debug)]
pub(crate) struct View {
    request: Request,
    state: State,
    /// The height in points that shows all without scrolling.
    height_wanted: f32,
}

#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "three are boxes that people tick, each of the others says one thing"
)]
struct State {
    ignore_further: bool,
    report_at_end: bool,
    include_details: bool,
    is_unfolded: bool,
    /// They were unfolded in this pass: the window has to become higher.
    has_unfolded: bool,
    /// A box has the focus, where Enter means the same as nowhere.
    is_in_box: bool,
    /// Of the box of details; the rest of a window that is higher than it must be.
    details_height: f32,
    has_copied: bool,
    link_failed: bool,
    answer: Option<Answer>,
}

/// A button below.
struct Choice<C> {
    text: &'static str,
    means: C,
    /// It is what Enter means where nothing has the focus.
    is_default: bool,
    /// It is drawn as the one to take.
    is_accented: bool,
    /// It stands at the left, apart from the others.
    is_apart: bool,
}

impl View {
    pub(crate) fn new(request: Request) -> Self {
        Self { request, state: State::default(), height_wanted: 0.0 }
    }

    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// What a person chose, once it was.
    pub(crate) fn answer(&self) -> Option<Answer> {
        self.state.answer
    }

    /// The height that shows all, of the last pass.
    pub(crate) fn height_wanted(&self) -> f32 {
        self.height_wanted
    }

    /// That height, when the last pass unfolded something.
    pub(crate) fn height_unfolded(&mut self) -> Option<f32> {
        std::mem::take(&mut self.state.has_unfolded).then_some(self.height_wanted)
    }

    /// The window was closed.
    pub(crate) fn close(&mut self) {
        self.state.answer = Some(self.request.closed());
    }

    /// No browser could be started: the address is there to be copied.
    pub(crate) fn link_failed(&mut self) {
        self.state.link_failed = true;
    }

    /// One pass over a whole window.
    pub(crate) fn show(&mut self, ui: &mut Ui) {
        let Self { request, state, height_wanted } = self;
        let closed = request.closed();
        Frame::NONE.inner_margin(MARGIN).show(ui, |ui| {
            // Taken away before the widgets see it: they would take it as a click.
            let has_no_use = state.is_in_box || ui.memory(|memory| memory.focused().is_none());
            let is_entered =
                has_no_use && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
            state.is_in_box = false;
            let chosen = match &*request {
                Request::Error(problem) => {
                    let choices = error::choices(problem);
                    *height_wanted = body(ui, &choices, state, |ui, state| error::body(ui, problem, state));
                    buttons(ui, &choices, is_entered).map(|choice| error::answer(choice, state))
                }
                Request::Consent(question) => {
                    let choices = consent::choices();
                    *height_wanted =
                        body(ui, &choices, state, |ui, state| consent::body(ui, question, state));
                    buttons(ui, &choices, is_entered).map(|choice| consent::answer(choice, state))
                }
            };
            let is_escaped = ui.input(|input| input.key_pressed(Key::Escape));
            state.answer = state.answer.or(if is_escaped { Some(closed) } else { chosen });
        });
    }
}

/// The part that scrolls. Gives the height in points that a window needs to show all.
fn body<C>(
    ui: &mut Ui,
    choices: &[Choice<C>],
    state: &mut State,
    content: impl FnOnce(&mut Ui, &mut State),
) -> f32 {
    let below = GAP + buttons_height(ui, choices);
    let room = (ui.available_height() - below).max(0.0);
    let bottom = ui.cursor().top() + room;
    let area = ScrollArea::vertical().auto_shrink([false, true]).max_height(room).min_scrolled_height(0.0);
    let shown = scrolled(ui, area, |ui| content(ui, state));
    let details_shown = if state.is_unfolded { state.details_height } else { 0.0 };
    let without_details = shown.content_size.y - details_shown;
    if state.is_unfolded {
        state.details_height = (room - without_details).floor().max(error::DETAILS_HEIGHT_MIN);
        if (state.details_height - details_shown).abs() >= 1.0 {
            ui.ctx().request_repaint();
        }
    }
    ui.add_space((bottom - ui.cursor().top()).max(0.0) + GAP - ui.spacing().item_spacing.y);
    let details_wanted = if state.is_unfolded { error::DETAILS_HEIGHT } else { 0.0 };
    (without_details + details_wanted + below + 2.0 * MARGIN).ceil()
}

/// Widths of the buttons, and whether they have room beside each other.
fn button_widths<C>(ui: &Ui, choices: &[Choice<C>]) -> (Vec<f32>, bool) {
    let font = TextStyle::Button.resolve(ui.style());
    let width = |text: &str| {
        let galley = ui.painter().layout_no_wrap(text.to_owned(), font.clone(), egui::Color32::PLACEHOLDER);
        (galley.size().x + 2.0 * ui.spacing().button_padding.x).ceil().max(BUTTON_WIDTH_MIN)
    };
    let widths: Vec<f32> = choices.iter().map(|choice| width(choice.text)).collect();
    let total: f32 = widths.iter().sum::<f32>() + ui.spacing().item_spacing.x * (widths.len() as f32 - 1.0);
    let is_row = total <= ui.available_width();
    (widths, is_row)
}

fn buttons_height<C>(ui: &Ui, choices: &[Choice<C>]) -> f32 {
    match (button_widths(ui, choices).1, choices.len() as f32) {
        (true, _) => BUTTON_HEIGHT,
        (false, count) => BUTTON_HEIGHT * count + ui.spacing().item_spacing.y * (count - 1.0),
    }
}

/// The buttons, from left to right as Tab goes through them, the last at the right.
fn buttons<C: Copy>(ui: &mut Ui, choices: &[Choice<C>], is_entered: bool) -> Option<C> {
    let (widths, is_row) = button_widths(ui, choices);
    let mut chosen = None;
    let mut add = |ui: &mut Ui, choice: &Choice<C>, width: f32| {
        if button(ui, choice.text, choice.is_accented, vec2(width, BUTTON_HEIGHT)).clicked() {
            chosen = Some(choice.means);
        }
    };
    if is_row {
        ui.horizontal(|ui| {
            let gap = ui.spacing().item_spacing.x;
            let mut rest = ui.available_width() - widths.iter().map(|width| width + gap).sum::<f32>() + gap;
            for (choice, &width) in choices.iter().zip(&widths) {
                if !choice.is_apart {
                    // A space has a gap behind it like a button.
                    ui.spacing_mut().item_spacing.x = 0.0;
                    ui.add_space(rest.max(0.0));
                    ui.spacing_mut().item_spacing.x = gap;
                    rest = 0.0;
                }
                add(ui, choice, width);
            }
        });
    } else {
        for choice in choices {
            add(ui, choice, ui.available_width());
        }
    }
    chosen
        .or_else(|| choices.iter().find(|choice| is_entered && choice.is_default).map(|choice| choice.means))
}

fn button(ui: &mut Ui, text: &str, is_accented: bool, size: Vec2) -> Response {
    if !is_accented {
        return ui.add_sized(size, Button::new(text));
    }
    ui.scope(|ui| {
        let colours = colours(ui);
        let widgets = &mut ui.visuals_mut().widgets;
        for (widget, fill) in [
            (&mut widgets.inactive, colours.accent),
            (&mut widgets.hovered, colours.accent_hover),
            (&mut widgets.active, colours.accent_hover),
        ] {
            widget.weak_bg_fill = fill;
            widget.bg_fill = fill;
            widget.bg_stroke.color = fill;
            widget.fg_stroke.color = colours.accent_text;
        }
        widgets.active.bg_stroke.color = colours.text;
        ui.add_sized(size, Button::new(text))
    })
    .inner
}

/// Brings what gets the focus into what is seen of a window that scrolls.
fn followed(response: Response) -> Response {
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
    response
}

/// A part that scrolls, with bars that are quieter than text, from which the toolkit takes their colour.
fn scrolled(ui: &mut Ui, area: ScrollArea, content: impl FnOnce(&mut Ui)) -> ScrollAreaOutput<()> {
    let (widgets, quiet) = (ui.visuals().widgets.clone(), colours(ui).line_strong);
    let bars = &mut ui.visuals_mut().widgets;
    bars.inactive.fg_stroke.color = quiet;
    let shown = area.show(ui, |ui| {
        ui.visuals_mut().widgets = widgets.clone();
        content(ui);
    });
    ui.visuals_mut().widgets = widgets;
    shown
}

fn colours(ui: &Ui) -> &'static Palette {
    look::palette(ui.ctx().theme())
}

/// A box with a text that wraps beside it, and below it, smaller, what it means.
fn tick_box(ui: &mut Ui, is_ticked: &mut bool, is_in_box: &mut bool, text: &str, meaning: &str) {
    *is_in_box |= followed(ui.checkbox(is_ticked, text)).has_focus();
    if meaning.is_empty() {
        return;
    }
    let indent = ui.spacing().icon_width + ui.spacing().icon_spacing;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add_space(indent);
        ui.with_layout(Layout::top_down(Align::LEFT), |ui| small(ui, meaning));
    });
}

fn small(ui: &mut Ui, text: &str) {
    let muted = colours(ui).muted;
    ui.label(RichText::new(text).text_style(TextStyle::Small).color(muted));
}

#[cfg(test)]
mod tests;
