//! What the door of Loupe's agents in pages is sent. These agents drop what they sent on any answer but 200 to
//! 204 and 401, so there is no other one here, and what cannot be taken finds the connection closed.

use std::collections::BTreeSet;

use kymo_testkit::Kymo;

use super::bytes::{deep, deflate, gzip, gzip_of_zeros, utf16};
use super::heads::{self, Door};
use super::words::{ANY_VALUE, DATES, HOSTILE};
use super::{MARK_HERE, Rows, check, quoted};
use crate::KYMO;

/// Refused posts are held for some seconds: as many at once as there may be.
const HELD_AT_ONCE: usize = 64;

/// Names that mean something to the decoder.
const NAMES: [&str; 34] = [
    "logMessages",
    "session",
    "client",
    "os",
    "size",
    "currentAgentSessionId",
    "severity",
    "category",
    "caption",
    "Caption",
    "description",
    "parameters",
    "exception",
    "message",
    "cause",
    "stackTrace",
    "url",
    "line",
    "column",
    "details",
    "methodSourceInfo",
    "file",
    "method",
    "timestamp",
    "timeStamp",
    "sequence",
    "agentSessionId",
    "sessionId",
    "ua",
    "width",
    "name",
    "id",
    "__proto__",
    "",
];

#[test]
fn loupe_door() {
    let mut kymo = Kymo::with_project(KYMO);
    let mut rows = Rows::default();
    let post = format!("POST /in/{}/loupe/log HTTP/1.1\n", kymo.ingest_token);
    nesting(&mut rows, &post, 1_000_000, &["details"]);
    let large = rows.0.len();
    let places =
        ["details", "caption", "parameters", "exception", "timestamp", "sequence", "sessionId", "own"];
    nesting(&mut rows, &post, 10_000, &places);
    json(&mut rows, &post);
    text(&mut rows, &post);
    encodings(&mut rows, &post);
    values(&mut rows, &post);
    ids(&mut rows, &post);
    tokens(&mut rows, &kymo.ingest_token);
    let host = kymo.url().trim_start_matches("http://").to_owned();
    let door = Door {
        line: "POST /loupe/log",
        token: &kymo.ingest_token,
        host: &host,
        body: message,
        taken: 204,
        empty: 204,
        broken: None,
        other_host: 401,
    };
    heads::rows(&mut rows, &door);
    check(&rows.0, large, &mut kymo, HELD_AT_ONCE);
    let tabs: BTreeSet<String> = kymo
        .sessions()
        .iter()
        .filter_map(|session| Some(session["external_id"].as_str()?.to_owned()))
        .collect();
    assert!(tabs.contains("tab-of-hostile-visits"), "{tabs:?}");
}

