//! What is left out of events of every form, and what is not.

use kymo_model::Timestamp;

use super::super::super::{Item, Submission, decode_events, decode_submit};
use super::*;

fn privacy(pairs: &[(&str, &str)]) -> Privacy {
    let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Privacy::of_settings(&pairs.collect())
}

fn without(exclusions: &str) -> Privacy {
    privacy(&[(DATA_EXCLUSIONS, exclusions)])
}

fn item(json: &str, privacy: &Privacy) -> Item {
    let client = Submission { privacy: Some(privacy), ..Submission::default() };
    let mut decoded = decode_events(json.as_bytes(), Timestamp::from_unix_nanos(5), &client);
    assert_eq!((decoded.items.len(), decoded.unreadable.len()), (1, 0), "{json}");
    decoded.items.remove(0)
}

fn check(privacy: &Privacy, json: &str, expected: &str) {
    let event = item(json, privacy).event;
    assert_eq!(serde_json::to_string(&event.attributes).unwrap(), expected, "{json}");
}

#[test]
fn settings_are_understood_or_keep_data_in() {
    assert!(privacy(&[]).keeps_all() && Privacy::default().keeps_all());
    assert!(privacy(&[("@@dataexclusions", "a"), ("@@log:*", "off")]).keeps_all());
    assert!(without(" , ").keeps_all());
    assert!(!without("a").keeps_all());
    for (text, expected) in [("true", true), (" TRUE ", true), ("false", false), ("no", false), ("", false)] {
        assert_eq!(privacy(&[(INCLUDE_PRIVATE, text)]).keeps_all(), expected, "{text}");
    }
}

#[test]
fn names_of_the_applications_data_are_left_out_on_every_level() {
    let secret = without("password,*token*");
    check(&secret, r#"{"password":1,"data":{"PassWord":2,"a":3}}"#, r#"{"a":3}"#);
    check(&secret, r#"{"a":{"b":[{"xTokenY":1,"c":[{"password":1}]},7]}}"#, r#"{"a":{"b":[{"c":[{}]},7]}}"#);
    check(&secret, r#"{"data":"{\"password\":1,\"b\":2}"}"#, r#"{"b":2}"#);
    check(&secret, r#"{"data":{" password ":1},"@own_token":1,"@ref:token":"r"}"#, r#"{"@ref:token":"r"}"#);
    check(
        &secret,
        r#"{"passwords":1,"data":{"a":"password=1","message":{"password":"x"}}}"#,
        r#"{"a":"password=1","message":{},"passwords":1}"#,
    );
    // An event's own fields have no names of the application's.
    check(
        &without("*"),
        r#"{"tags":["a"],"value":3,"a":1,"@version":"1","@submission_method":"m"}"#,
        r#"{"@version":"1","@submission_method":"m","@tags":["a"],"@value":3}"#,
    );
    let event = item(r#"{"type":"usage","source":"s","message":"m","@user":{"identity":"a","name":"b"},"reference_id":"12345678"}"#, &without("*")).event;
    assert_eq!(
        (event.kind.as_str(), event.category.as_deref(), event.body.as_deref()),
        ("usage", Some("s"), Some("m"))
    );
    assert_eq!(
        (event.user.unwrap().name.as_deref(), event.reference_id.as_deref()),
        (Some("b"), Some("12345678"))
    );
}

#[test]
fn known_objects_lose_the_applications_parts_only() {
    let secret = without("*name*,*data*,type,secret");
    check(
        &without("*name*,type,secret"),
        r#"{"@environment":{"o_s_name":"Linux","MachineName":"vm","data":{"hostname":"h","a":1},"own_name":2}}"#,
        r#"{"@environment":{"o_s_name":"Linux","MachineName":"vm","data":{"a":1}}}"#,
    );
    check(
        &secret,
        r#"{"@request":{"host":"h","headers":{"X-Secret":["1"],"secret":["2"]},"cookies":{"Secret":"1","b":"2"},
            "query_string":{"secret":"1"},"post_data":{"x":1},"data":{"a":1}}}"#,
        r#"{"@request":{"host":"h","headers":{"X-Secret":["1"]},"cookies":{"b":"2"},"query_string":{}}}"#,
    );
    check(
        &secret,
        r#"{"@user":{"identity":"a","name":"n","data":{"a":1},"secret":1,"plan":{"type":1,"b":2}}}"#,
        r#"{"@user":{"plan":{"b":2}}}"#,
    );
    check(
        &without("secret"),
        r#"{"@user_description":{"email_address":"e","description":"d","data":{"secret":1}},"@stack":{"title":"t","signature_data":{"secret":"1","a":"2"}}}"#,
        r#"{"@user_description":{"email_address":"e","description":"d","data":{}},"@stack":{"title":"t","signature_data":{"a":"2"}}}"#,
    );
    check(&secret, r#"{"@user":5,"_@request":{"secret":1,"a":2}}"#, r#"{"_@user":5,"_@request":{"a":2}}"#);
}

#[test]
fn errors_lose_the_applications_parts_only() {
    let json = r#"{"@error":{"type":"T","message":"m","code":"c","secret":1,
        "stack_trace":[{"name":"f","parameters":[{"name":"p","type":"s","data":{"secret":1,"b":2}}],"data":{"secret":1,"is_native":true}}],
        "data":{"@ext":{"secret":{"a":1},"kept":1}},"modules":[{"name":"mod","version":"1","data":{"secret":1}}],
        "inner":{"type":"I","message":"n","data":{"@ext":{"SECRET":1}},"stack_trace":[]}}}"#;
    let exception = item(json, &without("secret,na*,type")).event.exception.unwrap();
    let expected = r#"{"type":"T","message":"m","code":"c","frames":[{"function":"f","type":null,"file":null,"line":null,"column":null,
        "attributes":{"parameters":[{"name":"p","type":"s","data":{"b":2}}],"data":{"is_native":true}}}],"stack_text":null,
        "inner":{"type":"I","message":"n","code":null,"frames":[],"stack_text":null,"inner":null,"attributes":{"data":{"@ext":{}}}},
        "attributes":{"data":{"@ext":{"kept":1}},"modules":[{"name":"mod","version":"1","data":{}}]}}"#;
    let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
    assert_eq!(serde_json::to_value(&exception).unwrap(), expected);
    let simple = r#"{"@simple_error":{"message":"m","stack_trace":"at f","data":{"secret":1,"b":2}}}"#;
    let exception = item(simple, &without("secret,m*")).event.exception.unwrap();
    assert_eq!((exception.message.as_deref(), exception.stack_text.as_deref()), (Some("m"), Some("at f")));
    assert_eq!(serde_json::to_string(&exception.attributes).unwrap(), r#"{"data":{"b":2}}"#);
}

