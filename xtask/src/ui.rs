//! `ui`: builds the web page into `ui/dist`, from where the server takes it.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::progress::Progress;
use crate::repository::Repository;
use crate::{process, refuse_arguments, setup, stamp};

/// Steps that [`build`] takes.
pub(crate) const STEPS: usize = 1;

pub(crate) fn command(rest: &[String]) -> Result<ExitCode> {
    refuse_arguments(rest)?;
    let repository = Repository::here()?;
    let mut progress = Progress::new(setup::PRODUCT_STEPS + STEPS);
    setup::product(&repository, &mut progress)?;
    build(&repository, &mut progress)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds it unless it is built from these sources.
pub(crate) fn build(repository: &Repository, progress: &mut Progress) -> Result<()> {
    progress.step("web page", || {
        // Beside the packages rather than in `dist`: what lies there is served.
        let stamp = repository.path("ui/node_modules/.kymo-dist-stamp");
        let page = repository.path("ui/dist/index.html");
        if page.is_file() && stamp::holds(&stamp, &state(repository)?) {
            return Ok(());
        }
        process::run(Command::new("npm").args(["run", "build"]).current_dir(repository.path("ui")))?;
        if !page.is_file() {
            anyhow::bail!("the build left no ui/dist/index.html");
        }
        stamp::write(&stamp, &state(repository)?)
    })
}

/// Sources and result together: the server's build script may have laid a placeholder where the
/// result was, and that must not pass for it.
fn state(repository: &Repository) -> Result<String> {
    let mut hash = stamp::Hash::new();
    hash.add_folder(&repository.path("ui"), &["node_modules", "dist"]).context("the page's sources")?;
    hash.add_file(&repository.path("ui/dist/index.html"))?;
    Ok(hash.text())
}
