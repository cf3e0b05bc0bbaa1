//! Every room is named in `docs/ARCHITECTURE.md` with what it is for, and every room named there
//! exists.

use std::collections::{BTreeMap, BTreeSet};

use super::ARCHITECTURE;
use super::findings::Findings;
use super::tree::{Tree, code, table_rows};

/// Folders whose own folders are rooms, each with its row; other top folders have one for all.
const HALLS: [&str; 4] = ["crates", "docs", "tests", "ui/src"];
/// A responsibility says more than one word.
const RESPONSIBILITY_WORDS_MIN: usize = 3;

pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    let folders = tree.folders();
    let named = named(tree.text(ARCHITECTURE).unwrap_or_default());
    for room in rooms(&folders) {
        if !named.contains_key(room) {
            let expected = format!("a table row with `{room}` and its responsibility");
            findings.problem(ARCHITECTURE, 0, &expected, "none");
        }
    }
    for (room, line) in named {
        // A lone word may be a file of the data folder or a program.
        if room.contains('/') && !folders.contains(room) {
            findings.problem(ARCHITECTURE, line, "rooms that exist", room);
        }
    }
}

fn rooms<'a>(folders: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    folders.iter().copied().filter(|folder| is_room(folder)).collect()
}

fn is_room(folder: &str) -> bool {
    match folder.rsplit_once('/') {
        // `crates` and `tests` hold nothing but rooms, and hidden folders configure tools.
        None => !folder.starts_with('.') && !matches!(folder, "crates" | "tests"),
        Some((parent, _)) => HALLS.contains(&parent),
    }
}

/// Folders that a row names in its first or second cell, with the row's line.
fn named(architecture: &str) -> BTreeMap<&str, usize> {
    table_rows(architecture)
        .filter_map(|(line, cells)| {
            let at = cells.iter().take(2).position(|cell| code(cell).is_some_and(looks_like_a_folder))?;
            let says = |cell: &&str| cell.split_whitespace().count() >= RESPONSIBILITY_WORDS_MIN;
            cells[at + 1..].iter().any(says).then_some(())?;
            Some((code(cells[at])?.trim_end_matches('/'), line))
        })
        .collect()
}

fn looks_like_a_folder(text: &str) -> bool {
    let mut characters = text.chars();
    characters.all(|character| character.is_ascii_alphanumeric() || "/-_.".contains(character))
        && !text.contains("..")
        && is_room(text.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(table: &str) -> Vec<String> {
        let files = [
            (ARCHITECTURE, table),
            (".ci/run", ""),
            ("crates/model/src/lib.rs", ""),
            ("ui/src/derive/deep/a.ts", ""),
        ];
        let mut findings = Findings::default();
        check(&Tree::sample(&files), &mut findings);
        findings.problems().to_vec()
    }

    #[test]
    fn rooms_are_named_with_their_responsibility() {
        let all = "\
| 0 | `crates/model` | what there is |
| `ui` | the web page's sources |
| `ui/src/derive` | figures from data |
| `docs/` | what people read |
| `catalog.db` | not a folder here |
";
        assert_eq!(problems(all), [""; 0]);
        assert_eq!(
            problems(&all.replace("figures from data", "figures")),
            [
                "docs/ARCHITECTURE.md: expected a table row with `ui/src/derive` and its responsibility, found none"
            ]
        );
        assert_eq!(
            problems(&format!("{all}| `crates/gone` | was here once |\n")),
            ["docs/ARCHITECTURE.md:6: expected rooms that exist, found crates/gone"]
        );
    }
}
