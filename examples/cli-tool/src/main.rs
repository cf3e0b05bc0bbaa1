//! Counts the words of files: a tool for the command line, each run of which is a session.

use std::path::Path;
use std::process::ExitCode;

use kymo::{Event, Severity};

fn main() -> ExitCode {
    // The whole of Kymo's setup. The session ends with the process, by whichever way.
    let _session = kymo::builder("Examples", "cli-tool").version(env!("CARGO_PKG_VERSION")).start();
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        kymo::warn!("nothing to count");
        eprintln!("expected files whose words to count");
        return ExitCode::from(2);
    }
    let mut failed = 0_u64;
    for file in &files {
        match count(Path::new(file)) {
            Ok(words) => println!("{words:>8} {file}"),
            Err(error) => {
                failed += 1;
                Event::new(Severity::ERROR, "a file was left out")
                    .error(&error)
                    .attribute("file", file.as_str())
                    .record();
                eprintln!("{file}: {error}");
            }
        }
    }
    kymo::info!("counted {files} files, {failed} failed", files = files.len(), failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn count(file: &Path) -> std::io::Result<u64> {
    let words = std::fs::read_to_string(file)?.split_whitespace().count() as u64;
    kymo::info!("{file} has {words} words", file = file.to_string_lossy(), words);
    Ok(words)
}
