//! Configuration of the server in stages, each over the one before: defaults, file, environment
//! (`KYMO__SECTION__KEY`), flags. `keys` is the list of everything that can be set.

mod file;
mod keys;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};

use kymo_server::{LiveOptions, ReachedAt, TlsFiles};

use self::keys::{KEYS, Key, Value, key};
use crate::args::{self, Serve};
use crate::print::print_lines;

/// What comes before the name of a key in the environment.
const ENVIRONMENT: &str = "KYMO__";
/// What the agent in programs goes by, in the same places (`docs/agent.md`): none of the server's business.
const AGENT: &str = "agent";
/// Name of the file in the data folder.
const FILE: &str = "kymo.toml";
/// How alike a word has to be to a key to be taken for it misspelt, 0 to 1.
const ALIKE: f64 = 0.6;

/// What holds, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) data: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) public_hosts: Vec<String>,
    pub(crate) trusted_proxies: Vec<IpAddr>,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) stop_within: Duration,
    pub(crate) free_bytes_min: u64,
    pub(crate) retention_days: Option<u32>,
    pub(crate) live: Option<LiveOptions>,
}

/// Values by key, with where each is from.
#[derive(Debug, Default)]
struct Settings(BTreeMap<&'static str, (Value, String)>);

impl Settings {
    fn set(&mut self, key: &'static Key, value: Value, source: impl Into<String>) -> Result<(), String> {
        key.check(&value)?;
        self.0.insert(key.name, (value, source.into()));
        Ok(())
    }

    fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some((Value::Text(text), _)) => Some(text),
            _ => None,
        }
    }

    fn number(&self, name: &str) -> Option<u64> {
        match self.0.get(name) {
            Some((Value::Number(number), _)) => Some(*number),
            _ => None,
        }
    }

    /// `None`: it is off.
    fn live(&self) -> anyhow::Result<Option<LiveOptions>> {
        if !matches!(self.0.get("live.enabled"), Some((Value::Switch(true), _))) {
            return Ok(None);
        }
        let address = |name: &str| -> anyhow::Result<SocketAddr> {
            Ok(self.text(name).ok_or_else(|| anyhow!("{name}: expected a value"))?.parse()?)
        };
        let number = |name: &str| self.number(name).ok_or_else(|| anyhow!("{name}: expected a value"));
        Ok(Some(LiveOptions {
            listen_agents: address("live.listen_agents")?,
            listen_viewers: address("live.listen_viewers")?,
            agents_max: number("live.agents_max")?,
            viewers_max: number("live.viewers_max")?,
            reached_agents: self.text("live.reached_agents").and_then(ReachedAt::parse),
            reached_viewers: self.text("live.reached_viewers").and_then(ReachedAt::parse),
        }))
    }

    fn resolved(&self) -> anyhow::Result<Config> {
        let missing = |name: &str| anyhow!("{name}: expected a value");
        let text = |name: &str| self.text(name).ok_or_else(|| missing(name));
        let number = |name: &str| self.number(name).ok_or_else(|| missing(name));
        let texts = |name: &str| match self.0.get(name) {
            Some((Value::Texts(texts), _)) => texts.clone(),
            _ => Vec::new(),
        };
        let address = |text: String| {
            text.parse::<IpAddr>().map_err(|_| {
                anyhow!("server.trusted_proxies: expected addresses such as 10.0.0.1, found {text:?}")
            })
        };
        let proxies = texts("server.trusted_proxies").into_iter().map(address);
        let tls = match (self.text("server.tls.certificate"), self.text("server.tls.key")) {
            (Some(certificate), Some(key)) => {
                Some(TlsFiles { certificate: certificate.into(), key: key.into() })
            }
            (None, None) => None,
            _ => bail!("server.tls.certificate and server.tls.key: expected both or neither"),
        };
        Ok(Config {
            tls,
            data: text("server.data")?.into(),
            listen: text("server.listen")?.parse()?,
            public_hosts: texts("server.public_hosts"),
            trusted_proxies: proxies.collect::<anyhow::Result<_>>()?,
            stop_within: Duration::from_secs(number("limits.stop_seconds")?),
            free_bytes_min: number("limits.free_mib")? * 1024 * 1024,
            retention_days: self.number("retention.default_days").and_then(|days| u32::try_from(days).ok()),
            live: self.live()?,
        })
    }
}

/// What the server starts with.
pub(crate) fn load(args: &Serve) -> anyhow::Result<Config> {
    stages(args, std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))))?
        .resolved()
}

