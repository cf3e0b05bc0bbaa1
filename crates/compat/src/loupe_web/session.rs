//! What a post says about the browser, the page and the tab.

use kymo_model::{Attributes, Value};

use super::ids::{id_text, is_plausible_id};
use super::{PROPERTY_CHARS_MAX, Request};
use crate::json::{self, says_something};

/// `session.client`, as the platform library of the agents describes a browser.
const CLIENT: [(&str, &str); 8] = [
    ("ua", "user_agent.original"),
    ("name", "user_agent.name"),
    ("version", "user_agent.version"),
    ("description", "browser.description"),
    ("layout", "browser.layout"),
    ("prerelease", "browser.prerelease"),
    ("manufacturer", "device.manufacturer"),
    ("product", "device.model.name"),
];

/// `session.client.os`.
const OS: [(&str, &str); 3] =
    [("family", "os.name"), ("version", "os.version"), ("architecture", "os.architecture")];

/// `session.client.size`, of the part of the window that shows the page.
const SIZE: [(&str, &str); 2] = [("width", "browser.window.width"), ("height", "browser.window.height")];

/// What holds for all messages of a post.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Session {
    /// See [`Item::properties`](super::Item::properties).
    pub(super) properties: Vec<(String, String)>,
    /// The id of the tab that posts, if plausible. The messages may be another tab's.
    pub(super) agent_session_id: Option<String>,
    /// What has no place of its own.
    pub(super) others: Attributes,
}

impl Session {
    /// From the post's member `session` and the headers.
    pub(super) fn read(json: Option<&str>, request: &Request<'_>) -> Self {
        let mut session = Self::default();
        session.set("telemetry.sdk", "loupe web");
        match json.and_then(json::read::<Value>) {
            Some(Value::Map(members)) => session.take_members(members),
            Some(other) if says_something(&other) => session.others.push("session", other),
            _ => {}
        }
        for (name, header) in [("user_agent.original", request.user_agent), ("url.full", request.referer)] {
            if let Some(text) = header.map(str::trim).filter(|text| !text.is_empty()) {
                session.set(name, text);
            }
        }
        session
    }

    fn take_members(&mut self, members: Attributes) {
        for (name, value) in members.0 {
            if name.eq_ignore_ascii_case("currentAgentSessionId") && self.agent_session_id.is_none() {
                match id_text(&value) {
                    Some(id) if is_plausible_id(&id) => self.agent_session_id = Some(id),
                    _ => self.keep("session", &name, value),
                }
            } else if let ("client", Value::Map(client)) = (name.to_ascii_lowercase().as_str(), &value) {
                self.take_client(client);
            } else {
                self.keep("session", &name, value);
            }
        }
    }

    fn take_client(&mut self, client: &Attributes) {
        for (name, value) in client {
            match (name.to_ascii_lowercase().as_str(), value) {
                // The whole once more: how one bundler imports the platform library.
                ("default", Value::Map(_)) => {}
                ("os", Value::Map(os)) => self.take_known(&OS, os, "session.client.os"),
                ("size", Value::Map(size)) => self.take_known(&SIZE, size, "session.client.size"),
                _ => self.take_one(&CLIENT, name, value, "session.client"),
            }
        }
    }

