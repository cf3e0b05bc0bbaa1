//! The `kymo` program: serves, talks to servers, and looks into session files.

mod args;
mod config;
mod files;
mod import;
mod local;
mod print;
mod remote;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

/// Gives memory back to the system by a thread of its own: a server that was busy once is small
/// again when it is idle. Measured after a million events (`cargo xtask bench server`): 58 MB, with the
/// system's allocator 102, with mimalloc 124. How soon: `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match run(Args::parse().command) {
        Ok(code) => code,
        // `kymo events … | head` closes the pipe: that is no error.
        Err(error) if print::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kymo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::Serve(serve) => serve::run(&serve),
        Command::Project { command } => local::project(command),
        Command::Token { command } => local::token(command),
        Command::Member { command } => local::member(command),
        Command::Login(login) => local::login(login),
        Command::Config { command } => config::run(command),
        Command::Doctor(doctor) => local::doctor(&doctor),
        Command::Backup(backup) => local::backup(&backup),
        Command::Restore(restore) => local::restore(&restore),
        Command::Open(open) => return files::open(&open),
        Command::Export(export) => return files::export(&export),
        Command::Import(import) => return import::run(&import),
        Command::Sessions(sessions) => match &sessions.local {
            Some(folder) => return files::sessions(folder.as_deref(), &sessions),
            None => remote::sessions(&sessions),
        },
        Command::Events(events) => remote::events(&events),
        #[cfg(feature = "dialogs")]
        Command::Dialog => return Ok(kymo_dialogs::run(std::io::stdin(), std::io::stdout())),
        Command::Helper => return Ok(ExitCode::from(kymo::sending::run_helper())),
    };
    done.map(|()| ExitCode::SUCCESS)
}
