//! Asked in the terminal.

use std::collections::BTreeSet;
use std::path::Path;

use tempfile::TempDir;

use super::smtp::MailServer;
use super::{end, events, listed, ran, start};
use crate::open::pty::Pty;

const ENTER: &str = "\r";
const ESCAPE: &str = "\u{1b}";
const TAB: &str = "\t";
/// Empties the line that is typed in.
const CLEAR: &str = "\u{5}\u{15}";

fn wizard(folder: &Path, args: &[&str], cells: (u16, u16)) -> Pty {
    let folder = folder.to_str().unwrap();
    Pty::start(&[&["pack", "--repository", folder], args].concat(), cells, &[])
}

/// With `KYMO_SCREENS` set, for a person's own eyes.
fn look(name: &str, text: &str) {
    if std::env::var_os("KYMO_SCREENS").is_some() {
        println!("=== {name}\n{text}\n");
    }
}

#[test]
fn a_file_is_made_step_by_step() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 30);
    ran(folder.path(), "till", 40);
    ran(folder.path(), "stock", 5);
    let running = start(folder.path(), "scanner", 5);
    for cells in [(80, 24), (40, 12), (120, 40)] {
        let target = TempDir::new().unwrap();
        let file = target.path().join("for the vendor.kymo");
        let mut pty = wizard(folder.path(), &[], cells);
        pty.shows("of which application?");
        look(&format!("applications {cells:?}"), &pty.text());
        pty.keys("3");
        pty.shows("what is to be packed?");
        pty.shows("Also running, and not");
        look(&format!("what {cells:?}"), &pty.text());
        pty.keys("4");
        pty.shows("where is it to go?");
        look(&format!("where {cells:?}"), &pty.text());
        pty.keys("2");
        pty.shows("Everything: 2 sessions");
        pty.keys(&format!("{CLEAR}{ENTER}"));
        pty.shows("File: expected a file");
        look(&format!("wrong {cells:?}"), &pty.text());
        pty.keys(file.to_str().unwrap());
        pty.shows("for the vendor.kymo");
        look(&format!("file {cells:?}"), &pty.text());
        pty.keys(ENTER);
        pty.shows("2 sessions packed into");
        look(&format!("done {cells:?}"), &pty.text());
        pty.keys(ENTER);
        assert_eq!(pty.ends(), 0);
        assert_eq!(events(&file), events(&folder.path().join("Shop/till")));
    }
    end(running);
}

#[test]
fn every_step_goes_back_and_the_first_ends_it() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 3);
    ran(folder.path(), "stock", 3);
    let mut pty = wizard(folder.path(), &[], (80, 24));
    pty.shows("of which application?");
    pty.keys(ENTER);
    pty.shows("what is to be packed?");
    pty.keys(ENTER);
    pty.shows("where is it to go?");
    pty.keys("1");
    pty.shows("Mail server");
    look("mail", &pty.text());
    for (keys, text) in
        [(ESCAPE, "where is it to go?"), (ESCAPE, "what is to be packed?"), (ESCAPE, "of which application?")]
    {
        pty.keys(keys);
        pty.shows(text);
    }
    pty.keys(ESCAPE);
    assert_eq!(pty.ends(), 8);
    let mut pty = wizard(folder.path(), &["--application", "till"], (80, 24));
    pty.shows("what is to be packed?");
    pty.keys("\u{3}");
    assert_eq!(pty.ends(), 8);
}

#[test]
fn a_mail_goes_once_what_was_wrong_is_mended() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 30);
    let id = listed(folder.path())[0]["id"].as_str().unwrap().to_owned();
    // Who sits there is the person to ask.
    std::fs::write(folder.path().join("Shop/consent.json"), "{\"state\": \"refused\"}").unwrap();
    let server = MailServer::start(&["--refuse", "help@shop.test"]);
    let mut pty = wizard(folder.path(), &["--session", &id], (80, 24));
    pty.shows("This session");
    pty.keys(ENTER);
    pty.shows("By mail");
    pty.keys(ENTER);
    pty.shows("Mail server");
    let address = server.address();
    pty.keys(&format!("help@shop.test{TAB}ann@shop.test{TAB}{TAB}{address}{TAB}  "));
    pty.shows("none");
    look("mail, filled in", &pty.text());
    pty.keys(ENTER);
    pty.shows("refused a recipient");
    look("refused", &pty.text());
    pty.keys("b");
    pty.shows("Mail server");
    // What was typed is still there.
    pty.shows(&address);
    pty.keys("\u{1b}[Z\u{1b}[Z\u{1b}[Z\u{1b}[Z");
    pty.keys(&format!("{CLEAR}desk@shop.test{ENTER}"));
    pty.shows("1 session sent in one mail");
    look("sent", &pty.text());
    pty.keys(ENTER);
    assert_eq!(pty.ends(), 0);
    assert_eq!(server.mails().len(), 1);
    assert_eq!(events(server.attachments().0), events(folder.path()));
}

#[test]
fn another_try_of_the_same_mails_goes_on_where_the_first_one_ended() {
    let folder = TempDir::new().unwrap();
    for _ in 0..20 {
        ran(folder.path(), "till", 2_000);
    }
    // All of it went once: it is wanted again, but no more than once.
    let earlier = MailServer::start(&[]);
    let address = earlier.address();
    let mail = ["--all", "--mail", "--to", "desk@shop.test", "--from", "ann@shop.test"];
    let how = ["--smtp", address.as_str(), "--smtp-security", "none"];
    let (said, code) = super::pack(folder.path(), &[mail.as_slice(), how.as_slice()].concat());
    assert_eq!(code, 0, "{said}");

    // It takes so little at once that it needs many.
    let size = ["--size", "131072"];
    let mut server = MailServer::start(&size);
    let mut pty = wizard(folder.path(), &[], (80, 24));
    pty.shows("what is to be packed?");
    pty.keys("4");
    pty.shows("By mail");
    pty.keys(ENTER);
    pty.shows("Mail server");
    let address = server.address();
    pty.keys(&format!("desk@shop.test{TAB}ann@shop.test{TAB}{TAB}{address}{TAB}  "));
    pty.shows("none");
    pty.keys(ENTER);
    while server.mails().len() < 3 {
        std::thread::yield_now();
    }
    server.stop();
    pty.shows("cannot connect to");
    server.start_again(&size);
    pty.keys("b");
    pty.shows("Mail server");
    pty.keys(ENTER);
    pty.shows("went before");
    pty.keys(ENTER);
    assert_eq!(pty.ends(), 0);
    let ids: BTreeSet<String> = server.mails().iter().map(|mail| mail["id"].to_string()).collect();
    // One it may have kept without being able to say so any more.
    assert!(
        server.mails().len() <= ids.len() + 1,
        "{} mails, {} of them once",
        server.mails().len(),
        ids.len()
    );
    assert_eq!(events(server.attachments().0), events(folder.path()));
}
