//! The `kymo` program: serves, and talks to servers.

mod args;
mod local;
mod print;
mod remote;
mod serve;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

/// Gives memory back to the system after a burst; the system's allocator keeps most of it, and a
/// server that has been busy once should be small again when it is idle (`cargo xtask bench server`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Args::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        // `kymo events … | head` closes the pipe: that is no error.
        Err(error) if print::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kymo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(serve) => serve::run(serve),
        Command::Project { command } => local::project(command),
        Command::Token { command } => local::token(command),
        Command::Login(folder) => local::login(&folder.data),
        Command::Sessions(sessions) => remote::sessions(&sessions),
        Command::Events(events) => remote::events(&events),
    }
}
