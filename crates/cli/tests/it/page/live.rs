//! What runs now and one session of it followed, in a real browser: `tests/node/views/live.mjs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kymo_testkit::{Kymo, Script, kymo::needed};
use serde_json::Value;

use super::live_agent::{LiveAgent, SESSION};
use crate::KYMO;

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

/// Lines that the program logs at a time.
const AT_ONCE: u64 = 2;
const BETWEEN: Duration = Duration::from_millis(10);

#[test]
fn two_people_follow_one_program_to_its_end() {
    let mut kymo = Kymo::new(KYMO);
    kymo.command(&["project", "add", "Shop"]);
    kymo.command(&["project", "set", "Shop", "live.enabled=true"]);
    let token = kymo.command(&["token", "add", "--project", "Shop", "--scope", "ingest"]);
    kymo.start_with(&[
        ("KYMO__LIVE__ENABLED", "true"),
        ("KYMO__LIVE__LISTEN_AGENTS", "127.0.0.1:0"),
        ("KYMO__LIVE__LISTEN_VIEWERS", "127.0.0.1:0"),
    ]);
    let answer = ureq::get(format!("{}/api/v1/live", kymo.url()))
        .header("authorization", format!("Bearer {token}"))
        .call()
        .unwrap()
        .body_mut()
        .read_to_string()
        .unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["enabled"], true, "{answer}");
    let agent = LiveAgent::connect(format!("127.0.0.1:{}", answer["agents"]["port"]), token);
    agent.log(AT_ONCE);

    let chromium = needed("KYMO_CHROMIUM");
    let environment = [
        ("KYMO_SIGN_IN", kymo.sign_in_link()),
        ("KYMO_CHROMIUM", chromium.to_str().expect("a path in UTF-8")),
    ];
    let session = SESSION.to_string();
    let mut script = Script::start("views/live_program.mjs", &kymo, &[&session], &environment);
    let is_enough = Arc::new(AtomicBool::new(false));
    let (till, is_over) = (agent.clone(), Arc::clone(&is_enough));
    let logging = std::thread::spawn(move || {
        while !is_over.load(Ordering::Relaxed) {
            till.log(AT_ONCE);
            std::thread::sleep(BETWEEN);
        }
    });
    // They have done what they do while it goes on.
    script.answer();
    is_enough.store(true, Ordering::Relaxed);
    logging.join().unwrap();
    script.ask(&agent.last().to_string());
    agent.end();
    let lines = script.finish();
    let steps: Vec<_> = lines.iter().filter_map(|line| line["step"].as_str()).collect();
    assert_eq!(steps, ["complete at both", "the end is told"]);
}
