//! A notebook: what somebody types is a command, as a click would be in a window; notes are saved by a thread in the
//! background. It uses the crate `log` as programs of its sort do.

use std::io::BufRead;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use kymo::{EndReason, Event, Severity};

fn main() {
    // The whole of Kymo's setup.
    let session = kymo::builder("Examples", "desktop-like")
        .version(env!("CARGO_PKG_VERSION"))
        .property("notebook.edition", "small")
        .start();
    if let Err(error) = kymo::install_log() {
        eprintln!("somebody else logs: {error}");
    }

    let (notes, to_save) = mpsc::channel::<String>();
    let file = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("notes.txt"), PathBuf::from);
    let saver = thread::Builder::new().name("saver".to_owned()).spawn(move || save(&file, &to_save));
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let (command, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match command {
            "login" => kymo::set_user(rest, None),
            "note" => {
                Event::usage("notes.add").record();
                // The thread ends with this channel only.
                let _ = notes.send(rest.to_owned());
            }
            "break" => {
                // A part of the program that fails does not end it.
                let broken = thread::spawn(|| panic!("this feature is broken"));
                log::warn!("it is broken: {}", broken.join().is_err());
            }
            "quit" => break,
            other => log::warn!(command = other; "there is no such command"),
        }
    }
    drop(notes);
    if let Ok(saver) = saver {
        let saved = saver.join().unwrap_or(0);
        log::info!(saved; "{saved} notes were saved");
    }
    session.end(EndReason::Normal, Some("the user left"));
}

fn save(file: &std::path::Path, notes: &mpsc::Receiver<String>) -> u64 {
    let mut saved = 0;
    for note in notes {
        let line = format!("{note}\n");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(file);
        match file.and_then(|mut file| std::io::Write::write_all(&mut file, line.as_bytes())) {
            Ok(()) => saved += 1,
            Err(error) => Event::new(Severity::ERROR, "a note was not saved").error(&error).record(),
        }
        log::info!(target: "notebook.saver", letters = note.len(); "a note was saved");
    }
    saved
}
