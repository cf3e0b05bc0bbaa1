//! Speed figures with their targets and peers: `kymo-bench server|agent|live [--quick] [--json] [--only=page|send]`.
//!
//! Run through `cargo xtask bench`, which builds what is measured. A table goes to standard output;
//! with `--json` its last line is one object with every figure and the names of those missed.

mod agent;
mod calibrate;
mod events;
mod format;
mod http;
mod ingest;
mod live;
mod messages;
mod page;
mod premade;
mod process;
mod reading;
mod report;
mod server;

use std::process::ExitCode;

use anyhow::bail;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own that people set")]
pub(crate) struct Wish {
    /// At most 40 seconds, small sizes, targets scaled to this machine.
    pub(crate) quick: bool,
    /// A last line of JSON.
    pub(crate) json: bool,
    /// The part about the page alone.
    pub(crate) only_page: bool,
    /// The part about sending alone.
    pub(crate) only_send: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kymo-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("--play", player)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return agent::play(player);
    }
    let mut wish = Wish { quick: false, json: false, only_page: false, only_send: false };
    let mut name = None;
    for argument in arguments {
        match argument.as_str() {
            "--quick" => wish.quick = true,
            "--json" => wish.json = true,
            "--only=page" => wish.only_page = true,
            "--only=send" => wish.only_send = true,
            other if other.starts_with('-') => {
                bail!("{other}: expected --quick, --json, --only=page or --only=send")
            }
            other => name = Some(other.to_owned()),
        }
    }
    match name.as_deref() {
        Some("agent") => agent::run(wish),
        Some("live") => live::run(wish),
        Some("server") => server::run(wish),
        Some(other) => bail!("there is no bench {other}: expected agent, live or server"),
        None => bail!("expected the name of a bench: agent, live or server"),
    }
}
