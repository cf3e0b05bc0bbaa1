//! `cargo xtask`: the repository's own chores, so that one command does what a person or a
//! machine needs next. Every command installs what it needs first and says so.
//!
//! Not for: anything the product itself does, and not a dependency of any crate.
//!
//! | module | holds |
//! |---|---|
//! | [`bench`] | speed figures |
//! | [`fuzz`] | the decoders on damaged recordings |
//! | [`kill`] | programs that record and send, killed and read back, many times |
//! | [`process`] | child processes |
//! | [`progress`] | numbered steps with their time |
//! | [`repository`] | where things are |
//! | [`run`] | build and start the product |
//! | [`setup`] | what has to be installed first |
//! | [`slim`] | the program that others bring along, and its size |
//! | [`stamp`] | whether something changed since it was last done |
//! | [`test`] | every test, and one line that sums them up |
//! | [`tidy`] | the rules of the house, checked |
//! | [`ui`] | the web page's build |

use std::process::ExitCode;

use anyhow::{Result, bail};

mod bench;
mod fuzz;
mod kill;
mod process;
mod progress;
mod repository;
mod run;
mod setup;
mod slim;
mod stamp;
mod test;
mod tidy;
mod ui;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  setup [--test]    install what building needs; with --test what testing needs too
  ui                build the web page into ui/dist, if it changed
  run [-- ARGS]     build the product and start it on http://127.0.0.1:8390 with ./kymo-data;
                    ARGS go to `kymo serve`
  test              every test: web page, crates, end to end
  tidy              check the rules of the house
  bench NAME [--quick] [--json] [--only=page|--only=send]
                    measure; NAME is one of: agent, server
  fuzz [--seconds N | --api]
                    the decoders on damaged recordings, for a minute or N seconds; with --api the HTTP API
                    on 100,000 requests made from its description
  slim              build the program that others bring along, and say how large it is
  kill [--rounds N] programs that record are killed 200 or N times, and read back call by call
  faults [--live] [--rounds N]
                    programs that send, their server and their line fail by chance, 200 or N rounds long, and
                    what arrived is compared; with --live programs that are followed, and what followers have";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = args.split_first() else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    match command.as_str() {
        "setup" => setup::command(rest),
        "ui" => ui::command(rest),
        "run" => run::command(rest),
        "test" => test::command(rest),
        "tidy" => tidy::command(rest),
        "bench" => bench::command(rest),
        "fuzz" => fuzz::command(rest),
        "slim" => slim::command(rest),
        "kill" => kill::command(rest, &kill::KILL),
        "faults" => kill::command(rest, &kill::FAULTS),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("no command `{other}`\n\n{USAGE}"),
    }
}

/// For commands that take no arguments.
fn refuse_arguments(rest: &[String]) -> Result<()> {
    match rest.first() {
        Some(first) => bail!("unexpected argument `{first}`\n\n{USAGE}"),
        None => Ok(()),
    }
}
