//! What a user said about an event, in a request of its own. Agents send it at once, often before the event.

use kymo_model::{Attributes, Value};
use thiserror::Error;

use super::Privacy;
use super::body::entries_of_text;
use super::names::{FreeNames, canonical};
use crate::json;

/// Longest address that mail is sent to (RFC 5321: a path of 256 with its brackets).
const EMAIL_CHARS_MAX: usize = 254;
/// Longest text: three pages of what somebody typed into a form.
const TEXT_CHARS_MAX: usize = 10_000;
/// Most bytes of the application's additions, as JSON: it is read with every event of that id.
const DATA_BYTES_MAX: usize = 20_000;

const NAMES: [&str; 3] = ["email_address", "description", "data"];

/// A user's own words about an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Where to reach them.
    pub email: Option<String>,
    /// What they wrote.
    pub text: Option<String>,
    /// What the application added, as a JSON object.
    pub data: Option<String>,
}

/// A description that cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidDescription {
    /// The body is something else.
    #[error("expected a JSON object with email_address and description")]
    NotAnObject,
    /// It says nothing.
    #[error("expected an email_address or a description, found neither")]
    Empty,
    /// Nobody can be reached there.
    #[error("email_address: expected an address such as ann@example.test")]
    Email,
    /// A part is too long.
    #[error("{part}: expected at most {most} {unit}")]
    TooLong {
        /// Which.
        part: &'static str,
        /// What it may have.
        most: usize,
        /// Of what.
        unit: &'static str,
    },
}

/// The description in a body `{email_address, description, data}`, without what the project does not keep
/// (Exceptionless HTTP API, user description). `None`: nothing is left of it.
pub fn decode_description(
    body: &[u8],
    privacy: Option<&Privacy>,
) -> Result<Option<Description>, InvalidDescription> {
    let text = String::from_utf8_lossy(body);
    let Some(Value::Map(entries)) = json::read_embedded(text.trim_start_matches('\u{feff}')) else {
        return Err(InvalidDescription::NotAnObject);
    };
    let mut description = Description::default();
    let (mut data, mut others) = (Vec::new(), Vec::new());
    for (name, value) in entries.0 {
        let said = value.to_scalar_text().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        match (canonical(&name, &NAMES), value) {
            (Some("email_address"), _) => description.email = said,
            (Some("description"), _) => description.text = said,
            (Some("data"), Value::Map(entries)) => data = entries.0,
            (Some("data"), Value::Text(text)) if let Some(entries) = entries_of_text(&text) => data = entries,
            (_, Value::Null) => {}
            (_, value) => others.push((name, value)),
        }
    }
    check(&description)?;
    let mut names = FreeNames::beside(&data);
    data.extend(others.into_iter().map(|(name, value)| (names.take(name), value)));
    if let Some(privacy) = privacy {
        data = privacy.clean_data(data);
        if !privacy.includes_private() {
            description.email = None;
        }
    }
    if !data.is_empty() {
        let json = serde_json::to_string(&Attributes(data)).unwrap_or_default();
        if json.len() > DATA_BYTES_MAX {
            return Err(InvalidDescription::TooLong {
                part: "data",
                most: DATA_BYTES_MAX,
                unit: "bytes of JSON",
            });
        }
        description.data = Some(json);
    }
    Ok(Some(description).filter(|description| *description != Description::default()))
}

fn check(description: &Description) -> Result<(), InvalidDescription> {
    let parts = [
        ("email_address", &description.email, EMAIL_CHARS_MAX),
        ("description", &description.text, TEXT_CHARS_MAX),
    ];
    for (part, text, most) in parts {
        if text.as_ref().is_some_and(|text| text.chars().count() > most) {
            return Err(InvalidDescription::TooLong { part, most, unit: "characters" });
        }
    }
    match (&description.email, &description.text) {
        (Some(email), _) if !is_email(email) => Err(InvalidDescription::Email),
        (None, None) => Err(InvalidDescription::Empty),
        _ => Ok(()),
    }
}

