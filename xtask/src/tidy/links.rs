//! Relative links in markdown lead somewhere.

use super::findings::Findings;
use super::tree::Tree;

pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    let folders = tree.folders();
    for (path, text) in tree.texts(&[".md"]) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, target) in targets(text) {
            let leads = resolve(folder, target).is_some_and(|resolved| {
                resolved.is_empty()
                    || folders.contains(resolved.as_str())
                    || tree.files.iter().any(|file| file.path == resolved)
            });
            if !leads {
                findings.problem(path, line, "a link to a file of the repository", target);
            }
        }
    }
}

/// Relative targets without their fragments, with their lines from 1; none from code.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut targets = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let in_backticks = line[..at].matches('`').count() % 2 == 1;
            let target = line[at + 2..].split([')', ' ', '#']).next().unwrap_or_default();
            let is_relative = !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:");
            if is_relative && !in_backticks {
                targets.push((index + 1, target));
            }
        }
    }
    targets
}

/// From the top folder; `None` if it leads out of the repository.
fn resolve(folder: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = if target.starts_with('/') { vec![] } else { folder.split('/').collect() };
    for part in target.split('/') {
        match part {
            ".." => {
                parts.retain(|part| !part.is_empty());
                parts.pop()?;
            }
            "." | "" => {}
            name => parts.push(name),
        }
    }
    parts.retain(|part| !part.is_empty());
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let files = [("docs/a.md", text), ("docs/adr/0001-b.md", ""), ("README.md", "")];
        let mut findings = Findings::default();
        check(&Tree::sample(&files), &mut findings);
        findings.problems().to_vec()
    }

    #[test]
    fn links_lead_somewhere() {
        let good = "[a](adr/0001-b.md) [b](../README.md#top) [c](adr/) [d](https://example.test/x) [e](#here)\n\
                    ```\n[f](no.md)\n```\n`[g](no.md)` [h](..)\n";
        assert_eq!(problems(good), [""; 0]);
        assert_eq!(
            problems("text\n![image](images/no.png)\n"),
            ["docs/a.md:2: expected a link to a file of the repository, found images/no.png"]
        );
        assert_eq!(problems("[out](../../x.md)").len(), 1);
    }
}
