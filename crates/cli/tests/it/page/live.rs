//! What runs now and one session of it followed, in a real browser: `tests/node/views/live.mjs`.

use kymo_testkit::{Kymo, Script, kymo::needed};

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
