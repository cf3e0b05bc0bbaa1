//! The dialogs by themselves, for tests and for trying them out: what `kymo dialog` does in a build with the feature
//! `dialogs`.

use std::process::ExitCode;
use std::time::Duration;

use kymo_dialogs::{Options, Theme};

const USAGE: &str = "usage: kymo-dialogs [dialog] [--light | --dark] [--guard MILLISECONDS] < REQUEST";

fn main() -> ExitCode {
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), arguments.len()) {
            // What programs that ask say to `kymo`.
            ("dialog", _) => {}
            ("--light", _) => options.theme = Some(Theme::Light),
            ("--dark", _) => options.theme = Some(Theme::Dark),
            ("--guard", 1..) => {
                let text = arguments.next().unwrap_or_default();
                options.guard = Duration::from_millis(text.parse().unwrap_or_default());
            }
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::FAILURE;
            }
        }
    }
    kymo_dialogs::run_with(std::io::stdin(), std::io::stdout(), options)
}
