//! Passed, failed, skipped: read from what the test runners write.

use std::fmt;
use std::ops::AddAssign;

use anyhow::{Context, Result};
use serde_json::Value;

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Count {
    /// From a line of `cargo test`; `None` for any line but a test program's last.
    ///
    /// ```text
    /// test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
    /// ```
    pub(crate) fn from_cargo_line(line: &str) -> Option<Self> {
        let (_verdict, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let number = |what: &str| {
            numbers.split("; ").find_map(|part| part.strip_suffix(what)?.trim_end().parse::<u64>().ok())
        };
        Some(Self { passed: number("passed")?, failed: number("failed")?, skipped: number("ignored")? })
    }

    /// From vitest's JSON report.
    pub(crate) fn from_vitest(report: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(report).context("vitest's report is not JSON")?;
        let number =
            |name: &str| report[name].as_u64().with_context(|| format!("vitest's report has no {name}"));
        Ok(Self {
            passed: number("numPassedTests")?,
            failed: number("numFailedTests")?,
            skipped: number("numPendingTests")? + number("numTodoTests")?,
        })
    }

    /// For a runner that failed: it may have done so before or beside its tests (a file that does
    /// not compile, a program that crashed), and then none of them says so.
    pub(crate) fn with_a_failure(self) -> Self {
        Self { failed: self.failed.max(1), ..self }
    }

    /// Something ran and nothing failed.
    pub(crate) fn is_success(self) -> bool {
        self.passed > 0 && self.failed == 0
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_lines() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(Count::from_cargo_line(line), Some(Count { passed: 12, failed: 3, skipped: 1 }));
        for other in
            ["", "running 3 tests", "test a::b ... ok", "test result: ok", "test result: ok. many passed"]
        {
            assert_eq!(Count::from_cargo_line(other), None, "{other}");
        }
    }

    #[test]
    fn vitest_reports() {
        let report = r#"{"numPassedTests": 5, "numFailedTests": 1, "numPendingTests": 2, "numTodoTests": 1, "success": false}"#;
        assert_eq!(Count::from_vitest(report).unwrap(), Count { passed: 5, failed: 1, skipped: 3 });
        assert!(Count::from_vitest("{}").is_err());
        assert!(Count::from_vitest("").is_err());
    }

    #[test]
    fn the_closing_line() {
        let mut total = Count { passed: 5, ..Count::default() };
        assert_eq!(total.to_string(), "5 passed, 0 failed");
        assert!(total.is_success());
        total += Count { passed: 1, failed: 0, skipped: 2 };
        assert_eq!(total.to_string(), "6 passed, 0 failed, 2 skipped");
        assert!(!total.with_a_failure().is_success());
        assert_eq!(total.with_a_failure().failed, 1);
        assert!(!Count::default().is_success(), "nothing ran");
    }
}
