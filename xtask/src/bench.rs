//! `bench`: builds the product and its benches for release, then measures.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::progress::Progress;
use crate::repository::Repository;
use crate::{USAGE, process, setup, ui};

const NAMES: [&str; 3] = ["agent", "live", "server"];
/// Set-up, the page, the tools that drive it, and the build.
const SERVER_STEPS: usize = setup::PRODUCT_STEPS + ui::STEPS + setup::TEST_STEPS + 1;
const FLAGS: [&str; 4] = ["--quick", "--json", "--only=page", "--only=send"];

pub(crate) fn command(rest: &[String]) -> Result<ExitCode> {
    check_arguments(rest)?;
    let repository = Repository::here()?;
    let release = repository.target()?.join("release");
    let mut bench = Command::new(release.join("kymo-bench"));
    let mut build = process::cargo();
    build.args(["build", "--release", "-p", "kymo-bench"]).current_dir(&repository.root);
    build.args(["-p", "kymo-cli"]);
    bench.env("KYMO_BIN", release.join("kymo"));
    // The agent's bench measures libraries in its own processes, and sends to the server, whose page nobody opens, as
    // little as in that of live.
    let steps = match rest[0].as_str() {
        "server" => SERVER_STEPS,
        "live" => 2,
        _ => 1,
    };
    let mut progress = Progress::new(steps);
    if rest[0] == "live" {
        bench.env("KYMO_NATS", progress.step("nats-server, to compare with", setup::nats::find_or_install)?);
    }
    if rest[0] == "server" {
        setup::product(&repository, &mut progress)?;
        ui::build(&repository, &mut progress)?;
        let tools = setup::tests(&repository, &mut progress)?;
        bench
            .env("KYMO_UI_DIST", repository.path("ui/dist"))
            .env("KYMO_CHROMIUM", &tools.chromium)
            .env("KYMO_NODE_TESTS", &tools.node_tests);
    }
    progress.step("product and benches, for release", || process::run(&mut build))?;
    bench.args(rest).current_dir(&repository.root);
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
        Some(unknown) => bail!("`bench` knows {}, found `{unknown}`", FLAGS.join(", ")),
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
        assert!(check(&[]).starts_with("which bench? there are: agent, live, server"));
        assert_eq!(check(&["sever"]), "no bench `sever`; there are: agent, live, server");
        assert_eq!(
            check(&["server", "--fast"]),
            "`bench` knows --quick, --json, --only=page, --only=send, found `--fast`"
        );
    }
}
