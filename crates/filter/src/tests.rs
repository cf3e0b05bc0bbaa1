//! Filters as tables: what they become, what is wrong with them; and random trees there and back.

mod random;

use kymo_model::Timestamp;
use kymo_testkit::Random;

use crate::{DEPTH_MAX, FILTER_CHARS_MAX, Query, Subject, TERMS_MAX};

/// 2026-09-21T14:13:20Z.
const NOW: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);

fn parse(text: &str, subject: Subject) -> Query {
    Query::parse(text, subject, NOW).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

/// What a filter is read as, written in full.
fn check(text: &str, subject: Subject, expected: &str) {
    assert_eq!(parse(text, subject).to_string(), expected, "{text}");
}

#[test]
fn filters_are_read_as_meant() {
    let session = |text: &str, expected: &str| check(text, Subject::Session, expected);
    session("", "*");
    session("*", "*");
    session(" user:Ann\tversion:2.* ", "user:ann version:2.*");
    session("a b OR c d", "(a b) OR (c d)");
    session("a AND b || c && !d", "(a b) OR (c -d)");
    session("NOT (a OR b)", "-(a OR b)");
    session("(a b) c", "(a b) c");
    session("((a))", "a");
    session("--a", "--a");
    session("not a or and", "not a or and");
    session("ORacle ANDroid NOTe", "oracle android note");
    session(r#""Exact words" message~"Sub String""#, r#""exact words" message~"sub string""#);
    session("~part", r#"~"part""#);
    session("full-disk* user:ann@example.test", r#"full.disk* user:"ann example test""#);
    session("state:(running OR ended)", "state:running OR state:ended");
    session("version:(2.* -2.1) a", "(version:2.* -version:2.1) a");
    session("level:(>=warn <fatal)", "level:>=warn level:[trace TO error]");
    session(
        "duration:>60 duration:<=1.5h duration:[1m TO 2m}",
        "duration:>60 duration:<=5400 duration:[60 TO 120}",
    );
    session("duration:90s", "duration:[90 TO 91}");
    session("events:3 errors:{1 TO *]", "events:[3 TO 3] errors:>1");
    session("error:TRUE", "error:true");
    session(
        "level:warn level:>warn level:>=13 level:14 level:<trace",
        "level:warn level:>=error level:>=warn level:[14 TO 14] -*",
    );
    session("started:2026-11-20", "started:[2026-11-20T00:00:00Z TO 2026-11-21T00:00:00Z}");
    session("started:>2026-11-20", "started:>=2026-11-21T00:00:00Z");
    session("started:<=2026-11-20T16:20", "started:<2026-11-20T16:21:00Z");
    session("started:[now-1h TO *]", "started:>=2026-09-21T13:13:20Z");
    session("path:/a/b?x=1:2", r#"page:"/a/b?x=1:2""#);
    session(r"page:a\*b\ c*", r"page:a\*b\ c*");
    session("_exists_:data.region _missing_:version", "_exists_:properties.region -_exists_:version");
    session("version:*", "_exists_:version");
    session(r#"data."my key":1 data.my\ key:1"#, r"properties.my\ key:1 properties.my\ key:1");
    session("Straße ÄRGER 日本語", "straße ärger 日本語");
    session("event.user:ann session.user:ann", "event.user:ann user:ann");
}

#[test]
fn names_of_exceptionless_are_known() {
    let session = |text: &str, expected: &str| check(text, Subject::Session, expected);
    let event = |text: &str, expected: &str| check(text, Subject::Event, expected);
    session("type:session _missing_:data.sessionend", "* -_exists_:ended");
    session(
        "value:>60 machine:pc data.haserror:true date:>now",
        "duration:>60 host:pc error:true started:>=2026-09-21T14:13:20.000000001Z",
    );
    session(
        "reference:a ref.session:b source:c type:404",
        "reference:a id:b category:c event.kind:not_found",
    );
    session(
        "user.email:a user.name:b ip:10.* tag:x level:critical",
        "user.id:a user.name:b ip:10.* tag:x level:fatal",
    );
    event(
        "type:session date:now value:>3",
        "kind:session.start time:[2026-09-21T14:13:20Z TO 2026-09-21T14:13:20.000000001Z} event.value:>3",
    );
    event(
        "user:ann version:1 session.kind:browser session:x",
        "user:ann version:1 session.kind:browser id:x",
    );
    event(
        "data.a.b:>=-1.5 error:false exception.type:Type*",
        "attributes.a.b:>=-1.5 error:false exception.type:type*",
    );
    event("level:>=warn ref.Parent:x", r"level:>=warn attributes.@ref\:parent:x");
}

/// Each error: where (character and length), a part of what it says, what was meant.
#[test]
fn errors_say_where_and_what_was_meant() {
    type Row = (&'static str, (usize, usize), &'static str, Option<&'static str>);
    let rows: [Row; 34] = [
        ("usr:ann", (0, 3), "there is no field usr", Some("user")),
        ("é usr:ann", (2, 3), "there is no field usr", Some("user")),
        ("a lvel:warn", (2, 4), "no field lvel", Some("level")),
        ("quux.frob:1", (0, 9), "attributes.NAME", None),
        ("12:30", (0, 2), "quotation marks", None),
        ("level:wran", (6, 4), "\"wran\" is no level", Some("warn")),
        ("level:loud", (6, 4), "trace, debug, info", None),
        ("state:runing", (6, 6), "\"runing\" is no state", Some("running")),
        ("kind:bowser", (5, 6), "user, process, browser", Some("browser")),
        ("error:maybe", (6, 5), "true, false", None),
        ("error:tru", (6, 3), "true, false", Some("true")),
        ("_exists_:vresion", (9, 7), "no field vresion", Some("version")),
        ("_exist_:version", (0, 7), "no field", Some("_exists_")),
        ("duration:>long", (10, 4), "no duration", None),
        ("events:>x", (8, 1), "no number", None),
        ("started:tomorrow", (8, 8), "is no time", None),
        ("started:[nwo TO now]", (9, 3), "is no time", Some("now")),
        ("started:[now TO now-1d]", (9, 13), "ends before it begins", None),
        ("started:[now now]", (13, 1), "expected TO", None),
        ("started:[now TO now", (8, 1), "no \"]\"", None),
        ("version:>2", (9, 1), "cannot be compared", None),
        ("data.count:>2", (12, 1), "attributes.NAME", None),
        ("duration~60", (9, 2), "no text", None),
        ("(a b", (0, 1), "no \")\"", None),
        ("a)", (1, 1), "no \"(\"", None),
        ("a OR", (4, 0), "the filter ends here", None),
        ("OR a", (0, 2), "before OR", None),
        ("a -", (3, 0), "the filter ends here", None),
        ("\"open", (0, 1), "closing quotation mark", None),
        ("a\"b\"", (1, 1), "expected a space", None),
        ("user:", (5, 0), "expected a value", None),
        ("a version:1\0", (11, 1), "NUL", None),
        (">5", (0, 1), "expected a field", None),
        ("*disk*", (0, 6), "by words", Some("~\"disk\"")),
    ];
    for (text, (position, length), message, suggestion) in rows {
        let found = match Query::parse(text, Subject::Session, NOW) {
            Ok(query) => panic!("{text} was read as {query}"),
            Err(found) => found,
        };
        assert_eq!((found.position, found.length), (position, length), "{text}: {found}");
        assert!(found.message.contains(message), "{text}: {found}");
        assert_eq!(found.suggestion.as_deref(), suggestion, "{text}: {found}");
    }
}

#[test]
fn limits_hold() {
    let error = |text: String| Query::parse(&text, Subject::Event, NOW).unwrap_err();
    let many = |count: usize| vec!["a"; count].join(" ");
    parse(&many(TERMS_MAX), Subject::Event);
    assert!(error(many(TERMS_MAX + 1)).message.contains("too many terms"));
    let deep = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    parse(&deep(DEPTH_MAX), Subject::Event);
    assert!(error(deep(DEPTH_MAX + 1)).message.contains("too deeply"));
    assert!(error(deep(900)).message.contains("too deeply"));
    parse(&format!("{}a", "-".repeat(DEPTH_MAX)), Subject::Event);
    assert!(error(format!("{}a", "-".repeat(1900))).message.contains("too deeply"));
    parse(&"ä".repeat(FILTER_CHARS_MAX), Subject::Event);
    assert!(error("ä".repeat(FILTER_CHARS_MAX + 1)).message.contains("characters"));
}

/// Whatever is typed, there is a tree or an error with a place in the text.
#[test]
fn nothing_that_is_typed_panics() {
    const PIECES: [&str; 34] = [
        "user",
        "level",
        "data.",
        "_exists_",
        ":",
        "~",
        ">",
        "<",
        "=",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        "\"",
        "\\",
        "*",
        "-",
        "!",
        " ",
        " TO ",
        " OR ",
        " AND ",
        "NOT ",
        "now",
        "-1d",
        "2026-11-20",
        "T1",
        "1.5h",
        "é",
        "日",
        "||",
        "x",
    ];
    let mut random = Random::seeded(1);
    for _ in 0..20_000 {
        let count = random.below(12);
        let text: String = (0..count).map(|_| PIECES[random.below(PIECES.len() as u64) as usize]).collect();
        match Query::parse(&text, Subject::Session, NOW) {
            Ok(query) => {
                let written = query.to_string();
                assert_eq!(
                    Query::parse(&written, Subject::Session, NOW).as_ref(),
                    Ok(&query),
                    "{text} {written}"
                );
            }
            Err(error) => {
                assert!(error.position + error.length <= text.chars().count(), "{text}: {error:?}");
            }
        }
    }
}

#[test]
fn a_tree_is_read_back_from_its_text() {
    let mut random = Random::seeded(2);
    for _ in 0..20_000 {
        let subject = if random.below(2) == 0 { Subject::Session } else { Subject::Event };
        let query = random::query(&mut random, subject);
        let text = query.to_string();
        let found = Query::parse(&text, subject, NOW);
        assert_eq!(found.as_ref(), Ok(&query), "{text}");
    }
}

/// The table of fields that `docs/filter.md` shows is the one that the parser goes by.
#[test]
fn the_page_shows_the_table_of_fields() {
    use crate::field::FIELDS;
    use std::fmt::Write as _;
    let page = include_str!("../../../docs/filter.md");
    for subject in [Subject::Session, Subject::Event] {
        let mut table = String::from("| field | also | values | |\n|---|---|---|---|\n");
        for row in FIELDS.iter().filter(|row| row.subject == subject) {
            let aliases: Vec<String> = row.aliases.iter().map(|alias| format!("`{alias}`")).collect();
            writeln!(
                table,
                "| `{}` | {} | {} | {} |",
                row.name,
                aliases.join(", "),
                row.field_type,
                row.help
            )
            .unwrap();
        }
        assert!(page.contains(&table), "expected in the page:\n{table}");
    }
}

/// Every field of the table takes a value of its type, and says what it takes.
#[test]
fn every_field_takes_what_its_type_says() {
    use crate::field::{FIELDS, FieldType};
    for row in &FIELDS {
        let value = match row.field_type {
            FieldType::Words | FieldType::Text | FieldType::Value => "x",
            FieldType::Word(words) => words[0],
            FieldType::Flag => "true",
            FieldType::Number | FieldType::Duration => "3",
            FieldType::Time => "now-7d",
            FieldType::Severity => "warn",
        };
        parse(&format!("{}:{value}", row.name), row.subject);
        assert!(!row.help.is_empty() && !row.field_type.to_string().is_empty());
    }
}
