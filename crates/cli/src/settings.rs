//! Settings of a project on the command line: `KEY=VALUE` words into the change that the server takes, and
//! its answer into lines with the same keys.

use std::fmt::Write as _;

use anyhow::{Context, anyhow, bail};
use serde_json::{Map, Value, json};

use kymo_viewer::harmless;

/// Keys whose value is a time; the API has them with `_seconds`.
const LIMITS: [&str; 4] = ["split_after", "idle_after", "close_grace", "browser_idle_after"];
/// After how many days sessions are removed.
const RETENTION: &str = "retention_days";
/// What is wanted of programs' sessions.
const UPLOAD_WANTED: &str = "upload.wanted";
/// Whether programs may be followed while they run.
const LIVE_ENABLED: &str = "live.enabled";
/// What comes before the key of a setting that agents fetch.
const CLIENT: &str = "client:";
const UNITS: [(char, u64); 4] = [('d', 24 * 60 * 60), ('h', 60 * 60), ('m', 60), ('s', 1)];
/// Width of the column of keys.
const KEY_WIDTH: usize = 20;

/// The change that sets these `KEY=VALUE` and unsets those keys.
pub(crate) fn change(assignments: &[String], unset: &[String]) -> anyhow::Result<Value> {
    let mut change = Map::new();
    for assignment in assignments {
        let (key, value) =
            assignment.split_once('=').ok_or_else(|| anyhow!("{assignment}: expected KEY=VALUE"))?;
        add(&mut change, key, Some(value))?;
    }
    for key in unset {
        add(&mut change, key, None)?;
    }
    if change.is_empty() {
        bail!("expected something to set or to unset, see --help");
    }
    Ok(Value::Object(change))
}

fn add(change: &mut Map<String, Value>, key: &str, value: Option<&str>) -> anyhow::Result<()> {
    let (group, name, value) = if let Some(name) = key.strip_prefix(CLIENT) {
        (Some("client_settings"), name.to_owned(), value.map_or(Value::Null, Value::from))
    } else if LIMITS.contains(&key) {
        let seconds = value.map(|value| seconds(value).with_context(|| key.to_owned())).transpose()?;
        (Some("sessions"), format!("{key}_seconds"), json!(seconds))
    } else if key == UPLOAD_WANTED {
        (Some("upload"), "wanted".to_owned(), json!(value))
    } else if key == LIVE_ENABLED {
        let is_on = match value {
            Some("true") => true,
            // Unset it is as it was at first.
            Some("false") | None => false,
            Some(other) => bail!("{key}: expected true or false, found {other:?}"),
        };
        (Some("live"), "enabled".to_owned(), json!(is_on))
    } else {
        let value = match (key, value) {
            ("name", Some(name)) => name.into(),
            ("origins", Some(origins)) => origins.split(',').map(str::trim).collect(),
            ("origins", None) => json!([]),
            (RETENTION, Some(days)) => days_of(days).with_context(|| key.to_owned())?.into(),
            (RETENTION, None) => Value::Null,
            ("name", None) => bail!("name: a project has one, set another"),
            _ => bail!(
                "{key}: expected name, origins, {RETENTION}, {UPLOAD_WANTED}, {LIVE_ENABLED}, {} or {CLIENT}KEY",
                LIMITS.join(", ")
            ),
        };
        (None, key.to_owned(), value)
    };
    let place = match group {
        Some(group) => change.entry(group).or_insert_with(|| json!({})).as_object_mut(),
        None => Some(change),
    };
    if place.and_then(|place| place.insert(name, value)).is_some() {
        bail!("{key}: expected once");
    }
    Ok(())
}

/// `30` or `30d`.
fn days_of(text: &str) -> anyhow::Result<u32> {
    let number = text.strip_suffix('d').unwrap_or(text);
    number.parse().map_err(|_| anyhow!("expected whole days such as 30, found {text:?}"))
}

/// `90`, `90s`, `20m`, `1h30m`, `7d`.
pub(crate) fn seconds(text: &str) -> anyhow::Result<u64> {
    let expected = || anyhow!("expected a time such as 90s, 20m, 1h30m or 7d, found {text:?}");
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let mut total: u64 = 0;
    let (mut rest, mut units) = (text, UNITS.iter());
    while !rest.is_empty() {
        let at = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(expected)?;
        let (number, unit) = rest.split_at(at);
        // Each unit once, the larger before the smaller.
        let (letter, factor) = units.find(|(letter, _)| unit.starts_with(*letter)).ok_or_else(expected)?;
        let number: u64 = number.parse().map_err(|_| expected())?;
        total = number.checked_mul(*factor).and_then(|part| total.checked_add(part)).ok_or_else(expected)?;
        rest = &unit[letter.len_utf8()..];
    }
    if text.is_empty() { Err(expected()) } else { Ok(total) }
}

