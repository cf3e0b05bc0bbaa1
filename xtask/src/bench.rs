//! `bench`: builds the product and its benches for release, then measures.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::progress::Progress;
use crate::repository::Repository;
use crate::{USAGE, process};

const NAMES: [&str; 2] = ["agent", "server"];
const FLAGS: [&str; 2] = ["--quick", "--json"];

pub(crate) fn command(rest: &[String]) -> Result<ExitCode> {
    check_arguments(rest)?;
    let repository = Repository::here()?;
    let release = repository.target()?.join("release");
    Progress::new(1).step("product and benches, for release", || {
        let mut build = process::cargo();
        build.args(["build", "--release", "-p", "kymo-bench"]).current_dir(&repository.root);
        // The agent is a library: the bench has it inside.
        if rest[0] != "agent" {
            build.args(["-p", "kymo-cli"]);
        }
        process::run(&mut build)
    })?;
    let mut bench = Command::new(release.join("kymo-bench"));
    bench.args(rest).env("KYMO_BIN", release.join("kymo")).current_dir(&repository.root);
    process::become_program(bench)
}

fn check_arguments(rest: &[String]) -> Result<()> {
    let Some((name, flags)) = rest.split_first() else {
        bail!("which bench? there are: {}\n\n{USAGE}", NAMES.join(", "));
    };
    if !NAMES.contains(&name.as_str()) {
        bail!("no bench `{name}`; there are: {}", NAMES.join(", "));
    }
    match flags.iter().find(|flag| !FLAGS.contains(&flag.as_str())) {
        Some(unknown) => bail!("`bench` knows {}, found `{unknown}`", FLAGS.join(" and ")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &[&str]) -> String {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        check_arguments(&args).map_or_else(|error| error.to_string(), |()| "good".to_owned())
    }

    #[test]
    fn arguments() {
        assert_eq!(check(&["server", "--quick", "--json"]), "good");
        assert!(check(&[]).starts_with("which bench? there are: agent, server"));
        assert_eq!(check(&["sever"]), "no bench `sever`; there are: agent, server");
        assert_eq!(check(&["server", "--fast"]), "`bench` knows --quick and --json, found `--fast`");
    }
}
