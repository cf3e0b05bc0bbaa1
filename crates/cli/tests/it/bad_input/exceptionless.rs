//! What the Exceptionless door is sent: events, single events by GET, heartbeats, descriptions.

use std::collections::BTreeSet;

use kymo_testkit::Kymo;

use super::bytes::{deep, deflate, gzip, gzip_of_list, gzip_of_zeros, utf16};
use super::heads::{self, Door};
use super::words::{ANY_VALUE, DATES, HOSTILE};
use super::{AT_ONCE, MARK_HERE, Rows, check, quoted};
use crate::KYMO;

/// Names that mean something to the decoder.
const NAMES: [&str; 30] = [
    "type",
    "source",
    "date",
    "tags",
    "message",
    "geo",
    "value",
    "count",
    "reference_id",
    "data",
    "@user",
    "@user_description",
    "@environment",
    "@error",
    "@simple_error",
    "@request",
    "@level",
    "@version",
    "@submission_method",
    "@stack",
    "@ref:session",
    "@ref:parent",
    "identity",
    "inner",
    "stack_trace",
    "modules",
    "Message",
    "DATA",
    "id",
    "__proto__",
];

#[test]
fn exceptionless_door() {
    let mut kymo = Kymo::with_project(KYMO);
    let mut rows = Rows::default();
    let post = post(&kymo.ingest_token);
    json(&mut rows, &post);
    text(&mut rows, &post);
    encodings(&mut rows, &post);
    values(&mut rows, &post);
    ids(&mut rows, &post);
    requests(&mut rows, &kymo.ingest_token);
    let host = kymo.url().trim_start_matches("http://").to_owned();
    let door = Door {
        line: "POST /api/v2/events",
        token: &kymo.ingest_token,
        host: &host,
        body: event,
        taken: 202,
        empty: 411,
        broken: Some(400),
        other_host: 421,
    };
    heads::rows(&mut rows, &door);
    check(&rows.0, 0, &mut kymo, AT_ONCE);
    let users: BTreeSet<String> = kymo
        .sessions()
        .iter()
        .filter_map(|session| session.pointer("/user/id")?.as_str().map(str::to_owned))
        .collect();
    for identity in HOSTILE {
        assert!(users.contains(identity), "no session of {identity:?}");
    }
}

fn post(token: &str) -> String {
    format!("POST /api/v2/events HTTP/1.1\nauthorization: Bearer {token}\n")
}

