//! What runs now and one session of it followed, in a real browser: `tests/node/views/live.mjs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kymo_testkit::{Kymo, Script, kymo::needed};
use tempfile::TempDir;

use crate::tail::local::Till;
use crate::{KYMO, live};

#[test]
fn what_runs_is_listed_and_followed_without_a_gap() {
    let kymo = Kymo::with_project(KYMO);
    let chromium = needed("KYMO_CHROMIUM");
    let environment = [
        ("KYMO_SIGN_IN", kymo.sign_in_link()),
        ("KYMO_CHROMIUM", chromium.to_str().expect("a path in UTF-8")),
    ];
    let lines = Script::start("views/live.mjs", &kymo, &[], &environment).finish();
    let steps: Vec<_> = lines.iter().filter_map(|line| line["step"].as_str()).collect();
    assert_eq!(
        steps,
        [
            "says how it is switched on",
            "what runs is listed",
            "a failure is told and mended",
            "followed from what is stored on",
            "paused, and nothing lost",
            "reads further up",
            "cut and mended",
            "stored meanwhile, and nothing twice",
            "filters what comes",
            "what is wrong is said",
            "the program is asked",
            "the end is told",
            "from the beginning of one that is not stored",
            "keeps no more than it may",
            "hidden, and back exactly",
            "in eight tabs at once",
            "a project is switched on",
        ]
    );
}

const BETWEEN: Duration = Duration::from_millis(10);

/// With the agent's library.
#[test]
fn two_people_follow_one_program_to_its_end() {
    let kymo = live::server();
    let folder = TempDir::new().unwrap();
    let mut till = Till::live(folder.path(), kymo.url(), &kymo.ingest_token);
    till.does("sell some");
    let session = live::listed(&kymo, "", |item| item["source"] == "agent")["id"].clone();
    let chromium = needed("KYMO_CHROMIUM");
    let environment = [
        ("KYMO_SIGN_IN", kymo.sign_in_link()),
        ("KYMO_CHROMIUM", chromium.to_str().expect("a path in UTF-8")),
    ];
    let session = session.as_str().expect("an id");
    let mut script = Script::start("views/live_program.mjs", &kymo, &[session], &environment);
    // Both look at it: not before, so that it is no more than they see come.
    assert_eq!(script.answer()["answer"], "there");
    let is_enough = Arc::new(AtomicBool::new(false));
    let is_over = Arc::clone(&is_enough);
    let selling = std::thread::spawn(move || {
        let mut sold = 2;
        while !is_over.load(Ordering::Relaxed) {
            till.does("sell some");
            sold += 2;
            std::thread::sleep(BETWEEN);
        }
        (till, sold)
    });
    // They have done what they do while it goes on.
    assert_eq!(script.answer()["answer"], "enough");
    is_enough.store(true, Ordering::Relaxed);
    let (till, sold) = selling.join().unwrap();
    script.ask(&sold.to_string());
    till.ends();
    let lines = script.finish();
    let steps: Vec<_> = lines.iter().filter_map(|line| line["step"].as_str()).collect();
    assert_eq!(steps, ["complete at one", "complete at other", "the end is told"]);
}
