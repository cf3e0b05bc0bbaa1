//! What a session says about itself: program, machine, process, user, under OpenTelemetry's names.

use kymo_model::{Attributes, Value};

use super::builder::{Builder, Users};

/// Longest command line that is kept.
const COMMAND_LINE_BYTES_MAX: usize = 4096;
/// Longest property, of at most so many.
const PROPERTY_BYTES_MAX: usize = 1024;
const PROPERTIES_MAX: usize = 128;
/// Words in an argument's name that say that its value is nobody's business.
const SECRET_WORDS: [&str; 9] =
    ["password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "credential", "auth"];
const MASK: &str = "***";

pub(super) fn of(settings: &Builder) -> Attributes {
    let mut all: Vec<(String, Value)> = Vec::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            all.push((name.to_owned(), Value::Text(value)));
        }
    };
    put("service.namespace", Some(settings.product.clone()));
    put("service.name", Some(settings.application.clone()));
    put("service.version", settings.version.clone());
    put("deployment.environment.name", settings.environment.clone());
    let machine = machine();
    put("os.name", machine.os_name);
    put("os.version", machine.os_version);
    put("host.arch", Some(std::env::consts::ARCH.to_owned()));
    let program = std::env::current_exe().ok();
    let name =
        program.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    put("process.command", name);
    if settings.users != Users::Anonymous {
        put("host.name", machine.host_name);
        put("process.executable.path", program.map(|path| path.to_string_lossy().into_owned()));
        if settings.command_line {
            put(
                "process.command_line",
                Some(command_line(std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()))),
            );
        }
    }
    if settings.users == Users::System {
        let user = os_user();
        put("user.id", user.clone());
        put("process.owner", user);
    }
    all.push(("process.pid".to_owned(), Value::Int(std::process::id().into())));
    if let Ok(count) = std::thread::available_parallelism() {
        all.push(("host.cpu.count".to_owned(), Value::Int(count.get() as i64)));
    }
    for (name, value) in settings.properties.iter().take(PROPERTIES_MAX) {
        let value = value[..value.floor_char_boundary(PROPERTY_BYTES_MAX)].to_owned();
        all.retain(|(known, _)| known != name);
        all.push((name[..name.floor_char_boundary(PROPERTY_BYTES_MAX)].to_owned(), Value::Text(value)));
    }
    Attributes(all)
}

struct Machine {
    os_name: Option<String>,
    os_version: Option<String>,
    host_name: Option<String>,
}

#[cfg(unix)]
fn machine() -> Machine {
    let system = rustix::system::uname();
    let text = |text: &std::ffi::CStr| Some(text.to_string_lossy().into_owned());
    let (name, version) = distribution().unwrap_or_default();
    Machine {
        os_name: name.or_else(|| text(system.sysname())),
        os_version: version.or_else(|| text(system.release())),
        host_name: text(system.nodename()),
    }
}

/// Name and version as `/etc/os-release` has them.
#[cfg(unix)]
fn distribution() -> Option<(Option<String>, Option<String>)> {
    let text = std::fs::read_to_string("/etc/os-release").ok()?;
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(line.trim_matches('"').to_owned())
    };
    Some((value("NAME"), value("VERSION_ID")))
}

#[cfg(not(unix))]
fn machine() -> Machine {
    Machine {
        os_name: Some(std::env::consts::OS.to_owned()),
        os_version: None,
        host_name: std::env::var("COMPUTERNAME").ok(),
    }
}

/// The user of the operating system. By the environment, as the password file has the same in all but odd cases.
fn os_user() -> Option<String> {
    let names = ["USER", "LOGNAME", "USERNAME"];
    let named = names.into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    #[cfg(unix)]
    let named = named.or_else(|| match rustix::process::getuid().as_raw() {
        0 => Some("root".to_owned()),
        number => Some(format!("uid {number}")),
    });
    named
}

/// The arguments apart by blanks, with values masked that look like secrets: behind a name that has one of the words,
/// and between `//` and `@` of an address.
pub(super) fn command_line(args: impl Iterator<Item = String>) -> String {
    let (mut line, mut hides_next) = (String::new(), false);
    for arg in args {
        if !line.is_empty() {
            line.push(' ');
        }
        let is_option = arg.starts_with('-');
        let name = arg.split(['=', ':']).next().unwrap_or_default();
        if std::mem::take(&mut hides_next) && !is_option {
            line.push_str(MASK);
        } else if is_secret(name) && arg.contains('=') {
            line.extend([name, "=", MASK]);
        } else {
            line.push_str(&masked_address(&arg));
            hides_next = is_secret(&arg) && is_option;
        }
        if line.len() > COMMAND_LINE_BYTES_MAX {
            line.truncate(line.floor_char_boundary(COMMAND_LINE_BYTES_MAX));
            break;
        }
    }
    line
}

fn is_secret(name: &str) -> bool {
    let letters: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| letters.contains(word)) || letters.ends_with("key")
}

/// An address without who is to be let in, and without what its parameters hide.
fn masked_address(arg: &str) -> String {
    let Some((scheme, rest)) = arg.split_once("://") else { return arg.to_owned() };
    let host_at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(host_at);
    let host = host.rfind('@').map_or_else(|| host.to_owned(), |at| format!("{MASK}{}", &host[at..]));
    let parts = path.split_inclusive(['?', '&']).map(|part| match part.split_once('=') {
        Some((name, value)) if is_secret(name) => {
            let end = if value.ends_with('&') { "&" } else { "" };
            format!("{name}={MASK}{end}")
        }
        _ => part.to_owned(),
    });
    format!("{scheme}://{host}{}", parts.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::builder;

    #[test]
    fn secrets_are_masked() {
        let masked = |line: &str| command_line(line.split(' ').map(str::to_owned));
        for (line, expected) in [
            ("till --port 80 in.txt", "till --port 80 in.txt"),
            ("till --password hunter2 --port 80", "till --password *** --port 80"),
            ("till --db-password=hunter2 x", "till --db-password=*** x"),
            ("till --api-key k --verbose", "till --api-key *** --verbose"),
            ("till --token --port 80", "till --token --port 80"),
            ("till API_TOKEN=abc", "till API_TOKEN=***"),
            ("till postgres://ann:pw@db/shop?x=1", "till postgres://***@db/shop?x=1"),
            ("till https://host/a@b", "till https://host/a@b"),
            ("till --url=https://a:b@h/p?token=x&n=1", "till --url=https://***@h/p?token=***&n=1"),
        ] {
            assert_eq!(masked(line), expected);
        }
    }

    #[test]
    fn anonymous_is_anonymous() {
        let names = |users| {
            let all = of(&builder("Shop", "till").users(users).property("shop.size", "small"));
            all.0.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        let private =
            ["user.id", "process.owner", "host.name", "process.executable.path", "process.command_line"];
        for name in private {
            assert!(names(Users::System).iter().any(|known| known == name), "{name}");
            assert!(!names(Users::Anonymous).iter().any(|known| known == name), "{name}");
        }
        assert!(!names(Users::Many).contains(&"user.id".to_owned()));
        assert!(names(Users::Anonymous).contains(&"shop.size".to_owned()));
    }
}
