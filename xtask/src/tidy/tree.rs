//! The files that the checks look at.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::repository::Repository;

/// Every file that is or could be committed.
pub(crate) struct Tree {
    /// In order of path.
    pub(crate) files: Vec<File>,
    /// What `cargo metadata` says about our own crates.
    pub(crate) metadata: Value,
}

/// One file.
pub(crate) struct File {
    /// From the top folder, with `/`.
    pub(crate) path: String,
    /// Its text; `None` where it is none.
    pub(crate) text: Option<String>,
}

impl Tree {
    /// Reads the checkout.
    pub(crate) fn of(repository: Repository) -> Result<Self> {
        let mut files = Vec::new();
        for path in repository.files()? {
            let bytes = fs::read(repository.path(&path)).with_context(|| format!("{path} cannot be read"))?;
            files.push(File { path, text: String::from_utf8(bytes).ok() });
        }
        Ok(Self { files, metadata: repository.metadata })
    }

    /// Files with one of these endings and their text.
    pub(crate) fn texts<'a>(&'a self, endings: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files
            .iter()
            .filter(|file| file.has_ending(endings))
            .filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?)))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path)?.text.as_deref()
    }

    /// Every folder that holds files, at any depth.
    pub(crate) fn folders(&self) -> BTreeSet<&str> {
        self.files
            .iter()
            .flat_map(|file| file.path.match_indices('/').map(|(at, _)| &file.path[..at]))
            .collect()
    }

    #[cfg(test)]
    pub(crate) fn sample(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|&(path, text)| File { path: path.to_owned(), text: Some(text.to_owned()) })
            .collect();
        Self { files, metadata: Value::Null }
    }
}

impl File {
    /// The name without folders.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The folder, empty for the top.
    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Whether a person writes it as source code.
    pub(crate) fn is_source(&self) -> bool {
        self.has_ending(&[".rs", ".ts", ".tsx", ".css", ".mjs", ".py", ".sql"])
    }

    fn has_ending(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }
}

/// The cells of the rows of every table in a markdown text, with the row's line from 1.
pub(crate) fn table_rows(text: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
        Some((index + 1, row.split('|').map(str::trim).collect()))
    })
}

/// What stands between backticks, if the cell is nothing else.
pub(crate) fn code(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`').filter(|inner| !inner.contains('`'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_names() {
        let tree = Tree::sample(&[("a/b/c.rs", ""), ("d", "")]);
        assert_eq!(tree.folders().into_iter().collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!((tree.files[0].name(), tree.files[0].folder()), ("c.rs", "a/b"));
        assert_eq!((tree.files[1].name(), tree.files[1].folder()), ("d", ""));
    }

    #[test]
    fn tables() {
        let text = "text\n| a | `b/` |\n|---|---|\n not | a row\n";
        let rows: Vec<_> = table_rows(text).collect();
        assert_eq!(rows, [(2, vec!["a", "`b/`"]), (3, vec!["---", "---"])]);
        assert_eq!(code("`b/`"), Some("b/"));
        assert_eq!(code("see `b` and `c`"), None);
    }
}
