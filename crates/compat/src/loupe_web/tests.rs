//! Messages and posts of every form an agent has been seen to send, and odd ones.

use kymo_model::{Event, Exception, Timestamp, Value};

use super::*;

const OBSERVED: Timestamp = Timestamp::from_unix_nanos(5);

fn decode(body: &str, request: &Request<'_>) -> Decoded {
    decode_log(body.as_bytes(), OBSERVED, request)
}

/// The item of a post with this message alone.
fn item_with(message: &str, request: &Request<'_>) -> Item {
    let mut decoded = decode(&format!(r#"{{"logMessages":[{message}]}}"#), request);
    assert_eq!((decoded.items.len(), decoded.unreadable.len()), (1, 0), "{message}");
    decoded.items.remove(0)
}

fn item(message: &str) -> Item {
    item_with(message, &Request::default())
}

fn event(message: &str) -> Event {
    item(message).event
}

fn attributes(message: &str) -> String {
    serde_json::to_string(&event(message).attributes).unwrap()
}

#[test]
fn levels_become_severities() {
    let check = |message: &str, severity: &str, kept: &str| {
        let event = event(message);
        assert_eq!(event.severity.text(), severity, "{message}");
        assert_eq!(serde_json::to_string(&event.attributes).unwrap(), kept, "{message}");
    };
    check(r#"{"severity":1}"#, "fatal", "{}");
    check(r#"{"severity":2}"#, "error", "{}");
    check(r#"{"severity":4}"#, "warn", "{}");
    check(r#"{"severity":8}"#, "info", "{}");
    check(r#"{"severity":16}"#, "debug", "{}");
    check(r#"{"severity":0}"#, "info", "{}");
    check(r#"{"sequence":1}"#, "info", "{}");
    check(r#"{"severity":null,"sequence":1}"#, "info", "{}");
    check(r#"{"severity":"Warning"}"#, "warn", "{}");
    check(r#"{"severity":"4"}"#, "warn", "{}");
    check(r#"{"SEVERITY":2}"#, "error", "{}");
    check(r#"{"severity":3}"#, "info", r#"{"severity":3}"#);
    check(r#"{"severity":{"a":1}}"#, "info", r#"{"severity":{"a":1}}"#);
}

#[test]
fn texts_are_caption_and_description() {
    let check = |message: &str, expected: Option<&str>| {
        assert_eq!(event(message).body.as_deref(), expected, "{message}");
    };
    check(r#"{"caption":"c","description":"d"}"#, Some("c\nd"));
    check(r#"{"caption":"c","description":"  "}"#, Some("c"));
    check(r#"{"caption":"c","description":" c "}"#, Some("c"));
    check(r#"{"caption":"","description":"d"}"#, Some("d"));
    check(r#"{"description":"d"}"#, Some("d"));
    check(r#"{"caption":"c","description":"{0}!","parameters":["c"]}"#, Some("c\nc!"));
    check(r#"{"caption":"c","description":"{0}","parameters":["c"]}"#, Some("c"));
    check(r#"{"description":"Hello {0}","parameters":"Ann"}"#, Some("Hello Ann"));
    check(r#"{"description":"{0} of {{1}}","parameters":[3]}"#, Some("3 of {1}"));
    check(r#"{"description":"{0} {1}","parameters":[3]}"#, Some("{0} {1}"));
    check(r#"{"description":"{0} {{","parameters":[]}"#, Some("{0} {{"));
    check(r#"{"description":"{0}","parameters":null}"#, Some("{0}"));
    check(r#"{"description":"{0}","parameters":{"a":1}}"#, Some(r#"{"a":1}"#));
    check(r#"{"caption":5,"description":true}"#, Some("5\ntrue"));
    check(r#"{"caption":"{0}","parameters":[1]}"#, Some("{0}"));
    check(r#"{"exception":{"message":"e"}}"#, Some("e"));
    check(r#"{"caption":"","description":"","exception":{"message":"e"}}"#, Some("e"));
    check(r#"{"caption":"c","exception":{"message":"e"}}"#, Some("c"));
    check(r#"{"severity":8}"#, None);
    let long = "x".repeat(150_000);
    check(&format!(r#"{{"description":"{long}"}}"#), Some(&long));
}

#[test]
fn attributes_keep_what_has_no_other_place() {
    let check = |message: &str, expected: &str| assert_eq!(attributes(message), expected, "{message}");
    check(
        r#"{"caption":"c","foo":1,"Bar":{"x":false},"off":false}"#,
        r#"{"foo":1,"Bar":{"x":false},"off":false}"#,
    );
    check(r#"{"caption":"c","a":null,"b":"","c":[],"d":{}}"#, "{}");
    check(r#"{"description":"{0}","parameters":[1,"a"]}"#, r#"{"parameters":[1,"a"]}"#);
    check(r#"{"description":"{9}","parameters":"a"}"#, r#"{"parameters":["a"]}"#);
    check(r#"{"caption":"c","parameters":[]}"#, "{}");
    check(r#"{"caption":{"a":1},"description":[1]}"#, r#"{"caption":{"a":1},"description":[1]}"#);
    check(r#"{"caption":"a","Caption":"b"}"#, r#"{"caption":"a"}"#);
    check(r#"{"category":["a"]}"#, r#"{"category":["a"]}"#);
    check(r#"{"timestamp":"yesterday"}"#, r#"{"timestamp":"yesterday"}"#);
    check(r#"{"timestamp":17}"#, r#"{"timestamp":17}"#);
    check(r#"{"sequence":-1}"#, r#"{"sequence":-1}"#);
    check(
        r#"{"sessionId":"a\nb","agentSessionId":"c\nd"}"#,
        r#"{"agentSessionId":"c\nd","session.id":"a\nb"}"#,
    );
    check(r#"{"sessionId":{"a":1},"agentSessionId":[2]}"#, r#"{"agentSessionId":[2],"sessionId":{"a":1}}"#);
    check(r#"{"caption":"c","sessionId":"","agentSessionId":"null"}"#, "{}");
}

#[test]
fn details_of_any_type() {
    let check = |details: &str, expected: &str| {
        let message = format!(r#"{{"caption":"c","details":{details}}}"#);
        assert_eq!(attributes(&message), expected, "{details}");
    };
    check(r#""{\"a\":{\"b\":[1]}}""#, r#"{"details":{"a":{"b":[1]}}}"#);
    check(r#""[1,\"two\"]""#, r#"{"details":[1,"two"]}"#);
    check(r#"{"a":1}"#, r#"{"details":{"a":1}}"#);
    check("[1]", r#"{"details":[1]}"#);
    check("42", r#"{"details":42}"#);
    check(r#""42""#, r#"{"details":"42"}"#);
    check("0", r#"{"details":0}"#);
    check("false", r#"{"details":false}"#);
    check(r#""<data>x</data>""#, r#"{"details":"<data>x</data>"}"#);
    check(r#""\"2024-01-02\"""#, r#"{"details":"\"2024-01-02\""}"#);
    // P5: nobody but the oldest receiver reads it as JSON; the text says the same.
    check(r#""{ a: 1, 'b': {c: 'd'} }""#, r#"{"details":"{ a: 1, 'b': {c: 'd'} }"}"#);
    check(r#""{\"a\":1""#, r#"{"details":"{\"a\":1"}"#);
    check(r#""{\"cut\":\"\\ud83d\"}""#, "{\"details\":{\"cut\":\"\u{fffd}\"}}");
    for nothing in ["null", r#""null""#, r#""""#, r#"" ""#, "{}", r#""{}""#, "[]"] {
        check(nothing, "{}");
    }
}

#[test]
fn exceptions_of_any_type() {
    let check = |exception: &str, kind: &str, expected: &str| {
        let event = event(&format!(r#"{{"caption":"c","exception":{exception}}}"#));
        assert_eq!(event.kind.as_str(), kind, "{exception}");
        let expected: Option<Exception> = serde_json::from_str(expected).unwrap();
        assert_eq!(event.exception, expected, "{exception}");
    };
    for nothing in
        ["null", r#""""#, r#"" ""#, "0", "0.0", "false", "{}", "[]", r#"{"message":"","line":null,"line":0}"#]
    {
        check(nothing, "log", "null");
    }
    check(r#""boom""#, "error", r#"{"message":"boom"}"#);
    check(r#""TypeError: boom""#, "error", r#"{"type":"TypeError","message":"TypeError: boom"}"#);
    check("7", "error", r#"{"message":"7"}"#);
    check("[1]", "error", r#"{"attributes":{"exception":[1]}}"#);
    check(
        r#"{"url":"http://h.test/x","message":"m","extra":{"any":1},"name":"HttpErrorResponse","code":404}"#,
        "error",
        r#"{"type":"HttpErrorResponse","message":"m","code":"404","attributes":{"url.full":"http://h.test/x","extra":{"any":1}}}"#,
    );
    check(
        r#"{"cause":"the cause","column":3,"line":"14","message":"m","stackTrace":["f@http://h.test/a.js:14:3"],"url":"http://h.test/"}"#,
        "error",
        r#"{"message":"m","frames":[{"function":"f","file":"http://h.test/a.js","line":14,"column":3}],
            "attributes":{"url.full":"http://h.test/","code.line.number":14,"code.column.number":3,"cause":"the cause"}}"#,
    );
    check(
        r#"{"message":{"a":1},"cause":[2],"line":-1,"stackTrace":{"b":3},"stack":"    at f (/a.js:1:2)","Message":"m"}"#,
        "error",
        r#"{"message":"m","frames":[{"function":"f","file":"/a.js","line":1,"column":2}],
            "attributes":{"message":{"a":1},"cause":[2],"line":-1,"stackTrace":{"b":3}}}"#,
    );
    check(
        r#"{"name":"A","message":"m","stackTrace":["B: m","f@/a.js:1:2"]}"#,
        "error",
        r#"{"type":"A","message":"m","frames":[{"function":"f","file":"/a.js","line":1,"column":2}],
            "attributes":{"stack.title":"B"}}"#,
    );
    check(
        r#"{"message":"Error: a\n    at f (/a.js:1:2)","stackTrace":null}"#,
        "error",
        r#"{"type":"Error","message":"Error: a","frames":[{"function":"f","file":"/a.js","line":1,"column":2}]}"#,
    );
}

#[test]
fn exceptions_are_named_by_the_best_witness() {
    let check = |message: &str, expected: Option<&str>| {
        let exception = event(message).exception.unwrap();
        assert_eq!(exception.type_name.as_deref(), expected, "{message}");
    };
    check(
        r#"{"caption":"Odd","exception":{"cause":"Odd","message":"Uncaught [object Object]"}}"#,
        Some("Odd"),
    );
    check(r#"{"caption":"x","exception":{"cause":"checkout","message":"TypeError: x"}}"#, Some("TypeError"));
    check(r#"{"exception":{"message":"Uncaught Odd: x"}}"#, Some("Odd"));
    check(r#"{"exception":{"message":"Uncaught (in promise) TypeError: x"}}"#, Some("TypeError"));
    check(r#"{"exception":{"message":"Note: x"}}"#, None);
    check(r#"{"exception":{"message":"x","stackTrace":["Odd: x","    at f (/a.js:1:2)"]}}"#, Some("Odd"));
    check(r#"{"exception":{"message":"x","cause":"RangeError"}}"#, Some("RangeError"));
    check(r#"{"exception":{"message":"x","cause":"the cause"}}"#, None);
    check(r#"{"caption":"SyntaxError","exception":{"message":"x"}}"#, Some("SyntaxError"));
    check(r#"{"caption":"failed","exception":{"message":"x"}}"#, None);
}

#[test]
fn the_angular_handler_sends_stacks_upside_down() {
    let message = |category: &str| {
        format!(
            r#"{{"category":"{category}","caption":"","exception":{{"message":"m","stackTrace":["g@/a.js:3:4","f@/a.js:1:2"]}},
                "details":"{{\"controller\":\"\",\"page\":{{\"routeUrl\":\"/\"}}}}"}}"#
        )
    };
    let functions = |category: &str| -> Vec<_> {
        let frames = event(&message(category)).exception.unwrap().frames;
        frames.into_iter().filter_map(|frame| frame.function).collect()
    };
    assert_eq!(functions("JavaScript"), ["f", "g"]);
    assert_eq!(functions("Shop"), ["g", "f"]);
}

/// S1 to S8 of the reference's suite, and what it gets wrong (ports, `https`, reversed stacks).
#[test]
fn places_in_the_source() {
    let check = |members: &str, expected: &str| {
        let attributes = attributes(&format!(r#"{{"caption":"c",{members}}}"#));
        assert_eq!(attributes, expected, "{members}");
    };
    check(r#""methodSourceInfo":null,"exception":null"#, "{}");
    check(
        r#""methodSourceInfo":{"file":"app.js","line":5}"#,
        r#"{"code.file.path":"app.js","code.line.number":5}"#,
    );
    check(
        r#""methodSourceInfo":{"method":"theFunction","line":5}"#,
        r#"{"code.function.name":"theFunction","code.line.number":5}"#,
    );
    check(r#""methodSourceInfo":{"line":5}"#, r#"{"code.line.number":5}"#);
    check(r#""methodSourceInfo":{"column":5}"#, r#"{"code.column.number":5}"#);
    let throw = |function: &str, column: u32| {
        format!(
            r#"{{"code.file.path":"http://localhost:3378/spec/Utils.js","code.function.name":"{function}","code.line.number":92,"code.column.number":{column}}}"#
        )
    };
    check(
        r#""exception":{"message":"m","stackTrace":["InnerItem/this.throwX@http://localhost:3378/spec/Utils.js:92:9","b@http://localhost:3378/b.js:1:1"]}"#,
        &throw("InnerItem/this.throwX", 9),
    );
    check(
        r#""exception":{"message":"m","stackTrace":["Error: m","    at InnerItem.throwX (http://localhost:3378/spec/Utils.js:92:28)"]}"#,
        &throw("InnerItem.throwX", 28),
    );
    check(
        r#""exception":{"message":"m","stackTrace":["Error: m","   at throwX (http://localhost:3378/spec/Utils.js:92:9)"]}"#,
        &throw("throwX", 9),
    );
    // Another host with a port, https, a stack made by the agent.
    check(
        r#""exception":{"stackTrace":["main (https://h.test:8443/a.js:3:4)","t.recordException (https://h.test:8443/t.js:1:1)","t.createStackFromMessage (https://h.test:8443/t.js:1:2)"]}"#,
        r#"{"code.file.path":"https://h.test:8443/a.js","code.function.name":"main","code.line.number":3,"code.column.number":4}"#,
    );
    check(
        r#""exception":{"stackTrace":["    at Array.forEach (<anonymous>)","    at eval (eval at f (/x.js:1:1), <anonymous>:4:5)","    at f (/a.js:1:2)"]}"#,
        r#"{"code.file.path":"/a.js","code.function.name":"f","code.line.number":1,"code.column.number":2}"#,
    );
    // What the application says wins.
    check(
        r#""methodSourceInfo":{"class":"Cart","method":"add","line":"12","extra":1,"file":["x"]},"exception":{"stackTrace":["f@/a.js:1:2"]}"#,
        r#"{"methodSourceInfo":{"extra":1,"file":["x"]},"code.namespace":"Cart","code.function.name":"add","code.line.number":12}"#,
    );
    check(
        r#""methodSourceInfo":{"file":null,"line":0},"exception":{"stackTrace":["f@/a.js:1:2"]}"#,
        r#"{"code.file.path":"/a.js","code.function.name":"f","code.line.number":1,"code.column.number":2}"#,
    );
    check(r#""methodSourceInfo":"app.js""#, r#"{"methodSourceInfo":"app.js"}"#);
}

#[test]
fn reported_lines_win_in_the_same_file() {
    let check = |exception: &str, expected: &str| {
        let attributes = attributes(&format!(r#"{{"caption":"c","exception":{exception}}}"#));
        assert_eq!(attributes, expected, "{exception}");
    };
    let frame = r#""stackTrace":["f@/a.js:1:2"]"#;
    check(
        &format!(r#"{{"url":"/a.js","line":7,"column":8,{frame}}}"#),
        r#"{"code.file.path":"/a.js","code.function.name":"f","code.line.number":7,"code.column.number":8}"#,
    );
    check(
        &format!(r#"{{"line":7,{frame}}}"#),
        r#"{"code.file.path":"/a.js","code.function.name":"f","code.line.number":7}"#,
    );
    let of_frame =
        r#"{"code.file.path":"/a.js","code.function.name":"f","code.line.number":1,"code.column.number":2}"#;
    check(&format!(r#"{{"line":1,{frame}}}"#), of_frame);
    check(&format!(r#"{{"url":"/b.js","line":7,"column":8,{frame}}}"#), of_frame);
    check(
        r#"{"url":"/b.js","line":7,"column":8,"stackTrace":["/t.js:1:1","t.logError (/t.js:1:2)","t.getStackTrace (/t.js:1:3)"]}"#,
        r#"{"code.file.path":"/b.js","code.line.number":7,"code.column.number":8}"#,
    );
    check(r#"{"url":"/b.js","message":"m"}"#, "{}");
}

#[test]
fn dates_are_the_agents() {
    let check = |message: &str, expected: Option<&str>| {
        let time = event(message).time;
        let found = Some(time).filter(|&time| time != OBSERVED).map(|time| time.to_string());
        assert_eq!(found.as_deref(), expected, "{message}");
    };
    check(r#"{"timestamp":"2026-11-20T16:25:32.07+00:00"}"#, Some("2026-11-20T16:25:32.007Z"));
    check(r#"{"timeStamp":"2026-11-20T16:25:32+01:00"}"#, Some("2026-11-20T15:25:32Z"));
    check(r#"{"TIMESTAMP":"2026-11-20T16:25:32.804Z"}"#, Some("2026-11-20T16:25:32.804Z"));
    check(r#"{"timestamp":"yesterday"}"#, None);
    check(r#"{"caption":"c"}"#, None);
}

#[test]
fn sequences_are_whole_numbers() {
    let check = |sequence: &str, expected: Option<u64>, kept: &str| {
        let item = item(&format!(r#"{{"caption":"c","sequence":{sequence}}}"#));
        assert_eq!(item.sequence, expected, "{sequence}");
        assert_eq!(serde_json::to_string(&item.event.attributes).unwrap(), kept, "{sequence}");
    };
    check("0", Some(0), "{}");
    check("42", Some(42), "{}");
    check("42.0", Some(42), "{}");
    check(r#""42""#, Some(42), "{}");
    check("9007199254740992", Some(1 << 53), "{}");
    check("9007199254740993", None, r#"{"sequence":9007199254740993}"#);
    check("1e999", None, r#"{"sequence":"1e999"}"#);
    check("-1", None, r#"{"sequence":-1}"#);
    check("1.5", None, r#"{"sequence":1.5}"#);
    check(r#""x""#, None, r#"{"sequence":"x"}"#);
    check("[1]", None, r#"{"sequence":[1]}"#);
    check("null", None, "{}");
    check(r#""""#, None, "{}");
}

/// Headers and cookie, the message's own members, and what comes of them: the tab, the page load,
/// and the visit, with a star if it is the cookie's. A hyphen is none.
#[test]
fn ids_come_from_the_best_place() {
    fn present(text: &str) -> Option<&str> {
        Some(text).filter(|text| *text != "-")
    }
    let check = |agent: &str, session: &str, cookie: &str, members: &str, expected: [&str; 3]| {
        let request = Request {
            agent_session_id: present(agent),
            session_id: present(session),
            cookie: present(cookie),
            ..Request::default()
        };
        let item = item_with(&format!(r#"{{"caption":"c"{members}}}"#), &request);
        let visit = item.visit_id.map(|visit| visit.id + if visit.from_cookie { "*" } else { "" });
        let found = [item.agent_session_id, item.page_load_id, visit];
        assert_eq!(found.each_ref().map(Option::as_deref), expected.map(present), "{members}");
    };
    let own = r#","agentSessionId":"tab","sessionId":"load""#;
    check("-", "-", "-", "", ["-", "-", "-"]);
    check("head", "headload", "-", "", ["head", "headload", "headload"]);
    check("head", "headload", "cookie", own, ["tab", "load", "cookie*"]);
    check("-", "-", "-", own, ["tab", "load", "load"]);
    check("-", "-", "cookie", "", ["-", "-", "cookie*"]);
    check(
        "head",
        "headload",
        "null",
        r#","agentSessionId":"","sessionId":null"#,
        ["head", "headload", "headload"],
    );
    check("undefined", "null", "", r#","agentSessionId":"undefined","sessionId":" ""#, ["-", "-", "-"]);
    check("-", "123", "-", r#","sessionId":123"#, ["-", "123", "123"]);
    check("-", "headload", "a\nb", r#","agentSessionId":7,"sessionId":true"#, ["7", "headload", "headload"]);
    // An id of one's own that cannot be one is not replaced by another tab's.
    check("head", "headload", "-", r#","agentSessionId":"a\nb","sessionId":"c\nd""#, ["-", "-", "-"]);
}

#[test]
fn the_posting_tab_stands_in_for_a_missing_id() {
    let tab = |body: &str, request: &Request<'_>| decode(body, request).items[0].agent_session_id.clone();
    let body = r#"{"session":{"currentAgentSessionId":"current"},"logMessages":[{"caption":"c"}]}"#;
    assert_eq!(tab(body, &Request::default()).as_deref(), Some("current"));
    let request = Request { agent_session_id: Some("header"), ..Request::default() };
    assert_eq!(tab(body, &request).as_deref(), Some("header"));
}

#[test]
fn fingerprints_know_a_message_again() {
    let fingerprint = |message: &str| item(message).fingerprint;
    let sent =
        r#"{"caption":"c","timestamp":"2026-11-20T16:25:32.804+00:00","sequence":1,"agentSessionId":"a"}"#;
    let known = fingerprint(sent).unwrap();
    assert_eq!(u32::from_be_bytes(*known.first_chunk().unwrap()), 1_795_191_932);
    assert_eq!(Some(known), fingerprint(sent));
    let as_text = serde_json::to_string(sent).unwrap();
    assert_eq!(Some(known), fingerprint(&as_text), "the text of a message");
    assert_eq!(Some(known), decode(sent, &Request::default()).items[0].fingerprint, "a bare message");
    let twice = decode(&format!("[{sent} , {sent}]"), &Request::default());
    assert!(twice.items.iter().all(|item| item.fingerprint == Some(known)), "copies are duplicates");
    let of_other_tab = Request {
        agent_session_id: Some("other"),
        session_id: Some("other"),
        cookie: Some("other"),
        ..Request::default()
    };
    assert_eq!(Some(known), item_with(sent, &of_other_tab).fingerprint, "whoever sends it");
    for (part, other) in [("\"c\"", "\"d\""), ("804", "805"), (":1,", ":2,"), ("\"a\"", "\"b\"")] {
        assert_ne!(Some(known), fingerprint(&sent.replacen(part, other, 1)), "{part}");
    }

    let nameless = r#"{"caption":"c","sequence":1}"#;
    assert_ne!(fingerprint(nameless), item_with(nameless, &of_other_tab).fingerprint);
    assert_eq!(fingerprint(nameless).map(|bytes| bytes[..4].to_vec()), Some(vec![0; 4]));
    assert!(fingerprint(r#"{"caption":"c","timestamp":"2026-11-20T16:25:32Z"}"#).is_some());
    assert!(fingerprint(r#"{"caption":"c","timestamp":"yesterday"}"#).is_some());
    assert_eq!(fingerprint(r#"{"caption":"c"}"#), None);
    assert_eq!(fingerprint(r#"{"caption":"c","timestamp":"","sequence":null}"#), None);
    assert_eq!(fingerprint(r#""just text""#), None);
}

/// P1 to P15 of the reference's suite, as facts of our model: P5 and P6 are in `details_of_any_type`,
/// P13 to P15 are about a cache nobody reads.
#[test]
fn facts_of_the_reference_suite() {
    let request =
        Request { agent_session_id: Some("agent"), session_id: Some("context"), ..Request::default() };
    let p1 = item_with(r#"{"caption":"c","timeStamp":"2015-04-01T10:00:00+00:00","sequence":1}"#, &request);
    assert_eq!((p1.event.time.to_string().as_str(), p1.sequence), ("2015-04-01T10:00:00Z", Some(1)));
    let p2 = item_with(r#"{"caption":"c","sequence":1}"#, &request);
    assert_eq!((p2.event.time, p2.event.attributes.get("timestamp")), (OBSERVED, None));
    let p3 = item(r#"{"caption":"c","methodSourceInfo":{"file":"app.js","line":3,"column":5}}"#);
    assert_eq!(
        serde_json::to_string(&p3.event.attributes).unwrap(),
        r#"{"code.file.path":"app.js","code.line.number":3,"code.column.number":5}"#
    );
    let p4 = decode(
        r#"{"session":{"client":{"description":"Firefox 37.0 32-bit on Windows 8.1 64-bit","layout":"Gecko","manufacturer":null,
            "name":"Firefox","prerelease":null,"product":null,"ua":"Mozilla/5.0 Firefox/37.0","version":"37.0",
            "os":{"architecture":64,"family":"Windows","version":"8.1"},"size":{"width":1102,"height":873}}},
            "logMessages":[{"caption":"c"}]}"#,
        &request,
    );
    let property = |name: &str| {
        p4.items[0].properties.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    };
    assert_eq!(property("user_agent.name"), Some("Firefox"));
    assert_eq!(property("os.version"), Some("8.1"));
    assert_eq!(property("browser.window.height"), Some("873"));
    assert_eq!(property("device.manufacturer"), None);
    assert_eq!(p4.items[0].page_load_id.as_deref(), Some("context"), "P7, P8");
    let with_id = r#"{"caption":"c","sessionId":"session-123"}"#;
    assert_eq!(item(with_id).visit_id, Some(VisitId { id: "session-123".into(), from_cookie: false }), "P9");
    let p10 = item_with(with_id, &Request { cookie: Some("cookie"), ..request });
    assert_eq!(p10.page_load_id.as_deref(), Some("session-123"));
    assert_eq!(p10.event.attributes.get("session.id"), Some(&Value::Text("session-123".into())));
    let p11 = item(r#"{"caption":"c"}"#);
    assert_eq!((p11.page_load_id, p11.visit_id, p11.agent_session_id), (None, None, None));
    let p12 = item_with(
        r#"{"caption":"c","sessionId":"s","agentSessionId":"a","timeStamp":"2015-04-01T10:00:00Z","sequence":1,
            "methodSourceInfo":{"file":"app.js"},"details":"{\"k\":1}"}"#,
        &request,
    );
    assert_eq!(
        serde_json::to_string(&p12.event.attributes).unwrap(),
        r#"{"code.file.path":"app.js","details":{"k":1},"session.id":"s"}"#
    );
}

/// N1: what the newer receiver's suite posts.
#[test]
fn a_plain_message() {
    let decoded = decode(
        r#"{"session":{"client":{"description":"d","layout":"l","manufacturer":"m","name":"n","prerelease":"p","product":"q",
            "ua":"u","version":"v","os":{"architecture":1,"family":"f","version":"w"},"size":{"width":42,"height":54}},
            "currentAgentSessionId":"tab"},"logMessages":[{"severity":8,"category":"test","caption":"a caption",
            "description":"a description","parameters":null,"details":"{\"a\":1}","exception":null,"methodSourceInfo":null,
            "timeStamp":"2014-01-01T00:00:00+00:00","sequence":42,"agentSessionId":"tab","sessionId":"load"}]}"#,
        &Request::default(),
    );
    assert_eq!((decoded.items.len(), decoded.unreadable.len()), (1, 0));
    let Item { event, sequence, properties, .. } = &decoded.items[0];
    assert_eq!((event.kind.as_str(), event.severity.text()), ("log", "info"));
    assert_eq!(event.category.as_deref(), Some("test"));
    assert_eq!(event.body.as_deref(), Some("a caption\na description"));
    assert_eq!((event.exception.as_ref(), *sequence, properties.len()), (None, Some(42), 14));
}

#[test]
fn bodies_of_all_forms() {
    let check = |body: &str, bodies: &[&str], unreadable: &[&str]| {
        let decoded = decode(body, &Request::default());
        let found: Vec<&str> = decoded.items.iter().filter_map(|item| item.event.body.as_deref()).collect();
        assert_eq!(found, bodies, "{body}");
        assert_eq!(decoded.items.len(), bodies.len(), "{body}");
        let found: Vec<String> = decoded.unreadable.iter().map(ToString::to_string).collect();
        assert_eq!(found, unreadable, "{body}");
    };
    for nothing in
        ["", " \r\n", "\u{feff}", "null", "{}", "[]", r#"{"logMessages":null}"#, r#"{"logMessages":[]}"#]
    {
        check(nothing, &[], &[]);
    }
    check(r#"{"session":{"client":null}}"#, &[], &[]);
    check(r#"{"caption":"a","session":{}}"#, &["a"], &[]);
    check(r#"[{"caption":"a"},{"caption":"b"}]"#, &["a", "b"], &[]);
    check(r#"{"logMessages":{"caption":"a"}}"#, &["a"], &[]);
    check(r#"{"logMessages":"{\"caption\":\"a\"}"}"#, &["a"], &[]);
    check(
        r#"{"logMessages":["{\"caption\":\"a\"}",{"caption":"b"}," {\"caption\":\"c\"} "]}"#,
        &["a", "b", "c"],
        &[],
    );
    check(r#""{\"logMessages\":[{\"caption\":\"a\"}]}""#, &["a"], &[]);
    check(r#"["text","{broken",5,true,[1]]"#, &["text", "{broken", "5", "true", "[1]"], &[]);
    check(r#""text""#, &["text"], &[]);
    check(
        r#"[null,"",{},"null",{"a":null},"{}"]"#,
        &[],
        &[
            "element 0: expected a message, found null",
            "element 1: expected a message, found an empty text",
            "element 2: expected a message, found an empty object",
            "element 3: expected a message, found null",
            "element 4: expected a message, found an empty object",
            "element 5: expected a message, found an empty object",
        ],
    );
    check("hello", &[], &["element 0: expected a message, found no JSON of a message"]);
    check("5", &[], &["element 0: expected a message, found no JSON of a message"]);
    check("\"text", &[], &["element 0: expected a message, found a text that breaks off"]);
    check(
        r#"{"logMessages":[{"caption":"a"},{"caption":"b"#,
        &["a"],
        &["element 1, byte 32: expected whole JSON, found the end"],
    );
    check(
        r#"{"logMessages":[{"caption":"a"}],"session":{"#,
        &["a"],
        &["element 1, byte 43: expected whole JSON, found the end"],
    );
}

#[test]
fn odd_json_is_read() {
    let decoded = decode_log(
        b"{\"logMessages\":[{\"caption\":\"a\xff\"},{\"caption\":\"cut \\ud83d\",\"n\":1e999}]}",
        OBSERVED,
        &Request::default(),
    );
    let bodies: Vec<_> = decoded.items.iter().map(|item| item.event.body.as_deref().unwrap()).collect();
    assert_eq!(bodies, ["a\u{fffd}", "cut \u{fffd}"]);
    assert_eq!(decoded.items[1].event.attributes.get("n"), Some(&Value::Text("1e999".into())));

    let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
    for members in [
        format!(r#""details":{open}{close}"#),
        format!(r#""exception":{{"message":"m","x":{open}{close}}}"#),
        format!(r#""stackTrace":{open}{close}"#),
        format!(r#""parameters":{open}{close},"description":"{{0}}""#),
    ] {
        let event = event(&format!(r#"{{"caption":"c",{members}}}"#));
        let kept = format!("{:?} {:?}", event.attributes, event.exception);
        assert!(kept.len() > 15_000, "{}", &members[..20]);
    }
    let deep =
        format!(r#"{{"session":{{"x":{open}{close}}},"y":{open}{close},"logMessages":[{{"caption":"c"}}]}}"#);
    assert_eq!(decode(&deep, &Request::default()).items[0].event.attributes.0.len(), 2);
    let body = format!("{open}{close}");
    assert_eq!(decode(&body, &Request::default()).items[0].event.body.as_deref(), Some(&body[1..19_999]));
}

#[test]
fn what_a_post_says_besides_is_kept_once() {
    let body = r#"{"version":3,"user":null,"session":{"tab":"t","client":{"plugins":["p"]}},
        "logMessages":[{"caption":"a"},{"caption":"b"}]}"#;
    let decoded = decode(body, &Request::default());
    let attributes: Vec<String> =
        decoded.items.iter().map(|item| serde_json::to_string(&item.event.attributes).unwrap()).collect();
    assert_eq!(attributes, [r#"{"version":3,"session.tab":"t","session.client.plugins":["p"]}"#, "{}"]);
}

#[test]
fn only_so_many_are_taken() {
    let decoded = decode(&format!("[{}1]", "1,".repeat(ITEMS_MAX + 9)), &Request::default());
    assert_eq!(decoded.items.len(), ITEMS_MAX);
    assert_eq!(decoded.unreadable.iter().map(Unreadable::count).sum::<usize>(), 10);
}

#[test]
fn dense_messages_stay_text() {
    let pairs = |count: usize| vec!["{}"; count].join(",");
    let message = |number: u64, details: &str| {
        format!(
            r#"{{"caption":"message {number}","sequence":{number},"agentSessionId":"agent-1","details":{details}}}"#
        )
    };
    let list = format!("[{}]", pairs(150_000));
    let as_text = serde_json::to_string(&list).unwrap();
    let members: Vec<String> = (0..150_000).map(|number| format!(r#""m{number}":0"#)).collect();
    let wide = format!("{{{}}}", members.join(","));
    let body = format!(
        r#"{{"logMessages":[{},{},{},{wide},{}]}}"#,
        message(1, &list),
        message(2, &list),
        message(3, &as_text),
        message(4, r#"{"a":[1]}"#),
    );
    assert!(body.len() < BODY_BYTES_MAX);
    let decoded = decode_log(body.as_bytes(), Timestamp::default(), &Request::default());
    assert!(decoded.unreadable.is_empty());
    let details = |at: usize| decoded.items[at].event.attributes.get("details").unwrap();
    assert!(matches!(details(0), Value::List(values) if values.len() == 150_000), "the first fits");
    assert!(details(1).as_text() == Some(&list), "the second is kept as text");
    assert!(details(2).as_text() == Some(&list), "so is a text that holds as much");
    assert!(decoded.items[3].event.body.as_ref() == Some(&wide), "so is a message of too many members");
    assert!(matches!(details(4), Value::Map(_)), "what follows is read as ever");
    assert_eq!(decoded.items[1].sequence, Some(2));
    assert_eq!(decoded.items[4].event.body.as_deref(), Some("message 4"));
}
