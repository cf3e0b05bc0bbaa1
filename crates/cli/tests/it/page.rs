//! The web page in a real browser, fed by the real agent.

mod live;
mod process;
mod session;

use kymo_testkit::{Kymo, Script, kymo::needed};

use crate::KYMO;

mod list;

#[test]
fn a_session_comes_into_sight_and_its_error_can_be_read() {
    let kymo = Kymo::with_project(KYMO);
    let chromium = needed("KYMO_CHROMIUM");
    let environment = [
        ("KYMO_SIGN_IN", kymo.sign_in_link()),
        ("KYMO_CHROMIUM", chromium.to_str().expect("a path in UTF-8")),
    ];
    let lines = Script::start("page.mjs", &kymo, &[], &environment).finish();
    let steps = lines.iter().filter(|line| line.get("step").is_some());
    for step in steps.clone() {
        println!("{step}");
    }
    assert_eq!(steps.filter(|step| step["step"] == "session in sight").count(), 2, "light and dark");
}
