//! The client configuration.

mod pattern;
mod privacy;
mod settings;

use std::collections::BTreeMap;

use serde::Serialize;

pub use privacy::Privacy;
pub use settings::{InvalidSetting, check_setting};

/// The answer to a client that has `known_version` (the query's `v`): the body of a 200, or
/// `None` for a 304. Only the very same version is up to date: a client with a newer number has
/// talked to another server and must learn ours (Exceptionless HTTP API).
#[expect(clippy::missing_panics_doc, reason = "numbers and texts are always JSON")]
pub fn config_answer(
    known_version: Option<&str>,
    version: u64,
    settings: &BTreeMap<String, String>,
) -> Option<String> {
    #[derive(Serialize)]
    struct Answer<'a> {
        version: u64,
        settings: &'a BTreeMap<String, String>,
    }
    let known = known_version.and_then(|text| text.trim().parse::<u64>().ok());
    if known == Some(version) {
        return None;
    }
    Some(serde_json::to_string(&Answer { version, settings }).expect("numbers and texts are always JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_version_is_up_to_date() {
        let settings = BTreeMap::from([("@@log:*".to_owned(), "Warn".to_owned())]);
        let full = r#"{"version":5,"settings":{"@@log:*":"Warn"}}"#;
        let check = |known: Option<&str>, expected: Option<&str>| {
            assert_eq!(config_answer(known, 5, &settings).as_deref(), expected, "{known:?}");
        };
        check(Some("5"), None);
        check(Some("4"), Some(full));
        check(Some("6"), Some(full));
        check(Some("-1"), Some(full));
        check(Some("x"), Some(full));
        check(None, Some(full));
    }
}
