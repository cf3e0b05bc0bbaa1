//! What is said outside, and how what is wrong is told.

use std::path::Path;

use super::*;
use crate::session::builder;

fn said(text: &str, variables: &[(&str, &str)]) -> (Builder, Vec<String>) {
    let mut said = Said::default();
    said.read_text(text, "kymo.toml");
    said.read_environment(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    said.apply(builder("Shop", "till").filter("warn").environment("code"))
}

#[test]
fn code_is_below_the_file_and_the_file_below_the_environment() {
    let text = "[server]\nlisten = 'x'\n[agent]\nfilter = 'info,shop=debug'\nkeep_days = 7\nusers = 'many'\nring_kib = 64\n[agent.properties]\ncustomer = '17'\n";
    let (builder, faults) = said(
        text,
        &[
            ("KYMO__AGENT__KEEP_DAYS", "3"),
            ("KYMO__AGENT__PROPERTIES__REGION", "eu"),
            ("KYMO__SERVER__LISTEN", "y"),
            ("KYMO__AGENT__SYSTEM_SECONDS", "0"),
        ],
    );
    assert_eq!(faults, Vec::<String>::new());
    let text = format!("{builder:?}");
    for expected in [
        "filter: Some(\"info,shop=debug\")",
        "age_max: 259200s",
        "users: Many",
        "environment: Some(\"code\")",
        "ring_bytes: 65536",
        "(\"customer\", \"17\"), (\"region\", \"eu\")",
        "system_every: 0ns",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_the_rest_counts() {
    for (text, expected) in [
        ("[agent]\nfilte = 'x'", "kymo.toml:2:1: there is no key agent.filte: did you mean agent.filter?"),
        (
            "[agent]\ncolour = 1",
            "kymo.toml:2:1: there is no key agent.colour: see docs/agent.md for those there are",
        ),
        (
            "[agent]\nkeep_days = 0",
            "kymo.toml:2:13: agent.keep_days: expected a whole number from 1 to 36500, found 0",
        ),
        (
            "[agent]\nring_kib = 65",
            "kymo.toml:2:12: agent.ring_kib: expected a power of two from 4 to 65536, found 65",
        ),
        (
            "[agent]\nusers = 'all'",
            "kymo.toml:2:9: agent.users: expected one of system, many, anonymous, found \"all\"",
        ),
        (
            "[agent]\nenabled = [1]",
            "kymo.toml:2:11: agent.enabled: expected true or false, found something else",
        ),
        ("agent = 3", "kymo.toml:1:9: expected a section [agent]"),
        ("[agent]\n[agent.properties]\na = 1", "kymo.toml:3:5: agent.properties.a: expected a text"),
    ] {
        let (_, faults) = said(text, &[]);
        assert_eq!(faults, [expected]);
    }
    let (builder, faults) = said(
        "[agent]\nfilte = 'x'\nkeep_days = 7\n",
        &[("KYMO__AGENT__USERS", "all"), ("KYMO__AGENT__FREE_MIB", "x")],
    );
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults[1].starts_with("KYMO__AGENT__FREE_MIB: agent.free_mib: expected"), "{faults:?}");
    assert!(format!("{builder:?}").contains("age_max: 604800s"));
    let (_, faults) = said("[agent\n", &[]);
    assert!(faults[0].starts_with("kymo.toml:1:7: "), "{faults:?}");
}

/// The page has the table that the code has.
#[test]
fn the_page_says_the_same() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/agent.md");
    let page = std::fs::read_to_string(path).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `agent.")).collect();
    let expected: Vec<String> = keys::all()
        .map(|key| {
            format!("| `agent.{}` | {} | {} | {} |", key.name, key.expected(), key.default, key.meaning)
        })
        .collect();
    assert_eq!(rows, expected, "docs/agent.md; expected:\n{}", expected.join("\n"));
}

/// What the table says is at first is what the builder has at first.
#[test]
fn defaults_are_the_builders() {
    let fresh = || {
        let builder = builder("Shop", "till");
        #[cfg(feature = "send")]
        let builder = builder.mail(crate::sending::MailSettings::default());
        builder
    };
    let mut compared = 0;
    for key in keys::all() {
        let default = key.default.trim_matches('`');
        // The others are said in words.
        if let Ok(value) = key.value_of(default)
            && !matches!(key.kind, keys::Kind::Text | keys::Kind::Secret)
        {
            let changed = (key.apply)(fresh(), &value);
            assert_eq!(format!("{changed:?}"), format!("{:?}", fresh()), "{}", key.name);
            compared += 1;
        }
    }
    assert!(compared >= 23, "{compared}");
}

#[test]
fn secrets_are_in_no_fault_and_mail_has_a_section() {
    let text = "[agent]\ntoken = 12345678\nserver = 'https://kymo.example'\n[agent.mail]\nport = 70000\nsever = 'x'\nto = 'a@b.example, c@d.example'\n";
    let (builder, faults) =
        said(text, &[("KYMO__AGENT__MAIL__PASSWORD", ""), ("KYMO__AGENT__MAIL__MIB", "7")]);
    // Without sending, what is right is told, too: it does nothing.
    let faults: Vec<String> = faults.into_iter().filter(|fault| !fault.contains("built without")).collect();
    assert_eq!(
        faults,
        [
            "kymo.toml:5:8: agent.mail.port: expected a whole number from 1 to 65535, found 70000",
            "kymo.toml:6:1: there is no key agent.mail.sever: did you mean agent.mail.server?",
            "kymo.toml:2:9: agent.token: expected a text, found something else",
            "KYMO__AGENT__MAIL__PASSWORD: agent.mail.password: expected a text, found something else",
        ]
    );
    #[cfg(feature = "send")]
    {
        let text = format!("{builder:?}");
        assert!(
            text.contains("to: [\"a@b.example\", \"c@d.example\"]") && text.contains("7340032"),
            "{text}"
        );
    }
    #[cfg(not(feature = "send"))]
    assert!(format!("{builder:?}").contains("till"));
}
