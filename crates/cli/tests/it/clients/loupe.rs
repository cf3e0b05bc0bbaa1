//! The real Loupe agent for browsers in real pages, on another origin than the server: what was stored is compared with
//! what the pages told their agents.

use jiff::Timestamp;
use kymo_testkit::told::{FurtherStart, Sessions, assert_dropped, assert_same, stored};
use kymo_testkit::{Kymo, Script};
use serde_json::{Value, json};

use crate::KYMO;

/// What the pages say they told their agents; Loupe has no starts.
fn told(lines: &[Value]) -> Sessions {
    kymo_testkit::told::told(lines, FurtherStart::Opens)
}

#[test]
fn a_tab_is_one_session_also_when_it_is_loaded_again() {
    let kymo = Kymo::with_project(KYMO);
    let (mut browser, origin) = Script::tabs(&kymo, "loupe");
    browser.ask_all(&["open a", "levels a", "detail a"]);
    browser
        .ask_all(&["say a umlauts äöü, 漢字, 🛒, \"quotes\", \\ and <img src=x onerror=alert(1)>", "fail a"]);
    // Not waited for: what was on its way is sent once more by the page that comes.
    browser.ask_all(&["log a 3", "reload a", "log a 2", "name a visit-4711", "log a 2", "drain a"]);

    let told = told(&browser.finish());
    assert_eq!(told.values().map(Vec::len).collect::<Vec<_>>(), [21]);
    assert_same(&stored(&kymo), &told);
    let session = &kymo.sessions()[0];
    assert_eq!((&session["kind"], &session["state"]), (&json!("browser"), &json!("running")));
    assert_eq!(session["error_count"], 5);
    let events = kymo.events(session);
    assert_eq!(events[0]["attributes"]["parameters"], json!(["verbose", 5]));
    assert_eq!(events[6]["attributes"]["details"], json!({"cart": {"id": 42, "items": ["tea", "cup"]}}));
    assert_eq!(events[6]["attributes"]["code.file.path"], "cart.js");
    assert_eq!(events[7]["attributes"]["details"], "not JSON, {but} <text>");
    let thrown = &events[9]["exception"];
    assert_eq!(thrown["frames"][0]["function"], "priceOf", "{thrown}");
    assert_eq!(thrown["frames"][0]["file"], format!("{origin}/page.mjs"));
    assert_eq!(events[20]["attributes"]["session.id"], "visit-4711");
    let times = events.iter().map(|event| event["time"].as_str().expect("a time").parse::<Timestamp>());
    assert!(times.map(|time| time.expect("RFC 3339")).is_sorted(), "{events:#?}");
}

#[test]
fn what_two_tabs_both_send_is_stored_once_and_in_the_right_session() {
    let kymo = Kymo::with_project(KYMO);
    let (mut browser, _) = Script::tabs(&kymo, "loupe");
    browser.ask_all(&["open a", "open b in_path"]);
    // The first tab's messages are on their way, so the second finds them in the common storage.
    browser.ask_all(&["hold a", "log a 5", "held a", "log b 5", "drain b", "release a"]);
    browser.ask_all(&["log a 1", "drain a", "log b 2", "drain b"]);
    let told = told(&browser.finish());
    let mut lengths = told.values().map(Vec::len).collect::<Vec<_>>();
    lengths.sort_unstable();
    assert_eq!(lengths, [6, 7]);
    assert_same(&stored(&kymo), &told);
    assert_dropped(&kymo, &json!({"duplicate": 5}));
    let sessions = kymo.sessions();
    assert_eq!(
        sessions.iter().map(|session| &session["dropped"]).collect::<Vec<_>>(),
        [&json!({}), &json!({"duplicate": 5})]
    );
}

#[test]
fn a_tab_that_was_opened_from_a_page_is_a_session_of_its_own() {
    let kymo = Kymo::with_project(KYMO);
    let (mut browser, _) = Script::tabs(&kymo, "loupe");
    browser.ask_all(&["open a", "log a 3", "drain a"]);
    // A new tab starts with a copy of id and count. Nothing tells it apart before the first goes on.
    browser.ask_all(&["popup a b nth=2", "log b 2", "drain b", "log a 2", "drain a"]);
    browser.ask_all(&["log b 1", "reload b", "log b 1", "drain b"]);
    // The other way round.
    browser.ask_all(&["popup a c in_path nth=3", "log a 2", "drain a", "log c 3", "drain c"]);
    let told = told(&browser.finish());
    assert_eq!(told.values().map(Vec::len).collect::<Vec<_>>(), [7, 4, 3]);
    assert_same(&stored(&kymo), &told);
    let sessions = kymo.sessions();
    let of = |field: &str| sessions.iter().map(|session| &session[field]).collect::<Vec<_>>();
    assert_eq!(of("kind"), ["browser"; 3]);
    assert_eq!(of("external_id"), [&sessions[0]["external_id"]; 3]);
    assert!(sessions[0]["visit_id"].is_string());
    assert_eq!(of("visit_id"), [&sessions[0]["visit_id"]; 3], "one visit");
}

