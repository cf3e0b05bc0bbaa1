//! What the steps show and do, by keys.

use crossterm::event::KeyModifiers;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;

fn key(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

fn offer() -> PackOffer {
    let choice = |title: &str, sessions| PackChoice {
        title: title.to_owned(),
        sessions,
        bytes: 1 << 20,
        ..PackChoice::default()
    };
    PackOffer {
        applications: vec![PackApplication {
            title: "Shop till".to_owned(),
            choices: vec![
                choice("The last session", 1),
                choice("What was not sent before", 0),
                choice("Everything", 12),
            ],
            notes: vec!["Also running, and not among these: Shop scanner \u{1b}[2J.".to_owned()],
        }],
        defaults: PackDefaults {
            drives: vec![PackDrive { folder: "/media/ann/STICK".to_owned(), free: Some(5_000_000_000) }],
            token: "kymo_secret".to_owned(),
            server: "https://kymo.example".to_owned(),
            ..PackDefaults::default()
        },
        has_colors: true,
    }
}

/// A wizard whose work says what it was asked for.
fn wizard(offer: PackOffer) -> Wizard {
    let work = |request: &PackRequest, tell: &dyn Fn(PackProgress), _: &AtomicBool| {
        tell(PackProgress { text: "at it".to_owned(), bytes: (1, 2) });
        PackResult { is_good: true, lines: vec![format!("{request:?}")], code: 0 }
    };
    Wizard::new(offer, Arc::new(work), Arc::new(|| {}))
}

fn screen(wizard: &Wizard, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| pack_view::draw(frame, wizard, Theme { has_colors: true })).unwrap();
    terminal.backend().to_string()
}

fn typed(wizard: &mut Wizard, text: &str) {
    for letter in text.chars() {
        wizard.key(key(KeyCode::Char(letter)));
    }
}

#[test]
fn what_is_asked_for_is_what_was_chosen() {
    let mut wizard = wizard(offer());
    assert_eq!(wizard.step, Step::What);
    wizard.key(key(KeyCode::Char('2')));
    assert_eq!((wizard.step, wizard.choice), (Step::What, 1), "nothing goes nowhere");
    wizard.key(key(KeyCode::End));
    wizard.key(key(KeyCode::Enter));
    wizard.key(key(KeyCode::End));
    wizard.key(key(KeyCode::Enter));
    let text = screen(&wizard, (80, 24));
    assert!(text.contains("***********") && !text.contains("kymo_secret"), "{text}");
    wizard.key(key(KeyCode::Down));
    wizard.key(key(KeyCode::Down));
    typed(&mut wizard, "  ");
    assert_eq!(wizard.value("Remove here"), "no", "there and back");
    typed(&mut wizard, " ");
    wizard.key(key(KeyCode::Enter));
    while wizard.step == Step::Working {
        wizard.take_result();
        std::thread::yield_now();
    }
    let lines = wizard.result.clone().unwrap().lines;
    let target = PackTarget::Server {
        url: "https://kymo.example".to_owned(),
        token: "kymo_secret".to_owned(),
        purge: true,
    };
    assert_eq!(lines, [format!("{:?}", PackRequest { application: 0, choice: 2, target })]);
    assert_eq!(wizard.key(key(KeyCode::Enter)), Next::End);
}

#[test]
fn every_screen_fits_every_terminal_and_shows_no_foreign_controls() {
    for size in [(80, 24), (40, 12), (20, 6), (10, 4), (9, 3), (1, 1), (200, 60)] {
        let mut wizard = wizard(offer());
        let mut texts = vec![screen(&wizard, size)];
        wizard.key(key(KeyCode::Enter));
        texts.push(screen(&wizard, size));
        for place in 0..wizard.places().len() {
            wizard.place = place;
            wizard.begin_form();
            wizard.step = Step::How;
            for field in 0..wizard.fields.len() {
                wizard.field = field;
                wizard.fields[field].input = Input::of(&"\u{1b}中 long".repeat(20));
                texts.push(screen(&wizard, size));
            }
        }
        wizard.step = Step::Working;
        texts.push(screen(&wizard, size));
        wizard.result = Some(PackResult { is_good: false, lines: vec!["why ".repeat(90); 9], code: 5 });
        wizard.step = Step::Done;
        wizard.top = 1000;
        texts.push(screen(&wizard, size));
        assert!(texts.iter().all(|text| !text.contains('\u{1b}')));
    }
}

#[test]
fn the_selected_entry_is_always_seen() {
    let mut offer = offer();
    offer.applications[0].choices = (0..30)
        .map(|number| PackChoice { title: format!("choice {number}"), sessions: 1, ..PackChoice::default() })
        .collect();
    let mut wizard = wizard(offer);
    for number in 0..30 {
        let text = screen(&wizard, (40, 12));
        let mark = format!(
            "> {}choice {number} ",
            if number < 9 { format!("{} ", number + 1) } else { "  ".to_owned() }
        );
        assert!(text.contains(&mark), "{number}: {text}");
        wizard.key(key(KeyCode::Down));
    }
}
