//! No crate escapes the workspace's lints.

use super::findings::Findings;
use super::tree::Tree;

pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    for (path, text) in tree.texts(&["/Cargo.toml"]) {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        if !lines.windows(2).any(|pair| pair == ["[lints]", "workspace = true"]) {
            findings.problem(
                path,
                0,
                "the lines `[lints]` and `workspace = true`",
                "lints of its own or none",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_come_from_the_workspace() {
        let problems = |text: &str| {
            let mut findings = Findings::default();
            check(&Tree::sample(&[("Cargo.toml", ""), ("crates/a/Cargo.toml", text)]), &mut findings);
            findings.problems().len()
        };
        assert_eq!(problems("[package]\n\n[lints]\nworkspace = true\n"), 0);
        assert_eq!(problems("[package]\n"), 1);
    }
}
