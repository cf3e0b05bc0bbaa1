//! Stacks of all engines and agents.

use kymo_model::Value;

use super::*;

/// `function|file:line:column` of a frame, with its attributes behind if it has any.
fn shown(frame: &Frame) -> String {
    let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let (function, file) = (frame.function.as_deref().unwrap_or("-"), frame.file.as_deref().unwrap_or("-"));
    let place = format!("{function}|{file}:{}:{}", number(frame.line), number(frame.column));
    if frame.attributes.is_empty() {
        return place;
    }
    format!("{place} {}", serde_json::to_string(&frame.attributes).unwrap())
}

fn check(line: &str, form: Form, expected: &str) {
    let found = frame::read(line).map(|(form, frame)| (form, shown(&frame)));
    assert_eq!(found, Some((form, expected.to_owned())), "{line}");
}

#[test]
fn lines_of_browsers() {
    // Chromium.
    check("    at inner (http://h.test/a.js:6:28)", Form::At, "inner|http://h.test/a.js:6:28");
    check("    at https://h.test:8443/a.js:12:68", Form::At, "-|https://h.test:8443/a.js:12:68");
    check(
        "    at new Cart (https://h.test/a.js?v=1:5:3)",
        Form::At,
        r#"Cart|https://h.test/a.js?v=1:5:3 {"constructor":true}"#,
    );
    check(
        "    at async load (file:///C:/x/a.mjs:1:2)",
        Form::At,
        r#"load|file:///C:/x/a.mjs:1:2 {"async":true}"#,
    );
    check("    at async https://h.test/a.js:1:2", Form::At, r#"-|https://h.test/a.js:1:2 {"async":true}"#);
    check("    at async <anonymous>:381:23", Form::At, r#"-|<anonymous>:381:23 {"async":true}"#);
    check("    at Array.forEach (<anonymous>)", Form::At, "Array.forEach|<anonymous>:-:-");
    check(
        "    at X.y [as z] (webpack-internal:///./src/x.js:7:9)",
        Form::At,
        "X.y [as z]|webpack-internal:///./src/x.js:7:9",
    );
    check(
        "    at Object.<anonymous> (/srv/app (x86)/a.js:1:2)",
        Form::At,
        "Object.<anonymous>|/srv/app (x86)/a.js:1:2",
    );
    check("    at async Promise.all (index 0)", Form::At, r#"Promise.all (index 0)|-:-:- {"async":true}"#);
    check(
        "    at eval (eval at run (http://h.test/a.js:3:4), <anonymous>:4:25)",
        Form::At,
        r#"eval|<anonymous>:4:25 {"eval.origin":"run (http://h.test/a.js:3:4)"}"#,
    );
    check("at chrome-extension://abc/x.js:1:2", Form::At, "-|chrome-extension://abc/x.js:1:2");
    // Internet Explorer.
    check(
        "   at throwX (http://localhost:3378/Utils.js:92:9)",
        Form::At,
        "throwX|http://localhost:3378/Utils.js:92:9",
    );
    check("   at Global code (http://h.test/:1:1)", Form::At, "Global code|http://h.test/:1:1");
    // Firefox.
    check("f@http://h.test/a.js:1:2", Form::AtSign, "f|http://h.test/a.js:1:2");
    check("f/<@https://h.test/a.js:1:2", Form::AtSign, "f|https://h.test/a.js:1:2");
    check("f/</<@http://h.test/a.js:1", Form::AtSign, "f|http://h.test/a.js:1:-");
    check("A/this.b@http://h.test:80/a.js:92:9", Form::AtSign, "A/this.b|http://h.test:80/a.js:92:9");
    check("@http://h.test/:3:4", Form::AtSign, "-|http://h.test/:3:4");
    check("async*f@http://h.test/a.js:1:2", Form::AtSign, r#"f|http://h.test/a.js:1:2 {"async":true}"#);
    check("f@http://h.test/a.js line 3 > eval:1:1", Form::AtSign, "f|http://h.test/a.js line 3 > eval:1:1");
    // Safari.
    check("forEach@[native code]", Form::AtSign, "forEach|[native code]:-:-");
    check("global code@http://h.test/a.js:1:2", Form::AtSign, "global code|http://h.test/a.js:1:2");
    check("http://h.test/pkg@1.2/a.js:1:2", Form::Place, "-|http://h.test/pkg@1.2/a.js:1:2");
    check("f@http://h.test/pkg@1.2/a.js:1:2", Form::AtSign, "f|http://h.test/pkg@1.2/a.js:1:2");
}

#[test]
fn lines_that_agents_rewrite() {
    check("t.logError (http://h.test/t.js:12:511)", Form::Call, "t.logError|http://h.test/t.js:12:511");
    check("eval (:370:30:)", Form::Call, "eval|-:370:30");
    check("async <anonymous>:381:23", Form::Place, r#"-|<anonymous>:381:23 {"async":true}"#);
    check("defer()@http://h.test/angular.js:5312:7", Form::AtSign, "defer|http://h.test/angular.js:5312:7");
    check(
        "{anonymous}()@async <anonymous>:381:23",
        Form::AtSign,
        r#"{anonymous}|<anonymous>:381:23 {"async":true}"#,
    );
    check(
        "eval (eval at run@:370:30), <anonymous>:5:35",
        Form::AtSign,
        r#"eval|<anonymous>:5:35 {"eval.origin":"run@:370:30)"}"#,
    );
}

#[test]
fn not_every_number_is_a_line() {
    check("f (http://h.test:3378)", Form::Call, "f|http://h.test:3378:-:-");
    check("f (http://h.test:3378:12)", Form::Call, "f|http://h.test:3378:12:-");
    check("f (http://h.test:3378:12:5)", Form::Call, "f|http://h.test:3378:12:5");
    check("f (http://[::1]:80/a.js:12:5)", Form::Call, "f|http://[::1]:80/a.js:12:5");
    check("f@http://h.test/a.js:0:0", Form::AtSign, "f|http://h.test/a.js:-:-");
    check("f@http://h.test/a.js:99999999999:5", Form::AtSign, "f|http://h.test/a.js:99999999999:5:-");
}

#[test]
fn other_lines_are_no_frames() {
    for line in [
        "",
        "Error: boom",
        "TypeError: Cannot read properties of undefined (reading 'foo')",
        "SyntaxError: Unexpected token (1:5)",
        "at home we say so",
        "look at http://h.test/a.js:1:2",
        "mail to ann@example.test",
        "ratio 16:9",
        "16:9",
        "q(\"Script error.\",\"\",0,0,null)",
        "b(#object)",
        "{anonymous}(\"Uncaught 42\")",
        "at ",
        "@",
        "()",
        " (",
        "eval (eval at ",
    ] {
        assert_eq!(frame::read(line), None, "{line}");
    }
}

fn stack(lines: &str, message: Option<&str>, is_reversed: bool) -> Stack {
    let value: Value = serde_json::from_str(lines).unwrap();
    Stack::read(Lines::read(value).unwrap().unwrap(), message, is_reversed)
}

#[test]
fn lines_that_repeat_the_message_are_no_frames() {
    let check =
        |lines: &str, message: Option<&str>, name: Option<&str>, title: Option<&str>, frames: &[&str]| {
            let stack = stack(lines, message, false);
            let found: Vec<String> = stack.frames.iter().map(shown).collect();
            assert_eq!(found, frames, "{lines}");
            assert_eq!((stack.name.as_deref(), stack.title.as_deref()), (name, title), "{lines}");
            assert_eq!((stack.text, stack.rest), (None, None), "{lines}");
        };
    let f = "f|/a.js:1:2";
    check(r#"["RangeError: out","    at f (/a.js:1:2)"]"#, Some("out"), Some("RangeError"), None, &[f]);
    check(r#"["Error: out","    at f (/a.js:1:2)"]"#, Some("Uncaught Error: out"), None, None, &[f]);
    check(r#"["E1: one","two","    at f (/a.js:1:2)"]"#, Some("one\ntwo"), Some("E1"), None, &[f]);
    check(r#""Error: one\n\ntwo\n    at f (/a.js:1:2)\n""#, Some("one\n\ntwo"), Some("Error"), None, &[f]);
    check(r#"["Error","    at f (/a.js:1:2)"]"#, None, Some("Error"), None, &[f]);
    check(r#"["Error: ","    at f (/a.js:1:2)"]"#, None, Some("Error"), None, &[f]);
    check(r#"["out","    at f (/a.js:1:2)"]"#, Some("out"), None, None, &[f]);
    check(
        r#"["Odd: odd one","    at f (/a.js:1:2)"]"#,
        Some("[object Object]"),
        None,
        Some("Odd: odd one"),
        &[f],
    );
    check(
        r#"["MyError: a","b","    at f (/a.js:1:2)"]"#,
        Some("x"),
        Some("MyError"),
        Some("MyError: a"),
        &["b|-:-:-", f],
    );
    check(
        r#"["f@/a.js:1:2","-- later --","f@/a.js:1:2"]"#,
        Some("x"),
        None,
        None,
        &[f, "-- later --|-:-:-", f],
    );
    check(
        r#"["f@/a.js:1:2",7,{"fn":"g"},null]"#,
        None,
        None,
        None,
        &[f, "7|-:-:-", r#"-|-:-:- {"frame":{"fn":"g"}}"#],
    );
}

#[test]
fn the_innermost_call_comes_first() {
    let check = |lines: &str, is_reversed: bool, expected: [&str; 2]| {
        let functions: Vec<_> =
            stack(lines, None, is_reversed).frames.into_iter().filter_map(|frame| frame.function).collect();
        assert_eq!(functions, expected, "{lines}");
    };
    check(r#"["    at f (/a.js:1:2)","    at g (/a.js:3:4)"]"#, false, ["f", "g"]);
    check(r#"["f@/a.js:1:2","g@/a.js:3:4"]"#, false, ["f", "g"]);
    check(r#"["g (/a.js:3:4)","/a.js:9:9","f (/a.js:1:2)"]"#, false, ["f", "g"]);
    check(r#"["g@/a.js:3:4","f@/a.js:1:2"]"#, true, ["f", "g"]);
    check(r#"["g (/a.js:3:4)","    at f (/a.js:1:2)"]"#, false, ["g", "f"]);
    // Nothing tells whose they are.
    let places = stack(r#"["/a.js:1:2","/a.js:3:4"]"#, None, false);
    assert_eq!(places.frames[0].line, Some(1));
}

#[test]
fn stacks_without_a_frame_stay_text() {
    let lines = r#"["Error: no stack","q(\"x\",13,52)","b(#object)"]"#;
    let found = stack(lines, Some("Uncaught Error: no stack"), false);
    let expected = Stack { text: Some("q(\"x\",13,52)\nb(#object)".to_owned()), ..Stack::default() };
    assert_eq!(found, expected);
    assert_eq!(stack(r#""Error: a""#, Some("a"), false).text, None);
    for nothing in ["[]", r#""""#, "null", r#"["",null," \n "]"#] {
        assert!(Lines::read(serde_json::from_str(nothing).unwrap()).unwrap().is_none(), "{nothing}");
    }
    for other in ["7", "true", r#"{"a":1}"#] {
        assert!(Lines::read(serde_json::from_str(other).unwrap()).is_err(), "{other}");
    }
}

#[test]
fn long_stacks_keep_their_rest_as_text() {
    let lines = Value::Text("f@/a.js:1:2\n".repeat(FRAMES_MAX + 2));
    let stack = Stack::read(Lines::read(lines).unwrap().unwrap(), None, false);
    assert_eq!(stack.frames.len(), FRAMES_MAX);
    assert_eq!(stack.rest.as_deref(), Some("f@/a.js:1:2\nf@/a.js:1:2"));
}

#[test]
fn stacks_in_messages_are_found() {
    let check = |text: &str, expected: Option<(&str, usize)>| {
        let found = Lines::below_message(text);
        let found = found.as_ref().map(|(message, lines)| (message.as_str(), lines.0.len()));
        assert_eq!(found, expected, "{text}");
    };
    check("Error: a\nb\n    at f (/a.js:1:2)\n    at /a.js:3:4\n", Some(("Error: a\nb", 2)));
    check("boom\nf@http://h.test/a.js:1:2", Some(("boom", 1)));
    check("    at f (/a.js:1:2)", None);
    check("a\n    at f (/a.js:1:2)\nand more", None);
    check("a\nb (/a.js:1:2)", None);
    check("one line", None);
}
