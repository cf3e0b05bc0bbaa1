//! Errors told to the program in batches, on a thread that is not the program's.

use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kymo::{AlertEvent, EndReason, Event, Severity};

use crate::part;

/// What handlers saw: the thread's name, the events, how many were left out.
type Seen = (String, Vec<AlertEvent>, u64);

/// Has every alert sent there.
fn listen(delay: Duration) -> mpsc::Receiver<Seen> {
    let (sender, seen) = mpsc::channel();
    let sender = Mutex::new(sender);
    kymo::on_alert(move |alert| {
        alert.minimum_delay(delay);
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        let told = (thread, alert.events().to_vec(), alert.left_out());
        // Nobody listens any more when the part has been played.
        let _ = sender.lock().unwrap().send(told);
    });
    seen
}

fn messages(seen: &Seen) -> Vec<&str> {
    seen.1.iter().map(|event| event.message.as_str()).collect()
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_is_told() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).start();
    let seen = listen(Duration::ZERO);
    kymo::warn!("no error");
    kymo::error!("{count} pieces of {what} are missing", count = 3, what = "chalk");
    let first = seen.recv().unwrap();
    assert_eq!((first.0.as_str(), messages(&first)), ("kymo-alerts", vec!["3 pieces of chalk are missing"]));
    let event = &first.1[0];
    assert_eq!((event.severity, event.exception_type.as_deref()), (Severity::ERROR, None));
    assert!(event.category.as_deref().is_some_and(|category| category.ends_with("alerts")), "{event:?}");

    let error = "x".parse::<u8>().unwrap_err();
    Event::new(Severity::FATAL, "no price").category("shop.prices").error(&error).record();
    let second = seen.recv().unwrap();
    let event = &second.1[0];
    assert_eq!((event.message.as_str(), event.category.as_deref()), ("no price", Some("shop.prices")));
    assert_eq!(event.exception_type.as_deref(), Some("core::num::error::ParseIntError"));

    // Those of one moment come together, and the next ones when they may.
    let later = listen(Duration::from_hours(1));
    for number in 0..5 {
        kymo::error!("burst {number}", number);
    }
    let mut burst = messages(&later.recv().unwrap()).len();
    // The first may come while the others are on their way: then these wait for their hour, or the end.
    kymo::error!("the last");
    assert!(kymo::flush());
    assert!(later.try_recv().is_err(), "not within an hour");
    assert!(session.end(EndReason::Normal, None).unwrap().notes.is_empty());
    let rest = later.recv().unwrap();
    burst += messages(&rest).len();
    assert_eq!((burst, messages(&rest).last()), (6, Some(&"the last")), "at the end there is no later");
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_whose_handler_fails() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).panic_hook(true).start();
    let (sender, calls) = mpsc::channel();
    let sender = Mutex::new(sender);
    kymo::on_alert(move |alert| {
        kymo::error!("told by the handler itself");
        let _ = sender.lock().unwrap().send(alert.events().len());
        panic!("the handler fails");
    });
    kymo::error!("first");
    assert_eq!(calls.recv().unwrap(), 1);
    while kymo::status().unwrap().notes.is_empty() {
        std::thread::yield_now();
    }
    kymo::error!("second");
    assert!(kymo::flush());
    assert!(calls.try_recv().is_err(), "neither its own error nor its panic calls it again");
    let status = session.end(EndReason::Normal, None).unwrap();
    assert_eq!(status.notes, ["a handler of alerts panicked"]);
    assert_eq!(calls.recv().unwrap(), 1, "the second, at the end");
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_whose_handler_takes_its_time() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).start();
    let told = Arc::new(Mutex::new(0));
    let (entered, is_in) = mpsc::channel();
    let (release, wait) = mpsc::channel::<()>();
    let shared = (Mutex::new(entered), Mutex::new(wait), Arc::clone(&told));
    kymo::on_alert(move |alert| {
        *shared.2.lock().unwrap() += alert.events().len() as u64 + alert.left_out();
        let _ = shared.0.lock().unwrap().send(());
        // Until it is let go; afterwards the other end is gone.
        let _ = shared.1.lock().unwrap().recv();
    });
    kymo::error!("first");
    is_in.recv().unwrap();
    for number in 0..2_000 {
        kymo::error!("error {number}", number);
    }
    assert!(kymo::flush(), "whoever records does not wait for a handler");
    assert_eq!(kymo::status().unwrap().alerts_left_out, 2_000 - 256);
    drop(release);
    let status = session.end(EndReason::Normal, None).unwrap();
    assert_eq!((status.tally.errors, status.alerts_left_out), (2_001, 2_000 - 256));
    assert_eq!(*told.lock().unwrap(), 2_001, "told or counted");
}

fn play(part: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    part::play(&format!("alerts::{part}"), folder.path(), &[]);
    folder
}

fn errors(folder: &Path) -> Vec<String> {
    let records = part::only(folder).records;
    let errors = records.iter().filter(|record| record.severity >= Severity::ERROR);
    errors.map(kymo_format::ReadRecord::message).collect()
}

#[test]
fn a_program_is_told_of_errors_in_batches() {
    let folder = play("plays_a_program_that_is_told");
    assert_eq!(errors(folder.path()).len(), 8);
}

#[test]
fn a_handler_that_fails_or_records_hurts_nobody() {
    let folder = play("plays_a_program_whose_handler_fails");
    let errors = errors(folder.path());
    let expected = ["first", "told by the handler itself", "the handler fails", "second"];
    assert_eq!(errors, expected);
}

#[test]
fn a_handler_that_takes_its_time_costs_events_of_alerts_and_nothing_else() {
    play("plays_a_program_whose_handler_takes_its_time");
}
