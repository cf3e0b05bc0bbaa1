//! A page of another origin, in a real browser in which an admin of the server is signed in, tries every route.

use kymo_testkit::Script;
use kymo_testkit::kymo::needed;
use serde_json::{Value, json};

use super::callers::{Caller, Credential, Site};
use super::rows::ROWS;
use super::{OWN, Stand};

/// What a page could change.
const STATE: [&str; 7] = [
    "/api/v1/members",
    "/api/v1/projects",
    "/api/v1/projects/shop",
    "/api/v1/projects/shop/members",
    "/api/v1/projects/shop/tokens",
    "/api/v1/sessions",
    "/api/v1/events?project=shop",
];

impl Stand {
    fn state(&self) -> Vec<Value> {
        let mut state: Vec<Value> =
            STATE.iter().map(|path| self.serve("GET", path, &Value::Null).1).collect();
        // When somebody was here last is no change.
        for member in state[0]["items"].as_array_mut().expect("members") {
            member["last_used_at"] = Value::Null;
        }
        let log = self.serve("GET", "/api/v1/audit?limit=1000", &Value::Null).1;
        let done =
            log["items"].as_array().expect("rows").iter().filter(|row| row["action"] != "sign_in.failed");
        state.push(done.cloned().collect());
        state
    }
}

#[test]
fn a_page_of_another_origin_gets_nothing_and_changes_nothing() {
    let stand = Stand::new();
    let chromium = needed("KYMO_CHROMIUM");
    let link = stand.kymo.command(&["member", "add", "root", "--admin"]);
    let nobody = Caller {
        name: String::new(),
        credential: Credential::Nothing,
        site: Site::Silent,
        scope: None,
        beside: None,
    };
    let routes: Vec<Value> = ROWS
        .iter()
        .map(|row| {
            let path = stand.path(row, &nobody, OWN);
            json!({"method": row.method, "path": path, "body": row.body.replace("{number}", "forged")})
        })
        .collect();
    let routes = Value::from(routes).to_string();
    let environment = [
        ("KYMO_SIGN_IN", link.as_str()),
        ("KYMO_ROUTES", routes.as_str()),
        ("KYMO_CHROMIUM", chromium.to_str().expect("a path in UTF-8")),
    ];
    let mut browser = Script::start("elsewhere.mjs", &stand.kymo, &[], &environment);
    let signed_in = browser.answer();
    assert_eq!(signed_in["status"], 200, "the page itself may: {signed_in}");
    let again = browser.ask("password long-enough-for-all");
    assert_eq!((&again["set"], &again["name"]), (&json!(204), &json!("root")), "{again}");
    let before = stand.state();
    assert!(before[5]["items"].as_array().is_some_and(|sessions| sessions.len() == 2), "{}", before[5]);

    // One host is one site, whatever the port: the browser sends the cookie from there.
    for (host, with_cookie) in [("127.0.0.1", true), ("localhost", false)] {
        let tried = browser.ask(&format!("try {host}"));
        assert!(tried["attempts"].as_u64() > Some(4 * ROWS.len() as u64), "{}", tried["attempts"]);
        assert_eq!(tried["cookies"].as_u64() > Some(0), with_cookie, "{}", tried["cookies"]);
        for seen in tried["seen"].as_array().expect("a list") {
            let path = seen["path"].as_str().expect("a path");
            let is_agents = ["/api/v2/", "/loupe/", "/in/"].iter().any(|door| path.starts_with(door));
            // Agents in pages read their answers: without a token there is but one, and "later" after many. and for many of those another.
            let is_refusal = seen["status"] == 401 || seen["status"] == 503;
            assert!(is_agents && seen["how"] == "fetch" && is_refusal, "from {host}: {seen}");
        }
        let me = browser.ask("me");
        assert_eq!((&me["status"], &me["name"]), (&json!(200), &json!("root")), "still signed in");
        for (found, expected) in stand.state().iter().zip(&before) {
            assert_eq!(found, expected, "changed from {host}");
        }
    }
    browser.finish();
}
