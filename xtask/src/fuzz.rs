//! `fuzz`: the decoders on damaged recordings for a given time, and the API on requests made from its
//! description.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::progress::Progress;
use crate::repository::Repository;
use crate::{USAGE, process, setup, ui};

const SECONDS_DEFAULT: u64 = 60;
/// Packages whose `tests/fuzz` has a test for each decoder.
const PACKAGES: [&str; 2] = ["kymo-compat", "kymo-format"];
/// Decoders that are driven one after the other, each for its share of the time: eight of `kymo-compat`'s and the
/// reader of session files.
const DECODERS: u64 = 9;

/// Made-up requests per operation and caller: with some 45 operations, two callers and the limits of each parameter
/// more than 100,000 requests, an hour or two.
const API_EXAMPLES: &str = "1500";

pub(crate) fn command(rest: &[String]) -> Result<ExitCode> {
    if rest == ["--api"] {
        return api();
    }
    let seconds = seconds(rest)?;
    let repository = Repository::here()?;
    for package in PACKAGES {
        let mut test = process::cargo();
        test.args(["test", "--release", "-p", package, "--test", "fuzz"])
            .args(["--", "--nocapture", "--test-threads", "1"])
            .env("KYMO_FUZZ_SECONDS", seconds.div_ceil(DECODERS).to_string())
            .current_dir(&repository.root);
        process::run(&mut test)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn api() -> Result<ExitCode> {
    let repository = Repository::here()?;
    let mut progress = Progress::new(setup::PRODUCT_STEPS + setup::TEST_STEPS + ui::STEPS);
    setup::product(&repository, &mut progress)?;
    let tools = setup::tests(&repository, &mut progress)?;
    ui::build(&repository, &mut progress)?;
    let mut test = process::cargo();
    test.args([
        "test",
        "--release",
        "-p",
        "kymo-cli",
        "--test",
        "it",
        "api_description",
        "--",
        "--nocapture",
    ])
    .env("KYMO_API_EXAMPLES", API_EXAMPLES)
    .env("KYMO_PYTHON", &tools.python)
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
        _ => bail!("`fuzz` knows --seconds N and --api\n\n{USAGE}"),
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
