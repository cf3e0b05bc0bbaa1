//! An X server that draws into memory, for the tests of the dialogs' windows.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::debian::Apt;
use crate::process;

/// Libraries that the dialogs open when they run, and Debian's package of each. Desktops have them; a server that only
/// has the X server in memory may not.
const LIBRARIES: [(&str, &str); 5] = [
    ("libX11.so.6", "libx11-6"),
    ("libX11-xcb.so.1", "libx11-xcb1"),
    ("libXcursor.so.1", "libxcursor1"),
    ("libXi.so.6", "libxi6"),
    ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
];
/// Where Debian has libraries, beside folders named after the machine's kind below the first two.
const FOLDERS: [&str; 4] = ["/usr/lib", "/lib", "/usr/lib64", "/lib64"];

/// The one that `KYMO_XVFB` names, one in `PATH`, or Debian's; with what the dialogs need beside it.
pub(crate) fn find_or_install(apt: &mut Apt) -> Result<PathBuf> {
    let named = env::var_os("KYMO_XVFB").filter(|named| !named.is_empty()).map(PathBuf::from);
    if let Some(path) = named.as_ref().filter(|path| !path.is_file()) {
        bail!("KYMO_XVFB names {}, which is not a file", path.display());
    }
    let found = named.or_else(|| process::find_in_path(&["Xvfb"]));
    let mut lacking: Vec<&str> =
        LIBRARIES.iter().filter(|(library, _)| !is_installed(library)).map(|(_, package)| *package).collect();
    if found.is_none() {
        lacking.push("xvfb");
    }
    if !lacking.is_empty() {
        apt.install(&lacking).context(
            "the tests of the dialogs need Xvfb (Debian's package `xvfb`, or KYMO_XVFB=path) and libraries of X",
        )?;
    }
    found
        .or_else(|| process::find_in_path(&["Xvfb"]))
        .context("Debian's xvfb was installed but Xvfb is not in PATH")
}

fn is_installed(library: &str) -> bool {
    FOLDERS.iter().map(Path::new).any(|folder| {
        let below = folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
        folder.join(library).exists() || below.into_iter().any(|below| below.join(library).exists())
    })
}