    fn take_known(&mut self, known: &[(&str, &'static str)], members: &Attributes, path: &str) {
        for (name, value) in members {
            self.take_one(known, name, value, path);
        }
    }

    fn take_one(&mut self, known: &[(&str, &'static str)], name: &str, value: &Value, path: &str) {
        let property = known.iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(name));
        let is_whole = match (property, value.to_scalar_text()) {
            (Some((_, property)), Some(text)) => text.trim().is_empty() || self.set(property, &text),
            _ => false,
        };
        if !is_whole {
            self.keep(path, name, value.clone());
        }
    }

    /// Sets a property that is not set yet; false if not all of the text is kept.
    fn set(&mut self, property: &str, text: &str) -> bool {
        if self.properties.iter().any(|(name, _)| name == property) {
            return false;
        }
        let end = text.char_indices().nth(PROPERTY_CHARS_MAX).map_or(text.len(), |(at, _)| at);
        self.properties.push((property.to_owned(), text[..end].to_owned()));
        end == text.len()
    }

    fn keep(&mut self, path: &str, name: &str, value: Value) {
        if says_something(&value) {
            self.others.push(format!("{path}.{name}"), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: Request<'_> = Request {
        agent_session_id: None,
        session_id: None,
        cookie: None,
        user_agent: Some("UA of the request"),
        referer: Some("https://shop.test/cart?id=1"),
    };

    fn check(json: &str, properties: &[(&str, &str)], agent_session_id: Option<&str>, others: &str) {
        let session = Session::read(Some(json), &REQUEST);
        let found: Vec<(&str, &str)> =
            session.properties.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(found, properties, "{json}");
        assert_eq!(session.agent_session_id.as_deref(), agent_session_id, "{json}");
        assert_eq!(serde_json::to_string(&session.others).unwrap(), others, "{json}");
    }

    #[test]
    fn browsers_are_described() {
        check(
            r#"{"client":{"description":"Safari 17.2 on Apple iPhone (iOS 17.2)","layout":"WebKit",
                "manufacturer":"Apple","name":"Safari","prerelease":null,"product":"iPhone","ua":"Mozilla/5.0 (iPhone)",
                "version":"17.2","os":{"architecture":32,"family":"iOS","version":"17.2"},
                "default":{"ua":"again"},"size":{"height":640,"width":1024}},"currentAgentSessionId":"tab-1"}"#,
            &[
                ("telemetry.sdk", "loupe web"),
                ("browser.description", "Safari 17.2 on Apple iPhone (iOS 17.2)"),
                ("browser.layout", "WebKit"),
                ("device.manufacturer", "Apple"),
                ("user_agent.name", "Safari"),
                ("device.model.name", "iPhone"),
                ("user_agent.original", "Mozilla/5.0 (iPhone)"),
                ("user_agent.version", "17.2"),
                ("os.architecture", "32"),
                ("os.name", "iOS"),
                ("os.version", "17.2"),
                ("browser.window.height", "640"),
                ("browser.window.width", "1024"),
                ("url.full", "https://shop.test/cart?id=1"),
            ],
            Some("tab-1"),
            "{}",
        );
    }

    #[test]
    fn headers_stand_in() {
        let of_request = [
            ("telemetry.sdk", "loupe web"),
            ("user_agent.original", "UA of the request"),
            ("url.full", "https://shop.test/cart?id=1"),
        ];
        for json in [
            "null",
            "{}",
            r#"{"client":null,"currentAgentSessionId":null}"#,
            r#"{"client":{"ua":"","name":null,"os":{"architecture":null,"family":null},"size":null}}"#,
        ] {
            check(json, &of_request, None, "{}");
        }
        let alone = Session::read(None, &Request::default());
        assert_eq!(alone.properties, [("telemetry.sdk".to_owned(), "loupe web".to_owned())]);
    }

    #[test]
    fn odd_values_are_kept() {
        let long = "x".repeat(201);
        check(
            &format!(
                r#"{{"Client":{{"UA":"{long}","ua":"b","name":["A"],"os":"Linux","plugins":[1]}},"CURRENTAGENTSESSIONID":"a\nb","x":{{"y":1}}}}"#
            ),
            &[
                ("telemetry.sdk", "loupe web"),
                ("user_agent.original", &long[..200]),
                ("url.full", "https://shop.test/cart?id=1"),
            ],
            None,
            &format!(
                r#"{{"session.client.UA":"{long}","session.client.ua":"b","session.client.name":["A"],"session.client.os":"Linux","session.client.plugins":[1],"session.CURRENTAGENTSESSIONID":"a\nb","session.x":{{"y":1}}}}"#
            ),
        );
        check(
            r#""tab""#,
            &[
                ("telemetry.sdk", "loupe web"),
                ("user_agent.original", "UA of the request"),
                ("url.full", "https://shop.test/cart?id=1"),
            ],
            None,
            r#"{"session":"tab"}"#,
        );
    }
}
