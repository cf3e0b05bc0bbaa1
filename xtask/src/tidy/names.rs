//! No drawers for everything: a file is named after the one thing it holds.

use super::findings::Findings;
use super::tree::Tree;

const DRAWERS: [&str; 9] =
    ["common", "helper", "helpers", "manager", "managers", "misc", "util", "utility", "utils"];

pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    for file in tree.files.iter().filter(|file| file.is_source()) {
        let words = file.path.split(['/', '_', '-', '.']);
        for drawer in words.filter(|word| DRAWERS.contains(&word.to_lowercase().as_str())) {
            findings.problem(&file.path, 0, "a name that says what is inside", drawer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawers_are_problems() {
        let sample = |path: &str| {
            let mut findings = Findings::default();
            check(&Tree::sample(&[(path, "")]), &mut findings);
            findings.problems().len()
        };
        for bad in ["a/utils.rs", "tests/common/mod.rs", "ui/src/helpers/a.ts", "a/session_manager.rs"] {
            assert_eq!(sample(bad), 1, "{bad}");
        }
        for good in ["a/commonwealth.rs", "docs/misc.md", "a/uncommon.ts"] {
            assert_eq!(sample(good), 0, "{good}");
        }
    }
}
