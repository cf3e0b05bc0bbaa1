//! `slim`: the program that others bring along, built as they build it, and whether it is as small as it is to be.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::repository::Repository;
use crate::{process, refuse_arguments};

/// What it may have at most: some seconds on a slow line, and less than many programs it lies beside.
const BYTES_MAX: u64 = 6_000_000;
/// What it is built with.
const FEATURES: [&str; 3] = ["--no-default-features", "--features", "pack,open"];
/// What it is built without.
const NOT_IN_IT: [&str; 6] = ["arrow-array", "axum", "kymo-server", "kymo-store", "sqlx", "tokio"];

pub(crate) fn command(rest: &[String]) -> Result<ExitCode> {
    refuse_arguments(rest)?;
    let repository = Repository::here()?;
    let mut tree = process::cargo();
    tree.args(["tree", "-p", "kymo-cli", "--edges", "normal", "--prefix", "none", "--format", "{lib}"]);
    let names = process::output(tree.args(FEATURES).current_dir(&repository.root))?;
    let found = names.lines().filter(|name| NOT_IN_IT.iter().any(|not| name.replace('_', "-") == *not));
    let found: Vec<&str> = found.collect();
    if !found.is_empty() {
        bail!("the slim program: expected none of {}, found {}", NOT_IN_IT.join(", "), found.join(", "));
    }
    let mut build = process::cargo();
    build.args(["build", "--profile", "slim", "-p", "kymo-cli"]);
    process::run(build.args(FEATURES).current_dir(&repository.root))?;
    let program = repository.target()?.join("slim/kymo").with_extension(std::env::consts::EXE_EXTENSION);
    let bytes = program.metadata().with_context(|| program.display().to_string())?.len();
    println!("{}: {bytes} bytes of {BYTES_MAX}", program.display());
    if bytes > BYTES_MAX {
        bail!("the slim program has {bytes} bytes: expected at most {BYTES_MAX}");
    }
    Ok(ExitCode::SUCCESS)
}
