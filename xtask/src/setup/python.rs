//! A Python with the packages that read our segments as other programs do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::debian::Apt;
use crate::{process, stamp};

/// Makes the virtual environment, unless it is there with these requirements; returns its Python.
pub(crate) fn environment(requirements: &Path, folder: &Path, apt: &mut Apt) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let wanted = stamp::of_file(requirements)?;
    let stamp = folder.join(".kymo-stamp");
    // The Python it was made from may be gone since.
    if stamp::holds(&stamp, &wanted) && process::succeeds(Command::new(&python).arg("--version")) {
        return Ok(python);
    }
    if !can_make_environments() {
        apt.install(&["python3", "python3-venv"])
            .context("the test of the segment files needs Python 3 with Debian's package `python3-venv`")?;
    }
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    process::run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]);
    process::run(pip.arg("-r").arg(requirements))?;
    stamp::write(&stamp, &wanted)?;
    Ok(python)
}

/// Debian's `python3` has `venv` without `ensurepip` until `python3-venv` is installed.
fn can_make_environments() -> bool {
    process::succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"]))
}
