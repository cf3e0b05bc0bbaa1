//! The `kymo` program: serves, talks to servers, and looks into session files.

mod args;
mod clock;
#[cfg(feature = "server")]
mod config;
#[cfg(feature = "open")]
mod files;
#[cfg(feature = "server")]
mod import;
#[cfg(feature = "server")]
mod local;
#[cfg(feature = "pack")]
mod pack;
mod print;
#[cfg(feature = "server")]
mod remote;
#[cfg(any(feature = "open", feature = "pack"))]
mod repository;
#[cfg(feature = "server")]
mod serve;
#[cfg(feature = "server")]
mod settings;
#[cfg(feature = "open")]
mod tail;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

/// Gives memory back to the system by a thread of its own: a server that was busy once is small
/// again when it is idle. Measured after a million events (`cargo xtask bench server`): 58 MB, with the
/// system's allocator 102, with mimalloc 124. How soon: `.cargo/config.toml`.
#[cfg(feature = "server")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match run(Args::parse().command) {
        Ok(code) => code,
        // `kymo events … | head` closes the pipe: that is no error.
        Err(error) if print::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Parts of it may be what others say, over as many lines as a filter's mistake takes.
            let text = format!("{error:#}");
            let lines: Vec<String> = text.lines().map(kymo_viewer::harmless).collect();
            // Nobody may read it.
            let _ = writeln!(std::io::stderr(), "kymo: {}", lines.join("\n"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        #[cfg(feature = "server")]
        Command::Serve(serve) => done(serve::run(&serve)),
        #[cfg(feature = "server")]
        Command::Project { command } => done(local::project(command)),
        #[cfg(feature = "server")]
        Command::Token { command } => done(local::token(command)),
        #[cfg(feature = "server")]
        Command::Member { command } => done(local::member(command)),
        #[cfg(feature = "server")]
        Command::Login(login) => done(local::login(login)),
        #[cfg(feature = "server")]
        Command::Config { command } => done(config::run(command)),
        #[cfg(any(feature = "pack", feature = "server"))]
        Command::Doctor(args) => doctor(&args),
        #[cfg(feature = "server")]
        Command::Backup(backup) => done(local::backup(&backup)),
        #[cfg(feature = "server")]
        Command::Restore(restore) => done(local::restore(&restore)),
        #[cfg(feature = "open")]
        Command::Open(open) => files::open(&open),
        #[cfg(feature = "open")]
        Command::Export(export) => files::export(&export),
        #[cfg(feature = "pack")]
        Command::Pack(args) => pack::run(&args),
        #[cfg(feature = "server")]
        Command::Import(import) => import::run(&import),
        #[cfg(feature = "open")]
        Command::Sessions(sessions) => match &sessions.local {
            Some(folder) => files::sessions(folder.as_deref(), &sessions),
            None => remote_sessions(&sessions),
        },
        #[cfg(feature = "server")]
        Command::Events(events) => done(remote::events(&events)),
        #[cfg(feature = "open")]
        Command::Tail(args) => tail::run(&args),
        #[cfg(feature = "dialogs")]
        Command::Dialog => Ok(kymo_dialogs::run(std::io::stdin(), std::io::stdout())),
        #[cfg(feature = "pack")]
        Command::Helper => Ok(ExitCode::from(kymo::sending::run_helper())),
    }
}

#[cfg(feature = "server")]
fn done(done: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    done.map(|()| ExitCode::SUCCESS)
}

#[cfg(any(feature = "pack", feature = "server"))]
fn doctor(args: &args::Doctor) -> anyhow::Result<ExitCode> {
    #[cfg(feature = "pack")]
    if let Some(root) = &args.local {
        return pack::doctor(root.as_deref(), args.json);
    }
    #[cfg(feature = "server")]
    return done(local::doctor(args));
    #[cfg(not(feature = "server"))]
    anyhow::bail!("this kymo has no server: expected kymo doctor --local")
}

#[cfg(all(feature = "open", feature = "server"))]
fn remote_sessions(args: &args::Sessions) -> anyhow::Result<ExitCode> {
    done(remote::sessions(args))
}

#[cfg(all(feature = "open", not(feature = "server")))]
fn remote_sessions(_: &args::Sessions) -> anyhow::Result<ExitCode> {
    anyhow::bail!("this kymo asks no server: expected kymo sessions --local")
}
