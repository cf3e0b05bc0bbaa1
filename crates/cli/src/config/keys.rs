//! Everything that can be set: name, type, default and meaning. `docs/configuration.md` has the same table, which
//! a test checks.

use std::fmt::Write as _;
use std::net::SocketAddr;

use kymo_server::ReachedAt;
use kymo_store::{RETENTION_DAYS_LEAST, RETENTION_DAYS_MOST};

/// A value of any type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Texts(Vec<String>),
    Number(u64),
    Switch(bool),
}

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Path,
    Address,
    /// A host name or address, and a port.
    Reached,
    Texts,
    Number {
        least: u64,
        most: u64,
    },
    Switch,
}

/// Something that can be set.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// As TOML; empty: not set.
    pub(super) default: &'static str,
    pub(super) meaning: &'static str,
}

/// In the order in which they are printed; those of a section stand together.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "server.data",
        kind: Kind::Path,
        default: "\"kymo-data\"",
        meaning: "the data folder; a file that lies in it cannot name another",
    },
    Key {
        name: "server.listen",
        kind: Kind::Address,
        default: "\"127.0.0.1:8390\"",
        meaning: "address and port to listen on; port 0 takes a free one",
    },
    Key {
        name: "server.public_hosts",
        kind: Kind::Texts,
        default: "[]",
        meaning: "host names under which the server is reached, beside addresses and `localhost`",
    },
    Key {
        name: "server.trusted_proxies",
        kind: Kind::Texts,
        default: "[]",
        meaning: "addresses of proxies in front of the server, whose `X-Forwarded-For` is believed",
    },
    Key {
        name: "server.tls.certificate",
        kind: Kind::Path,
        default: "",
        meaning: "PEM file of the certificate and those between it and the root; the port then speaks TLS and nothing else",
    },
    Key {
        name: "server.tls.key",
        kind: Kind::Path,
        default: "",
        meaning: "PEM file of the certificate's private key",
    },
    Key {
        name: "live.enabled",
        kind: Kind::Switch,
        default: "false",
        meaning: "programs may be followed while they run, in projects whose setting `live` says so too",
    },
    Key {
        name: "live.listen_agents",
        kind: Kind::Address,
        default: "\"127.0.0.1:29971\"",
        meaning: "address and port where programs connect to be followed; port 0 takes a free one",
    },
    Key {
        name: "live.listen_viewers",
        kind: Kind::Address,
        default: "\"127.0.0.1:29970\"",
        meaning: "address and port where terminals connect to follow; the page needs it not",
    },
    Key {
        name: "live.reached_agents",
        kind: Kind::Reached,
        default: "",
        meaning: "host and port that programs are told to connect to, where the port is mapped on its way; not set: the host they asked, and the port of `live.listen_agents`",
    },
    Key { name: "live.reached_viewers", kind: Kind::Reached, default: "", meaning: "the same for terminals" },
    Key {
        name: "live.agents_max",
        kind: Kind::Number { least: 1, most: 1_000_000 },
        default: "20000",
        meaning: "connections of programs; each is an open file of the process and takes some 5 KB, 30 KB with TLS",
    },
    Key {
        name: "live.viewers_max",
        kind: Kind::Number { least: 1, most: 100_000 },
        default: "1000",
        meaning: "connections of terminals that follow",
    },
    Key {
        name: "limits.stop_seconds",
        kind: Kind::Number { least: 1, most: 600 },
        default: "10",
        meaning: "how long a stop waits for requests that are under way",
    },
    Key {
        name: "limits.free_mib",
        kind: Kind::Number { least: 1, most: 1_048_576 },
        default: "256",
        meaning: "free space on the disk of the data folder below which `/readyz` says no",
    },
    Key {
        name: "retention.default_days",
        kind: Kind::Number { least: RETENTION_DAYS_LEAST as u64, most: RETENTION_DAYS_MOST as u64 },
        default: "",
        meaning: "days without activity after which sessions are removed, in projects that do not say so themselves; not set: never",
    },
];

/// The key of that name.
pub(super) fn key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

impl Key {
    /// What is expected, for people.
    pub(super) fn expected(&self) -> String {
        match self.kind {
            Kind::Path => "a path".to_owned(),
            Kind::Address => "an address with a port such as 127.0.0.1:8390".to_owned(),
            Kind::Reached => "a host and a port such as live.example.com:29971".to_owned(),
            Kind::Texts => "a list of texts".to_owned(),
            Kind::Number { least, most } => format!("a whole number from {least} to {most}"),
            Kind::Switch => "true or false".to_owned(),
        }
    }

    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
        let is_right = match (self.kind, value) {
            (Kind::Path, Value::Text(path)) => !path.is_empty(),
            (Kind::Address, Value::Text(address)) => address.parse::<SocketAddr>().is_ok(),
            (Kind::Reached, Value::Text(reached)) => ReachedAt::parse(reached).is_some(),
            (Kind::Texts, Value::Texts(_)) | (Kind::Switch, Value::Switch(_)) => true,
            (Kind::Number { least, most }, Value::Number(number)) => (least..=most).contains(number),
            _ => false,
        };
        let refused = || format!("{}: expected {}, found {}", self.name, self.expected(), value.to_toml());
        if is_right { Ok(()) } else { Err(refused()) }
    }

    /// The value that a variable of the environment says.
    pub(super) fn value_of(&self, text: &str) -> Result<Value, String> {
        let value = match self.kind {
            Kind::Path | Kind::Address | Kind::Reached => Value::Text(text.to_owned()),
            Kind::Texts => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Value::Texts(parts.map(str::to_owned).collect())
            }
            Kind::Number { .. } => {
                let refused = || format!("{}: expected {}, found {text:?}", self.name, self.expected());
                Value::Number(text.trim().parse().map_err(|_| refused())?)
            }
            Kind::Switch => {
                let refused = || format!("{}: expected {}, found {text:?}", self.name, self.expected());
                Value::Switch(text.trim().parse().map_err(|_| refused())?)
            }
        };
        self.check(&value).map(|()| value)
    }

    /// `None`: not set by default.
    pub(super) fn default_value(&self) -> Option<Value> {
        match self.kind {
            _ if self.default.is_empty() => None,
            Kind::Texts => Some(Value::Texts(Vec::new())),
            Kind::Number { .. } => self.default.parse().ok().map(Value::Number),
            Kind::Switch => self.default.parse().ok().map(Value::Switch),
            Kind::Path | Kind::Address | Kind::Reached => {
                Some(Value::Text(self.default.trim_matches('"').to_owned()))
            }
        }
    }
}

impl Value {
    pub(super) fn to_toml(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Texts(texts) => {
                format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
            }
            Self::Number(number) => number.to_string(),
            Self::Switch(is_on) => is_on.to_string(),
        }
    }
}

/// A basic string of TOML, without control characters.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\u{:04X}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
