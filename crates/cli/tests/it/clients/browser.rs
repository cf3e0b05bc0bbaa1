//! The real Exceptionless agent for browsers in real pages, on another origin than the server: what was stored is compared
//! with what the pages' agents took into their queues.

use kymo_testkit::told::{FurtherStart, Sessions, assert_dropped, assert_same, stored, told, users};
use kymo_testkit::{Kymo, Script};
use serde_json::{Value, json};

use crate::KYMO;

const ALICE: &str = "alice@example.test";

fn state(session: &Value) -> (&str, &str) {
    (session["state"].as_str().expect("a state"), session["end_reason"].as_str().unwrap_or("none"))
}

fn states(kymo: &Kymo) -> Vec<(String, String)> {
    let sessions = kymo.sessions();
    let states = sessions.iter().rev().map(state);
    states.map(|(state, reason)| (state.to_owned(), reason.to_owned())).collect()
}

#[test]
fn a_reload_ends_the_session_of_an_identity_and_starts_another() {
    let kymo = Kymo::with_project(KYMO);
    let (mut browser, origin) = Script::tabs(&kymo, "exceptionless");
    // The agent does not escape the identity in its close call.
    browser.ask_all(&["open a user=alice+shop@example.test", "log a 3", "usage a checkout", "missing a /17"]);
    browser
        .ask_all(&["say a umlauts äöü, 漢字, 🛒, \"quotes\", \\ and <img src=x onerror=alert(1)>", "fail a"]);
    let answer = browser.ask_all(&["drain a"]);
    assert_eq!(
        (&answer["statuses"], &answer["settings_version"]),
        (&json!([202]), &json!(1)),
        "the page reads answers"
    );
    // These are sent beside the close call.
    browser.ask_all(&["log a 2", "reload a", "log a 2", "drain a"]);

    let told = told(&browser.finish(), FurtherStart::Opens);
    assert_eq!(told.values().map(Vec::len).collect::<Vec<_>>(), [13, 3]);
    assert_same(&stored(&kymo), &told);
    assert_dropped(&kymo, &json!({}));
    let sessions = kymo.sessions();
    assert_eq!(sessions.iter().map(state).collect::<Vec<_>>(), [("running", "none"), ("ended", "normal")]);
    assert_eq!(sessions[1]["error_count"], 4);
    assert_eq!(sessions[1]["page"], format!("{origin}/a"));
    let events = kymo.events(&sessions[1]);
    let thrown = &events[7]["exception"];
    assert_eq!(thrown["frames"][0]["function"], "priceOf", "{thrown}");
    assert_eq!(thrown["frames"][0]["file"], format!("{origin}/page.mjs"));
    let methods = events.iter().filter_map(|event| event["attributes"]["@submission_method"].as_str());
    assert_eq!(methods.collect::<Vec<_>>(), ["onerror", "onunhandledrejection", "onunhandledrejection"]);
}

#[test]
fn starts_without_an_end_do_not_split_the_visit() {
    let kymo = Kymo::with_project(KYMO);
    let (mut browser, _) = Script::tabs(&kymo, "exceptionless");
    browser.ask_all(&[&format!("open a user={ALICE}"), "log a 2", "reload a mute", "log a 2", "drain a"]);
    // The agent starts again when a person comes back to the tab.
    browser.ask_all(&["hide a", "show a", "log a 1", "drain a"]);
    let told = told(&browser.finish(), FurtherStart::IsDropped);
    assert_eq!(told[ALICE].len(), 6);
    assert_same(&stored(&kymo), &told);
    assert_eq!(states(&kymo), [("running".to_owned(), "none".to_owned())]);
    assert_dropped(&kymo, &json!({"duplicate_start": 2}));
}

#[test]
fn a_page_without_a_user_has_no_session() {
    let kymo = Kymo::with_project(KYMO);
    let (mut browser, _) = Script::tabs(&kymo, "exceptionless");
    browser.ask_all(&["open a", "log a 3", "drain a"]);
    browser.finish();
    assert_eq!(kymo.sessions(), Vec::<Value>::new());
    let events = kymo.get("/api/v1/events?project=shop");
    let mut texts: Vec<_> =
        events["items"].as_array().expect("events").iter().map(|event| &event["message"]).collect();
    texts.sort_unstable_by_key(|text| text.as_str());
    assert_eq!(texts, [&json!(null), &json!("line 1 of a"), &json!("line 2 of a"), &json!("line 3 of a")]);
}

