//! `nats-server`, which `bench live` compares with.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::debian::Apt;
use crate::process;

/// Debian puts it where only an administrator's `PATH` leads.
const DEBIAN: &str = "/usr/sbin/nats-server";

/// The one that `KYMO_NATS` names, one in `PATH`, or Debian's.
pub(crate) fn find_or_install() -> Result<PathBuf> {
    let named = env::var_os("KYMO_NATS").filter(|named| !named.is_empty()).map(PathBuf::from);
    if let Some(path) = named {
        if path.is_file() {
            return Ok(path);
        }
        bail!("KYMO_NATS names {}, which is not a file", path.display());
    }
    if let Some(found) = found() {
        return Ok(found);
    }
    Apt::default()
        .install(&["nats-server"])
        .context("the bench needs nats-server (Debian's package `nats-server`, or KYMO_NATS=path)")?;
    found().with_context(|| format!("Debian's nats-server was installed but is neither in PATH nor {DEBIAN}"))
}

fn found() -> Option<PathBuf> {
    let debian = PathBuf::from(DEBIAN);
    process::find_in_path(&["nats-server"]).or_else(|| debian.is_file().then_some(debian))
}
