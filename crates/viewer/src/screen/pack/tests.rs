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

/// The form of a place, with its defaults.
fn at_form(place: usize) -> Wizard {
    let mut wizard = wizard(offer());
    wizard.key(key(KeyCode::Enter));
    wizard.place = place;
    wizard.key(key(KeyCode::Enter));
    assert_eq!(wizard.step, Step::How);
    wizard
}

#[test]
fn what_was_typed_stays_while_one_goes_back_to_look_and_another_place_has_its_own() {
    let mut wizard = at_form(0);
    typed(&mut wizard, "ann@shop.example");
    wizard.key(key(KeyCode::Esc));
    wizard.key(key(KeyCode::Esc));
    assert_eq!(wizard.step, Step::What);
    wizard.key(key(KeyCode::Enter));
    wizard.key(key(KeyCode::Enter));
    assert_eq!((wizard.step, wizard.value("To").as_str()), (Step::How, "ann@shop.example"));
    wizard.key(key(KeyCode::Esc));
    wizard.key(key(KeyCode::Down));
    wizard.key(key(KeyCode::Enter));
    assert_eq!(wizard.fields.len(), 1, "a file");
}

#[test]
fn what_is_pasted_begins_nothing() {
    let mut wizard = at_form(1);
    typed(&mut wizard, "/tmp/");
    wizard.paste("\na file\u{1b}\n.kymo\r\n");
    assert_eq!((wizard.step, wizard.value("File").as_str()), (Step::How, "/tmp/a file  .kymo"));
    wizard.key(key(KeyCode::Esc));
    wizard.paste("q\n");
    assert_eq!(wizard.step, Step::Where);
}

/// A wizard that works once more: it is stopped first, and then done when the sender is gone. The first try is done.
fn at_work() -> (Wizard, std::sync::mpsc::Sender<()>) {
    let (sender, receiver) = channel::<()>();
    let (receiver, times) = (Mutex::new(receiver), Mutex::new(0));
    let work = move |_: &PackRequest, _: &dyn Fn(PackProgress), stop: &AtomicBool| {
        let mut times = times.lock().unwrap();
        *times += 1;
        if *times == 1 {
            return PackResult { is_good: true, lines: vec!["the first".to_owned()], code: 0 };
        }
        while !stop.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        // What it began is cleared away: it takes as long as the test says.
        let _ = receiver.lock().unwrap().recv();
        PackResult { is_good: false, lines: vec!["cleared away".to_owned()], code: 8 }
    };
    let mut wizard = Wizard::new(offer(), Arc::new(work), Arc::new(|| {}));
    wizard.key(key(KeyCode::Enter));
    wizard.place = 1;
    wizard.key(key(KeyCode::Enter));
    typed(&mut wizard, "/tmp/x");
    wizard.key(key(KeyCode::Enter));
    while wizard.step == Step::Working {
        wizard.take_result();
        std::thread::yield_now();
    }
    wizard.key(key(KeyCode::Char('b')));
    wizard.key(key(KeyCode::Enter));
    assert_eq!(wizard.step, Step::Working);
    (wizard, sender)
}

#[test]
fn who_leaves_waits_for_what_is_being_done_and_hears_of_no_earlier_try() {
    let (wizard, sender) = at_work();
    drop(sender);
    let result = wizard.leave(Duration::from_mins(1)).unwrap();
    assert_eq!((result.lines, result.code), (vec!["cleared away".to_owned()], 8));

    let (wizard, _sender) = at_work();
    assert_eq!(wizard.leave(Duration::ZERO), None, "it does not end");
}

#[test]
fn the_second_control_c_waits_for_nothing() {
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    let (mut wizard, _sender) = at_work();
    assert_eq!(wizard.key(control_c), Next::Stay);
    assert!(wizard.is_stopping);
    assert_eq!(wizard.key(control_c), Next::End);
    assert_eq!(wizard.leave(Duration::MAX), None);
}
