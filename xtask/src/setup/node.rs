//! Node, npm and the packages of a folder.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{process, stamp};

/// Node in a version that the web page's tools run on, and npm.
pub(crate) fn check_tools() -> Result<()> {
    let said = process::output(Command::new("node").arg("--version"))
        .context("building the web page needs Node 20.19 or newer")?;
    if !is_supported(&said) {
        bail!("expected Node 20.19 or newer (22.12 or newer of 22), found {}", said.trim());
    }
    process::output(Command::new("npm").arg("--version"))
        .context("building the web page needs npm, which comes with Node or as a package of its own")?;
    Ok(())
}

/// As `engines` in `ui/package.json` has it: `^20.19.0 || >=22.12.0`.
fn is_supported(version: &str) -> bool {
    let mut numbers =
        version.trim().trim_start_matches('v').split('.').map_while(|number| number.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(20), Some(minor)) => minor >= 19,
        (Some(22), Some(minor)) => minor >= 12,
        (Some(major), _) => major > 22,
        _ => false,
    }
}

/// `npm ci`, unless the packages there are those of the lock file.
pub(crate) fn install(folder: &Path) -> Result<()> {
    let lock = stamp::of_file(&folder.join("package-lock.json"))
        .context("the packages of a folder come from its lock file")?;
    let stamp = folder.join("node_modules/.kymo-stamp");
    if stamp::holds(&stamp, &lock) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
    process::run(&mut npm)?;
    // A lock file without packages makes npm leave no folder behind.
    std::fs::create_dir_all(folder.join("node_modules"))?;
    stamp::write(&stamp, &lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for good in ["v20.19.0\n", "v20.20.2", "v22.12.0", "v23.0.0", "v24.1.0"] {
            assert!(is_supported(good), "{good}");
        }
        for bad in ["v18.20.4", "v20.18.3", "v21.7.0", "v22.11.0", "", "node"] {
            assert!(!is_supported(bad), "{bad}");
        }
    }
}
