//! Where things are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// This checkout.
pub(crate) struct Repository {
    /// Its top folder.
    pub(crate) root: PathBuf,
    /// What `cargo metadata` says about it, without foreign packages.
    pub(crate) metadata: Value,
}

impl Repository {
    /// The checkout this program was started from.
    pub(crate) fn here() -> Result<Self> {
        let manifest_dir =
            env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root =
            Path::new(&manifest_dir).parent().context("xtask lies in a folder of the repository")?.to_owned();
        let mut command = process::cargo();
        command.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(&root);
        let metadata = serde_json::from_str(&process::output(&mut command)?)
            .context("what `cargo metadata` wrote is not JSON")?;
        Ok(Self { root, metadata })
    }

    /// Where cargo builds: its own word, so that every way of setting it counts.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        let folder = self.metadata["target_directory"].as_str().context("cargo names no target folder")?;
        Ok(PathBuf::from(folder))
    }

    /// A folder or file of the checkout.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Every file that is or could be committed, in order, with `/` between folders.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let mut command = Command::new("git");
        command
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&self.root);
        let mut files: Vec<String> = process::output(&mut command)?
            .split('\0')
            .filter(|path| !path.is_empty() && self.root.join(path).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }
}
