//! Which settings a project may have for its agents. Agents ignore what they do not understand, so that it
//! has to be said here.

use thiserror::Error;

use super::pattern::patterns;
use super::privacy::{DATA_EXCLUSIONS, INCLUDE_PRIVATE};

const BOT_PATTERNS: &str = "@@UserAgentBotPatterns";
/// What the agents' own keys begin with.
const OWN: &str = "@@";
/// Most names in [`DATA_EXCLUSIONS`]: every name of an event's data is compared with all of them.
const EXCLUSIONS_MAX: usize = 100;
const LEVELS: [&str; 7] = ["trace", "debug", "info", "warn", "error", "fatal", "off"];
const EXPECTED_LEVEL: &str = "trace, debug, info, warn, error, fatal or off";
const EXPECTED_FLAG: &str = "true or false";
const EXPECTED_EXCLUSIONS: &str = "1 to 100 names with commas between them, each with a * at its ends only";
const EXPECTED_KEY: &str = "@@DataExclusions, @@IncludePrivateInformation, @@UserAgentBotPatterns, @@log:SOURCE or \
    @@TYPE:SOURCE (keys of the application's own begin without @@)";

/// A setting that agents would not understand.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidSetting {
    /// No agent knows this key, and it is not the application's own.
    #[error("there is no client setting {key}: expected {EXPECTED_KEY}")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// The value is not one of this key.
    #[error("{key}: expected {expected}, found {found:?}")]
    Value {
        /// The key.
        key: String,
        /// What its values look like.
        expected: &'static str,
        /// The value.
        found: String,
    },
}

/// Whether agents understand the setting (Exceptionless HTTP API, configuration). Keys that do not begin
/// with `@@` are the application's own and have any value.
pub fn check_setting(key: &str, value: &str) -> Result<(), InvalidSetting> {
    let is_one_of = |words: &[&str]| words.iter().any(|word| value.trim().eq_ignore_ascii_case(word));
    let (is_valid, expected) = match key {
        DATA_EXCLUSIONS => (are_exclusions(value), EXPECTED_EXCLUSIONS),
        INCLUDE_PRIVATE => (is_one_of(&["true", "false"]), EXPECTED_FLAG),
        BOT_PATTERNS => return Ok(()),
        _ => match key.strip_prefix(OWN).map(|key| key.split_once(':')) {
            None => return Ok(()),
            Some(Some((kind, source))) if !kind.trim().is_empty() && !source.trim().is_empty() => {
                if kind.eq_ignore_ascii_case("log") {
                    (is_one_of(&LEVELS), EXPECTED_LEVEL)
                } else {
                    (is_one_of(&["true", "false"]), EXPECTED_FLAG)
                }
            }
            Some(_) => return Err(InvalidSetting::UnknownKey { key: key.to_owned() }),
        },
    };
    if is_valid {
        Ok(())
    } else {
        Err(InvalidSetting::Value { key: key.to_owned(), expected, found: value.to_owned() })
    }
}

fn are_exclusions(list: &str) -> bool {
    (1..=EXCLUSIONS_MAX).contains(&patterns(list).count())
        && !patterns(list).any(|pattern| pattern.has_inner_wild_card())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_have_known_values() {
        let many = vec!["a"; EXCLUSIONS_MAX + 1].join(",");
        let rows = [
            ("@@DataExclusions", "password, *token*,card*", None),
            ("@@DataExclusions", "*", None),
            ("@@DataExclusions", "", Some("@@DataExclusions: expected 1 to 100 names")),
            ("@@DataExclusions", " , ", Some("found \" , \"")),
            ("@@DataExclusions", "a,b*c", Some("a * at its ends only, found \"a,b*c\"")),
            ("@@DataExclusions", &many, Some("1 to 100")),
            ("@@IncludePrivateInformation", "false", None),
            ("@@IncludePrivateInformation", "True", None),
            ("@@IncludePrivateInformation", "no", Some("expected true or false, found \"no\"")),
            ("@@UserAgentBotPatterns", "*bot*,Whatever (x)", None),
            ("@@log:*", "Warn", None),
            ("@@log:shop.cart", "off", None),
            ("@@Log:shop:cart", "off", None),
            ("@@log:shop.cart", "loud", Some("@@log:shop.cart: expected trace, debug,")),
            ("@@error:TypeError", "false", None),
            ("@@usage:feature*", "true", None),
            ("@@404:*", "0", Some("@@404:*: expected true or false")),
            ("@@dataexclusions", "a", Some("there is no client setting @@dataexclusions: expected @@Data")),
            ("@@log:", "info", Some("@@log:SOURCE")),
            ("@@:x", "true", Some("there is no")),
            ("@@", "", Some("there is no")),
            ("feature.new-checkout", "", None),
            ("@own", "anything: at all", None),
        ];
        for (key, value, expected) in rows {
            let found = check_setting(key, value).err().map(|error| error.to_string());
            assert_eq!(found.is_some(), expected.is_some(), "{key}={value}: {found:?}");
            assert!(found.is_none_or(|found| found.contains(expected.unwrap_or_default())), "{key}={value}");
        }
    }
}
