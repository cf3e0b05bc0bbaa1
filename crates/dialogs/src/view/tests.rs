//! What people meet in the windows, without a window: the tree that a screen reader would get says what is where, and
//! keys and clicks go in as they do from a window.

use egui::accesskit::{Node, Role};
use egui::{Context, Event, Modifiers, OutputCommand, PointerButton, Pos2, RawInput, Rect, pos2};
use serde_json::{Value, json};

use super::*;

/// A view that is looked at and used.
struct Seen {
    context: Context,
    view: View,
    size: Vec2,
    nodes: Vec<(egui::accesskit::NodeId, Node)>,
    focus: egui::accesskit::NodeId,
    commands: Vec<OutputCommand>,
}

impl Seen {
    fn new(request: &Value, size: Vec2) -> Self {
        let request = crate::protocol::read(request.to_string().as_bytes()).unwrap();
        let context = Context::default();
        look::apply(&context);
        crate::fonts::fall_back(&context);
        context.enable_accesskit();
        let (nodes, focus) = (Vec::new(), egui::accesskit::NodeId(0));
        let mut seen = Self { context, view: View::new(request), size, nodes, focus, commands: Vec::new() };
        seen.pass(Vec::new());
        seen.pass(Vec::new());
        seen
    }

    fn pass(&mut self, events: Vec<Event>) {
        let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, self.size));
        let input = RawInput { screen_rect, events, focused: true, ..RawInput::default() };
        let mut output = self.context.run_ui(input, |ui| self.view.show(ui));
        output.textures_delta.clear();
        let commands = output.platform_output.commands.drain(..);
        // What is selected is told, too.
        self.commands
            .extend(commands.filter(|command| !matches!(command, OutputCommand::TextSelectionSettled(_))));
        let update = output.platform_output.accesskit_update.expect("it was switched on");
        self.nodes = update.nodes;
        self.focus = update.focus;
    }

    fn press(&mut self, key: Key, modifiers: Modifiers) {
        let event = |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers };
        self.pass(vec![event(true), event(false)]);
        self.pass(Vec::new());
    }

    fn keys(&mut self, keys: &[Key]) {
        for &key in keys {
            self.press(key, Modifiers::NONE);
        }
    }

    fn text(node: &Node) -> &str {
        node.label().or(node.value()).unwrap_or_default()
    }

    fn node(&self, text: &str) -> Option<&Node> {
        self.nodes.iter().map(|(_, node)| node).find(|node| Self::text(node).starts_with(text))
    }

    fn place(&self, text: &str) -> Rect {
        let bounds =
            self.node(text).unwrap_or_else(|| panic!("`{text}` is not there")).bounds().expect("a place");
        Rect::from_min_max(pos2(bounds.x0 as f32, bounds.y0 as f32), pos2(bounds.x1 as f32, bounds.y1 as f32))
    }

    fn click(&mut self, text: &str) {
        let pos = self.place(text).center();
        let button = |pressed| Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        self.pass(vec![Event::PointerMoved(pos), button(true)]);
        self.pass(vec![button(false)]);
        self.pass(Vec::new());
    }

    fn focused(&self) -> String {
        let focused = self.nodes.iter().find(|(id, _)| *id == self.focus);
        focused.map(|(_, node)| format!("{:?} {}", node.role(), Self::text(node))).unwrap_or_default()
    }

    fn answer(&self) -> Option<Value> {
        self.view.answer().map(|answer| serde_json::to_value(answer).unwrap())
    }
}

fn problem() -> Value {
    json!({"kind": "error", "application": "Shop", "version_text": "1.2", "message": "It broke.", "details": "at a\nat b",
           "can_restart": true, "is_blocking": true})
}

fn question() -> Value {
    json!({"kind": "consent", "product": "Shop", "company": "Example Works", "version_text": "1.2",
           "privacy_url": "https://shop.example/privacy"})
}

fn with(mut request: Value, changes: &Value) -> Value {
    for (key, value) in changes.as_object().unwrap() {
        request[key] = value.clone();
    }
    request
}

const SIZE: Vec2 = vec2(WIDTH, 560.0);

fn error_answer(choice: &str, ignore_further: bool, report_at_end: bool) -> Value {
    json!({"choice": choice, "ignore_further": ignore_further, "report_at_end": report_at_end})
}

fn consent_answer(choice: &str, include_details: bool) -> Value {
    json!({"choice": choice, "include_details": include_details})
}

