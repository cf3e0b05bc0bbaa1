//! What people set for a project, as JSON: shown, and changed by a merge. The API and the command line say
//! the same.

use std::collections::BTreeMap;

use kymo_compat::exceptionless::check_setting;
use kymo_store::{Project, ProjectSettings, SessionLimits, Wanted};
use serde_json::{Map, Value, json};

/// The limits of the session rules by their names in JSON.
const LIMITS: [&str; 4] =
    ["split_after_seconds", "idle_after_seconds", "close_grace_seconds", "browser_idle_after_seconds"];

/// A project with its settings. `defaults` names the limits that it does not set itself.
pub(crate) fn shown(project: &Project) -> Value {
    let limits = &project.session_limits;
    let rules = limits.rules();
    let holding = [rules.split_after, rules.idle_after, rules.close_grace, rules.browser_idle_after];
    let own = [limits.split_after, limits.idle_after, limits.close_grace, limits.browser_idle_after];
    let mut sessions: Map<String, Value> = LIMITS
        .iter()
        .zip(holding)
        .map(|(name, limit)| ((*name).to_owned(), limit.as_secs().into()))
        .collect();
    let defaults = LIMITS.iter().zip(own).filter(|(_, own)| own.is_none());
    sessions.insert("defaults".to_owned(), defaults.map(|(name, _)| Value::from(*name)).collect());
    json!({
        "id": project.id.as_str(),
        "name": project.name,
        "created_at": project.created_at.to_string(),
        "origins": project.origins,
        "sessions": sessions,
        "client_settings": project.client_settings,
        "retention_days": project.retention_days,
        "upload": {"wanted": project.upload_wanted.unwrap_or_default().as_str()},
        "live": {"enabled": project.live},
        "config_version": project.config_version,
    })
}

/// Changes what `change` names, and nothing else: a limit or client setting that is `null` there is unset.
///
/// # Errors
/// What was expected instead; the settings may be changed in part then and are not to be kept.
pub(crate) fn merge(settings: &mut ProjectSettings, change: &Value) -> Result<(), String> {
    for (name, value) in object(change, "the change")? {
        match name.as_str() {
            "name" => value.as_str().ok_or("name: expected a text")?.trim().clone_into(&mut settings.name),
            "origins" => settings.origins = origins(value)?,
            "sessions" => merge_limits(&mut settings.session_limits, value)?,
            "client_settings" => merge_client_settings(&mut settings.client_settings, value)?,
            "retention_days" => settings.retention_days = days(value)?,
            "upload" => merge_upload(settings, value)?,
            "live" => merge_live(settings, value)?,
            other => {
                return Err(format!(
                    "{other}: expected name, origins, sessions, client_settings, retention_days, upload or live"
                ));
            }
        }
    }
    Ok(())
}

/// The names of what a change changes, for the audit log: never their values, which may be secret.
pub(crate) fn changed_keys(change: &Value) -> String {
    let names = change.as_object().into_iter().flatten().flat_map(|(name, value)| match value.as_object() {
        Some(inner) => inner.keys().map(|key| format!("{name}.{key}")).collect(),
        None => vec![name.clone()],
    });
    names.collect::<Vec<_>>().join(", ")
}

fn days(value: &Value) -> Result<Option<u32>, String> {
    match value {
        Value::Null => Ok(None),
        value => value
            .as_u64()
            .and_then(|days| u32::try_from(days).ok())
            .map(Some)
            .ok_or_else(|| format!("retention_days: expected whole days or null, found {value}")),
    }
}

/// Whether a browser may call that its origin: what stands in `Origin` headers.
pub(crate) fn check_origin(origin: &str) -> Result<(), String> {
    let host = ["https://", "http://"].iter().find_map(|scheme| origin.strip_prefix(scheme));
    let is_plain =
        |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && !b"/?#@,".contains(&byte);
    if host.is_some_and(|host| !host.is_empty() && host.bytes().all(is_plain)) {
        Ok(())
    } else {
        Err(format!(
            "{origin:?} is not a web origin: expected scheme, host and port in lower case, such as https://shop.example"
        ))
    }
}

fn object<'value>(value: &'value Value, what: &str) -> Result<&'value Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{what}: expected an object"))
}

fn origins(value: &Value) -> Result<Vec<String>, String> {
    let texts: Option<Vec<String>> =
        value.as_array().and_then(|list| list.iter().map(|one| one.as_str().map(str::to_owned)).collect());
    let origins = texts.ok_or("origins: expected a list of texts")?;
    origins.iter().try_for_each(|origin| check_origin(origin))?;
    Ok(origins)
}

fn merge_limits(limits: &mut SessionLimits, change: &Value) -> Result<(), String> {
    for (name, value) in object(change, "sessions")? {
        let seconds = match value {
            Value::Null => None,
            value => Some(
                value
                    .as_u64()
                    .and_then(|seconds| u32::try_from(seconds).ok())
                    .ok_or_else(|| format!("{name}: expected whole seconds or null, found {value}"))?,
            ),
        };
        match name.as_str() {
            "split_after_seconds" => limits.split_after = seconds,
            "idle_after_seconds" => limits.idle_after = seconds,
            "close_grace_seconds" => limits.close_grace = seconds,
            "browser_idle_after_seconds" => limits.browser_idle_after = seconds,
            other => return Err(format!("sessions.{other}: expected {}", LIMITS.join(", "))),
        }
    }
    Ok(())
}

