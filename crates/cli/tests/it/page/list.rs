//! The list of sessions in a real browser: `tests/node/views/list.mjs`.

use kymo_testkit::{Kymo, Script, kymo::needed};

use crate::KYMO;

#[test]
fn the_list_of_sessions_does_what_a_person_asks_of_it() {
    let kymo = Kymo::with_project(KYMO);
    let chromium = needed("KYMO_CHROMIUM");
    let environment = [
        ("KYMO_SIGN_IN", kymo.sign_in_link()),
        ("KYMO_CHROMIUM", chromium.to_str().expect("a path in UTF-8")),
    ];
    let lines = Script::start("views/list.mjs", &kymo, &[], &environment).finish();
    let steps: Vec<&str> = lines.iter().filter_map(|line| line["step"].as_str()).collect();
    assert_eq!(steps.first(), Some(&"figures"), "{steps:?}");
    assert_eq!(steps.last(), Some(&"live"), "{steps:?}");
}
