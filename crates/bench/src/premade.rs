//! Requests that are made before the clock starts, so that making them takes nothing from the
//! server measured on the same cores.
//!
//! A request has places of fixed width that are written anew each time it is sent: dates, numbers
//! in texts, ids. So a bounded set of them, sent in turn, brings events that are all different.

use kymo_model::Timestamp;
use kymo_testkit::Random;

/// Ids that stay the same for some requests: of the user, the tab, the page load.
pub(crate) const SLOTS: usize = 3;

/// `YYYY-MM-DDTHH:MM:SS.mmm`, in UTC; the zone stands behind it in the text.
const DATE_BYTES: usize = 23;
/// `YYYY-MM-DDTHH:MM:SS`.
const SECOND_BYTES: usize = 19;

/// What is written into a place.
#[derive(Clone, Copy, Debug)]
enum Mark {
    /// The request's time and that many milliseconds.
    Date(i64),
    /// Any digits, this many.
    Digits(usize),
    /// What the slot holds.
    Slot(usize),
}

/// Text with places.
#[derive(Clone, Debug, Default)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    marks: Vec<(usize, Mark)>,
}

impl Template {
    pub(crate) fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn date(&mut self, offset_ms: i64) {
        self.place(Mark::Date(offset_ms), DATE_BYTES);
    }

    pub(crate) fn digits(&mut self, count: usize) {
        self.place(Mark::Digits(count), count);
    }

    /// A place for what the slot holds, which is always of that width.
    pub(crate) fn slot(&mut self, slot: usize, bytes: usize) {
        self.place(Mark::Slot(slot), bytes);
    }

    fn place(&mut self, mark: Mark, bytes: usize) {
        self.marks.push((self.bytes.len(), mark));
        self.bytes.resize(self.bytes.len() + bytes, b'0');
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    fn append(&mut self, other: &Self) {
        let at = self.bytes.len();
        self.marks.extend(other.marks.iter().map(|&(place, mark)| (at + place, mark)));
        self.bytes.extend_from_slice(&other.bytes);
    }
}

/// A whole request as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Premade {
    whole: Template,
    body_at: usize,
    /// Time from its first event to the first of the next request.
    span_ms: i64,
    /// Slots that get a new id before this request.
    renewed: [bool; SLOTS],
}

impl Premade {
    pub(crate) fn new(head: Template, body: &Template, span_ms: i64, renewed: [bool; SLOTS]) -> Self {
        let body_at = head.len();
        let mut whole = head;
        whole.append(body);
        Self { whole, body_at, span_ms, renewed }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.whole.bytes
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.whole.bytes[self.body_at..]
    }
}

/// One connection's requests, sent in turn for ever.
pub(crate) struct Load {
    requests: Vec<Premade>,
    next: usize,
    random: Random,
    time_ms: i64,
    second: Second,
    /// Makes the id that a slot gets.
    new_id: fn(&mut Random, u64) -> String,
    ids: [String; SLOTS],
    ids_made: u64,
}

impl Load {
    pub(crate) fn new(
        requests: Vec<Premade>,
        random: Random,
        start: Timestamp,
        new_id: fn(&mut Random, u64) -> String,
    ) -> Self {
        Self {
            requests,
            next: 0,
            random,
            time_ms: start.as_unix_millis(),
            second: Second::default(),
            new_id,
            ids: std::array::from_fn(|_| String::new()),
            ids_made: 0,
        }
    }

    /// How many are different in more than what is written anew.
    #[cfg(test)]
    pub(crate) fn requests(&self) -> usize {
        self.requests.len()
    }

    /// The next request, its places written.
    pub(crate) fn next(&mut self) -> &Premade {
        let at = self.next;
        self.next = (at + 1) % self.requests.len();
        let request = &mut self.requests[at];
        for slot in (0..SLOTS).filter(|&slot| request.renewed[slot]) {
            self.ids_made += 1;
            self.ids[slot] = (self.new_id)(&mut self.random, self.ids_made);
        }
        let Template { bytes, marks } = &mut request.whole;
        for &(at, mark) in &*marks {
            match mark {
                Mark::Date(offset_ms) => self.second.write(self.time_ms + offset_ms, &mut bytes[at..]),
                Mark::Digits(count) => write_digits(self.random.number(), &mut bytes[at..at + count]),
                Mark::Slot(slot) => {
                    let id = self.ids[slot].as_bytes();
                    bytes[at..at + id.len()].copy_from_slice(id);
                }
            }
        }
        self.time_ms += request.span_ms;
        request
    }
}

/// The second written last: most dates share it with the one before.
#[derive(Default)]
struct Second {
    unix: i64,
    text: String,
}

impl Second {
    fn write(&mut self, time_ms: i64, place: &mut [u8]) {
        let unix = time_ms.div_euclid(1000);
        if unix != self.unix || self.text.is_empty() {
            self.unix = unix;
            self.text = Timestamp::from_unix_millis(unix * 1000).unwrap_or_default().to_string();
        }
        place[..SECOND_BYTES].copy_from_slice(&self.text.as_bytes()[..SECOND_BYTES]);
        place[SECOND_BYTES] = b'.';
        write_digits(time_ms.rem_euclid(1000) as u64, &mut place[SECOND_BYTES + 1..DATE_BYTES]);
    }
}

/// The last digits of the number, as many as there is place for.
fn write_digits(mut number: u64, place: &mut [u8]) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_anew_each_time() {
        let mut head = Template::default();
        head.text("id=");
        head.slot(1, 4);
        head.text("\r\n\r\n");
        let mut body = Template::default();
        body.text("at ");
        body.date(1999);
        body.text("Z took ");
        body.digits(3);
        let request = Premade::new(head, &body, 60_000, [false, true, false]);
        let start = Timestamp::from_unix_millis(1_790_000_000_007).unwrap();
        let mut load = Load::new(vec![request], Random::new(1), start, |_, count| format!("{count:04}"));
        let mut texts = || {
            String::from_utf8(load.next().bytes().to_vec()).unwrap().rsplit_once(' ').unwrap().0.to_owned()
        };
        assert_eq!(texts(), "id=0001\r\n\r\nat 2026-09-21T14:13:22.006Z took");
        assert_eq!(texts(), "id=0002\r\n\r\nat 2026-09-21T14:14:22.006Z took");
        let took = |load: &mut Load| {
            let text = String::from_utf8(load.next().body().to_vec()).unwrap();
            text[text.len() - 3..].parse::<u32>().unwrap()
        };
        assert_ne!(took(&mut load), took(&mut load));
    }
}
