//! Messages as Loupe's agent 1.4.0 in web pages posts them, form and headers as recorded in
//! `conformance/loupe-web`: ten at a time, which is what it sends at once when more wait.

use kymo_model::Timestamp;
use kymo_testkit::Random;

use crate::premade::{Load, Premade, SLOTS, Template};

/// Messages of a post.
pub(crate) const POST_MESSAGES: usize = 10;
/// Tabs made for a connection, of two to twelve posts: some 0.3 MB.
const TABS: u64 = 12;
/// One post in so many is the first of a page load, besides the tab's first.
const POSTS_PER_LOAD: u64 = 4;

/// Slots of the ids of tab, page load and visit.
const TAB: usize = 0;
const LOAD: usize = 1;
const VISIT: usize = 2;
/// Width of a UUID.
const ID_CHARS: usize = 36;

const AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
const CATEGORIES: [&str; 6] =
    ["Shop.Cart", "Shop.Checkout.Payment", "Shop.Catalogue", "Http.Client", "Router", "JavaScript"];
/// Caption, description and parameters; `%` stands for six digits.
const TEXTS: [(&str, &str, &str); 6] = [
    ("order sent", "order % took {0} ms", r#"["%"]"#),
    ("page shown", "/products/% was drawn", "null"),
    ("request answered", "GET /api/products/% took {0} ms, {1} bytes", r#"["%","%"]"#),
    ("cart changed", "product % is in the cart", "null"),
    ("cache miss for product %", "", "null"),
    ("state % reached", "state % reached", "null"),
];
const DETAILS: [&str; 4] =
    ["null", "null", "null", r#""{\"cart\":{\"items\":3,\"total\":149.5},\"step\":\"payment\"}""#];
const SOURCES: [&str; 4] =
    ["null", "null", "null", r#"{"file":"checkout.js","method":"pay","line":47,"column":9}"#];
/// Loupe's levels: information, verbose, warning, error.
const LEVELS: [u8; 8] = [8, 8, 16, 8, 16, 4, 8, 2];

/// What a connection posts to `/loupe/log`: one tab after the other, with reloads.
pub(crate) fn load(seed: u64, connection: u64, start: Timestamp, host: &str, token: &str) -> Load {
    let mut random = Random::new(seed ^ (connection << 32));
    let mut requests = Vec::new();
    for tab in 0..TABS {
        for post in 0..2 + random.below(11) {
            let (body, span_ms) = body(&mut random, post * POST_MESSAGES as u64);
            let is_first = post == 0;
            let mut renewed = [false; SLOTS];
            renewed[TAB] = is_first;
            renewed[LOAD] = is_first || random.below(POSTS_PER_LOAD) == 0;
            // Two tabs of a visit.
            renewed[VISIT] = is_first && tab % 2 == 0;
            requests.push(Premade::new(head(host, token, body.len()), &body, span_ms, renewed));
        }
    }
    Load::new(requests, random, start, |random, _| uuid(random))
}

fn uuid(random: &mut Random) -> String {
    let (high, low) = (random.number(), random.number());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

fn head(host: &str, token: &str, body_bytes: usize) -> Template {
    let mut head = Template::default();
    head.text(&format!(
        "POST /loupe/log HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\norigin: https://shop.example\r\nreferer: https://shop.example/\r\n\
         user-agent: {AGENT}\r\ncontent-length: {body_bytes}\r\nloupe-agent-sessionid: "
    ));
    head.slot(TAB, ID_CHARS);
    head.text("\r\nloupesessionid: ");
    head.slot(LOAD, ID_CHARS);
    head.text("\r\ncookie: LoupeSessionId=");
    head.slot(VISIT, ID_CHARS);
    head.text("\r\n\r\n");
    head
}

/// A post with the messages behind that number, and the time it tells of.
fn body(random: &mut Random, sent_before: u64) -> (Template, i64) {
    let mut body = Template::default();
    let mut at_ms = 0;
    body.text(r#"{"logMessages":"#);
    for position in 0..POST_MESSAGES as u64 {
        body.text(if position == 0 { "[" } else { "," });
        push_message(&mut body, random, sent_before + position + 1, at_ms);
        at_ms += 1 + random.below(80) as i64;
    }
    let browser = format!(
        r#""description":"Chrome 156.0.0.0 on Linux 64-bit","layout":"Blink","manufacturer":null,"name":"Chrome","prerelease":null,"product":null,"ua":"{AGENT}","version":"156.0.0.0","os":{{"architecture":64,"family":"Linux","version":null}}"#
    );
    body.text(&format!(
        r#"],"session":{{"client":{{{browser},"default":{{{browser}}},"size":{{"height":640,"width":1024}}}},"currentAgentSessionId":""#
    ));
    body.slot(TAB, ID_CHARS);
    body.text(r#""}}"#);
    (body, at_ms)
}

fn push_message(body: &mut Template, random: &mut Random, sequence: u64, at_ms: i64) {
    let dice = random.number();
    let pick = |length: usize, shift: u32| ((dice >> shift) as usize) % length;
    if dice.is_multiple_of(97) {
        body.text(r#"{"severity":2,"category":"JavaScript","caption":"TypeError","description":"","parameters":null,"exception":{"cause":"TypeError","column":67,"line":10,"message":"Uncaught TypeError: Cannot read properties of undefined (reading 'total')","stackTrace":["TypeError: Cannot read properties of undefined (reading 'total')""#);
        for line in 1..=8 {
            body.text(&format!(
                r#","    at Cart.step{line} (https://shop.example/assets/checkout.js:{}:{})""#,
                10 + line * 7,
                3 + line
            ));
        }
        body.text(
            r#"],"url":"https://shop.example/assets/checkout.js"},"details":null,"methodSourceInfo":null"#,
        );
    } else {
        let (caption, description, parameters) = TEXTS[pick(6, 8)];
        body.text(&format!(
            r#"{{"severity":{},"category":"{}","caption":""#,
            LEVELS[pick(8, 16)],
            CATEGORIES[pick(6, 24)]
        ));
        push_text(body, caption);
        body.text(r#"","description":""#);
        push_text(body, description);
        body.text(r#"","parameters":"#);
        push_text(body, parameters);
        body.text(&format!(
            r#","exception":null,"details":{},"methodSourceInfo":{}"#,
            DETAILS[pick(4, 32)],
            SOURCES[pick(4, 40)]
        ));
    }
    body.text(r#","timestamp":""#);
    body.date(at_ms);
    body.text(&format!(r#"+00:00","sequence":{sequence},"agentSessionId":""#));
    body.slot(TAB, ID_CHARS);
    body.text(r#"","sessionId":""#);
    body.slot(LOAD, ID_CHARS);
    body.text(r#""}"#);
}

fn push_text(body: &mut Template, text: &str) {
    for (number, part) in text.split('%').enumerate() {
        if number > 0 {
            body.digits(6);
        }
        body.text(part);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use kymo_compat::loupe_web::{Request, decode_log};

    use super::*;

    #[test]
    fn posts_are_what_the_server_reads() {
        let start = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
        let mut load = load(1, 0, start, "localhost", "token");
        let (mut fingerprints, mut loads) = (HashSet::new(), HashSet::new());
        let mut numbers: HashMap<String, u64> = HashMap::new();
        for _ in 0..3 * load.requests() {
            let request = load.next();
            let decoded = decode_log(request.body(), Timestamp::default(), &Request::default());
            assert_eq!((decoded.items.len(), decoded.unreadable.len()), (POST_MESSAGES, 0));
            for item in decoded.items {
                assert!(item.event.body.is_some() && item.event.time >= start);
                assert!(fingerprints.insert(item.fingerprint.expect("it is numbered")));
                loads.insert(item.page_load_id.expect("a page load"));
                let tab = item.agent_session_id.expect("a tab");
                let before = numbers.insert(tab, item.sequence.expect("a number")).unwrap_or_default();
                assert_eq!(item.sequence, Some(before + 1));
            }
            let head = String::from_utf8_lossy(request.bytes()).into_owned();
            assert!(head.contains(&format!("content-length: {}\r\n", request.body().len())));
        }
        assert_eq!(numbers.len(), 3 * TABS as usize);
        assert!(loads.len() > numbers.len());
    }
}
