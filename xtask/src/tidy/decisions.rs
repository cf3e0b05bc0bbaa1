//! Decision records: one page each, of one form, with a number of its own.

use std::collections::BTreeMap;

use super::findings::Findings;
use super::tree::Tree;

const FOLDER: &str = "docs/adr/";
/// One page.
const LINES_MAX: usize = 70;
/// Any heading of a group will do.
const HEADINGS: [&[&str]; 3] = [&["## Context"], &["## Choice", "## Decision"], &["## Consequences"]];

pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    let mut numbers: BTreeMap<&str, &str> = BTreeMap::new();
    for (path, text) in tree.texts(&[".md"]).filter(|(path, _)| path.starts_with(FOLDER)) {
        let name = &path[FOLDER.len()..];
        let number = name.split('-').next().unwrap_or_default();
        if number.len() != 4 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            findings.problem(path, 0, "a name of the form 0012-title.md", name);
        } else if let Some(other) = numbers.insert(number, path) {
            findings.problem(path, 0, "a number of its own", &format!("that of {other}"));
        }
        for group in HEADINGS {
            if !text.lines().any(|line| group.contains(&line.trim_end())) {
                findings.problem(path, 0, &format!("the heading `{}`", group.join("` or `")), "none");
            }
        }
        let lines = text.lines().count();
        if lines > LINES_MAX {
            findings.problem(path, 0, &format!("one page, at most {LINES_MAX} lines"), &lines.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(files: &[(&str, &str)]) -> Vec<String> {
        let mut findings = Findings::default();
        check(&Tree::sample(files), &mut findings);
        findings.problems().to_vec()
    }

    #[test]
    fn form_number_and_length() {
        let good = "# A\n\n## Context\n\n## Choice\n\n## Consequences\n";
        assert_eq!(problems(&[("docs/adr/0001-a.md", good), ("docs/b.md", "")]), [""; 0]);
        assert_eq!(
            problems(&[("docs/adr/0001-a.md", good), ("docs/adr/0001-b.md", good)]),
            ["docs/adr/0001-b.md: expected a number of its own, found that of docs/adr/0001-a.md"]
        );
        assert_eq!(
            problems(&[("docs/adr/0001-a.md", &good.replace("Choice", "Chosen"))]),
            ["docs/adr/0001-a.md: expected the heading `## Choice` or `## Decision`, found none"]
        );
        assert_eq!(problems(&[("docs/adr/a.md", good)]).len(), 1);
        assert_eq!(problems(&[("docs/adr/0001-a.md", &format!("{good}{}", "\n".repeat(70)))]).len(), 1);
    }
}
