//! What people say who run the program: the section `[agent]` of `kymo.toml`, and the environment. Each goes over what
//! the program says itself, and the environment over the file.
//!
//! Nothing in here stops a program: what is wrong is left as it was, and told.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::session::Builder;

mod keys;

use keys::{Key, Value, key};

/// Names the file, over where it is looked for.
const FILE_ENV: &str = "KYMO_CONFIG";
/// Looked for beside the program itself, never in the folder that it happens to run in: that may be anybody's.
const FILE: &str = "kymo.toml";
/// What comes before the name of a key in the environment.
const ENVIRONMENT: &str = "KYMO__AGENT__";
const SECTION: &str = "agent";
/// Free names and values of the session.
const PROPERTIES: &str = "properties";
/// How mail is sent: a section within the section.
const MAIL: &str = "mail";
/// How alike a word has to be to a key to be taken for it misspelt, 0 to 1.
const ALIKE: f64 = 0.6;
/// Longest file that is read; one that says everything has some 2 KiB.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Faults that are told one by one.
const FAULTS_MAX: usize = 32;

/// What is said of a builder from outside.
#[derive(Debug, Default)]
struct Said {
    settings: Vec<(&'static Key, Value)>,
    properties: Vec<(String, String)>,
    faults: Vec<String>,
}

/// The builder with what the file and the environment say, and what is wrong in them, in words.
pub(crate) fn configured(builder: Builder) -> (Builder, Vec<String>) {
    let mut said = Said::default();
    match file(&builder) {
        Some((path, true)) if !path.exists() => {
            said.fault(format!("{}: there is no such file", path.display()));
        }
        Some((path, _)) if path.exists() => said.read_file(&path),
        _ => {}
    }
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    said.read_environment(variables);
    said.apply(builder)
}

/// Where the file should be, and whether somebody said so.
fn file(builder: &Builder) -> Option<(PathBuf, bool)> {
    if let Some(path) = builder.said_config_file() {
        return Some((path.to_owned(), true));
    }
    if let Some(path) = std::env::var_os(FILE_ENV).filter(|path| !path.is_empty()) {
        return Some((path.into(), true));
    }
    Some((std::env::current_exe().ok()?.parent()?.join(FILE), false))
}

impl Said {
    fn fault(&mut self, text: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(text);
        }
    }

    fn read_file(&mut self, path: &Path) {
        use std::io::Read;
        let mut text = String::new();
        let read =
            std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
        match read {
            Ok(_) => self.read_text(&text, &path.display().to_string()),
            Err(error) => self.fault(format!("{}: {error}", path.display())),
        }
    }

    /// What is right in it counts, whatever else is wrong.
    fn read_text(&mut self, text: &str, name: &str) {
        let at = |byte: usize| {
            let (line, column) = place(text, byte);
            format!("{name}:{line}:{column}")
        };
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                let start = error.span().map_or(0, |span| span.start);
                return self.fault(format!("{}: {}", at(start), error.message()));
            }
        };
        // Other sections are for others: the server reads a file of the same name.
        let Some(section) = table.get_ref().get(SECTION) else { return };
        let DeValue::Table(section) = section.get_ref() else {
            return self.fault(format!("{}: expected a section [{SECTION}]", at(section.span().start)));
        };
        for (part, value) in section {
            let (part_at, part) = (at(part.span().start), part.get_ref().as_ref());
            match (part, value.get_ref()) {
                (PROPERTIES, DeValue::Table(properties)) => self.read_properties(properties, &at),
                (MAIL, DeValue::Table(mail)) => {
                    for (name, value) in mail {
                        let (name_at, name) = (at(name.span().start), format!("{MAIL}.{}", name.get_ref()));
                        self.read_value(&name, value, &name_at, &at(value.span().start));
                    }
                }
                _ => self.read_value(part, value, &part_at, &at(value.span().start)),
            }
        }
    }

    fn read_properties(&mut self, properties: &DeTable<'_>, at: &dyn Fn(usize) -> String) {
        for (name, value) in properties {
            match value.get_ref() {
                DeValue::String(text) => {
                    self.properties.push((name.get_ref().to_string(), text.to_string()));
                }
                _ => self.fault(format!(
                    "{}: {SECTION}.{PROPERTIES}.{}: expected a text",
                    at(value.span().start),
                    name.get_ref()
                )),
            }
        }
    }

    fn read_value(&mut self, name: &str, value: &Spanned<DeValue<'_>>, name_at: &str, value_at: &str) {
        let Some(key) = key(name) else {
            return self.fault(format!("{name_at}: {}", unknown(name)));
        };
        let found = match value.get_ref() {
            DeValue::String(text) => Some(Value::Text(text.to_string())),
            DeValue::Boolean(value) => Some(Value::Bool(*value)),
            DeValue::Integer(number) => {
                u64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::Number)
            }
            _ => None,
        };
        match found.ok_or_else(|| key.refused("something else")).and_then(|value| key.checked(value)) {
            Ok(value) => self.settings.push((key, value)),
            Err(reason) => self.fault(format!("{value_at}: {reason}")),
        }
    }

    fn read_environment(&mut self, variables: impl Iterator<Item = (String, String)>) {
        let mut variables: Vec<(String, String)> = variables.collect();
        // Faults are told in the same order each time.
        variables.sort_unstable();
        for (variable, text) in variables {
            let Some(rest) = variable.strip_prefix(ENVIRONMENT) else { continue };
            let name = rest.to_ascii_lowercase();
            if let Some(property) = name.strip_prefix(PROPERTIES).and_then(|rest| rest.strip_prefix("__")) {
                self.properties.push((property.to_owned(), text));
                continue;
            }
            let name = name.replace("__", ".");
            match key(&name).ok_or_else(|| unknown(&name)).and_then(|key| Ok((key, key.value_of(&text)?))) {
                Ok(setting) => self.settings.push(setting),
                Err(reason) => self.fault(format!("{variable}: {reason}")),
            }
        }
    }

    fn apply(mut self, mut builder: Builder) -> (Builder, Vec<String>) {
        for (key, value) in std::mem::take(&mut self.settings) {
            if !key.needs.is_there() {
                let (name, part) = (key.name, key.needs.word());
                self.fault(format!("{SECTION}.{name}: this program was built without {part}"));
            }
            builder = (key.apply)(builder, &value);
        }
        for (name, value) in self.properties {
            builder = builder.property(&name, &value);
        }
        (builder, self.faults)
    }
}

/// Names that no key has, with the one that is probably meant.
fn unknown(name: &str) -> String {
    let likeness = |key: &&Key| strsim::normalized_damerau_levenshtein(name, key.name);
    let nearest = keys::all().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    match nearest.filter(|key| likeness(key) >= ALIKE) {
        Some(key) => format!("there is no key {SECTION}.{name}: did you mean {SECTION}.{}?", key.name),
        None => format!("there is no key {SECTION}.{name}: see docs/agent.md for those there are"),
    }
}

/// Line and column of a byte, both from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at.min(text.len()))];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests;
