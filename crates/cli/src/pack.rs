//! `kymo pack`: sessions of programs into a file, by mail, to a server; by flags, or asked in the terminal.
//!
//! ```text
//!  flags, or a person's answers -> which sessions (choice) + where to (target) -> job -> outcome -> text or JSON, exit code
//! ```

mod choice;
mod doctor;
mod drives;
mod job;
mod outcome;
mod target;
mod wait;
mod wizard;

pub(crate) use doctor::doctor;

use std::io::{IsTerminal, stdin, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::args::Pack;
use crate::pack::choice::Chosen;
use crate::pack::job::{Job, Progress};
use crate::pack::outcome::{Code, Outcome};
use crate::pack::target::Target;

pub(crate) fn run(args: &Pack) -> anyhow::Result<ExitCode> {
    let outcome = match target::of(args) {
        Ok(Some(target)) => silent(args, target),
        Ok(None) if !args.json && stdin().is_terminal() && stdout().is_terminal() => {
            return wizard::run(args);
        }
        Ok(None) => Outcome::failed(
            Code::Usage,
            "expected where to: --file, --folder, --mail or --server; or a terminal to ask in",
        ),
        Err(text) => Outcome::failed(Code::Usage, text),
    };
    match outcome.print(args.json) {
        // Who reads went away; what came of it is the same.
        Err(error) if !crate::print::is_closed_pipe(&error) => return Err(error),
        _ => {}
    }
    Ok(outcome.exit_code())
}

fn silent(args: &Pack, target: Target) -> Outcome {
    if !choice::is_said(args) {
        return Outcome::failed(
            Code::Usage,
            "expected what: --unsent, --all, --session, or any of the criteria",
        );
    }
    let stop = stop_on_signals();
    if let Some(pid) = args.wait_pid {
        wait::for_process(pid, &|| stop.load(Ordering::Relaxed));
    }
    let chosen = match Chosen::of(args) {
        Ok(chosen) => chosen,
        Err(outcome) => return *outcome,
    };
    let job = Job { chosen, target, is_asked: args.i_was_asked, again: args.again };
    // Whoever runs it by hand and waits sees that it goes on.
    let is_watched = std::io::stderr().is_terminal();
    let tell = |progress: Progress| {
        if is_watched && progress.bytes_total > 0 {
            eprint!("\rkymo: {} of {} bytes", progress.bytes, progress.bytes_total);
        }
    };
    let outcome = job.run(&tell, &stop);
    if is_watched {
        eprint!("\r\u{1b}[K");
    }
    outcome
}

/// Ctrl-C and the like stop between two pieces: what was begun is cleared away. A second Ctrl-C waits for nothing: a
/// temporary file may be left then. Not so a second SIGTERM, as some send it to a process and to its group at once.
fn stop_on_signals() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    // Before the other: by the first signal nothing is set yet.
    let _ = signal_hook::flag::register_conditional_shutdown(
        signal_hook::consts::SIGINT,
        Code::Cancelled as i32,
        Arc::clone(&stop),
    );
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // Where it cannot be had the signal ends the program: nothing but a temporary file is left then.
        let _ = signal_hook::flag::register(signal, Arc::clone(&stop));
    }
    stop
}