#[test]
fn what_was_posted_or_asked_for_is_read_as_text_too() {
    let check = |post: &str, expected: &str| {
        let json = format!(
            r#"{{"@request":{{"post_data":{},"query_string":"{}"}}}}"#,
            serde_json::json!(post),
            "a=1"
        );
        let event = item(&json, &without("password,*token*")).event;
        let request = event.attributes.get("@request").unwrap();
        assert_eq!(request.get("post_data").unwrap().as_text(), Some(expected), "{post}");
    };
    check("user=ann&password=x&a=1", "user=ann&a=1");
    check("password=x", "");
    check("my%54oken=x&a=%20", "a=%20");
    check("a=1&b=2&&", "a=1&b=2&&");
    check("password", "password");
    check(r#"{"password":"x","a": [{"token":1}]}"#, r#"{"a":[{}]}"#);
    check(r#"{"a": 1 }"#, r#"{"a": 1 }"#);
    check(r#"[{"password":1},"#, r#"[{"password":1},"#);
}

#[test]
fn addresses_lose_what_their_query_says() {
    let json = r#"{"@request":{"host":"a.test","is_secure":true,"path":"/p?token=1&b=2","referrer":"https://b.test/?token=1"}}"#;
    let found = item(json, &without("token"));
    assert_eq!(found.properties, [("url.full".to_owned(), "https://a.test/p?b=2".to_owned())]);
    let request = found.event.attributes.get("@request").unwrap();
    assert_eq!(request.get("referrer").unwrap().as_text(), Some("https://b.test/"));
    let found = item(json, &privacy(&[(INCLUDE_PRIVATE, "false")]));
    assert_eq!(found.properties, [("url.full".to_owned(), "https://a.test/p".to_owned())]);
}

#[test]
fn properties_of_the_session_are_made_of_what_is_left() {
    let json = r#"{"region":"eu","card":"4711","@environment":{"machine_name":"vm","o_s_name":"Linux"}}"#;
    let names = |item: Item| item.properties.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(item(json, &without("card"))), ["region", "host.name", "os.name"]);
    assert_eq!(names(item(json, &privacy(&[(INCLUDE_PRIVATE, "false")]))), ["region", "card", "os.name"]);
    let private = privacy(&[(INCLUDE_PRIVATE, "false")]);
    let client = Submission { client: None, ip: Some("192.0.2.1".into()), privacy: Some(&private) };
    let decoded = decode_events(b"line", Timestamp::from_unix_nanos(5), &client);
    assert_eq!(decoded.items[0].properties, []);
}

#[test]
fn without_private_information_the_user_groups_and_is_not_shown() {
    let private = privacy(&[(INCLUDE_PRIVATE, "false")]);
    let json = r#"{"type":"error","@user":{"identity":"ann","name":"Ann","data":{"plan":1}},"_@user":{"identity":"ann"},
        "data":{"@user":"{\"identity\":\"bob\"}","@user2":1,
        "@request":{"client_ip_address":"192.0.2.1","cookies":{"a":"1"},"query_string":{"a":"1"},"post_data":"a=1",
            "headers":{"Cookie":["a=1"],"X-Forwarded-For":["192.0.2.1"]},"host":"h","user_agent":"UA"},
        "@environment":{"machine_name":"vm","ip_address":"192.0.2.1","o_s_name":"Linux","command_line":"kept"},
        "@user_description":{"email_address":"ann@a.test","description":"it broke"}}}"#;
    let found = item(json, &private);
    assert_eq!((found.identity.as_deref(), &found.event.user), (Some("bob"), &None));
    assert_eq!(
        serde_json::to_string(&found.event.attributes).unwrap(),
        r#"{"@request":{"host":"h","user_agent":"UA"},"@environment":{"o_s_name":"Linux","command_line":"kept"},"@user_description":{"description":"it broke"}}"#
    );
    // Whatever form it comes in.
    for json in [
        r#"{"@user":"ann"}"#,
        r#"{"@user":["ann"]}"#,
        r#"{"data":{"@user":{"identity":"a"},"@user":{"identity":"ann"}}}"#,
        r#"{"data":{"@environment":"{\"MachineName\":\"ann\",\"ipAddress\":\"ann\"}"}}"#,
        r#"{"@request":{"PostData":"ann","Cookies":{"ann":"1"},"QueryString":{"q":"ann"},"path":"?ann"}}"#,
        r#"{"@user_description":"ann@a.test"}"#,
    ] {
        let found = item(json, &private);
        assert!(!format!("{:?} {:?}", found.event, found.properties).contains("ann"), "{json}: {found:?}");
    }
}

#[test]
fn single_events_are_filtered_as_well() {
    let submit = |privacy: &Privacy| {
        let client = Submission { privacy: Some(privacy), ..Submission::default() };
        let query = "message=m&identity=ann&Password=x&a=1&a=2";
        decode_submit(query, None, Timestamp::from_unix_nanos(0), &client).unwrap()
    };
    let found = submit(&without("password"));
    assert_eq!(serde_json::to_string(&found.event.attributes).unwrap(), r#"{"a":["1","2"]}"#);
    let found = submit(&privacy(&[(INCLUDE_PRIVATE, "false")]));
    assert_eq!((found.identity.as_deref(), found.event.user), (Some("ann"), None));
}

#[test]
fn settings_do_not_change_by_what_an_event_is_known_again() {
    let json = r#"{"date":"2026-11-20T12:00:00Z","password":"x","@user":{"identity":"ann"}}"#;
    let fingerprint = |privacy: &Privacy| item(json, privacy).fingerprint;
    let kept = fingerprint(&Privacy::default());
    assert!(kept.is_some());
    assert_eq!(fingerprint(&without("*")), kept);
    assert_eq!(fingerprint(&privacy(&[(INCLUDE_PRIVATE, "false")])), kept);
}
