//! `setup`: what has to be installed before building and testing.
//!
//! Node packages come by `npm ci` from the committed lock file, without install scripts. System
//! packages are installed only where that needs no question (root or password-less sudo, on a
//! system with apt); elsewhere the error names the Debian package.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::USAGE;
use crate::progress::Progress;
use crate::repository::Repository;

mod chromium;
mod debian;
pub(crate) mod nats;
mod node;
mod python;
mod xvfb;

/// Steps that [`product`] takes.
pub(crate) const PRODUCT_STEPS: usize = 1;
/// Steps that [`tests`] takes.
pub(crate) const TEST_STEPS: usize = 4;

/// What the end-to-end tests are told about, by environment variables.
pub(crate) struct TestTools {
    /// `KYMO_CHROMIUM`: the browser.
    pub(crate) chromium: PathBuf,
    /// `KYMO_PYTHON`: a Python with the packages of `tests/python/requirements.txt`.
    pub(crate) python: PathBuf,
    /// `KYMO_NODE_TESTS`: the folder with the real JavaScript agents.
    pub(crate) node_tests: PathBuf,
    /// `KYMO_XVFB`: an X server that draws into memory.
    pub(crate) xvfb: PathBuf,
}

pub(crate) fn command(rest: &[String]) -> Result<ExitCode> {
    let repository = Repository::here()?;
    match rest {
        [] => product(&repository, &mut Progress::new(PRODUCT_STEPS))?,
        [flag] if flag == "--test" => {
            let mut progress = Progress::new(PRODUCT_STEPS + TEST_STEPS);
            product(&repository, &mut progress)?;
            tests(&repository, &mut progress)?;
        }
        _ => bail!("`setup` takes `--test` only\n\n{USAGE}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// What building the product needs.
pub(crate) fn product(repository: &Repository, progress: &mut Progress) -> Result<()> {
    progress.step("packages of ui", || {
        node::check_tools()?;
        node::install(&repository.path("ui"))
    })
}

/// What testing it needs beside that.
pub(crate) fn tests(repository: &Repository, progress: &mut Progress) -> Result<TestTools> {
    let node_tests = repository.path("tests/node");
    let mut apt = debian::Apt::default();
    progress.step("packages of tests/node", || node::install(&node_tests))?;
    let chromium = progress.step("chromium", || chromium::find_or_install(&mut apt))?;
    let xvfb = progress.step("an X server in memory", || xvfb::find_or_install(&mut apt))?;
    let python = progress.step("packages of tests/python", || {
        python::environment(
            &repository.path("tests/python/requirements.txt"),
            &repository.target()?.join("pyenv"),
            &mut apt,
        )
    })?;
    Ok(TestTools { chromium, python, node_tests, xvfb })
}
