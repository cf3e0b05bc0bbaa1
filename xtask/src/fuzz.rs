//! `fuzz`: the decoders on damaged recordings, for a given time.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::repository::Repository;
use crate::{USAGE, process};

const SECONDS_DEFAULT: u64 = 60;
/// Decoders that are driven one after the other, each for its share of the time; `tests/fuzz` of
/// `crates/compat` has a test for each.
const DECODERS: u64 = 8;

pub(crate) fn command(rest: &[String]) -> Result<ExitCode> {
    let seconds = seconds(rest)?;
    let repository = Repository::here()?;
    let mut test = process::cargo();
    test.args([
        "test",
        "--release",
        "-p",
        "kymo-compat",
        "--test",
        "fuzz",
        "--",
        "--nocapture",
        "--test-threads",
        "1",
    ])
    .env("KYMO_FUZZ_SECONDS", seconds.div_ceil(DECODERS).to_string())
    .current_dir(&repository.root);
    process::run(&mut test)?;
    Ok(ExitCode::SUCCESS)
}

fn seconds(rest: &[String]) -> Result<u64> {
    match rest {
        [] => Ok(SECONDS_DEFAULT),
        [flag, number] if flag == "--seconds" => {
            number.parse().with_context(|| format!("expected a number of seconds, found `{number}`"))
        }
        _ => bail!("`fuzz` knows --seconds N\n\n{USAGE}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let read = |args: &[&str]| seconds(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>()).ok();
        assert_eq!(read(&[]), Some(SECONDS_DEFAULT));
        assert_eq!(read(&["--seconds", "5"]), Some(5));
        assert_eq!((read(&["--seconds", "x"]), read(&["5"])), (None, None));
    }
}