#[test]
fn with_ids_of_the_agent_each_page_load_is_a_session() {
    let kymo = Kymo::with_project(KYMO);
    let (mut browser, _) = Script::tabs(&kymo, "exceptionless");
    let user = format!("managed user={ALICE}");
    browser.ask_all(&[
        &format!("open a {user}"),
        "log a 60",
        "become a bob@example.test",
        "log a 2",
        "drain a",
    ]);
    browser.ask_all(&["reload a", "log a 1", "fail a", "drain a"]);
    browser.ask_all(&[&format!("popup a b {user}"), "log b 2", "drain b", "log a 1", "drain a", "end b"]);
    let told = told(&browser.finish(), FurtherStart::IsDropped);
    let mut lengths = told.values().map(Vec::len).collect::<Vec<_>>();
    lengths.sort_unstable();
    assert_eq!(lengths, [3, 7, 63]);
    assert_same(&stored(&kymo), &told);
    assert_dropped(&kymo, &json!({}));
    let sessions = kymo.sessions();
    assert_eq!(
        sessions.iter().map(state).collect::<Vec<_>>(),
        [("ended", "normal"), ("running", "none"), ("ended", "normal")]
    );
    assert_eq!(users(&sessions[2]), [ALICE, "bob@example.test"]);
    assert_eq!((users(&sessions[1]), users(&sessions[0])), (vec![ALICE], vec![ALICE]));
}

#[test]
fn without_an_id_another_user_is_another_session() {
    let kymo = Kymo::with_project(KYMO);
    let (mut browser, _) = Script::tabs(&kymo, "exceptionless");
    let open = format!("open a user={ALICE}");
    browser.ask_all(&[
        &open,
        "log a 2",
        "become a bob@example.test",
        "log a 2",
        "fail a",
        "drain a",
        "end a",
    ]);
    let told = told(&browser.finish(), FurtherStart::Opens);
    assert_eq!((told[ALICE].len(), told["bob@example.test"].len()), (3, 6));
    assert_same(&stored(&kymo), &told);
    for session in kymo.sessions() {
        // The agent's close call names the first user only.
        let expected = if users(&session) == [ALICE] { ("ended", "normal") } else { ("running", "none") };
        assert_eq!(state(&session), expected);
    }
}

#[test]
fn the_tabs_of_one_user_are_one_session() {
    let kymo = Kymo::with_project(KYMO);
    let (mut browser, _) = Script::tabs(&kymo, "exceptionless");
    let user = format!("user={ALICE}");
    browser.ask_all(&[&format!("open a {user}"), "log a 2", "drain a"]);
    browser.ask_all(&[&format!("open b {user}"), "log b 2", "drain b"]);
    browser.ask_all(&[&format!("popup a c {user}"), "log c 2", "drain c", "log a 1", "drain a"]);
    // As at the end of a tab. The others still log, and soon enough to be taken for the rest of it.
    browser.ask_all(&["end b", "log a 1", "drain a", "log c 1", "drain c"]);
    let told = told(&browser.finish(), FurtherStart::IsDropped);
    assert_eq!(told[ALICE].len(), 10);
    assert_same(&stored(&kymo), &told);
    assert_eq!(states(&kymo), [("ended".to_owned(), "normal".to_owned())]);
    assert_dropped(&kymo, &json!({"duplicate_start": 2}));
}

#[test]
fn a_server_that_is_away_for_two_minutes_gets_everything_once() {
    let (mut kymo, address) = Kymo::on_a_lasting_address(KYMO);
    let (mut browser, _) = Script::tabs(&kymo, "exceptionless");
    browser.ask_all(&[&format!("open a clock user={ALICE}"), "log a 7", "drain a"]);

    kymo.kill();
    assert_eq!(browser.ask_all(&["log a 60", "try a"])["waiting"], 60, "nobody answers");
    // The heartbeat on the way fails, which the agent records as an error of the page.
    browser.ask_all(&["log a 5", "pass a 70", "until a 66", "pass a 40"]);

    kymo.start_on(&address, &[]);
    assert_eq!(browser.ask_all(&["sent a"])["waiting"], 0);
    browser.ask_all(&["log a 2", "sent a"]);
    let told = told(&browser.finish(), FurtherStart::Opens);
    assert_eq!(told[ALICE].len(), 76);
    assert_eq!(told[ALICE].iter().filter(|line| line.contains("Failed to fetch")).count(), 1);
    assert_same(&stored(&kymo), &told);
    assert_dropped(&kymo, &json!({}));
}