#[test]
fn a_server_that_goes_away_and_comes_back_has_everything_once() {
    let (mut kymo, address) = Kymo::on_a_lasting_address(KYMO);
    let (mut browser, _) = Script::tabs(&kymo, "loupe");
    browser.ask_all(&["open a", "log a 7", "drain a"]);

    kymo.kill();
    browser.ask_all(&["log a 5", "fail a"]);
    kymo.start_on(&address, &[]);
    // By itself the agent tries again only while more wait than it sends at once.
    browser.ask_all(&["log a 1", "drain a"]);

    kymo.kill();
    browser.ask_all(&["log a 25"]);
    kymo.start_on(&address, &[]);
    browser.ask_all(&["drain a"]);

    kymo.kill();
    browser.ask_all(&["log a 2", "reload a"]);
    kymo.start_on(&address, &[]);
    browser.ask_all(&["reload a", "drain a"]);
    let told = told(&browser.finish());
    assert_eq!(told.values().map(Vec::len).collect::<Vec<_>>(), [45]);
    assert_same(&stored(&kymo), &told);
}

#[test]
fn what_a_closed_tab_left_behind_comes_with_the_next_page() {
    let (mut kymo, address) = Kymo::on_a_lasting_address(KYMO);
    let (mut browser, _) = Script::tabs(&kymo, "loupe");
    browser.ask_all(&["open a", "log a 3", "drain a"]);
    kymo.kill();
    browser.ask_all(&["log a 4", "close a"]);
    kymo.start_on(&address, &[]);
    browser.ask_all(&["open b", "drain b", "log b 2", "drain b"]);
    let told = told(&browser.finish());
    let mut lengths = told.values().map(Vec::len).collect::<Vec<_>>();
    lengths.sort_unstable();
    assert_eq!(lengths, [2, 7]);
    assert_same(&stored(&kymo), &told);
}

#[test]
fn the_order_is_that_of_the_agent() {
    let kymo = Kymo::with_project(KYMO);
    let (mut browser, _) = Script::tabs(&kymo, "loupe");
    // In one turn: thirty posts, of which the browser sends several at a time.
    browser.ask_all(&["open a clock", "log a 300", "drain a", "back a 60", "log a 15", "drain a"]);
    let told = told(&browser.finish());
    assert_eq!(told.values().map(Vec::len).collect::<Vec<_>>(), [315]);
    assert_same(&stored(&kymo), &told);
}

#[test]
fn a_browser_token_lets_in_the_pages_of_the_listed_origin_only() {
    let mut kymo = Kymo::with_project(KYMO);
    let (mut browser, origin) = Script::tabs(&kymo, "loupe");
    kymo.command(&["project", "add", "Web", "--origin", &origin]);
    let token = kymo.command(&["token", "add", "--project", "web", "--scope", "browser"]);
    // Who is refused belongs to no project.
    kymo.read_token = kymo.command(&["token", "add", "--project", "web", "--scope", "admin"]);

    let listed = format!("token={token} in_path");
    browser.ask_all(&[&format!("open a {listed}"), "log a 3", "drain a"]);
    let other = format!("token={token} in_path host=127.0.0.1");
    let answer = browser.ask_all(&[&format!("open b {other}"), "hold b", "log b 3", "held b", "release b"]);
    assert_eq!(answer["waiting"], 3, "kept for a better day");

    let refused = answer["agent_session_id"].as_str().expect("an id").to_owned();
    let mut told = told(&browser.finish());
    assert_eq!(told.remove(&refused).map(|lines| lines.len()), Some(3));
    assert_same(&stored(&kymo), &told);
    let status = kymo.get("/api/v1/status");
    assert_eq!((&status["accepted"], &status["dropped"]), (&json!(3), &json!({"unauthorized": 1})));
}
