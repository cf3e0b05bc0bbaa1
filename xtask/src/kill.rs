//! `kill`: programs that record are killed by `kill -9`, many times, and read back call by call.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::repository::Repository;
use crate::{USAGE, process};

/// Of one thread and of eight, with rings of default size and with tiny ones: some two minutes.
const ROUNDS_DEFAULT: u64 = 200;

pub(crate) fn command(rest: &[String]) -> Result<ExitCode> {
    let rounds = rounds(rest)?;
    let repository = Repository::here()?;
    let mut test = process::cargo();
    test.args(["test", "--release", "-p", "kymo", "--test", "it", "kill", "--", "--nocapture"])
        .args(["--test-threads", "1"])
        .env("KYMO_KILL_ROUNDS", rounds.to_string())
        .current_dir(&repository.root);
    process::run(&mut test)?;
    Ok(ExitCode::SUCCESS)
}

fn rounds(rest: &[String]) -> Result<u64> {
    match rest {
        [] => Ok(ROUNDS_DEFAULT),
        [flag, number] if flag == "--rounds" => {
            number.parse().with_context(|| format!("expected a number of rounds, found `{number}`"))
        }
        _ => bail!("`kill` knows --rounds N\n\n{USAGE}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let read = |args: &[&str]| rounds(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>()).ok();
        assert_eq!(read(&[]), Some(ROUNDS_DEFAULT));
        assert_eq!(read(&["--rounds", "5"]), Some(5));
        assert_eq!((read(&["--rounds", "x"]), read(&["5"])), (None, None));
    }
}