fn time_text(seconds: u64) -> String {
    let (mut text, mut left) = (String::new(), seconds);
    for (letter, factor) in UNITS {
        if left >= factor {
            // Writing to a String cannot fail.
            let _ = write!(text, "{}{letter}", left / factor);
            left %= factor;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// A project for a person: a key and its value on each line, with the keys of [`change`].
pub(crate) fn lines(project: &Value) -> Vec<String> {
    let line = |key: &str, value: &str| format!("{:<KEY_WIDTH$} {}", harmless(key), harmless(value));
    let text = |name: &str| project[name].as_str().unwrap_or_default();
    let texts = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    };
    let mut lines = vec![
        line("id", text("id")),
        line("name", text("name")),
        line("origins", &texts(&project["origins"]).join(",")),
    ];
    let defaults = texts(&project["sessions"]["defaults"]);
    for limit in LIMITS {
        let name = format!("{limit}_seconds");
        let note = if defaults.contains(&name) { " (default)" } else { "" };
        let seconds = project["sessions"][&name].as_u64().unwrap_or_default();
        lines.push(line(limit, &format!("{}{note}", time_text(seconds))));
    }
    let kept =
        project[RETENTION].as_u64().map_or_else(|| "(as the server)".to_owned(), |days| days.to_string());
    lines.push(line(RETENTION, &kept));
    let wanted = project["upload"]["wanted"].as_str().unwrap_or_default();
    lines.push(line(UPLOAD_WANTED, wanted));
    lines.push(line(LIVE_ENABLED, &project["live"]["enabled"].to_string()));
    lines.push(line("config_version", &project["config_version"].to_string()));
    let settings = project["client_settings"].as_object().into_iter().flatten();
    lines.extend(
        settings.map(|(key, value)| line(&format!("{CLIENT}{key}"), value.as_str().unwrap_or_default())),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn words_become_a_change() {
        let set = words(&[
            "name=My Shop",
            "origins=https://a.test, https://b.test",
            "split_after=1h30m",
            "close_grace=90",
            "retention_days=30d",
            "upload.wanted=with_errors",
            "live.enabled=true",
            "client:@@DataExclusions=password,*token*",
            "client:a=b=c",
            "client:empty=",
        ]);
        let unset = words(&["idle_after", "client:@@log:*"]);
        let expected = json!({
            "name": "My Shop", "origins": ["https://a.test", "https://b.test"],
            "sessions": {"split_after_seconds": 5400, "close_grace_seconds": 90, "idle_after_seconds": null},
            "client_settings": {"@@DataExclusions": "password,*token*", "a": "b=c", "empty": "", "@@log:*": null},
            "retention_days": 30, "upload": {"wanted": "with_errors"}, "live": {"enabled": true},
        });
        assert_eq!(change(&set, &unset).unwrap(), expected);
        assert_eq!(change(&[], &words(&["origins"])).unwrap(), json!({"origins": []}));
        assert_eq!(change(&[], &words(&["retention_days"])).unwrap(), json!({"retention_days": null}));
        let unset = change(&[], &words(&["upload.wanted"])).unwrap();
        assert_eq!(unset, json!({"upload": {"wanted": null}}));
    }

    #[test]
    fn other_words_are_refused_with_what_was_expected() {
        let rows: [(&[&str], &[&str], &str); 10] = [
            (&[], &[], "something to set"),
            (&["name"], &[], "name: expected KEY=VALUE"),
            (
                &["id=x"],
                &[],
                "id: expected name, origins, retention_days, upload.wanted, live.enabled, split_after",
            ),
            (&[], &["name"], "a project has one"),
            (
                &["split_after=soon"],
                &[],
                "split_after: expected a time such as 90s, 20m, 1h30m or 7d, found \"soon\"",
            ),
            (&["split_after=1m", "split_after=2m"], &[], "split_after: expected once"),
            (&["live.enabled=on"], &[], "live.enabled: expected true or false, found \"on\""),
            (&["client:a=1"], &["client:a"], "client:a: expected once"),
            (&[], &["color"], "color: expected name"),
            (&["retention_days=1w"], &[], "retention_days: expected whole days such as 30, found \"1w\""),
        ];
        for (set, unset, expected) in rows {
            let found = format!("{:#}", change(&words(set), &words(unset)).unwrap_err());
            assert!(found.contains(expected), "{set:?} {unset:?}: {found}");
        }
    }

    #[test]
    fn times_are_written_as_they_are_read() {
        for (text, expected) in [
            ("90s", 90),
            ("20m", 1200),
            ("1h30m", 5400),
            ("7d", 604_800),
            ("1d1h1m1s", 90_061),
            ("0s", 0),
            ("45", 45),
        ] {
            assert_eq!(seconds(text).unwrap(), expected, "{text}");
            assert_eq!(seconds(&time_text(expected)).unwrap(), expected);
        }
        for bad in [
            "",
            "m",
            "1.5h",
            "5m1h",
            "5m5m",
            "-5s",
            "5 m",
            "5min",
            "99999999999999999999s",
            "9999999999999999d",
        ] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        assert_eq!(time_text(5400), "1h30m");
    }

    #[test]
    fn lines_have_the_same_keys() {
        let project = json!({
            "id": "shop", "name": "Sh\u{1b}op", "origins": ["https://a.test"], "config_version": 3,
            "sessions": {"split_after_seconds": 1200, "idle_after_seconds": 300, "close_grace_seconds": 120,
                         "browser_idle_after_seconds": 1800, "defaults": ["idle_after_seconds"]},
            "client_settings": {"@@log:*": "off"}, "upload": {"wanted": "none"}, "live": {"enabled": true},
        });
        let found = lines(&project);
        assert_eq!(found[1], "name                 Sh\\u{1b}op");
        assert_eq!(found[3], "split_after          20m");
        assert_eq!(found[4], "idle_after           5m (default)");
        assert_eq!(found[7], "retention_days       (as the server)");
        assert_eq!(found[8], "upload.wanted        none");
        assert_eq!(found[9], "live.enabled         true");
        assert_eq!(found[11], "client:@@log:*       off");
    }
}