#[test]
fn every_button_and_box_answers_for_itself() {
    let clicked = |request: &Value, texts: &[&str]| {
        let mut seen = Seen::new(request, SIZE);
        for text in texts {
            seen.click(text);
        }
        seen.answer()
    };
    let (ignore, report) = ("Ignore further", "Report at the end");
    assert_eq!(clicked(&problem(), &["Restart"]), Some(error_answer("restart", false, false)));
    assert_eq!(clicked(&problem(), &[ignore, "Close"]), Some(error_answer("close", true, false)));
    assert_eq!(clicked(&problem(), &[report, "Close"]), Some(error_answer("close", false, true)));
    assert_eq!(clicked(&problem(), &[report, report, "Close"]), Some(error_answer("close", false, false)));
    let goes_on = with(problem(), &json!({"is_blocking": false}));
    assert_eq!(clicked(&goes_on, &[report, "Continue"]), Some(error_answer("continue", false, true)));
    assert_eq!(clicked(&problem(), &["▸ Details", ignore]), None);

    assert_eq!(clicked(&question(), &["Yes"]), Some(consent_answer("yes", false)));
    assert_eq!(clicked(&question(), &["Include details", "Yes"]), Some(consent_answer("yes", true)));
    assert_eq!(clicked(&question(), &["Include details", "No"]), Some(consent_answer("no", false)));
    assert_eq!(clicked(&question(), &["Ask me later"]), Some(consent_answer("later", false)));
}

#[test]
fn keys_go_from_above_to_below_and_enter_is_the_safe_one() {
    let mut seen = Seen::new(&problem(), SIZE);
    let mut order = Vec::new();
    for _ in 0..5 {
        seen.keys(&[Key::Tab]);
        order.push(seen.focused());
    }
    let expected = [
        "Button ▸ Details",
        "CheckBox Ignore further problems in this session",
        "CheckBox Report at the end of this session",
        "Button Restart",
        "Button Close",
    ];
    assert_eq!(order, expected);

    let pressed = |request: &Value, keys: &[Key]| {
        let mut seen = Seen::new(request, SIZE);
        seen.keys(keys);
        seen.answer()
    };
    let goes_on = with(problem(), &json!({"is_blocking": false}));
    assert_eq!(pressed(&problem(), &[Key::Enter]), Some(error_answer("close", false, false)));
    assert_eq!(pressed(&goes_on, &[Key::Enter]), Some(error_answer("continue", false, false)));
    assert_eq!(pressed(&goes_on, &[Key::Escape]), Some(error_answer("close", false, false)));
    // In a box Enter does not tick it.
    assert_eq!(
        pressed(&problem(), &[Key::Tab, Key::Tab, Key::Tab, Key::Enter]),
        Some(error_answer("close", false, false))
    );
    assert_eq!(
        pressed(&problem(), &[Key::Tab, Key::Tab, Key::Tab, Key::Space, Key::Enter]),
        Some(error_answer("close", false, true))
    );
    // In the details it is not a line end.
    let unfolded = [Key::Tab, Key::Space, Key::Tab, Key::Tab];
    assert_eq!(
        pressed(&problem(), &[&unfolded[..], &[Key::Enter]].concat()),
        Some(error_answer("close", false, false))
    );
    // A button that has the focus is the one that is meant.
    assert_eq!(
        pressed(&problem(), &[Key::Tab, Key::Tab, Key::Tab, Key::Tab, Key::Enter]),
        Some(error_answer("restart", false, false))
    );
    // A box that was ticked does not count when the window is closed.
    assert_eq!(
        pressed(&problem(), &[Key::Tab, Key::Tab, Key::Tab, Key::Space, Key::Escape]),
        Some(error_answer("close", false, false))
    );
    assert_eq!(pressed(&question(), &[Key::Enter]), Some(consent_answer("later", false)));
    assert_eq!(pressed(&question(), &[Key::Escape]), Some(consent_answer("later", false)));
    assert_eq!(pressed(&question(), &[Key::Space]), None);
}

