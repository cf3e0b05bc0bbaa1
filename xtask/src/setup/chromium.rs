//! A Chromium for the tests of the web page.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::debian::Apt;
use crate::process;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The one that `KYMO_CHROMIUM` names, one in `PATH`, or Debian's.
pub(crate) fn find_or_install(apt: &mut Apt) -> Result<PathBuf> {
    if let Some(named) = env::var_os("KYMO_CHROMIUM").filter(|named| !named.is_empty()) {
        let path = PathBuf::from(named);
        if !path.is_file() {
            bail!("KYMO_CHROMIUM names {}, which is not a file", path.display());
        }
        return Ok(path);
    }
    if let Some(path) = process::find_in_path(&NAMES) {
        return Ok(path);
    }
    // Without a font Chromium draws no text, and a screenshot test could not tell.
    apt.install(&["chromium", "fonts-dejavu-core"]).context(
        "the tests of the web page need Chromium (Debian's package `chromium`, or KYMO_CHROMIUM=path)",
    )?;
    process::find_in_path(&NAMES).context("Debian's chromium was installed but is not in PATH")
}
