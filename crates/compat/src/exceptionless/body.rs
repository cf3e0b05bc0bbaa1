//! A body cut into items.

use kymo_model::{Event, EventKind, Timestamp, Value};
use serde_json::value::RawValue;

use crate::json;

use super::event::properties;
use super::event::{self, Read};
use super::fingerprint::Fingerprints;
use super::root::Root;
use super::{Decoded, ITEMS_MAX, Item, Submission, Unreadable};

/// What an array element is read as.
const EXPECTED: &str = "an event or a text";

/// The events of a body that came in at `observed`. Never fails as a whole (Exceptionless HTTP
/// API, POST bodies):
///
/// * `{…}` is one event, `[…]` one for each element; an element that is no object becomes a log
///   event with its text as message
/// * anything else, and what is not JSON, becomes a log event for each non-empty line
///
/// The body is UTF-8; what is not is replaced. Elements without content and those beyond
/// [`ITEMS_MAX`] are reported, nothing else is left out.
pub fn decode_events(body: &[u8], observed: Timestamp, client: &Submission<'_>) -> Decoded {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let decoded = match text.as_bytes().first() {
        Some(b'{') => read_item(text, observed, client)
            .map(|read| finish(read, text, &mut Fingerprints::default()))
            .map(|item| Decoded { items: vec![item], unreadable: Vec::new() }),
        Some(b'[') => decode_array(text, observed, client),
        _ => None,
    };
    decoded.unwrap_or_else(|| decode_lines(text, observed, client))
}

/// `None` if it is not JSON.
fn decode_array(text: &str, observed: Timestamp, client: &Submission<'_>) -> Option<Decoded> {
    // Cuts without building values and, unlike reading values, without recursion.
    let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let mut decoded = Decoded::default();
    let taken = &elements[..elements.len().min(ITEMS_MAX)];
    decoded.items.reserve(taken.len());
    let mut fingerprints = Fingerprints::default();
    for (index, element) in taken.iter().enumerate() {
        let json = element.get();
        if json.starts_with('{') {
            let item = match read_item(json, observed, client) {
                Some(read) => finish(read, json, &mut fingerprints),
                None => log_item(json.to_owned(), observed, client),
            };
            decoded.items.push(item);
        } else {
            match element_text(json) {
                Ok(message) => decoded.items.push(log_item(message, observed, client)),
                Err(found) => {
                    decoded.unreadable.push(Unreadable::Empty { index, expected: EXPECTED, found });
                }
            }
        }
    }
    report_excess(&mut decoded, elements.len());
    Some(decoded)
}

fn decode_lines(text: &str, observed: Timestamp, client: &Submission<'_>) -> Decoded {
    let mut lines = text.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty());
    let items = lines.by_ref().take(ITEMS_MAX).map(|line| log_item(line.to_owned(), observed, client));
    let mut decoded = Decoded { items: items.collect(), unreadable: Vec::new() };
    report_excess(&mut decoded, ITEMS_MAX + lines.count());
    decoded
}

fn report_excess(decoded: &mut Decoded, found: usize) {
    if found > ITEMS_MAX {
        decoded.unreadable.push(Unreadable::Excess { index: ITEMS_MAX, expected: ITEMS_MAX, found });
    }
}

/// `None` if it is not a JSON object.
fn read_item(json: &str, observed: Timestamp, client: &Submission<'_>) -> Option<Read> {
    json::read::<Root>(json).map(|root| event::read(root, observed, client))
}

fn finish<'a>(read: Read, json: &'a str, fingerprints: &mut Fingerprints<'a>) -> Item {
    let Read { mut item, identified_at } = read;
    item.fingerprint = identified_at.map(|seconds| fingerprints.next(json, seconds));
    item
}

/// The text of an element that is no object; what was found if there is nothing in it.
fn element_text(json: &str) -> Result<String, &'static str> {
    if json == "null" {
        return Err("null");
    }
    if !json.starts_with('"') {
        return Ok(json.to_owned());
    }
    let text: String = json::read(json).unwrap_or_else(|| json.to_owned());
    if text.trim().is_empty() { Err("an empty text") } else { Ok(text) }
}

fn log_item(message: String, observed: Timestamp, client: &Submission<'_>) -> Item {
    let mut event = Event::new(EventKind::Log, observed, observed);
    event.body = Some(message);
    let mut properties = Vec::new();
    properties::of_submission(client, &mut properties);
    Item { event, session_id: None, identity: None, properties, fingerprint: None }
}

/// A value's JSON text read as an object's entries, for keys whose object comes as text.
pub(super) fn entries_of_text(text: &str) -> Option<Vec<(String, Value)>> {
    match json::read_embedded(text)? {
        Value::Map(entries) => Some(entries.0),
        _ => None,
    }
}
