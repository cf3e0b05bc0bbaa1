//! What an event says about its session, under OpenTelemetry's names where it has one.

use kymo_model::Value;

use super::super::Submission;

/// Longest text of an application's own key that is taken as a property; longer ones are content.
const TEXT_CHARS_MAX: usize = 200;

type Properties = Vec<(String, String)>;

/// `@environment`.
const ENVIRONMENT: [(&str, &str); 7] = [
    ("process_name", "process.command"),
    ("process_id", "process.pid"),
    ("architecture", "host.arch"),
    ("o_s_name", "os.name"),
    ("o_s_version", "os.version"),
    ("runtime_version", "process.runtime.version"),
    ("machine_name", "host.name"),
];

/// The client that sent it.
pub(in crate::exceptionless) fn of_submission(client: &Submission<'_>, properties: &mut Properties) {
    if let Some(text) = client.client.map(str::trim).filter(|text| !text.is_empty()) {
        properties.push(("telemetry.sdk".to_owned(), text.to_owned()));
    }
    let is_private = client.privacy.is_some_and(|privacy| !privacy.includes_private());
    if let Some(ip) = client.ip.as_ref().filter(|_| !is_private) {
        properties.push(("client.address".to_owned(), ip.clone()));
    }
}

/// `@version`.
pub(super) fn of_version(value: &Value, properties: &mut Properties) {
    push(properties, "service.version", value);
}

/// `@environment`.
pub(super) fn of_environment(entries: &[(String, Value)], properties: &mut Properties) {
    for (key, value) in entries {
        if let Some(&(_, property)) = ENVIRONMENT.iter().find(|(name, _)| name == key) {
            push(properties, property, value);
        }
    }
}

/// `@request`: who asks and for which page.
pub(super) fn of_request(entries: &[(String, Value)], properties: &mut Properties) {
    let (mut host, mut port, mut path, mut is_secure) = (None, None, None, false);
    for (key, value) in entries {
        match key.as_str() {
            "user_agent" => push(properties, "user_agent.original", value),
            "host" => host = value.as_text().filter(|text| !text.is_empty()),
            "path" => path = value.as_text().filter(|text| !text.is_empty()),
            "port" => port = value.to_scalar_text().filter(|text| !text.is_empty()),
            "is_secure" => is_secure = *value == Value::Bool(true),
            _ => {}
        }
    }
    if let Some(page) = page(host, port.as_deref(), path, is_secure) {
        properties.push(("url.full".to_owned(), page));
    }
}

/// `https://host:port/path` as far as it is known; default ports are left out.
fn page(host: Option<&str>, port: Option<&str>, path: Option<&str>, is_secure: bool) -> Option<String> {
    let Some(host) = host else {
        return path.map(str::to_owned);
    };
    let (scheme, default_port) = if is_secure { ("https", "443") } else { ("http", "80") };
    let mut page = format!("{scheme}://{host}");
    // .NET gives 0 for "unknown".
    if let Some(port) = port.filter(|&port| port != default_port && port != "0") {
        let suffix = format!(":{port}");
        if !host.ends_with(&suffix) {
            page.push_str(&suffix);
        }
    }
    if let Some(path) = path {
        if !path.starts_with('/') {
            page.push('/');
        }
        page.push_str(path);
    }
    Some(page)
}

/// A key of the application's own, if its value is short and plain.
pub(super) fn of_extended(key: &str, value: &Value, properties: &mut Properties) {
    let is_short = match value {
        Value::Text(text) => text.len() <= TEXT_CHARS_MAX || text.chars().count() <= TEXT_CHARS_MAX,
        _ => true,
    };
    if is_short {
        push(properties, key, value);
    }
}

fn push(properties: &mut Properties, name: &str, value: &Value) {
    if let Some(text) = value.to_scalar_text().filter(|text| !text.is_empty()) {
        properties.push((name.to_owned(), text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_written_as_urls() {
        let check = |host, port, path, is_secure, expected: Option<&str>| {
            assert_eq!(page(host, port, path, is_secure).as_deref(), expected);
        };
        check(Some("a.test"), Some("443"), Some("/x"), true, Some("https://a.test/x"));
        check(Some("a.test"), Some("80"), Some("/x"), false, Some("http://a.test/x"));
        check(Some("a.test"), Some("80"), Some("x"), true, Some("https://a.test:80/x"));
        check(Some("a.test:8080"), Some("8080"), Some("/"), false, Some("http://a.test:8080/"));
        check(Some("a.test"), Some("0"), None, false, Some("http://a.test"));
        check(None, Some("80"), Some("/x"), false, Some("/x"));
        check(None, None, None, false, None);
    }

    #[test]
    fn only_short_plain_values_are_properties() {
        let check = |value: Value, expected: Option<&str>| {
            let mut properties = Vec::new();
            of_extended("key", &value, &mut properties);
            assert_eq!(properties.first().map(|(_, text)| text.as_str()), expected, "{value:?}");
        };
        check(Value::Text("eu".into()), Some("eu"));
        check(Value::Int(3), Some("3"));
        check(Value::Float(1.5), Some("1.5"));
        check(Value::Bool(false), Some("false"));
        check(Value::Text(String::new()), None);
        check(Value::Text("x".repeat(201)), None);
        check(Value::Null, None);
        check(Value::List(vec![Value::Int(1)]), None);
    }
}