#[test]
fn nothing_is_ticked_and_everything_is_said() {
    let seen = Seen::new(&problem(), SIZE);
    let is_ticked = |node: &Node| node.toggled() == Some(egui::accesskit::Toggled::True);
    assert!(!seen.nodes.iter().any(|(_, node)| is_ticked(node)));
    assert!(seen.node("Shop has met an unexpected problem").is_some());
    assert!(seen.node("It broke.").is_some());
    let meaning =
        seen.nodes.iter().find(|(_, node)| Seen::text(node).contains("goes to the people who make Shop"));
    assert!(meaning.is_some());
    let seen = Seen::new(&with(problem(), &json!({"company": "Example Works", "can_restart": false})), SIZE);
    assert!(seen.nodes.iter().any(|(_, node)| Seen::text(node).contains("goes to Example Works:")));
    assert!(seen.node("Restart").is_none());
    let seen = Seen::new(&with(problem(), &json!({"can_report": false, "details": ""})), SIZE);
    assert!(seen.node("Report").is_none() && seen.node("▸ Details").is_none());

    let seen = Seen::new(&question(), SIZE);
    assert!(!seen.nodes.iter().any(|(_, node)| is_ticked(node)));
    assert!(seen.node("May Shop send records of how it works to Example Works?").is_some());
    let seen = Seen::new(&json!({"kind": "consent"}), SIZE);
    assert!(seen.node("Help improve this program").is_some());
    assert!(seen.node("Privacy").is_none());
}

#[test]
fn details_unfold_and_are_copied_whole() {
    let long = "x".repeat(40_000);
    let mut seen = Seen::new(&with(problem(), &json!({"details": long})), SIZE);
    assert!(seen.node("Copy").is_none());
    let folded = seen.view.height_wanted();
    seen.click("▸ Details");
    assert_eq!(seen.view.height_unfolded(), Some(folded + error::DETAILS_HEIGHT));
    assert_eq!(seen.view.height_unfolded(), None, "once");
    let details =
        seen.nodes.iter().map(|(_, node)| node).find(|node| node.role() == Role::MultilineTextInput);
    assert!(Seen::text(details.expect("there")).starts_with("xxx"));
    seen.click("Copy");
    assert!(matches!(&seen.commands[..], [OutputCommand::CopyText(text)] if *text == long));
    assert!(seen.node("Copied").is_some());
    // Whatever is unfolded, the buttons are inside the window.
    assert!(seen.place("Close").bottom() <= SIZE.y);
    seen.click("▾ Details");
    assert!(seen.node("Copied").is_none());
}

#[test]
fn the_link_is_opened_and_its_address_copied() {
    let mut seen = Seen::new(&question(), SIZE);
    let url = "https://shop.example/privacy?application=Shop&version=1.2";
    assert!(seen.node(url).is_some());
    seen.click("Privacy policy of Example Works");
    seen.click("Copy address");
    let [OutputCommand::OpenUrl(opened), OutputCommand::CopyText(copied)] = &seen.commands[..] else {
        panic!("{:?}", seen.commands)
    };
    assert_eq!((opened.url.as_str(), copied.as_str()), (url, url));
    seen.view.link_failed();
    seen.pass(Vec::new());
    assert!(seen.node("No browser could be started").is_some());
}

#[test]
fn buttons_are_seen_in_any_window() {
    let long = with(
        problem(),
        &json!({"application": "W".repeat(200), "message": "word ".repeat(1_000), "company": "c".repeat(100)}),
    );
    for size in [SIZE_MIN, vec2(300.0, 300.0), SIZE, vec2(2_000.0, 1_400.0)] {
        for (request, buttons) in [
            (&long, &["Restart", "Close"][..]),
            (&question(), &["Ask me later", "No", "Yes"]),
            (&problem(), &["Close"]),
        ] {
            let mut seen = Seen::new(request, size);
            let screen = Rect::from_min_size(Pos2::ZERO, size);
            for button in buttons {
                assert!(
                    screen.contains_rect(seen.place(button)),
                    "{size}: {button} at {}",
                    seen.place(button)
                );
            }
            seen.click(buttons[0]);
            assert!(seen.answer().is_some());
        }
    }
}

/// With keys alone, in a window that shows a few lines: what gets the focus is scrolled to where it is seen.
#[test]
fn the_focus_is_seen() {
    let size = vec2(300.0, 260.0);
    let mut seen = Seen::new(&question(), size);
    for _ in 0..3 {
        seen.keys(&[Key::Tab]);
        seen.pass(Vec::new());
        let text = seen.focused().split_once(' ').unwrap().1.to_owned();
        let place = seen.place(&text);
        assert!(
            place.top() >= 0.0 && place.bottom() <= size.y - MARGIN - 3.0 * BUTTON_HEIGHT,
            "{text}: {place}"
        );
    }
}
