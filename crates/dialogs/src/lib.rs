//! The two windows that programs have shown to people: a problem that was met, and the question whether to send.
//!
//! A program asks by one line of JSON and gets one line back ([the shapes](../../../docs/dialogs.md)); the library in
//! the program never opens a window itself. Drawn by the processor alone, so that it comes up without a graphics card
//! ([ADR 0023](../../../docs/adr/0023-dialogs.md)).
//!
//! Not for: deciding anything. What a choice leads to, how often is asked and what is sent is the caller's.
//!
//! ```no_run
//! let code = kymo_dialogs::run(std::io::stdin(), std::io::stdout());
//! # drop(code);
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `protocol` | the lines in and out, their limits and substitutes |
//! | `text` | foreign text made harmless, and cut |
//! | `view` | what is in the windows, and what keys and clicks make of it |
//! | `look` | colours and sizes |
//! | `fonts` | a font of the system for what the own ones lack |
//! | `raster` | triangles to pixels |
//! | `window` | the window: events in, pixels out, clipboard |
//! | `system` | what else is asked of the desktop: light or dark, a browser |

mod fonts;
mod look;
mod protocol;
mod raster;
mod system;
mod text;
mod view;
mod window;

use std::io::{Read, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::Duration;

pub use system::Theme;

/// For so long after the window is there, no key and no click chooses anything: they were meant for the window that
/// had the focus before. Half a second is what people need to see that something else is there now.
const GUARD: Duration = Duration::from_millis(500);

/// The exit code where the request cannot be understood.
const REFUSED: u8 = 2;
/// The exit code where no window can be shown.
const NO_WINDOW: u8 = 3;

/// What differs from a plain run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Light or dark; `None`: as the desktop is set.
    pub theme: Option<Theme>,
    /// For so long after the window is there, no key and no click chooses anything.
    pub guard: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { theme: None, guard: GUARD }
    }
}

/// Reads one request, shows its window until a person has chosen, and writes one answer.
///
/// Blocks until then. Has to be called by the process's first thread, once: systems have their windows so.
///
/// | exit code | what was written |
/// |---|---|
/// | 0 | the answer |
/// | 1 | nothing: the answer could not be written |
/// | 2 | `{"error": "…"}`: the request is none |
/// | 3 | nothing; standard error says why no window can be shown |
pub fn run(input: impl Read, output: impl Write) -> ExitCode {
    run_with(input, output, Options::default())
}

/// The same as [`run`], with options.
pub fn run_with(input: impl Read, mut output: impl Write, options: Options) -> ExitCode {
    let request = match protocol::read(input) {
        Ok(request) => request,
        Err(error) => {
            let line = serde_json::json!({ "error": error });
            return written(&mut output, &line.to_string(), ExitCode::from(REFUSED));
        }
    };
    // What opens windows panics where a library of the system is missing, or the desktop ends.
    let shown = panic::catch_unwind(AssertUnwindSafe(|| window::show(request, options)));
    match shown
        .unwrap_or_else(|_| Err("the window system ended, or one of its libraries is missing".to_owned()))
    {
        Ok(answer) => {
            let line = serde_json::json!(answer);
            written(&mut output, &line.to_string(), ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("kymo dialog: no window can be shown: {error}");
            ExitCode::from(NO_WINDOW)
        }
    }
}

fn written(output: &mut impl Write, line: &str, code: ExitCode) -> ExitCode {
    match writeln!(output, "{line}").and_then(|()| output.flush()) {
        Ok(()) => code,
        Err(error) => {
            eprintln!("kymo dialog: cannot write the answer: {error}");
            ExitCode::FAILURE
        }
    }
}
