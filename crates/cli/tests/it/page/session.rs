//! One session as a person reads it: jumping, stepping, filtering, drawing a range, following.

use kymo_testkit::{Kymo, Script, kymo::needed};

use crate::KYMO;

#[test]
fn a_long_session_can_be_read_from_all_sides() {
    let kymo = Kymo::with_project(KYMO);
    let chromium = needed("KYMO_CHROMIUM");
    let environment = [
        ("KYMO_SIGN_IN", kymo.sign_in_link()),
        ("KYMO_CHROMIUM", chromium.to_str().expect("a path in UTF-8")),
    ];
    let lines = Script::start("views/session.mjs", &kymo, &[], &environment).finish();
    let steps: Vec<_> = lines.iter().filter_map(|line| line["step"].as_str()).collect();
    assert_eq!(
        steps,
        [
            "opened",
            "runs open and close",
            "jumped and stepped",
            "filtered",
            "links lead there",
            "brushed",
            "brushed by keys",
            "errors by kind",
            "the user's other sessions",
            "exported and pinned",
            "what is missing is said",
            "parts fail alone",
            "followed",
            "on a phone",
        ]
    );
}
