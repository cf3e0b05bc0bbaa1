//! What a project's settings leave out of its events: a pure filter between reading an item and making an
//! event of it.
//!
//! Agents apply the same settings, but not everywhere (the one for JavaScript lets properties through that
//! stand directly in an event's data) and not before they have fetched them. What is left out here is gone:
//! it is neither kept elsewhere nor hashed.
//!
//! Two sorts of names meet in an event. The *protocol's* (`message`, `o_s_name`, `stack_trace`) are always
//! kept; the *application's* are what stands in its own data, in headers, cookies, query strings and posted
//! data, and whatever the protocol does not know. Only these are compared with the exclusions.

use std::collections::BTreeMap;

use kymo_model::{Attributes, Value};

use super::super::names::canonical;
use super::super::query::{decode_form, parts};
use super::pattern::{Pattern, patterns};
use crate::json;

/// The settings this is made from (Exceptionless HTTP API, configuration).
pub(super) const DATA_EXCLUSIONS: &str = "@@DataExclusions";
pub(super) const INCLUDE_PRIVATE: &str = "@@IncludePrivateInformation";

type Entries = Vec<(String, Value)>;

/// The protocol's names in `@error`, `@simple_error` and everything below them but `data`.
const ERROR: [&str; 22] = [
    "type",
    "message",
    "code",
    "inner",
    "stack_trace",
    "target_method",
    "modules",
    "name",
    "file_name",
    "line_number",
    "column",
    "declaring_type",
    "declaring_namespace",
    "parameters",
    "type_namespace",
    "generic_arguments",
    "is_signature_target",
    "module_id",
    "version",
    "is_entry",
    "created_date",
    "modified_date",
];
const ENVIRONMENT: [&str; 16] = [
    "processor_count",
    "total_physical_memory",
    "available_physical_memory",
    "command_line",
    "process_name",
    "process_id",
    "process_memory_size",
    "thread_name",
    "thread_id",
    "architecture",
    "o_s_name",
    "o_s_version",
    "ip_address",
    "machine_name",
    "install_id",
    "runtime_version",
];
const REQUEST: [&str; 8] =
    ["user_agent", "http_method", "is_secure", "host", "port", "path", "referrer", "client_ip_address"];
const USER: [&str; 2] = ["identity", "name"];
const USER_DESCRIPTION: [&str; 2] = ["email_address", "description"];
/// What agents send as it was posted or asked for: a map, or the text of one.
const FORMS: [&str; 2] = ["query_string", "post_data"];
const STACK: [&str; 3] = ["title", "signature_data", "manual_stacking_key"];

/// Keys of an event's data that are the protocol's and have no parts of the application's.
const PLAIN_KEYS: [&str; 5] = ["@version", "@level", "@submission_method", "@location", "@trace"];

/// What an event without private information does not have (Exceptionless HTTP API, and its server's
/// treatment of the setting). Headers go as a whole: they repeat cookies and addresses.
const PRIVATE_ENVIRONMENT: [&str; 2] = ["machine_name", "ip_address"];
const PRIVATE_REQUEST: [&str; 5] = ["client_ip_address", "cookies", "query_string", "post_data", "headers"];
const PRIVATE_DESCRIPTION: [&str; 1] = ["email_address"];

/// What of an event is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privacy {
    exclusions: Vec<Pattern>,
    include_private: bool,
}

impl Default for Privacy {
    /// Everything is kept.
    fn default() -> Self {
        Self { exclusions: Vec::new(), include_private: true }
    }
}

impl Privacy {
    /// As a project's client settings say. What cannot be understood counts as not set, but for private
    /// information: anything but `true` leaves it out.
    pub fn of_settings(settings: &BTreeMap<String, String>) -> Self {
        let exclusions =
            settings.get(DATA_EXCLUSIONS).map(|list| patterns(list).collect()).unwrap_or_default();
        let include = settings.get(INCLUDE_PRIVATE);
        Self {
            exclusions,
            include_private: include.is_none_or(|text| text.trim().eq_ignore_ascii_case("true")),
        }
    }

    /// Nothing is left out.
    pub fn keeps_all(&self) -> bool {
        self.exclusions.is_empty() && self.include_private
    }

    /// Whether users' identities, addresses and the like are kept.
    pub(in crate::exceptionless) fn includes_private(&self) -> bool {
        self.include_private
    }

    /// Leaves the excluded names out of what an event of another protocol carries along, on every level.
    pub fn clean_attributes(&self, attributes: &mut Attributes) {
        attributes.0 = self.clean_data(std::mem::take(&mut attributes.0));
    }

    /// The names and values of a map of the application's, without the excluded ones on any level.
    pub(in crate::exceptionless) fn clean_data(&self, entries: Entries) -> Entries {
        if self.exclusions.is_empty() {
            return entries;
        }
        let kept = entries.into_iter().filter(|(name, _)| !self.excludes(name));
        kept.map(|(name, value)| (name, self.clean_value(value))).collect()
    }

