//! Views of the page, clicked through as a person would. Each has a script in `tests/node/views`.

use kymo_testkit::{Kymo, Script, kymo::needed};

use crate::KYMO;

fn view(script: &str, kymo: &Kymo, args: &[&str]) {
    let chromium = needed("KYMO_CHROMIUM");
    let environment = [
        ("KYMO_SIGN_IN", kymo.sign_in_link()),
        ("KYMO_CHROMIUM", chromium.to_str().expect("a path in UTF-8")),
    ];
    let lines = Script::start(&format!("views/{script}"), kymo, args, &environment).finish();
    for step in lines.iter().filter(|line| line.get("step").is_some()) {
        println!("{step}");
    }
}

/// On a server without anything: the page's text is pasted and run as it is.
fn first_run(args: &[&str]) {
    let mut kymo = Kymo::new(KYMO);
    kymo.start();
    view("first_run.mjs", &kymo, args);
}

#[test]
fn the_first_session_comes_by_curl_after_a_password_was_set() {
    first_run(&["curl", "password"]);
}

#[test]
fn the_first_session_comes_from_the_node_program_of_the_page() {
    first_run(&["Exceptionless, Node.js"]);
}

#[test]
fn the_first_session_comes_from_a_page_with_exceptionless() {
    first_run(&["Exceptionless, web page"]);
}

#[test]
fn the_first_session_comes_from_a_page_with_loupe() {
    first_run(&["Loupe, web page"]);
}

#[test]
fn users_are_found_and_opened() {
    let kymo = Kymo::with_project(KYMO);
    view("users.mjs", &kymo, &[]);
}

#[test]
fn settings_are_made_by_who_may_and_shown_to_nobody_else() {
    let kymo = Kymo::with_project(KYMO);
    view("settings.mjs", &kymo, &[]);
}

#[test]
fn the_page_is_told_of_changes_by_one_way_or_the_other() {
    let kymo = Kymo::with_project(KYMO);
    view("stream.mjs", &kymo, &[]);
}
