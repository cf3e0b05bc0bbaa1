//! The question whether a product may send.

use egui::{RichText, TextStyle, Ui};

use super::{Answer, Choice, ConsentChoice, State, colours, followed, small, tick_box};
use crate::protocol::Question;

/// None of them looks like the one to take; Enter is the one that decides nothing.
pub(super) fn choices() -> Vec<Choice<ConsentChoice>> {
    let choice = |text, means, is_default| Choice {
        text,
        means,
        is_default,
        is_accented: false,
        is_apart: is_default,
    };
    vec![
        choice("Ask me later", ConsentChoice::Later, true),
        choice("No", ConsentChoice::No, false),
        choice("Yes", ConsentChoice::Yes, false),
    ]
}

pub(super) fn answer(choice: ConsentChoice, state: &State) -> Answer {
    // Without a yes there is nothing to include them in.
    let include_details = state.include_details && choice == ConsentChoice::Yes;
    Answer::Consent { choice, include_details }
}

pub(super) fn body(ui: &mut Ui, question: &Question, state: &mut State) {
    let product = &question.product;
    let recipient = match question.company.as_str() {
        "" => format!("the people who make {product}"),
        company => company.to_owned(),
    };
    ui.label(RichText::new(format!("Help improve {product}")).heading());
    if !question.version.is_empty() {
        small(ui, &format!("Version {}", question.version));
    }
    ui.add_space(4.0);
    ui.label(format!(
        "May {product} send records of how it works to {recipient}? They help to find and mend problems."
    ));
    ui.add_space(2.0);
    ui.label("What is sent:");
    for line in [
        "what the program did and when, and the errors it met",
        "its version, and facts about this computer such as its system, processor and memory",
    ] {
        bullet(ui, line);
    }
    ui.add_space(4.0);
    tick_box(
        ui,
        &mut state.include_details,
        &mut state.is_in_box,
        "Include details",
        "What can tell who you are, such as your user name and the name of this computer. Counts with Yes only.",
    );
    privacy(ui, question, state);
    ui.add_space(4.0);
    // One line in the place of the other: the window stays as high as it is.
    if state.link_failed {
        small(ui, "No browser could be started here: copy the address.");
    } else {
        small(ui, &format!("{product} works as before, whatever you choose."));
    }
}

fn bullet(ui: &mut Ui, text: &str) {
    ui.horizontal_top(|ui| {
        ui.add_space(6.0);
        ui.label("•");
        ui.vertical(|ui| ui.label(text));
    });
}

/// The link, and its address to be copied where no browser can be started.
fn privacy(ui: &mut Ui, question: &Question, state: &mut State) {
    let Some(url) = &question.privacy_url else { return };
    ui.add_space(6.0);
    ui.horizontal_wrapped(|ui| {
        let text = match question.company.as_str() {
            "" => "Privacy policy".to_owned(),
            company => format!("Privacy policy of {company}"),
        };
        if followed(ui.link(text)).clicked() {
            ui.ctx().open_url(egui::OpenUrl::new_tab(url));
        }
        if followed(ui.small_button(if state.has_copied { "Copied" } else { "Copy address" })).clicked() {
            state.has_copied = true;
            ui.ctx().copy_text(url.clone());
        }
    });
    let muted = colours(ui).muted;
    ui.label(RichText::new(url).text_style(TextStyle::Monospace).size(11.0).color(muted));
}
