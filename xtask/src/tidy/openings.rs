//! Every source file begins by saying what it is.

use super::findings::Findings;
use super::tree::Tree;

pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    for (path, text) in tree.texts(&[".rs"]).filter(|(path, _)| is_crate_source(path)) {
        if !text.starts_with("//!") {
            findings.problem(path, 1, "module text (`//!`)", first_line(text));
        }
    }
    for (path, text) in tree.texts(&[".ts", ".tsx"]).filter(|(path, _)| path.starts_with("ui/src/")) {
        if !text.starts_with("//") && !text.starts_with("/*") {
            findings.problem(path, 1, "a comment that says what the file holds", first_line(text));
        }
    }
}

fn is_crate_source(path: &str) -> bool {
    path.starts_with("xtask/src/") || path.starts_with("crates/") && path.contains("/src/")
}

fn first_line(text: &str) -> &str {
    text.lines().next().filter(|line| !line.is_empty()).unwrap_or("an empty line")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        check(&Tree::sample(&[(path, text)]), &mut findings);
        findings.problems().to_vec()
    }

    #[test]
    fn files_say_what_they_are() {
        assert_eq!(problems("crates/a/src/b/c.rs", "//! What.\n"), [""; 0]);
        assert_eq!(
            problems("crates/a/src/b/c.rs", "use std::fmt;\n"),
            ["crates/a/src/b/c.rs:1: expected module text (`//!`), found use std::fmt;"]
        );
        assert_eq!(problems("ui/src/a.tsx", "/** What. */\n"), [""; 0]);
        assert_eq!(problems("ui/src/a.ts", "\n// What.\n").len(), 1);
        assert_eq!(problems("ui/vite.config.ts", ""), [""; 0]);
    }
}