/// A post of one message.
fn message(caption: &str) -> String {
    format!(r#"{{"logMessages":[{{"caption":{}}}],"session":null}}"#, quoted(caption))
}

/// A post of a good message and these.
fn beside(mark: &str, messages: &str) -> Vec<u8> {
    format!(r#"{{"logMessages":[{{"caption":"{mark}"}},{messages}],"session":null}}"#).into_bytes()
}

fn json(rows: &mut Rows, post: &str) {
    let mut row = |name: &str, keeps: usize, body: &dyn Fn(&str) -> Vec<u8>| {
        rows.request(name, post, body, (Some(204), keeps));
    };
    let whole_before_a_break = [
        ("a message is cut", r#"{"logMessages":[{"caption":"@mark"},{"cap"#, 1),
        ("the list is cut", r#"{"logMessages":[{"caption":"@mark"}"#, 1),
        ("the session is cut", r#"{"logMessages":[{"caption":"@mark"}],"session":{"#, 1),
        ("more behind the end", r#"{"logMessages":[{"caption":"@mark"}]} x"#, 1),
        ("two posts", r#"{"logMessages":[{"caption":"@mark"}]}{"logMessages":[]}"#, 1),
        ("a comma too many", r#"{"logMessages":[{"caption":"@mark"},]}"#, 1),
        ("a bare list", r#"[{"caption":"@mark"}]"#, 1),
        ("a bare message", r#"{"caption":"@mark"}"#, 1),
        ("messages as text", r#"{"logMessages":["{\"caption\":\"@mark\"}","{\"cap"]}"#, 1),
        ("the post as text", r#""{\"logMessages\":[{\"caption\":\"@mark\"}]}""#, 1),
        ("the list twice", r#"{"logMessages":[{"caption":"@mark"}],"logMessages":[1]}"#, 1),
        ("a list in a list", r#"{"logMessages":[[{"caption":"@mark"}]]}"#, 1),
        ("a string is cut", r#"{"logMessages":[{"caption":"@mark"#, 0),
        ("single quotes", "{'logMessages':[{'caption':'@mark'}]}", 0),
    ];
    for (name, text, keeps) in whole_before_a_break {
        row(name, keeps, &|mark| text.replace(MARK_HERE, mark).into_bytes());
    }
    for text in [
        "{",
        "[",
        "]",
        "\"",
        ",",
        "nul",
        "{}",
        "[]",
        "\"\"",
        "null",
        "[null]",
        "   \r\n\t ",
        "\u{feff}",
        "17",
    ] {
        row(text, 0, &|_| text.as_bytes().to_vec());
    }
    row("10,000 times the same member", 1, &|mark| {
        beside(mark, &format!("{{{}\"a\":0}}", "\"a\":1,".repeat(10_000)))
    });
    row("100,000 members", 1, &|mark| {
        let members: Vec<String> = (0..100_000).map(|number| format!("\"{number}\":0")).collect();
        beside(mark, &format!("{{{}}}", members.join(",")))
    });
    row("deep JSON in a text", 1, &|mark| {
        let text = quoted(&format!("{{\"details\":{}}}", deep(100_000, "[")));
        beside(mark, &format!("{text},{{\"details\":{text}}}"))
    });
}

fn nesting(rows: &mut Rows, post: &str, depth: usize, places: &[&str]) {
    for opening in ["[", "{\"a\":"] {
        let nest = deep(depth, opening);
        let mut row = |place: &str, body: &dyn Fn(&str) -> Vec<u8>| {
            rows.request(format!("{opening} {depth} deep, {place}"), post, body, (Some(204), 1));
        };
        row("as a message", &|mark| beside(mark, &nest));
        row("as the session", &|mark| {
            format!(r#"{{"logMessages":[{{"caption":"{mark}"}}],"session":{nest}}}"#).into_bytes()
        });
        row("never closed", &|mark| {
            format!(r#"{{"logMessages":[{{"caption":"{mark}"}},{}"#, opening.repeat(depth)).into_bytes()
        });
        for place in places {
            row(place, &|mark| beside(mark, &format!("{{\"{place}\":{nest}}}")));
        }
    }
}

fn text(rows: &mut Rows, post: &str) {
    let mut row = |name: &str, content_type: &str, keeps: usize, body: &dyn Fn(&str) -> Vec<u8>| {
        rows.request(name, &format!("{post}content-type: {content_type}"), body, (Some(204), keeps));
    };
    let json = "application/json";
    row("bytes that are no UTF-8 in a text", json, 1, &|mark| {
        [b"[{\"caption\":\"", mark.as_bytes(), b" \xff\xfe\x80 \xc0\xaf \xed\xa0\x80\"}]"].concat()
    });
    row("bytes that are no UTF-8 in a name", json, 1, &|mark| {
        [b"[{\"\xff\":1,\"caption\":\"", mark.as_bytes(), b"\"}]"].concat()
    });
    row("nothing but such bytes", json, 0, &|_| vec![0xff; 1000]);
    row("nothing but NUL", json, 0, &|_| vec![0; 1000]);
    row("a byte-order mark", json, 1, &|mark| format!("\u{feff}{}", message(mark)).into_bytes());
    // These agents post UTF-8, whatever is said: UTF-16 is no JSON there.
    row("UTF-16, said so", "application/json; charset=utf-16le", 0, &|mark| {
        utf16(&message(mark), u16::to_le_bytes)
    });
    for content_type in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "../../etc/passwd",
        "text/plain; charset=klingon",
        "text/plain; \u{e9}=\u{20ac}",
    ] {
        row(&format!("type {content_type}"), content_type, 1, &|mark| message(mark).into_bytes());
    }
}

fn encodings(rows: &mut Rows, post: &str) {
    for encoding in ["br", "zstd", "compress", "gzip, gzip", "deflate, gzip", "gzip;q=1", "\u{e9}", "../gzip"]
    {
        let head = format!("{post}content-encoding: {encoding}");
        rows.request(format!("encoding {encoding}"), &head, |mark| message(mark).into_bytes(), (None, 0));
    }
    let mut row = |name: &str, encoding: &str, expected, body: &dyn Fn(&[u8]) -> Vec<u8>| {
        let head = format!("{post}content-encoding: {encoding}");
        rows.request(name, &head, |mark| body(message(mark).as_bytes()), expected);
    };
    row("gzip", "gzip", (Some(204), 1), &gzip);
    row("deflate", "deflate", (Some(204), 1), &deflate);
    row("no gzip", "gzip", (None, 0), &<[u8]>::to_vec);
    row("no deflate", "deflate", (None, 0), &|_| vec![0xff; 100]);
    row("gzip that is cut", "gzip", (None, 0), &|message| {
        let mut bytes = gzip(message);
        bytes.truncate(bytes.len() - 3);
        bytes
    });
    row("gzip in gzip, said once", "gzip", (Some(204), 0), &|message| gzip(&gzip(message)));
    row("deflate in deflate in deflate, said once", "deflate", (Some(204), 0), &|message| {
        deflate(&deflate(&deflate(message)))
    });
    row("1 GB of zeros", "gzip", (None, 0), &|_| gzip_of_zeros(1024));
    row("1 GB of zeros in gzip in gzip", "gzip", (None, 0), &|_| gzip(&gzip_of_zeros(1024)));
}

fn values(rows: &mut Rows, post: &str) {
    for name in NAMES {
        let member = |value: &&str| format!("{}:{value}", quoted(name));
        let body = |mark: &str| {
            let places = ["{@}", "{\"exception\":{@}}", "{\"methodSourceInfo\":{@}}", "{\"details\":{@}}"];
            let messages: Vec<String> = places
                .iter()
                .flat_map(|place| ANY_VALUE.iter().map(move |value| place.replace('@', &member(value))))
                .collect();
            beside(mark, &messages.join(","))
        };
        rows.request(format!("{name:?} of any type"), post, body, (Some(204), 1));
    }
    for value in ANY_VALUE {
        for place in ["{@}", "{\"client\":{@}}", "{\"client\":{\"os\":{@}}}", "{\"client\":{\"size\":{@}}}"] {
            let members: Vec<String> =
                NAMES[1..].iter().map(|name| format!("{}:{value}", quoted(name))).collect();
            let session = place.replace('@', &members.join(","));
            let body =
                |mark: &str| format!(r#"{{"session":{session},"logMessages":[{{"caption":"{mark}"}}]}}"#);
            let expected = (Some(204), 1);
            rows.request(
                format!("all of {value} in the session {place}"),
                post,
                |mark| body(mark).into_bytes(),
                expected,
            );
        }
    }
    for date in DATES {
        let number = date.replace(|c: char| !c.is_ascii_digit(), "");
        for date in [quoted(date), format!("1{number}")] {
            let body = |mark: &str| format!("[{{\"caption\":\"{mark}\",\"timestamp\":{date}}}]").into_bytes();
            rows.request(format!("date {date}"), post, body, (Some(204), 1));
        }
    }
}

fn ids(rows: &mut Rows, post: &str) {
    let megabyte = "x".repeat(1_000_000);
    for id in HOSTILE.into_iter().chain([megabyte.as_str(), " ", ""]) {
        let name: String = id.chars().take(40).collect();
        let written = quoted(id);
        let mut row = |place: &str, head: &str, members: &str| {
            let body = |mark: &str| {
                format!(r#"{{"logMessages":[{{"caption":"{mark}",{members}}}],"session":{{"currentAgentSessionId":{written}}}}}"#)
                    .into_bytes()
            };
            rows.request(format!("{place} {name:?}"), head, body, (Some(204), 1));
        };
        row("agent's id", post, &format!("\"agentSessionId\":{written},\"sequence\":1"));
        row(
            "page load's id",
            post,
            &format!("\"agentSessionId\":\"tab-of-hostile-visits\",\"sessionId\":{written}"),
        );
        row("category and names", post, &format!("\"category\":{written},{written}:{written}"));
        // In a head nothing but visible characters arrives.
        let visible: String = id.chars().filter(|c| !c.is_ascii_control()).take(50_000).collect();
        row("agent's id in the head", &format!("{post}loupe-agent-sessionid: {visible}"), "\"sequence\":1");
        row("page load's id in the head", &format!("{post}loupesessionid: {visible}"), "\"sequence\":1");
        row("cookie", &format!("{post}cookie: LoupeSessionId={visible}; LoupeSessionId"), "\"sequence\":1");
    }
}

fn tokens(rows: &mut Rows, token: &str) {
    for path in [
        "/in/..%2F..%2Fetc%2Fpasswd/loupe/log".to_owned(),
        "/in/%00/loupe/log".to_owned(),
        "/in/%ff%fe/loupe/log".to_owned(),
        "/in/%F0%9F%92%A9/Loupe/Log/".to_owned(),
        "/in/'%20OR%201=1/loupe/log".to_owned(),
        "/in/./loupe/log".to_owned(),
        "/in/../loupe/log".to_owned(),
        "/in//loupe/log".to_owned(),
        format!("/in/{}/loupe/log", "x".repeat(60_000)),
        format!("/in/{token}x/loupe/log"),
        format!("/in/{token}%00/loupe/log"),
        "/loupe/log?access_token=%00%ff".to_owned(),
        "/loupe/log".to_owned(),
    ] {
        let name: String = path.chars().take(60).collect();
        let head = format!("POST {path} HTTP/1.1");
        rows.request(name, &head, |mark| message(mark).into_bytes(), (Some(401), 0));
    }
    for authorization in
        ["Bearer ../../../../etc/passwd", "Bearer \u{e9}\u{20ac}", "Basic !!!!", "Bearer", "Digest x"]
    {
        let head = format!("POST /loupe/log HTTP/1.1\nauthorization: {authorization}");
        rows.request(authorization, &head, |mark| message(mark).into_bytes(), (Some(401), 0));
    }
}