fn merge_upload(settings: &mut ProjectSettings, change: &Value) -> Result<(), String> {
    for (name, value) in object(change, "upload")? {
        if name != "wanted" {
            return Err(format!("upload.{name}: expected wanted"));
        }
        let word = |text: &str| Wanted::ALL.into_iter().find(|wanted| wanted.as_str() == text);
        settings.upload_wanted = match value {
            Value::Null => None,
            value => Some(value.as_str().and_then(word).ok_or_else(|| {
                format!("upload.wanted: expected all, with_errors, none or null, found {value}")
            })?),
        };
    }
    Ok(())
}

fn merge_live(settings: &mut ProjectSettings, change: &Value) -> Result<(), String> {
    for (name, value) in object(change, "live")? {
        if name != "enabled" {
            return Err(format!("live.{name}: expected enabled"));
        }
        settings.live =
            value.as_bool().ok_or_else(|| format!("live.enabled: expected true or false, found {value}"))?;
    }
    Ok(())
}

fn merge_client_settings(settings: &mut BTreeMap<String, String>, change: &Value) -> Result<(), String> {
    for (key, value) in object(change, "client_settings")? {
        match value {
            Value::Null => drop(settings.remove(key)),
            Value::String(text) => {
                check_setting(key, text).map_err(|error| error.to_string())?;
                settings.insert(key.clone(), text.clone());
            }
            _ => return Err(format!("client_settings, {key}: expected a text or null, found {value}")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ProjectSettings {
        ProjectSettings {
            name: "Shop".into(),
            origins: vec!["https://a.test".into()],
            session_limits: SessionLimits { idle_after: Some(60), ..SessionLimits::default() },
            client_settings: BTreeMap::from([("a".into(), "1".into()), ("@@log:*".into(), "off".into())]),
            retention_days: None,
            upload_wanted: Some(Wanted::None),
            live: false,
        }
    }

    #[test]
    fn only_what_is_named_is_changed() {
        let mut changed = settings();
        merge(&mut changed, &json!({})).unwrap();
        assert_eq!(changed, settings());
        let change = json!({
            "name": " Store ", "origins": [],
            "sessions": {"split_after_seconds": 1200, "idle_after_seconds": null},
            "client_settings": {"a": null, "b": "", "none": null, "@@DataExclusions": "password"},
            "retention_days": 30,
            "upload": {"wanted": "with_errors"},
            "live": {"enabled": true},
        });
        merge(&mut changed, &change).unwrap();
        let expected = ProjectSettings {
            name: "Store".into(),
            origins: Vec::new(),
            session_limits: SessionLimits { split_after: Some(1200), ..SessionLimits::default() },
            client_settings: [("@@DataExclusions", "password"), ("@@log:*", "off"), ("b", "")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            retention_days: Some(30),
            upload_wanted: Some(Wanted::WithErrors),
            live: true,
        };
        let mut unset = expected.clone();
        merge(&mut unset, &json!({"upload": {"wanted": null}})).unwrap();
        assert_eq!(unset.upload_wanted, None);
        assert_eq!(changed, expected);
    }

    #[test]
    fn what_cannot_be_is_said() {
        let rows = [
            (json!([]), "the change: expected an object"),
            (
                json!({"id": "x"}),
                "id: expected name, origins, sessions, client_settings, retention_days, upload or live",
            ),
            (json!({"name": null}), "name: expected a text"),
            (json!({"origins": null}), "origins: expected a list"),
            (json!({"origins": ["https://a.test/"]}), "\"https://a.test/\" is not a web origin"),
            (json!({"sessions": null}), "sessions: expected an object"),
            (json!({"sessions": {"split": 1}}), "sessions.split: expected split_after_seconds, idle"),
            (
                json!({"sessions": {"idle_after_seconds": 1.5}}),
                "idle_after_seconds: expected whole seconds or null, found 1.5",
            ),
            (json!({"sessions": {"idle_after_seconds": "5m"}}), "found \"5m\""),
            (json!({"sessions": {"idle_after_seconds": -1}}), "found -1"),
            (json!({"sessions": {"idle_after_seconds": 4_294_967_296_u64}}), "found 4294967296"),
            (json!({"client_settings": {"a": 1}}), "client_settings, a: expected a text or null, found 1"),
            (json!({"client_settings": {"@@log:x": "loud"}}), "@@log:x: expected trace"),
            (json!({"client_settings": []}), "client_settings: expected an object"),
            (json!({"retention_days": 1.5}), "retention_days: expected whole days or null, found 1.5"),
            (json!({"retention_days": "7d"}), "found \"7d\""),
            (json!({"upload": "all"}), "upload: expected an object"),
            (json!({"upload": {"want": "all"}}), "upload.want: expected wanted"),
            (
                json!({"upload": {"wanted": "some"}}),
                "expected all, with_errors, none or null, found \"some\"",
            ),
            (json!({"live": true}), "live: expected an object"),
            (json!({"live": {"on": true}}), "live.on: expected enabled"),
            (json!({"live": {"enabled": null}}), "live.enabled: expected true or false, found null"),
        ];
        for (change, expected) in rows {
            let found = merge(&mut settings(), &change).unwrap_err();
            assert!(found.contains(expected), "{change}: {found}");
        }
    }

    #[test]
    fn origins_are_what_browsers_send() {
        for good in
            ["https://shop.example", "http://localhost:8080", "http://[::1]:1", "https://xn--hxajbheg.test"]
        {
            assert_eq!(check_origin(good), Ok(()));
        }
        for bad in [
            "",
            "shop.example",
            "https://",
            "https://a.test/",
            "https://A.test",
            "ftp://a.test",
            "*",
            "https://a b",
            "https://a\n",
        ] {
            assert!(check_origin(bad).is_err(), "{bad}");
        }
    }
}
