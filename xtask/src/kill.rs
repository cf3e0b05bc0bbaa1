//! `kill` and `faults`: programs that record are killed by `kill -9`, many times, and read back call by call; programs that
//! send, their server and their line fail by chance, many times, and what arrived is compared.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::repository::Repository;
use crate::{USAGE, process};

/// Of each: some two minutes of kills, half an hour of faults.
const ROUNDS_DEFAULT: u64 = 200;

/// A test of the agent that can be longer.
pub(crate) struct Rounds {
    name: &'static str,
    package: &'static str,
    test: &'static str,
    variable: &'static str,
    needs_server: bool,
}

/// Of one thread and of eight, with rings of default size and with tiny ones.
pub(crate) const KILL: Rounds =
    Rounds { name: "kill", package: "kymo", test: "kill", variable: "KYMO_KILL_ROUNDS", needs_server: false };
pub(crate) const FAULTS: Rounds = Rounds {
    name: "faults",
    package: "kymo",
    test: "sending::faults",
    variable: "KYMO_FAULT_ROUNDS",
    needs_server: true,
};
/// Of followers, by flag of the one before.
const LIVE_FAULTS: Rounds = Rounds {
    name: "faults --live",
    package: "kymo-cli",
    test: "live::rounds",
    variable: "KYMO_LIVE_ROUNDS",
    needs_server: false,
};

pub(crate) fn command(rest: &[String], what: &Rounds) -> Result<ExitCode> {
    let (rest, what) = match rest {
        [flag, rest @ ..] if flag == "--live" && what.name == "faults" => (rest, &LIVE_FAULTS),
        _ => (rest, what),
    };
    let rounds = rounds(rest, what.name)?;
    let repository = Repository::here()?;
    if what.needs_server {
        let mut build = process::cargo();
        process::run(build.args(["build", "--release", "-p", "kymo-cli"]).current_dir(&repository.root))?;
    }
    let mut test = process::cargo();
    test.args(["test", "--release", "-p", what.package, "--test", "it", what.test, "--", "--nocapture"])
        .args(["--test-threads", "1"])
        .env(what.variable, rounds.to_string())
        .current_dir(&repository.root);
    process::run(&mut test)?;
    Ok(ExitCode::SUCCESS)
}

fn rounds(rest: &[String], name: &str) -> Result<u64> {
    match rest {
        [] => Ok(ROUNDS_DEFAULT),
        [flag, number] if flag == "--rounds" => {
            number.parse().with_context(|| format!("expected a number of rounds, found `{number}`"))
        }
        _ => bail!("`{name}` knows --rounds N\n\n{USAGE}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let read =
            |args: &[&str]| rounds(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>(), "kill").ok();
        assert_eq!(read(&[]), Some(ROUNDS_DEFAULT));
        assert_eq!(read(&["--rounds", "5"]), Some(5));
        assert_eq!((read(&["--rounds", "x"]), read(&["5"])), (None, None));
    }
}