/// One `@` with something on both sides and nothing blank: what else is wrong, sending a mail will tell.
fn is_email(text: &str) -> bool {
    let mut sides = text.split('@');
    let has_sides = matches!((sides.next(), sides.next(), sides.next()), (Some(name), Some(host), None)
        if !name.is_empty() && !host.is_empty());
    has_sides && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn parts(description: Option<Description>) -> Option<[Option<String>; 3]> {
        description.map(|Description { email, text, data }| [email, text, data])
    }

    #[test]
    fn bodies_of_agents_and_others() {
        let check = |body: &str, expected: [Option<&str>; 3]| {
            let found =
                decode_description(body.as_bytes(), None).unwrap_or_else(|error| panic!("{body}: {error}"));
            assert_eq!(parts(found), Some(expected.map(|part| part.map(str::to_owned))), "{body}");
        };
        check(
            r#"{"email_address":"ann@a.test","description":"it broke","data":{"a":1}}"#,
            [Some("ann@a.test"), Some("it broke"), Some(r#"{"a":1}"#)],
        );
        check(r#"{"EmailAddress":" ann@a.test "}"#, [Some("ann@a.test"), None, None]);
        check(r#"{"description":"x","email_address":null,"data":null}"#, [None, Some("x"), None]);
        check(r#"{"description":"x","email_address":""}"#, [None, Some("x"), None]);
        check(r#"{"description":17}"#, [None, Some("17"), None]);
        check(r#"{"description":"x","data":"{\"a\":1}"}"#, [None, Some("x"), Some(r#"{"a":1}"#)]);
        check(r#"{"description":"x","data":[1],"b":2}"#, [None, Some("x"), Some(r#"{"data":[1],"b":2}"#)]);
        check(r#"{"description":"x","data":{"b":1},"b":2}"#, [None, Some("x"), Some(r#"{"b":1,"b1":2}"#)]);
        check("\u{feff}{\"description\":\"<b>é\\nß\"}", [None, Some("<b>é\nß"), None]);
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let check = |body: &str, expected: InvalidDescription| {
            assert_eq!(decode_description(body.as_bytes(), None), Err(expected), "{body}");
        };
        for body in ["", "[]", "\"x\"", "{\"description\":", "null", "it broke"] {
            check(body, InvalidDescription::NotAnObject);
        }
        for body in ["{}", r#"{"email_address":"","description":"  "}"#, r#"{"data":{"a":1}}"#] {
            check(body, InvalidDescription::Empty);
        }
        for email in ["ann", "@a.test", "ann@", "a@b@c", "a b@c", "a@b\\nc", "a@b\\u0000"] {
            check(&format!(r#"{{"email_address":"{email}","description":"x"}}"#), InvalidDescription::Email);
        }
        let long = |part, most, unit| InvalidDescription::TooLong { part, most, unit };
        let text = "é".repeat(TEXT_CHARS_MAX);
        assert!(decode_description(format!(r#"{{"description":"{text}"}}"#).as_bytes(), None).is_ok());
        check(&format!(r#"{{"description":"{text}é"}}"#), long("description", TEXT_CHARS_MAX, "characters"));
        let email = format!("{}@a.test", "a".repeat(EMAIL_CHARS_MAX));
        check(
            &format!(r#"{{"email_address":"{email}"}}"#),
            long("email_address", EMAIL_CHARS_MAX, "characters"),
        );
        let data = format!(r#"{{"description":"x","data":{{"a":"{}"}}}}"#, "x".repeat(DATA_BYTES_MAX));
        check(&data, long("data", DATA_BYTES_MAX, "bytes of JSON"));
    }

    #[test]
    fn what_the_project_does_not_keep_is_left_out() {
        let settings = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            Privacy::of_settings(&pairs.collect::<BTreeMap<_, _>>())
        };
        let body =
            br#"{"email_address":"ann@a.test","description":"x","data":{"Card":1,"a":{"card":2,"b":3}}}"#;
        let left = |privacy| parts(decode_description(body, Some(&privacy)).unwrap());
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            left(settings(&[("@@DataExclusions", "card*")])),
            Some([text("ann@a.test"), text("x"), text(r#"{"a":{"b":3}}"#)])
        );
        let private = || settings(&[("@@IncludePrivateInformation", "false"), ("@@DataExclusions", "*")]);
        assert_eq!(left(private()), Some([None, text("x"), None]));
        let only_email = br#"{"email_address":"ann@a.test"}"#;
        assert_eq!(decode_description(only_email, Some(&private())), Ok(None));
    }
}
