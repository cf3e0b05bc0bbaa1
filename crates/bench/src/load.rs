//! Events as real clients send them: batches of one user's log lines, usages and now and then an
//! error, each with its own date.

use std::fmt::Write as _;

use kymo_model::Timestamp;
use kymo_testkit::Random;

/// Events of a batch: what the clients of the protocol send at a time.
pub(crate) const BATCH_EVENTS: usize = 50;

const CATEGORIES: [&str; 6] =
    ["shop.cart", "shop.checkout.payment", "shop.catalogue", "http.server", "db.pool", "auth"];
const TEXTS: [&str; 6] = [
    "order {} took {} ms on worker-{}",
    "cache miss for product {} after {} ms, shard {}",
    "user opened page /products/{} in {} ms (referrer {})",
    "payment {} authorised by the bank in {} ms, attempt {}",
    "query returned {} rows in {} ms from replica {}",
    "background job {} finished in {} ms, {} items left",
];
const LEVELS: [&str; 8] = ["info", "info", "debug", "info", "trace", "warn", "info", "info"];

/// Makes batches; each is of one user, who stays for one to three of them.
pub(crate) struct Load {
    random: Random,
    connection: u64,
    user: u64,
    batches_left: u64,
    time_ms: i64,
    body: String,
}

impl Load {
    pub(crate) fn new(seed: u64, connection: u64, start: Timestamp) -> Self {
        Self {
            random: Random::new(seed ^ (connection << 32)),
            connection,
            user: 0,
            batches_left: 0,
            time_ms: start.as_unix_millis(),
            body: String::new(),
        }
    }

    /// The next batch as a JSON array.
    pub(crate) fn next_batch(&mut self) -> &str {
        if self.batches_left == 0 {
            self.user += 1;
            self.batches_left = 1 + self.random.below(3);
        }
        self.batches_left -= 1;
        self.body.clear();
        self.body.push('[');
        for position in 0..BATCH_EVENTS {
            if position > 0 {
                self.body.push(',');
            }
            self.push_event();
        }
        self.body.push(']');
        &self.body
    }

    fn push_event(&mut self) {
        self.time_ms += 1 + self.random.below(40) as i64;
        let dice = self.random.number();
        let pick = |length: usize, shift: u32| ((dice >> shift) as usize) % length;
        let date = Timestamp::from_unix_millis(self.time_ms).unwrap_or_default();
        let (user, connection) = (self.user, self.connection);
        // Writing to a String cannot fail.
        let _ = write!(
            self.body,
            r#"{{"date":"{date}","data":{{"@version":"2.4.1","region":"eu-west","@user":{{"identity":"user{user}-{connection}@example.test","name":"User {user}"}}"#
        );
        if dice.is_multiple_of(97) {
            self.push_error(dice);
        } else {
            let mut parts = TEXTS[pick(6, 8)].split("{}");
            let _ = write!(
                self.body,
                r#","@level":"{}"}},"type":"log","source":"{}","message":""#,
                LEVELS[pick(8, 16)],
                CATEGORIES[pick(6, 24)]
            );
            let numbers = [dice >> 40, (dice >> 20) & 0xfff, (dice >> 12) & 0x3f];
            self.body.push_str(parts.next().unwrap_or_default());
            for (number, part) in numbers.iter().zip(parts) {
                let _ = write!(self.body, "{number}{part}");
            }
            self.body.push_str(r#"","tags":["web"]}"#);
        }
    }

    fn push_error(&mut self, dice: u64) {
        self.body.push_str(r#","@error":{"type":"TypeError","message":"Cannot read properties of undefined (reading 'total')","stack_trace":["#);
        for line in 0..12 {
            let comma = if line == 0 { "" } else { "," };
            let _ = write!(
                self.body,
                r#"{comma}{{"name":"step{line}","parameters":[],"file_name":"/srv/shop/src/checkout/{}.js","line_number":{},"column":{}}}"#,
                ["cart", "total", "pay"][line % 3],
                10 + line * 7,
                3 + line
            );
        }
        let _ =
            write!(self.body, r#"]}}}},"type":"error","reference_id":"{:010x}"}}"#, dice & 0xff_ffff_ffff);
    }
}

#[cfg(test)]
mod tests {
    use kymo_compat::exceptionless::{Submission, decode_events};

    use super::*;

    #[test]
    fn batches_are_what_the_server_reads() {
        let mut load = Load::new(1, 0, Timestamp::from_unix_millis(1_790_000_000_000).unwrap());
        for _ in 0..50 {
            let decoded =
                decode_events(load.next_batch().as_bytes(), Timestamp::default(), &Submission::default());
            assert_eq!((decoded.items.len(), decoded.unreadable.len()), (BATCH_EVENTS, 0));
            assert!(decoded.items.iter().all(|item| item.fingerprint.is_some() && item.event.body.is_some()));
        }
    }
}
