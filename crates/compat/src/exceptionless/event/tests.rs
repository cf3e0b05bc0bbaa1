//! Events of every form a client has been seen to send.

use kymo_model::{Attributes, Timestamp};

use super::super::{Submission, decode_events};
use super::*;

fn item(json: &str) -> Item {
    let client = Submission { client: Some("exceptionless-js/3.2.1"), ..Submission::default() };
    let mut decoded = decode_events(json.as_bytes(), Timestamp::from_unix_nanos(5), &client);
    assert_eq!((decoded.items.len(), decoded.unreadable.len()), (1, 0), "{json}");
    decoded.items.remove(0)
}

fn attributes(json: &str) -> String {
    serde_json::to_string(&item(json).event.attributes).unwrap()
}

#[test]
fn attributes_keep_what_has_no_other_place() {
    let check = |json: &str, expected: &str| assert_eq!(attributes(json), expected, "{json}");
    check(r#"{"foo":1,"Bar":{"x":true}}"#, r#"{"foo":1,"Bar":{"x":true}}"#);
    check(r#"{"data":{"b":1,"a":null,"@version":"2"}}"#, r#"{"b":1,"a":null,"@version":"2"}"#);
    check(r#"{"data":{"a":1},"a":2,"A":3}"#, r#"{"a":1,"a1":2,"A":3}"#);
    check(r#"{"data":{"a":1,"a1":0},"a":2}"#, r#"{"a":1,"a1":0,"a2":2}"#);
    check(r#"{"data":{"@x":1},"@x":2}"#, r#"{"@x":1,"_@x":2}"#);
    check(r#"{"data":{"@x":1,"_@x":0},"@x":2}"#, r#"{"@x":1,"_@x":0,"_@x1":2}"#);
    check(r#"{"data":{"@user":5}}"#, r#"{"_@user":5}"#);
    check(r#"{"data":{"@user":"[1]"}}"#, r#"{"_@user":"[1]"}"#);
    check(r#"{"data":{"@user":null,"@environment":{}}}"#, "{}");
    check(r#"{"data":{"@environment":"{\"a\":1}"}}"#, r#"{"@environment":{"a":1}}"#);
    check(r#"{"data":"{\"a\":1}"}"#, r#"{"a":1}"#);
    check(r#"{"data":"text"}"#, r#"{"data":"text"}"#);
    check(r#"{"data":[1]}"#, r#"{"data":[1]}"#);
    check(r#"{"data":{"@user":{"identity":"a","data":{},"plan":7}}}"#, r#"{"@user":{"plan":7}}"#);
    check(r#"{"data":{"@user":{"identity":"a","data":{"k":1}}}}"#, r#"{"@user":{"data":{"k":1}}}"#);
    check(r#"{"data":{"@submission_client":{"ip_address":"1.2.3.4"}}}"#, "{}");
    check(r#"{"tags":["a",1,null,{"x":1}]}"#, r#"{"@tags":["a","1",{"x":1}]}"#);
    check(r#"{"tags":"one"}"#, r#"{"@tags":["one"]}"#);
    check(r#"{"tags":[]}"#, "{}");
    check(r#"{"value":12.5,"geo":"1,2","count":4}"#, r#"{"@value":12.5,"@geo":"1,2","@count":4}"#);
    check(r#"{"message":{"a":1},"source":[],"type":null}"#, r#"{"message":{"a":1}}"#);
    check(r#"{"date":"yesterday"}"#, r#"{"@date":"yesterday"}"#);
    check(r#"{"date":"0001-01-01T00:00:00"}"#, r#"{"@date":"0001-01-01T00:00:00"}"#);
    check(r#"{"date":17}"#, r#"{"@date":17}"#);
    check(r#"{"reference_id":"ab"}"#, r#"{"@invalid_reference_id":"ab"}"#);
    check(r#"{"id":"ab"}"#, r#"{"@invalid_reference_id":"ab"}"#);
    check(r#"{"id":"12345678","reference_id":"abcdefgh"}"#, r#"{"@id":"12345678"}"#);
    check(r#"{"stack_id":"s"}"#, r#"{"@stack_id":"s"}"#);
    check(r#"{"@level":"audit"}"#, r#"{"@level":"audit"}"#);
    check(r#"{"@level":"Warning"}"#, "{}");
    check(
        r#"{"@error":{"message":"a"},"@simple_error":{"message":"b"}}"#,
        r#"{"@simple_error":{"message":"b"}}"#,
    );
}

#[test]
fn many_equal_names_take_linear_time() {
    let properties: Vec<String> = (0..100_000).map(|n| format!(r#""a":{n}"#)).collect();
    let item = item(&format!("{{{}}}", properties.join(",")));
    assert_eq!(item.event.attributes.0.len(), 100_000);
}

#[test]
fn kinds_and_severities() {
    let check = |json: &str, expected: (&str, &str)| {
        let event = item(json).event;
        assert_eq!((event.kind.as_str(), event.severity.text()), expected, "{json}");
    };
    check(r#"{"type":"log"}"#, ("log", "info"));
    check(r#"{"type":"log","@level":"FATAL"}"#, ("log", "fatal"));
    check(r#"{"type":"error"}"#, ("error", "error"));
    check(r#"{"type":"error","tags":["x","CRITICAL"]}"#, ("error", "fatal"));
    check(r#"{"type":"error","@level":"warn","tags":["Critical"]}"#, ("error", "warn"));
    check(r#"{"type":"error","@level":"audit"}"#, ("error", "error"));
    check(r#"{"type":"usage"}"#, ("usage", "info"));
    check(r#"{"type":"404"}"#, ("not_found", "warn"));
    check(r#"{"type":404}"#, ("not_found", "warn"));
    check(r#"{"type":"session"}"#, ("session.start", "info"));
    check(r#"{"type":"sessionend"}"#, ("session.end", "info"));
    check(r#"{"type":"heartbeat"}"#, ("heartbeat", "info"));
    check(r#"{"type":"Log"}"#, ("Log", "info"));
    check(r#"{"type":" "}"#, ("log", "info"));
    check(r#"{"@error":{"message":"x"}}"#, ("error", "error"));
    check(r#"{"@simple_error":{"message":"x"}}"#, ("error", "error"));
    check(r#"{"@error":5}"#, ("log", "info"));
    check(r#"{"type":"log","@error":{"message":"x"}}"#, ("log", "info"));
}

#[test]
fn texts_come_from_the_best_place() {
    let check = |json: &str, expected: Option<&str>| {
        assert_eq!(item(json).event.body.as_deref(), expected, "{json}");
    };
    check(r#"{"message":"m","@error":{"message":"e"}}"#, Some("m"));
    check(r#"{"message":"","@error":{"message":"e"}}"#, Some("e"));
    check(r#"{"@error":{"message":"","inner":{"message":"i"}}}"#, Some("i"));
    check(r#"{"message":5}"#, Some("5"));
    check(r#"{"type":"usage"}"#, None);
    let long = "x".repeat(5000);
    check(&format!(r#"{{"message":"{long}"}}"#), Some(&long));
}

#[test]
fn users_are_read() {
    let check = |json: &str, expected: Option<(Option<&str>, Option<&str>)>| {
        let user = item(json).event.user;
        let found = user.as_ref().map(|user| (user.id.as_deref(), user.name.as_deref()));
        assert_eq!(found, expected, "{json}");
    };
    check(r#"{"@user":{"identity":"a","name":null}}"#, Some((Some("a"), None)));
    check(r#"{"@user":{"Identity":7,"Name":"N"}}"#, Some((Some("7"), Some("N"))));
    check(r#"{"@user":{"identity":"  ","name":""}}"#, None);
    check(r#"{"data":{"@user":"{\"identity\":\"s\"}"}}"#, Some((Some("s"), None)));
    check(r#"{"data":{"@user":5}}"#, None);
    check(r#"{"data":{"@user":{"identity":"a"}},"@user":{"identity":"b"}}"#, Some((Some("a"), None)));
}

#[test]
fn ids_tie_events_to_sessions() {
    let check = |json: &str, expected: (Option<&str>, Option<&str>)| {
        let item = item(json);
        assert_eq!((item.session_id.as_deref(), item.event.reference_id.as_deref()), expected, "{json}");
    };
    check(r#"{"type":"session","reference_id":"sess-0001"}"#, (Some("sess-0001"), Some("sess-0001")));
    check(r#"{"type":"session","data":{"@ref:session":"sess-0001"}}"#, (None, None));
    check(r#"{"type":"log","data":{"@ref:session":"sess-0001"}}"#, (Some("sess-0001"), None));
    check(r#"{"@ref:session":"sess-0001"}"#, (Some("sess-0001"), None));
    check(r#"{"type":"session","reference_id":"short"}"#, (None, None));
    check(r#"{"data":{"@ref:session":"short"}}"#, (None, None));
    check(r#"{"data":{"@ref:session":12345678}}"#, (None, None));
    check(r#"{"id":"12345678"}"#, (None, Some("12345678")));
    check(r#"{"session_id":"sess-0001"}"#, (None, None));
}

#[test]
fn fingerprints_need_a_date_or_an_id() {
    let check = |json: &str, expected: Option<u32>| {
        let seconds = item(json).fingerprint.map(|bytes| u32::from_be_bytes(*bytes.first_chunk().unwrap()));
        assert_eq!(seconds, expected, "{json}");
    };
    check(r#"{"date":"2026-11-20T12:00:00Z"}"#, Some(1_795_176_000));
    check(r#"{"date":"2026-11-20T12:00:00Z","reference_id":"abcdefgh"}"#, Some(1_795_176_000));
    check(r#"{"date":"1969-12-31T23:59:59.5Z"}"#, Some(u32::MAX));
    check(r#"{"date":"0001-01-01T00:00:00"}"#, Some(0));
    check(r#"{"reference_id":"abcdefgh"}"#, Some(0));
    check(r#"{"reference_id":"short"}"#, None);
    check(r#"{"message":"m"}"#, None);
    check(r#"{"date":null}"#, None);
}

#[test]
fn properties_tell_of_the_session() {
    let check = |json: &str, expected: &[(&str, &str)]| {
        let item = item(json);
        let found: Vec<(&str, &str)> =
            item.properties.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(found[0], ("telemetry.sdk", "exceptionless-js/3.2.1"));
        assert_eq!(&found[1..], expected, "{json}");
    };
    check(
        r#"{"data":{"@version":"1.2.3","region":"eu","n":3,"long":[1],"@environment":{"process_name":"node",
            "process_id":"154","architecture":"x64","o_s_name":"Linux","o_s_version":"6","runtime_version":"v20",
            "machine_name":"vm","thread_id":"","data":{}}}}"#,
        &[
            ("service.version", "1.2.3"),
            ("region", "eu"),
            ("n", "3"),
            ("process.command", "node"),
            ("process.pid", "154"),
            ("host.arch", "x64"),
            ("os.name", "Linux"),
            ("os.version", "6"),
            ("process.runtime.version", "v20"),
            ("host.name", "vm"),
        ],
    );
    check(
        r#"{"@request":{"user_agent":"UA","is_secure":true,"host":"a.test","port":8443,"path":"/p"}}"#,
        &[("user_agent.original", "UA"), ("url.full", "https://a.test:8443/p")],
    );
    check(r#"{"@ref:order":"o-1","@submission_method":"onerror","data":{"@user":5}}"#, &[]);
}

#[test]
fn what_our_reader_refuses_is_still_an_event() {
    let deep = format!(r#"{{"message":"deep","a":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    assert_eq!(item(&deep).event.body.as_deref(), Some("deep"));
    let cut = item(r#"{"message":"cut \ud83d","data":{"n":1e999}}"#).event;
    assert_eq!(cut.body.as_deref(), Some("cut \u{fffd}"));
    assert_eq!(cut.attributes, Attributes(vec![("n".into(), Value::Text("1e999".into()))]));
}
