//! A body turned into items.

use std::borrow::Cow;

use kymo_model::{Timestamp, Value};
use serde_json::value::RawValue;

use super::cut::{Post, cut};
use super::event::{self, Sender};
use super::message::{Field, Message};
use super::session::Session;
use super::{Decoded, ITEMS_MAX, Item, Request, Unreadable};
use crate::json::{self, says_something};

/// What an element is read as.
const EXPECTED: &str = "a message";

/// Most values taken apart in one body. In memory each takes some 120 bytes (measured), so a body
/// takes at most 50 MB beside its text; what agents write has one in twenty bytes, 8 MiB have as
/// many. What is denser stays text: nothing is lost but that it can be unfolded.
const VALUES_MAX: usize = 400_000;

/// Most members of a message, or of another object that is denser than that. Beyond it the whole
/// becomes a text.
const FLAT_MEMBERS_MAX: usize = 1000;

/// The messages of a post that came in at `observed`. Never fails as a whole: what agents of all
/// generations send is taken, and of anything else as much as can be (Loupe web protocol, 7):
///
/// * the body is an object with `logMessages`, a bare list of messages, or a bare message
/// * a message is an object, or a text that holds its JSON; any other text, list or number becomes
///   a log event with it as body
/// * a body that breaks off gives what is whole before
///
/// The body is UTF-8; what is not is replaced. Elements without content, those beyond
/// [`ITEMS_MAX`] and what is broken are reported, nothing else is left out. A body with more than
/// 400,000 values keeps what comes on top as the text of its JSON.
pub fn decode_log(body: &[u8], observed: Timestamp, request: &Request<'_>) -> Decoded {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    match text.as_bytes().first() {
        None => Decoded::default(),
        Some(b'{' | b'[') => decode_post(cut(text), observed, request),
        Some(b'"') => match json::read::<String>(text) {
            Some(inner) if inner.trim_start().starts_with(['{', '[']) => {
                decode_post(cut(inner.trim()), observed, request)
            }
            Some(_) => {
                decode_post(Post { elements: vec![text], found: 1, ..Post::default() }, observed, request)
            }
            None => unreadable("a text that breaks off"),
        },
        Some(_) if text == "null" => Decoded::default(),
        Some(_) => unreadable("no JSON of a message"),
    }
}

fn unreadable(found: &'static str) -> Decoded {
    Decoded { items: Vec::new(), unreadable: vec![Unreadable::Empty { index: 0, expected: EXPECTED, found }] }
}

fn decode_post(post: Post<'_>, observed: Timestamp, request: &Request<'_>) -> Decoded {
    let mut left = VALUES_MAX;
    let mut take = |json: &str| {
        let values = json::values_at_most(json);
        let fits = values <= left;
        left -= if fits { values } else { 0 };
        fits
    };
    let mut others = post.others;
    let session = match post.session {
        Some(json) if !take(json) => {
            others.push(("session".to_owned(), json));
            None
        }
        session => session,
    };
    let session = Session::read(session, request);
    let mut sender = Sender { observed, request, session: &session, is_dense: false };
    let mut decoded = Decoded { items: Vec::with_capacity(post.elements.len()), unreadable: Vec::new() };
    for (index, element) in post.elements.iter().enumerate() {
        sender.is_dense = !take(element);
        match decode_element(element, &sender) {
            Ok(item) => decoded.items.push(item),
            Err(found) => {
                decoded.unreadable.push(Unreadable::Empty { index, expected: EXPECTED, found });
            }
        }
    }
    if post.found > ITEMS_MAX {
        decoded.unreadable.push(Unreadable::Excess {
            index: ITEMS_MAX,
            expected: ITEMS_MAX,
            found: post.found,
        });
    }
    decoded.unreadable.extend(post.broken);
    if let Some(first) = decoded.items.first_mut() {
        for (name, json) in others {
            let value =
                if take(json) { json::read::<Value>(json) } else { Some(Value::Text(json.to_owned())) };
            if let Some(value) = value.filter(says_something) {
                first.event.attributes.push(name, value);
            }
        }
        first.event.attributes.0.extend(session.others.0);
    }
    decoded
}

/// The item of an element; what was found if there is nothing in it.
fn decode_element(json: &str, sender: &Sender<'_>) -> Result<Item, &'static str> {
    if json.starts_with('{') {
        let flat = sender.is_dense.then(|| json::flatten(json));
        if flat.as_ref().is_some_and(|flat| json::marks(flat) > FLAT_MEMBERS_MAX) {
            return Ok(log_item(json.to_owned(), sender));
        }
        return match json::read::<Message>(flat.as_deref().unwrap_or(json)) {
            Some(message) if message.is_empty() => Err("an empty object"),
            Some(message) => Ok(event::read(message, json, sender)),
            None => Ok(log_item(json.to_owned(), sender)),
        };
    }
    let text: Cow<'_, str> = if json.starts_with('"') {
        // Without loss: it was cut as JSON, so it reads at least repaired.
        json::read::<String>(json).map_or(json.into(), Cow::Owned)
    } else {
        json.into()
    };
    let inner = text.trim();
    // How the agent 1.4.0 sends what found no place in the browser's storage.
    if inner.starts_with('{') && serde_json::from_str::<&RawValue>(inner).is_ok() {
        return decode_element(inner, sender);
    }
    match inner {
        "" => Err("an empty text"),
        "null" => Err("null"),
        _ => Ok(log_item(text.into_owned(), sender)),
    }
}

/// Without number and date it is not known again: equal texts are legitimate.
fn log_item(body: String, sender: &Sender<'_>) -> Item {
    let mut message = Message::default();
    message.set(Field::Caption, Value::Text(body));
    event::read(message, "", sender)
}
