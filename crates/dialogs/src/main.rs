//! The dialogs by themselves, for tests and for trying them out: what `kymo dialog` does in a build with the feature
//! `dialogs`.

use std::process::ExitCode;
use std::time::Duration;

use kymo_dialogs::{Options, Theme};

const USAGE: &str = "usage: kymo-dialogs [--light | --dark] [--no-guard] < REQUEST";

fn main() -> ExitCode {
    let mut options = Options::default();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--light" => options.theme = Some(Theme::Light),
            "--dark" => options.theme = Some(Theme::Dark),
            "--no-guard" => options.guard = Duration::ZERO,
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::FAILURE;
            }
        }
    }
    kymo_dialogs::run_with(std::io::stdin(), std::io::stdout(), options)
}
