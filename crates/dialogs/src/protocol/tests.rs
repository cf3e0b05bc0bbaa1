//! Lines in, requests out; choices in, lines out.

use super::*;

fn read_text(text: &str) -> Result<Request, String> {
    read(text.as_bytes())
}

#[test]
fn a_problem_is_read() {
    let line = r#"{"version":1,"kind":"error","application":"Shop","version_text":"1.2","message":" It broke.\n ","details":"at a\nat b\n","can_restart":true,"is_blocking":true,"later":[1]}
        {"kind":"consent"}"#;
    let Ok(Request::Error(problem)) = read_text(line) else { panic!("{:?}", read_text(line)) };
    let expected = Problem {
        application: "Shop".to_owned(),
        version: "1.2".to_owned(),
        company: String::new(),
        message: "It broke.".to_owned(),
        details: "at a\nat b".to_owned(),
        details_whole: "at a\nat b".to_owned(),
        can_restart: true,
        is_blocking: true,
        can_report: true,
    };
    assert_eq!(problem, expected);
}

#[test]
fn what_is_missing_has_a_substitute() {
    let Ok(Request::Error(problem)) = read_text(r#"{"kind":"error"}"#) else { panic!() };
    assert_eq!(problem.application, "The program");
    assert_eq!(problem.message, "It did not say what went wrong.");
    assert!(!problem.can_restart && !problem.is_blocking && problem.can_report);
    let Ok(Request::Consent(question)) = read_text(r#"{"kind":"consent","privacy_url":"x"}"#) else {
        panic!()
    };
    assert_eq!(question.product, "this program");
    assert_eq!(question.privacy_url, None);
}

#[test]
fn what_is_no_request_is_refused() {
    let refused = [
        ("", "found nothing"),
        ("  \n{\"kind\":\"error\"}", "found nothing"),
        ("{", "line 1 column 1"),
        ("[1]", "found an array"),
        ("7", "found something else"),
        (r#"{"kind":"error","version":2}"#, "expected version 1, found 2"),
        (r#"{"version":1}"#, "expected kind `error` or `consent`, found ``"),
        (r#"{"kind":"mail\n"}"#, "found `mail"),
        (r#"{"kind":"error","message":7}"#, "invalid type"),
    ];
    for (line, expected) in refused {
        let found = read_text(line).expect_err(line);
        assert!(found.contains(expected), "{line}: {found}");
    }
    assert!(read(&b"\xff\xfe{\n"[..]).is_err());
}

#[test]
fn a_line_has_a_limit() {
    let line = |bytes: usize| {
        let beginning = r#"{"kind":"error","details":""#;
        format!("{beginning}{}\"}}", "x".repeat(bytes - beginning.len() - 2))
    };
    assert_eq!(line(LINE_BYTES_MAX).len(), LINE_BYTES_MAX);
    assert!(read_text(&line(LINE_BYTES_MAX)).is_ok());
    assert!(read_text(&format!("{}\n", line(LINE_BYTES_MAX))).is_ok());
    assert!(read_text(&line(LINE_BYTES_MAX + 1)).expect_err("longer").contains("found a longer one"));
    assert!(read_text(&format!("{}\n", line(LINE_BYTES_MAX + 1))).is_err());
}

#[test]
fn long_texts_are_cut_and_the_copy_is_not() {
    let details = "é".repeat(DETAILS_CHARS_MAX + 1);
    let line = serde_json::json!({"kind": "error", "application": "n".repeat(1_000), "details": details})
        .to_string();
    let Ok(Request::Error(problem)) = read_text(&line) else { panic!() };
    assert_eq!(problem.application.chars().count(), NAME_CHARS_MAX);
    assert!(problem.application.ends_with('…'));
    assert!(problem.details.contains("There is more"));
    assert_eq!(problem.details_whole, details);

    let message = "m".repeat(MESSAGE_CHARS_MAX + 1);
    let line = serde_json::json!({"kind": "error", "message": message, "details": "at a"}).to_string();
    let Ok(Request::Error(problem)) = read_text(&line) else { panic!() };
    assert_eq!(problem.message.chars().count(), MESSAGE_CHARS_MAX);
    assert_eq!(problem.details, format!("{message}\n\nat a"));
}

#[test]
fn the_address_of_the_policy() {
    let check = |url: &str, expected: Option<&str>| {
        let line = serde_json::json!({"kind": "consent", "product": "My Shop", "version_text": "1.2+ü", "privacy_url": url});
        let Ok(Request::Consent(question)) = read_text(&line.to_string()) else { panic!("{url}") };
        assert_eq!(question.privacy_url.as_deref(), expected, "{url}");
    };
    let query = "application=My+Shop&version=1.2%2B%C3%BC";
    check("https://shop.example/privacy", Some(&format!("https://shop.example/privacy?{query}")));
    check("https://shop.example/p?a=b", Some(&format!("https://shop.example/p?a=b&{query}")));
    check("HTTP://shop.example/p#there", Some(&format!("HTTP://shop.example/p?{query}#there")));
    for refused in [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "--help",
        "https://",
        "https:///x",
        "https://a b",
        "https://a\nb",
        "https://ä.example",
        "https://a.example/\"x",
        "ms-msdt:/id",
    ] {
        check(refused, None);
    }
}

#[test]
fn answers_are_the_lines_that_were_agreed() {
    let written = |answer: Answer| serde_json::to_string(&answer).unwrap();
    assert_eq!(
        written(Answer::Error { choice: ErrorChoice::Continue, ignore_further: true, report_at_end: false }),
        r#"{"choice":"continue","ignore_further":true,"report_at_end":false}"#
    );
    let closed = |line| written(read_text(line).unwrap().closed());
    assert_eq!(
        closed(r#"{"kind":"error"}"#),
        r#"{"choice":"close","ignore_further":false,"report_at_end":false}"#
    );
    assert_eq!(closed(r#"{"kind":"consent"}"#), r#"{"choice":"later","include_details":false}"#);
}
