//! What is out of order, and where.

use std::process::ExitCode;

/// Collects what the checks find.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    problems: Vec<String>,
    warnings: Vec<String>,
}

impl Findings {
    /// Something that must be changed. `line` counts from 1; 0 means the file as a whole.
    pub(crate) fn problem(&mut self, path: &str, line: usize, expected: &str, found: &str) {
        self.problems.push(message(path, line, expected, found));
    }

    /// Something to keep an eye on.
    pub(crate) fn warning(&mut self, path: &str, line: usize, expected: &str, found: &str) {
        self.warnings.push(message(path, line, expected, found));
    }

    /// Prints everything, worst last.
    pub(crate) fn report(&self, files: usize) -> ExitCode {
        for warning in &self.warnings {
            println!("warning: {warning}");
        }
        for problem in &self.problems {
            println!("{problem}");
        }
        if self.problems.is_empty() {
            println!("tidy: {files} files, all in order");
            ExitCode::SUCCESS
        } else {
            println!("tidy: {files} files, {} problems", self.problems.len());
            ExitCode::FAILURE
        }
    }

    #[cfg(test)]
    pub(crate) fn problems(&self) -> &[String] {
        &self.problems
    }

    #[cfg(test)]
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

fn message(path: &str, line: usize, expected: &str, found: &str) -> String {
    let place = if line == 0 { path.to_owned() } else { format!("{path}:{line}") };
    format!("{place}: expected {expected}, found {found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_where_what_and_what_instead() {
        assert_eq!(message("a.rs", 3, "b", "c"), "a.rs:3: expected b, found c");
        assert_eq!(message("a.rs", 0, "b", "c"), "a.rs: expected b, found c");
    }
}