fn stages(
    args: &Serve,
    environment: impl Iterator<Item = (String, std::ffi::OsString)>,
) -> anyhow::Result<Settings> {
    let mut settings = Settings::default();
    for key in KEYS {
        if let Some(default) = key.default_value() {
            settings.set(key, default, "default").map_err(anyhow::Error::msg)?;
        }
    }
    let environment = read_environment(environment)?;
    let flags = flags(args)?;
    // Where the file lies may be said by what comes after it.
    let later = [&environment, &flags];
    let data = later.iter().rev().find_map(|stage| {
        stage.iter().find_map(|(key, value, _)| match value {
            Value::Text(data) if key.name == "server.data" => Some(PathBuf::from(data)),
            _ => None,
        })
    });
    let data = data.or_else(|| settings.text("server.data").map(PathBuf::from)).unwrap_or_default();
    let in_folder = data.join(FILE);
    match &args.config {
        Some(path) => file::read(path, &mut settings)?,
        None if in_folder.exists() => {
            file::read(&in_folder, &mut settings)?;
            let named = settings.0.get("server.data").filter(|(_, source)| source != "default");
            if let Some((Value::Text(named), source)) = named
                && Path::new(named) != data
            {
                bail!(
                    "{source}: server.data is {named:?}, but the file lies in the data folder: give it by --config"
                );
            }
        }
        None => {}
    }
    for (key, value, source) in environment.into_iter().chain(flags) {
        settings.set(key, value, source.clone()).map_err(|reason| anyhow!("{source}: {reason}"))?;
    }
    Ok(settings)
}

type Stage = Vec<(&'static Key, Value, String)>;

fn read_environment(variables: impl Iterator<Item = (String, std::ffi::OsString)>) -> anyhow::Result<Stage> {
    let mut stage = Stage::new();
    for (variable, value) in variables {
        let Some(rest) = variable.strip_prefix(ENVIRONMENT) else { continue };
        let name = rest.replace("__", ".").to_ascii_lowercase();
        if name.split('.').next() == Some(AGENT) {
            continue;
        }
        let key = key(&name).ok_or_else(|| anyhow!("{variable}: {}", unknown(&name)))?;
        let text = value.to_str().ok_or_else(|| anyhow!("{variable}: expected plain text"))?;
        let value = key.value_of(text).map_err(|reason| anyhow!("{variable}: {reason}"))?;
        stage.push((key, value, variable));
    }
    Ok(stage)
}

fn flags(args: &Serve) -> anyhow::Result<Stage> {
    let mut stage = Stage::new();
    let mut add = |name: &str, value: Value, flag: &str| {
        stage.extend(key(name).map(|key| (key, value, flag.to_owned())));
    };
    if let Some(data) = &args.data {
        let data = data.to_str().context("--data: expected a path of plain text")?;
        add("server.data", Value::Text(data.to_owned()), "--data");
    }
    if let Some(listen) = args.listen {
        add("server.listen", Value::Text(listen.to_string()), "--listen");
    }
    if !args.public_hosts.is_empty() {
        add("server.public_hosts", Value::Texts(args.public_hosts.clone()), "--public-host");
    }
    if !args.trusted_proxies.is_empty() {
        let proxies = args.trusted_proxies.iter().map(ToString::to_string).collect();
        add("server.trusted_proxies", Value::Texts(proxies), "--trusted-proxy");
    }
    Ok(stage)
}

/// Names that no key has, with the one that is probably meant.
fn unknown(name: &str) -> String {
    let likeness = |key: &&Key| {
        // Who forgets the section is to find the key as well.
        let last = key.name.rsplit('.').next().unwrap_or_default();
        strsim::normalized_damerau_levenshtein(name, key.name)
            .max(strsim::normalized_damerau_levenshtein(name, last))
    };
    let nearest = KEYS.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    match nearest.filter(|key| likeness(key) >= ALIKE) {
        Some(key) => format!("there is no key {name}: did you mean {}?", key.name),
        None => format!("there is no key {name}: see docs/configuration.md for those there are"),
    }
}

/// `kymo config …`
pub(crate) fn run(command: args::Config) -> anyhow::Result<()> {
    let environment =
        || std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    match command {
        args::Config::Print { sources, serve } => {
            print_lines(&printed(&stages(&serve, environment())?, sources))
        }
        args::Config::Check { file: Some(path), .. } => {
            let mut settings = Settings::default();
            file::read(&path, &mut settings)?;
            print_lines(&[format!("{}: in order", path.display())])
        }
        args::Config::Check { file: None, serve } => {
            if serve.config.as_ref().is_some_and(|path| !path.exists()) {
                bail!("there is no file {}", serve.config.unwrap_or_default().display());
            }
            stages(&serve, environment())?.resolved()?;
            print_lines(&["the configuration is in order".to_owned()])
        }
    }
}

/// As a file that says the same. No key holds a secret: those are in files that keys name.
fn printed(settings: &Settings, sources: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut section = "";
    for key in KEYS {
        let (of, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        if of != section {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.push(format!("[{of}]"));
            section = of;
        }
        lines.push(format!("# {}", key.meaning));
        let mut line = match settings.0.get(key.name) {
            Some((value, _)) => format!("{name} = {}", value.to_toml()),
            None => format!("# {name} is not set"),
        };
        if let Some((_, source)) = settings.0.get(key.name).filter(|_| sources) {
            // Writing to a String cannot fail.
            let _ = write!(line, "  # {source}");
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests;