    /// A key of an event's data that has no objects of the protocol in it.
    pub(in crate::exceptionless) fn clean_entry(&self, key: &str, value: Value) -> Option<Value> {
        if self.keeps_all() {
            return Some(value);
        }
        if !self.include_private && is_moved_private(key) {
            return None;
        }
        if PLAIN_KEYS.contains(&key) || key.starts_with("@ref:") {
            return Some(value);
        }
        if self.excludes(key) { None } else { Some(self.clean_value(value)) }
    }

    /// The object under a key of the protocol's.
    pub(in crate::exceptionless) fn clean_object(&self, key: &str, entries: Entries) -> Entries {
        if self.keeps_all() {
            return entries;
        }
        let (names, private): (&[&'static str], &[&'static str]) = match key {
            "@error" | "@simple_error" => (&ERROR, &[]),
            "@environment" => (&ENVIRONMENT, &PRIVATE_ENVIRONMENT),
            "@request" => (&REQUEST, &PRIVATE_REQUEST),
            "@user_description" => (&USER_DESCRIPTION, &PRIVATE_DESCRIPTION),
            "@user" => (&USER, &[]),
            "@stack" => (&STACK, &[]),
            _ => (&[], &[]),
        };
        let mut entries = entries;
        if !self.include_private {
            entries.retain(|(name, _)| canonical(name, private).is_none());
        }
        if key == "@request" {
            self.clean_urls(&mut entries);
        }
        self.clean_known(entries, names)
    }

    /// An object of the protocol, whose own names are kept on every level.
    fn clean_known(&self, entries: Entries, names: &[&'static str]) -> Entries {
        if self.exclusions.is_empty() {
            return entries;
        }
        let clean = |(name, value): (String, Value)| {
            let value = if canonical(&name, names).is_some() {
                self.clean_parts(value, names)
            } else if self.excludes(&name) {
                return None;
            } else {
                match value {
                    Value::Text(text) if canonical(&name, &FORMS).is_some() => {
                        Value::Text(self.clean_text(text))
                    }
                    other => self.clean_value(other),
                }
            };
            Some((name, value))
        };
        entries.into_iter().filter_map(clean).collect()
    }

    fn clean_parts(&self, value: Value, names: &[&'static str]) -> Value {
        match value {
            Value::Map(entries) => Value::Map(Attributes(self.clean_known(entries.0, names))),
            Value::List(values) => {
                Value::List(values.into_iter().map(|value| self.clean_parts(value, names)).collect())
            }
            plain => plain,
        }
    }

    fn clean_value(&self, value: Value) -> Value {
        match value {
            Value::Map(entries) => Value::Map(Attributes(self.clean_data(entries.0))),
            Value::List(values) => {
                Value::List(values.into_iter().map(|value| self.clean_value(value)).collect())
            }
            plain => plain,
        }
    }

    /// Text that has names in it: `name=value&…`, or JSON. Unchanged where no name is excluded.
    fn clean_text(&self, text: String) -> String {
        if let Some(value) = json::read_embedded(&text) {
            let cleaned = self.clean_value(value.clone());
            if cleaned == value {
                return text;
            }
            return serde_json::to_string(&cleaned).unwrap_or_default();
        }
        self.clean_form(&text).unwrap_or(text)
    }

    /// `name=value&…` without the excluded names; `None` if there are none.
    fn clean_form(&self, form: &str) -> Option<String> {
        let is_excluded = |&(name, _): &(&str, &str)| self.excludes(&decode_form(name));
        if !form.contains('=') || !parts(form).any(|part| is_excluded(&part)) {
            return None;
        }
        let kept = parts(form).filter(|part| !is_excluded(part));
        Some(kept.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"))
    }

    /// Query strings inside `path` and `referrer`.
    fn clean_urls(&self, entries: &mut Entries) {
        for (name, value) in entries {
            let (Some(_), Value::Text(url)) = (canonical(name, &["path", "referrer"]), value) else {
                continue;
            };
            let Some((page, query)) = url.split_once('?') else { continue };
            if self.include_private {
                if let Some(query) = self.clean_form(query) {
                    *url = if query.is_empty() { page.to_owned() } else { format!("{page}?{query}") };
                }
            } else {
                *url = page.to_owned();
            }
        }
    }

    fn excludes(&self, name: &str) -> bool {
        if self.exclusions.is_empty() {
            return false;
        }
        let name = name.trim().to_lowercase();
        self.exclusions.iter().any(|pattern| pattern.matches(&name))
    }
}

/// Objects of the protocol that were moved aside, because they are none or came twice, and would bring
/// back what is left out of the others.
fn is_moved_private(key: &str) -> bool {
    let object = key.trim_start_matches('_').trim_end_matches(|digit: char| digit.is_ascii_digit());
    ["@user", "@request", "@environment", "@user_description"].contains(&object)
}

#[cfg(test)]
mod tests;
