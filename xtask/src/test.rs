//! `test`: every test there is, and one line that sums them up.
//!
//! A failing suite does not keep the next one from running: a person who has waited for the
//! build wants to know everything that is broken.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::progress::Progress;
use crate::repository::Repository;
use crate::setup::{self, TestTools};
use crate::{process, refuse_arguments, ui};

mod count;

use count::Count;

pub(crate) fn command(rest: &[String]) -> Result<ExitCode> {
    refuse_arguments(rest)?;
    let repository = Repository::here()?;
    let mut progress = Progress::new(setup::PRODUCT_STEPS + setup::TEST_STEPS + ui::STEPS + 2);
    setup::product(&repository, &mut progress)?;
    let tools = setup::tests(&repository, &mut progress)?;
    ui::build(&repository, &mut progress)?;

    let mut total = Count::default();
    total += counted(progress.step("tests of the web page", || web_page(&repository)));
    total += counted(progress.step("tests of the crates, and end to end", || crates(&repository, &tools)));
    println!("{total}");
    Ok(if total.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A suite that could not be run counts as one failure: the closing line must not look green.
fn counted(suite: Result<Count>) -> Count {
    suite.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        Count { failed: 1, ..Count::default() }
    })
}

fn web_page(repository: &Repository) -> Result<Count> {
    let report = repository.target()?.join("vitest.json");
    // A report of an earlier run must not be counted.
    if report.exists() {
        std::fs::remove_file(&report)?;
    }
    let mut npm = Command::new("npm");
    npm.args(["test", "--", "--reporter=default", "--reporter=json"])
        .arg(format!("--outputFile.json={}", report.display()))
        .current_dir(repository.path("ui"))
        .env("CI", "1");
    let ended = process::run(&mut npm);
    let count = read_report(&report);
    match ended {
        Ok(()) => count,
        Err(error) => Ok(count.map_err(|_| error)?.with_a_failure()),
    }
}

fn read_report(report: &Path) -> Result<Count> {
    let text = std::fs::read_to_string(report).context("the tests of the web page left no report")?;
    Count::from_vitest(&text)
}

fn crates(repository: &Repository, tools: &TestTools) -> Result<Count> {
    let mut cargo = process::cargo();
    cargo
        .args(["test", "--workspace", "--no-fail-fast"])
        .current_dir(&repository.root)
        .env("KYMO_CHROMIUM", &tools.chromium)
        .env("KYMO_PYTHON", &tools.python)
        .env("KYMO_NODE_TESTS", &tools.node_tests)
        .env("KYMO_XVFB", &tools.xvfb)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = cargo.spawn().map_err(|error| process::not_started(&cargo, error))?;
    let output = child.stdout.take().context("standard output was asked for")?;
    let mut count = Count::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        // A test may print any bytes.
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        count += Count::from_cargo_line(&line).unwrap_or_default();
    }
    let status = child.wait()?;
    Ok(if status.success() { count } else { count.with_a_failure() })
}
