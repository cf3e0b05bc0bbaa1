//! Words that must not be committed: paths of somebody's machine, hosts of package registries
//! (a mirror may stand in their place), and notes to oneself without an issue.
//!
//! The words are put together from halves here, so that this file passes its own check.

use super::findings::Findings;
use super::tree::Tree;

const MACHINE_PATHS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("../sha", "red")];
const REGISTRY_HOSTS: [&str; 6] = [
    concat!("registry.npm", "js.org"),
    concat!("registry.yarn", "pkg.com"),
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("python", "hosted.org"),
    concat!("deb.debian", ".org"),
];
const NOTES: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
/// In a package lock: where each package was fetched from.
const FETCHED_FROM: &str = concat!("\"reso", "lved\"");
/// Written by cargo, which names its registry in it; and full of hashes.
const CARGO_LOCK: &str = "Cargo.lock";

pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    for file in &tree.files {
        let Some(text) = file.text.as_deref() else { continue };
        let is_lock = matches!(file.name(), CARGO_LOCK | "package-lock.json");
        for (index, line) in text.lines().enumerate() {
            let mut problem = |expected, found| findings.problem(&file.path, index + 1, expected, found);
            if let Some(path) = MACHINE_PATHS.iter().find(|path| has_path(line, path)) {
                problem("no path of one machine", path);
            }
            if let Some(host) = REGISTRY_HOSTS.iter().find(|host| line.contains(**host))
                && file.name() != CARGO_LOCK
            {
                problem("no name of a registry's host", host);
            }
            if let Some(note) = NOTES.iter().find(|note| has_word(line, note))
                && !is_lock
                && !names_an_issue(line)
            {
                problem("a note with its issue's number, as in (#12)", note);
            }
            if file.name() == "package-lock.json" && line.contains(FETCHED_FROM) {
                problem("a lock file without addresses (omit-lockfile-registry-resolved)", FETCHED_FROM);
            }
        }
    }
}

/// Not in the middle of a longer path: `a/root/b` is a folder like any other.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| !line[..at].ends_with(|before: char| before.is_alphanumeric()))
}

/// As a word of its own.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let inside = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(inside) && !line[at + word.len()..].starts_with(inside))
}

fn names_an_issue(line: &str) -> bool {
    line.match_indices('#').any(|(at, _)| line[at + 1..].starts_with(|next: char| next.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> usize {
        let mut findings = Findings::default();
        check(&Tree::sample(&[(path, text)]), &mut findings);
        findings.problems().len()
    }

    #[test]
    fn samples_that_break_the_rule() {
        for path in MACHINE_PATHS {
            assert_eq!(problems("a.md", &format!("see {path}x")), 1, "{path}");
        }
        for host in REGISTRY_HOSTS {
            assert_eq!(problems(".ci/run", &format!("curl {host}/x")), 1, "{host}");
        }
        for note in NOTES {
            assert_eq!(problems("a.rs", &format!("// {note}: later")), 1, "{note}");
        }
        assert_eq!(problems("ui/package-lock.json", &format!("  {FETCHED_FROM}: \"x\",")), 1);
    }

    #[test]
    fn samples_that_keep_it() {
        assert_eq!(problems("a.rs", &format!("// {} (#12): later", NOTES[0])), 0);
        assert_eq!(problems("a.rs", &format!("const {}_LIST: u8 = 1;", NOTES[0])), 0);
        assert_eq!(problems("a.rs", &format!("a{}b", MACHINE_PATHS[1])), 0);
        assert_eq!(problems(CARGO_LOCK, REGISTRY_HOSTS[2]), 0);
    }

    #[test]
    fn the_line_is_told() {
        let mut findings = Findings::default();
        check(&Tree::sample(&[("a.rs", &format!("\n{}\n", NOTES[1]))]), &mut findings);
        assert!(findings.problems()[0].starts_with("a.rs:2: "), "{:?}", findings.problems());
    }
}