#[test]
fn a_closed_tab_loses_nothing_that_was_acknowledged() {
    let kymo = Kymo::with_project(KYMO);
    let (mut browser, _) = Script::tabs(&kymo, "exceptionless");
    browser.ask_all(&[&format!("open a user={ALICE}"), "log a 3", "drain a", "log a 3", "close a"]);
    let told = told(&browser.finish(), FurtherStart::Opens);
    // The browser may or may not send the last batch and the close call.
    let stored = stored(&kymo);
    let arrived = stored[ALICE].len();
    assert!(arrived == 4 || arrived == 7, "a part of a batch: {stored:#?}");
    let expected = Sessions::from([(ALICE.to_owned(), told[ALICE][..arrived].to_vec())]);
    assert_same(&stored, &expected);
    let states = states(&kymo);
    assert!(states == [("running".into(), "none".into())] || states == [("ended".into(), "normal".into())]);
    assert_dropped(&kymo, &json!({}));
}

#[test]
fn what_a_closed_tab_left_behind_comes_with_the_next_page() {
    let kymo = Kymo::with_project(KYMO);
    let (mut browser, _) = Script::tabs(&kymo, "exceptionless");
    let how = format!("managed persisted user={ALICE}");
    // More than the one batch that the agent sends on its way out.
    browser.ask_all(&[&format!("open a {how}"), "log a 3", "drain a", "log a 60", "close a"]);
    browser.ask_all(&[&format!("open b {how}"), "log b 2", "drain b"]);
    let told = told(&browser.finish(), FurtherStart::Opens);
    let mut lengths = told.values().map(Vec::len).collect::<Vec<_>>();
    lengths.sort_unstable();
    assert_eq!(lengths, [3, 64]);
    // The browser hands out what was left in no particular order.
    let sorted = |mut sessions: Sessions| {
        for lines in sessions.values_mut() {
            lines.sort_unstable();
        }
        sessions
    };
    assert_same(&sorted(stored(&kymo)), &sorted(told));
    let dropped = kymo.get("/api/v1/status")["dropped"]["duplicate"].clone();
    // All of the last batch or nothing of it was stored before, and acknowledged or not.
    assert!(dropped.is_null() || dropped == 50, "{dropped}");
}

#[test]
fn a_browser_token_lets_in_the_pages_of_the_listed_origin_only() {
    let mut kymo = Kymo::with_project(KYMO);
    let (mut browser, origin) = Script::tabs(&kymo, "exceptionless");
    kymo.command(&["project", "add", "Web", "--origin", &origin]);
    let token = kymo.command(&["token", "add", "--project", "web", "--scope", "browser"]);
    kymo.read_token = kymo.command(&["token", "add", "--project", "web", "--scope", "read"]);

    let listed = format!("token={token} user={ALICE}");
    browser.ask_all(&[&format!("open a {listed}"), "log a 3", "drain a"]);
    let other = format!("token={token} host=127.0.0.1 user=mallory@example.test");
    let answer = browser.ask_all(&[&format!("open b {other}"), "log b 3", "try b", "log b 1", "try b"]);
    assert_eq!(answer["statuses"], json!([403]));
    let answer = browser.ask_all(&["end b", "log a 1", "drain a"]);
    assert_eq!(answer["statuses"], json!([202]));

    let mut told = told(&browser.finish(), FurtherStart::Opens);
    assert_eq!(told.remove("mallory@example.test").map(|lines| lines.len()), Some(5));
    assert_same(&stored(&kymo), &told);
    let status = kymo.get("/api/v1/status");
    assert_eq!(status["accepted"], 5);
    assert!(status["dropped"]["unauthorized"].as_u64() >= Some(2), "every refusal is counted: {status}");
}
