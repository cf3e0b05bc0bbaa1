//! `run`: from a fresh clone to a running server.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::progress::Progress;
use crate::repository::Repository;
use crate::{USAGE, process, setup, ui};

const LISTEN: &str = "127.0.0.1:8390";

pub(crate) fn command(rest: &[String]) -> Result<ExitCode> {
    let extra = match rest {
        [] => &[],
        [dashes, extra @ ..] if dashes == "--" => extra,
        [other, ..] => bail!("arguments for the server come after `--`, found `{other}`\n\n{USAGE}"),
    };
    let repository = Repository::here()?;
    let mut progress = Progress::new(setup::PRODUCT_STEPS + ui::STEPS + 1);
    setup::product(&repository, &mut progress)?;
    ui::build(&repository, &mut progress)?;
    progress.step("server (the first time takes minutes)", || {
        let mut build = process::cargo();
        build.args(["build", "--release", "-p", "kymo-cli"]).current_dir(&repository.root);
        process::run(&mut build)
    })?;
    let mut server = Command::new(repository.target()?.join("release/kymo"));
    server.arg("serve").args(serve_arguments(extra, &data_folder(&repository.root)));
    process::become_program(server)
}

/// The defaults, each unless the caller says otherwise.
fn serve_arguments(extra: &[String], data: &Path) -> Vec<String> {
    let says = |flag: &str| extra.iter().any(|arg| arg == flag || arg.starts_with(&format!("{flag}=")));
    let mut arguments = Vec::new();
    if !says("--data") {
        arguments.extend(["--data".to_owned(), data.display().to_string()]);
    }
    if !says("--listen") {
        arguments.extend(["--listen".to_owned(), LISTEN.to_owned()]);
    }
    arguments.extend_from_slice(extra);
    arguments
}

/// The ignored folder of the checkout, whatever folder the command was typed in.
fn data_folder(root: &Path) -> PathBuf {
    if env::current_dir().is_ok_and(|here| here == root) {
        PathBuf::from("./kymo-data")
    } else {
        root.join("kymo-data")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(extra: &[&str], expected: &[&str]) {
        let extra: Vec<String> = extra.iter().map(|&arg| arg.to_owned()).collect();
        assert_eq!(serve_arguments(&extra, Path::new("./kymo-data")), expected);
    }

    #[test]
    fn defaults_give_way() {
        check(&[], &["--data", "./kymo-data", "--listen", LISTEN]);
        check(&["--verbose"], &["--data", "./kymo-data", "--listen", LISTEN, "--verbose"]);
        check(&["--data", "/d"], &["--listen", LISTEN, "--data", "/d"]);
        check(&["--listen=[::1]:1"], &["--data", "./kymo-data", "--listen=[::1]:1"]);
    }
}