fn event(message: &str) -> String {
    format!(r#"{{"type":"log","message":{}}}"#, quoted(message))
}

/// A list of a good event and these elements.
fn beside(mark: &str, elements: &str) -> Vec<u8> {
    format!("[{},{elements}]", event(mark)).into_bytes()
}

fn json(rows: &mut Rows, post: &str) {
    let post = format!("{post}content-type: application/json");
    let mut row = |name: &str, keeps: usize, body: &dyn Fn(&str) -> Vec<u8>| {
        rows.request(name, &post, body, (Some(202), keeps));
    };
    let by_line: [(&str, &str); 11] = [
        ("broken in a line before", "[{\"type\":\n@mark\n{\"a\""),
        ("an element is cut", "[{\"message\":\"@mark\"},{\"mess"),
        ("a string is cut", "[{\"message\":\"@mark"),
        ("an escape is cut", "{\"message\":\"@mark\\u00"),
        ("half a list behind", "[{\"message\":\"@mark\"}] x"),
        ("two documents", "{\"message\":\"@mark\"}{\"message\":\"x\"}"),
        ("a comma too many", "[{\"message\":\"@mark\"},]"),
        ("single quotes", "{'message':'@mark'}"),
        ("comments", "/* one */ {\"message\":\"@mark\"} // two"),
        ("lines of JSON", "{\"a\":1}\n{\"message\":\"@mark\"}"),
        ("no quotes", "{message:@mark}"),
    ];
    for (name, text) in by_line {
        row(name, 1, &|mark| text.replace(MARK_HERE, mark).into_bytes());
    }
    for text in [
        "{",
        "[",
        "]",
        "\"",
        ",",
        "nul",
        "[,]",
        "{}",
        "[]",
        "\"\"",
        "null",
        "[null]",
        "   \r\n\t ",
        "\u{feff}",
    ] {
        row(text, 0, &|_| text.as_bytes().to_vec());
    }
    row("a member twice", 1, &|mark| {
        format!(r#"[{{"message":"{mark}","message":"{mark}","message":"{mark}"}}]"#).into_bytes()
    });
    row("10,000 times the same member", 1, &|mark| {
        beside(mark, &format!("{{{}\"a\":0}}", "\"a\":1,".repeat(10_000)))
    });
    row("10,000 members", 1, &|mark| {
        let members: Vec<String> = (0..10_000).map(|number| format!("\"{number}\":0")).collect();
        beside(mark, &format!("{{{},\"data\":{{{}}}}}", members.join(","), members.join(",")))
    });
    for (kind, opening) in [("lists", "["), ("maps", "{\"a\":"), ("inner errors", "{\"inner\":")] {
        let depth = if opening == "[" { 90_000 } else { 10_000 };
        let nest = deep(depth, opening);
        row(&format!("{kind}, {depth} deep, as an element"), 1, &|mark| beside(mark, &nest));
        for place in ["message", "tags", "data", "@user", "reference_id"] {
            let element = format!("{{{}:{nest}}}", quoted(place));
            row(&format!("{kind}, {depth} deep, as {place}"), 1, &|mark| beside(mark, &element));
        }
        for place in ["@error", "@simple_error", "@user", "@request", "@environment", "a"] {
            let element = format!("{{\"type\":\"error\",\"data\":{{{}:{nest}}}}}", quoted(place));
            row(&format!("{kind}, {depth} deep, as data.{place}"), 1, &|mark| beside(mark, &element));
        }
        row(&format!("{kind}, {depth} deep, never closed"), 1, &|mark| {
            let text = format!("[{},{}", event(mark), opening.repeat(depth));
            text.into_bytes()
        });
    }
}

fn text(rows: &mut Rows, post: &str) {
    let mut row = |name: &str, content_type: &str, keeps: usize, body: &dyn Fn(&str) -> Vec<u8>| {
        rows.request(name, &format!("{post}content-type: {content_type}"), body, (Some(202), keeps));
    };
    let json = "application/json";
    row("bytes that are no UTF-8 in a text", json, 1, &|mark| {
        [b"[{\"message\":\"", mark.as_bytes(), b" \xff\xfe\x80 \xc0\xaf \xed\xa0\x80\"}]"].concat()
    });
    row("bytes that are no UTF-8 in a name", json, 1, &|mark| {
        [b"[{\"\xff\":1,\"message\":\"", mark.as_bytes(), b"\"}]"].concat()
    });
    row("nothing but such bytes", json, 0, &|_| vec![0xff; 1000]);
    row("nothing but NUL", json, 0, &|_| vec![0; 1000]);
    row("NUL between events", json, 1, &|mark| [b"\0\0[", event(mark).as_bytes(), b"]\0"].concat());
    row("a byte-order mark", json, 1, &|mark| format!("\u{feff}[{}]", event(mark)).into_bytes());
    row("two byte-order marks", json, 1, &|mark| format!("\u{feff}\u{feff}[{}]", event(mark)).into_bytes());
    row("UTF-16, said so", "application/json; charset=utf-16le", 1, &|mark| {
        utf16(&event(mark), u16::to_le_bytes)
    });
    row("UTF-16 with its mark", "application/json; charset=UTF-16", 1, &|mark| {
        utf16(&format!("\u{feff}{}", event(mark)), u16::to_be_bytes)
    });
    row("UTF-16, cut in a unit", "text/plain; charset=utf-16be", 1, &|mark| {
        [utf16(mark, u16::to_be_bytes), vec![0x00]].concat()
    });
    row("UTF-16, half a pair", "text/plain; charset=utf-16be", 1, &|mark| {
        [utf16(mark, u16::to_be_bytes), vec![0xd8, 0x3d]].concat()
    });
    row("UTF-16, the other way round", "text/plain; charset=utf-16be", 0, &|mark| {
        utf16(mark, u16::to_le_bytes)
    });
    row("UTF-16, not said", json, 0, &|mark| utf16(&event(mark), u16::to_le_bytes));
    row("UTF-8, called UTF-16", "text/plain; charset=utf-16", 0, &|mark| mark.as_bytes().to_vec());
    row("a charset nobody knows", "text/plain; charset=klingon; charset=\"", 1, &|mark| {
        mark.as_bytes().to_vec()
    });
    row("a content type with bytes", "text/plain; \u{e9}=\u{20ac}", 1, &|mark| mark.as_bytes().to_vec());
    row("no content type", "", 1, &|mark| mark.as_bytes().to_vec());
    row("100,000 lines", "text/plain", 1, &|mark| format!("{}{mark}", "\n".repeat(100_000)).into_bytes());
    for content_type in [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json5",
        "../../etc/passwd",
        "*/*",
    ] {
        let head = format!("{post}content-type: {content_type}");
        rows.request(content_type, &head, |mark| event(mark).into_bytes(), (Some(415), 0));
    }
}

fn encodings(rows: &mut Rows, post: &str) {
    for encoding in ["br", "zstd", "compress", "gzip, gzip", "deflate, gzip", "gzip;q=1", "\u{e9}", "../gzip"]
    {
        let head = format!("{post}content-encoding: {encoding}");
        rows.request(format!("encoding {encoding}"), &head, |mark| event(mark).into_bytes(), (Some(415), 0));
    }
    let mut row = |name: &str, encoding: &str, (status, keeps), body: &dyn Fn(&[u8]) -> Vec<u8>| {
        let head = format!("{post}content-encoding: {encoding}");
        rows.request(name, &head, |mark| body(event(mark).as_bytes()), (Some(status), keeps));
    };
    row("none", "identity", (202, 1), &<[u8]>::to_vec);
    row("gzip", "gzip", (202, 1), &gzip);
    row("deflate", "deflate", (202, 1), &deflate);
    row("gzip in 5,000 empty members and one", "gzip", (202, 1), &|event| {
        [gzip(b"").repeat(5000), gzip(event)].concat()
    });
    row("no gzip", "gzip", (400, 0), &<[u8]>::to_vec);
    row("no deflate", "deflate", (400, 0), &|_| vec![0xff; 100]);
    row("gzip that is cut", "gzip", (400, 0), &|event| {
        let mut bytes = gzip(event);
        bytes.truncate(bytes.len() - 3);
        bytes
    });
    row("gzip with more behind it", "gzip", (400, 0), &|event| [&gzip(event)[..], b"more"].concat());
    row("gzip with a wrong sum", "gzip", (400, 0), &|event| {
        let mut bytes = gzip(event);
        let at = bytes.len() - 6;
        bytes[at] ^= 1;
        bytes
    });
    row("gzip in gzip, said once", "gzip", (202, 0), &|event| gzip(&gzip(&event.repeat(50))));
    row("deflate in deflate in deflate, said once", "deflate", (202, 0), &|event| {
        deflate(&deflate(&deflate(&event.repeat(50))))
    });
    row("190 MB of zeros", "gzip", (413, 0), &|_| gzip_of_zeros(190));
    row("1 GB of zeros", "gzip", (413, 0), &|_| gzip_of_zeros(1024));
    row("1 GB of zeros in gzip in gzip", "gzip", (413, 0), &|_| gzip(&gzip_of_zeros(1024)));
    row("a million deep", "gzip", (202, 1), &|event| {
        let event = String::from_utf8_lossy(event);
        gzip_of_list(&format!("{event},{}", deep(980_000, "[")))
    });
}

fn values(rows: &mut Rows, post: &str) {
    let post = format!("{post}content-type: application/json");
    // One body for each name with each value, in every place that a name can be in.
    for name in NAMES {
        let member = |value: &str| format!("{}:{value}", quoted(name));
        let all = |wrap: &dyn Fn(String) -> String| -> Vec<String> {
            ANY_VALUE.iter().map(|value| wrap(member(value))).collect()
        };
        rows.request(
            format!("{name} of any type"),
            &post,
            |mark| {
                let places = [
                    all(&|member| format!("{{{member}}}")),
                    all(&|member| format!("{{\"type\":\"error\",\"data\":{{{member}}}}}")),
                    all(&|member| format!("{{\"type\":\"error\",\"data\":{{\"@error\":{{{member}}}}}}}")),
                    all(&|member| format!("{{\"type\":\"session\",\"data\":{{\"@user\":{{{member}}}}}}}")),
                ];
                beside(mark, &places.concat().join(","))
            },
            (Some(202), 1),
        );
    }
    for date in DATES {
        for (what, date) in
            [("date", quoted(date)), ("bare date", date.replace(|c: char| !c.is_ascii_digit(), ""))]
        {
            rows.request(
                format!("{what} {date}"),
                &post,
                |mark| {
                    let event = format!("{{\"type\":\"log\",\"message\":\"{mark}\",\"date\":{date}}}");
                    event.into_bytes()
                },
                (Some(202), 1),
            );
        }
    }
}

fn ids(rows: &mut Rows, post: &str) {
    let post = format!("{post}content-type: application/json");
    let long = "x".repeat(30_000);
    let all = HOSTILE.into_iter().chain([long.as_str(), " ", "\n"]);
    for id in all {
        let id = quoted(id);
        let name: String = id.chars().take(40).collect();
        let mut row = |place: &str, members: &str| {
            let body = |mark: &str| format!("[{{\"message\":\"{mark}\",{members}}}]").into_bytes();
            rows.request(format!("{place} {name}"), &post, body, (Some(202), 1));
        };
        row("identity", &format!("\"data\":{{\"@user\":{{\"identity\":{id}}}}}"));
        row("user's name", &format!("\"data\":{{\"@user\":{{\"name\":{id}}}}}"));
        row("session id", &format!("\"data\":{{\"@ref:session\":{id}}}"));
        row("id of a start", &format!("\"type\":\"session\",\"reference_id\":{id}"));
        row("id of an end", &format!("\"type\":\"sessionend\",\"data\":{{\"@ref:session\":{id}}}"));
        row("reference id", &format!("\"reference_id\":{id}"));
        row("type and source", &format!("\"type\":{id},\"source\":{id},\"tags\":[{id}]"));
        row("names", &format!("{id}:{id},\"data\":{{{id}:{id},\"@ref:{}:{id}}}", &id[1..]));
    }
    let megabyte = "x".repeat(1_000_000);
    for members in [
        format!("\"data\":{{\"@user\":{{\"identity\":\"{megabyte}\"}}}}"),
        format!("\"data\":{{\"@ref:session\":\"{megabyte}\"}}"),
        format!("\"type\":\"session\",\"reference_id\":\"{megabyte}\""),
    ] {
        let head = format!("{post}\ncontent-encoding: gzip");
        let name = format!("1 MB in {}", &members[..30]);
        let body = |mark: &str| gzip_of_list(&format!("{{\"message\":\"{mark}\",{members}}}"));
        rows.request(name, &head, body, (Some(202), 1));
    }
}

/// What has no body, and who may not send.
fn requests(rows: &mut Rows, token: &str) {
    let mut row = |method: &str, path: &str, status: u16, keeps: usize| {
        let name: String = format!("{method} {path}").chars().take(80).collect();
        let head = format!("{method} {path} HTTP/1.1\nauthorization: Bearer {token}");
        let body = if method == "POST" { "{\"description\":\"x\"}" } else { "" };
        rows.request(name, &head, |_| body.as_bytes().to_vec(), (Some(status), keeps));
    };
    let submit = "/api/v2/events/submit";
    row("GET", &format!("{submit}?message=@mark&value=1e400&count=-1&date=%2B300000-01-01"), 200, 1);
    row("GET", &format!("{submit}?message=@mark&tags={}", "x,".repeat(20_000)), 200, 1);
    row("GET", &format!("{submit}?message=@mark{}", "&a=b".repeat(10_000)), 200, 1);
    row("GET", &format!("{submit}?message=@mark%00%ff%zz%&&&==&=x&%00=%00"), 200, 1);
    row("GET", &format!("{submit}?message=@mark&identity={}", "x".repeat(60_000)), 200, 1);
    row("GET", &format!("{submit}?message=@mark&identity=..%2F..%2F%00&reference=%F0%9F%92%A9%0A"), 200, 1);
    row("GET", &format!("{submit}?{}", "x".repeat(60_000)), 200, 0);
    row("GET", submit, 200, 0);
    row("GET", &format!("{submit}/..%2F..%2Fetc?message=@mark"), 200, 1);
    row("GET", &format!("{submit}/%00%0A?message=@mark"), 200, 1);
    row("GET", &format!("{submit}/%ff?message=@mark"), 400, 0);
    let heartbeat = "/api/v2/events/session/heartbeat";
    for query in [
        "id=..%2F..%2Fetc%2Fpasswd",
        "id=%00%0A%1B",
        "id=%ff&close=perhaps",
        "id=&close=true",
        "",
        "&&&=",
        "id=%",
    ] {
        row("GET", &format!("{heartbeat}?{query}"), 200, 0);
    }
    row("GET", &format!("{heartbeat}?id={}&close=true", "x".repeat(60_000)), 200, 0);
    row("GET", &format!("{heartbeat}?{}", "id=a&close=b&".repeat(4000)), 200, 0);
    for project in ["..%2F..%2Fetc", "%00", "%F0%9F%92%A9", "shop%20", "SHOP", "*"] {
        row("POST", &format!("/api/v2/projects/{project}/events"), 404, 0);
        row("GET", &format!("/api/v2/projects/{project}/events/submit?message=@mark"), 404, 0);
    }
    row("POST", &format!("/api/v2/projects/{}/events", "x".repeat(60_000)), 404, 0);
    row("POST", "/api/v2/projects/%ff/events", 400, 0);
    row("POST", "/api/v2/events/by-ref/..%2F..%2Fetc/user-description", 422, 0);
    row("POST", "/api/v2/events/by-ref/%ff/user-description", 422, 0);
    row("POST", &format!("/api/v2/events/by-ref/{}/user-description", "x".repeat(101)), 422, 0);
    for authorization in [
        "Bearer ../../../../etc/passwd",
        "Bearer ' OR 1=1 --",
        "Bearer \u{e9}\u{20ac}",
        "Basic !!!!",
        "Basic OjoP//8=",
        "Bearer",
        "Digest x",
        &format!("Bearer {}", "x".repeat(100_000)),
    ] {
        let name: String = authorization.chars().take(40).collect();
        let head = format!("POST /api/v2/events HTTP/1.1\nauthorization: {authorization}");
        rows.request(name, &head, |mark| event(mark).into_bytes(), (Some(401), 0));
    }
    rows.request(
        "no body",
        &format!("{}content-type: text/plain", post(token)),
        |_| Vec::new(),
        (Some(411), 0),
    );
}
