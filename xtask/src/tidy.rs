//! `tidy`: the rules of the house that a program can check.
//!
//! Each rule is a module with one function `check(tree, findings)` and a test with a sample that
//! breaks it. What rustfmt and clippy check is left to them.

use std::process::ExitCode;

use anyhow::Result;

use crate::refuse_arguments;
use crate::repository::Repository;

mod arrows;
mod decisions;
mod findings;
mod folders;
mod lengths;
mod links;
mod manifests;
mod names;
mod openings;
mod rust_source;
mod tree;
mod typescript;
mod words;

use findings::Findings;
use tree::Tree;

/// The page that names every room of the house; several rules read their tables from it.
const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";

pub(crate) fn command(rest: &[String]) -> Result<ExitCode> {
    refuse_arguments(rest)?;
    let tree = Tree::of(Repository::here()?)?;
    let mut findings = Findings::default();
    for check in [
        arrows::check,
        decisions::check,
        folders::check,
        lengths::check,
        links::check,
        manifests::check,
        names::check,
        openings::check,
        rust_source::check,
        typescript::check,
        words::check,
    ] {
        check(&tree, &mut findings);
    }
    Ok(findings.report(tree.files.len()))
}
