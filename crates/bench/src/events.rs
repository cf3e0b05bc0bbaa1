//! Events as Exceptionless clients send them: batches of one user's log lines, usages and now and
//! then an error, each with its own date.

use kymo_model::Timestamp;
use kymo_testkit::Random;

use crate::premade::{Load, Premade, SLOTS, Template};

/// Events of a batch: what the clients of the protocol send at a time.
pub(crate) const BATCH_EVENTS: usize = 50;
/// Batches made for a connection, 1.3 MB: far more than the server looks at together.
const BATCHES: usize = 64;
/// Slot of the user's number.
const USER: usize = 0;
/// Its width.
const USER_DIGITS: usize = 7;

const CATEGORIES: [&str; 6] =
    ["shop.cart", "shop.checkout.payment", "shop.catalogue", "http.server", "db.pool", "auth"];
/// Holes are filled with numbers of these many digits.
const HOLE_DIGITS: [usize; 3] = [8, 4, 2];
const TEXTS: [&str; 6] = [
    "order {} took {} ms on worker-{}",
    "cache miss for product {} after {} ms, shard {}",
    "user opened page /products/{} in {} ms (referrer {})",
    "payment {} authorised by the bank in {} ms, attempt {}",
    "query returned {} rows in {} ms from replica {}",
    "background job {} finished in {} ms, {} items left",
];
const LEVELS: [&str; 8] = ["info", "info", "debug", "info", "trace", "warn", "info", "info"];

/// What a connection posts to `/api/v2/events`; each batch is of one user, who stays for one to
/// three of them.
pub(crate) fn load(seed: u64, connection: u64, start: Timestamp, host: &str, token: &str) -> Load {
    let mut random = Random::new(seed ^ (connection << 32));
    let mut batches_left = 0;
    let requests = (0..BATCHES)
        .map(|_| {
            let is_new_user = batches_left == 0;
            if is_new_user {
                batches_left = 1 + random.below(3);
            }
            batches_left -= 1;
            let (body, span_ms) = batch(&mut random, connection);
            let mut renewed = [false; SLOTS];
            renewed[USER] = is_new_user;
            Premade::new(head(host, token, body.len()), &body, span_ms, renewed)
        })
        .collect();
    Load::new(requests, random, start, |_, count| format!("{count:0USER_DIGITS$}"))
}

fn head(host: &str, token: &str, body_bytes: usize) -> Template {
    let mut head = Template::default();
    head.text(&format!(
        "POST /api/v2/events HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {body_bytes}\r\n\r\n"
    ));
    head
}

/// A batch, and the time it tells of.
fn batch(random: &mut Random, connection: u64) -> (Template, i64) {
    let mut body = Template::default();
    let mut at_ms = 0;
    for position in 0..BATCH_EVENTS {
        body.text(if position == 0 { "[" } else { "," });
        push_event(&mut body, random, connection, at_ms);
        at_ms += 1 + random.below(40) as i64;
    }
    body.text("]");
    (body, at_ms)
}

fn push_event(body: &mut Template, random: &mut Random, connection: u64, at_ms: i64) {
    let dice = random.number();
    let pick = |length: usize, shift: u32| ((dice >> shift) as usize) % length;
    body.text(r#"{"date":""#);
    body.date(at_ms);
    body.text(r#"Z","data":{"@version":"2.4.1","region":"eu-west","@user":{"identity":"user"#);
    body.slot(USER, USER_DIGITS);
    body.text(&format!(r#"-{connection}@example.test","name":"User "#));
    body.slot(USER, USER_DIGITS);
    body.text(r#""}"#);
    if dice.is_multiple_of(97) {
        push_error(body);
        return;
    }
    body.text(&format!(
        r#","@level":"{}"}},"type":"log","source":"{}","message":""#,
        LEVELS[pick(8, 16)],
        CATEGORIES[pick(6, 24)]
    ));
    let mut parts = TEXTS[pick(6, 8)].split("{}");
    body.text(parts.next().unwrap_or_default());
    for (digits, part) in HOLE_DIGITS.into_iter().zip(parts) {
        body.digits(digits);
        body.text(part);
    }
    body.text(r#"","tags":["web"]}"#);
}

fn push_error(body: &mut Template) {
    body.text(r#","@error":{"type":"TypeError","message":"Cannot read properties of undefined (reading 'total')","stack_trace":["#);
    for line in 0..12 {
        body.text(&format!(
            r#"{}{{"name":"step{line}","parameters":[],"file_name":"/srv/shop/src/checkout/{}.js","line_number":{},"column":{}}}"#,
            if line == 0 { "" } else { "," },
            ["cart", "total", "pay"][line % 3],
            10 + line * 7,
            3 + line
        ));
    }
    body.text(r#"]}},"type":"error","reference_id":""#);
    body.digits(10);
    body.text(r#""}"#);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use kymo_compat::exceptionless::{Submission, decode_events};

    use super::*;

    #[test]
    fn batches_are_what_the_server_reads() {
        let start = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
        let mut load = load(1, 0, start, "localhost", "token");
        let (mut fingerprints, mut users) = (HashSet::new(), HashSet::new());
        for _ in 0..3 * BATCHES {
            let request = load.next();
            let decoded = decode_events(request.body(), Timestamp::default(), &Submission::default());
            assert_eq!((decoded.items.len(), decoded.unreadable.len()), (BATCH_EVENTS, 0));
            for item in decoded.items {
                assert!(item.event.body.is_some() && item.event.time >= start);
                assert!(fingerprints.insert(item.fingerprint.expect("it has a date")));
                users.insert(item.event.user.expect("a user").id);
            }
            let head = String::from_utf8_lossy(request.bytes()).into_owned();
            assert!(head.contains(&format!("content-length: {}\r\n", request.body().len())));
        }
        assert!((BATCHES..2 * BATCHES).contains(&users.len()), "{} users", users.len());
    }
}
