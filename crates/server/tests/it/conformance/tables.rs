//! Every row of the tables is there once, with a verdict and what that needs.

use std::path::Path;

use super::case::{Row, Verdict};
use super::{FILES, all_rows, rows};

/// The rows of the tables, in the order of [`FILES`]. Numbers have gaps.
const TABLES: [(&str, &[u32]); 10] = [
    ("S-A", &[1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 15, 16, 18, 20, 21, 22, 24, 25, 26, 29, 30, 31, 32]),
    ("S-M", &[1, 2, 3, 4, 5, 7, 8, 9, 10, 13, 14, 15, 17, 18, 19, 20, 22, 24]),
    ("S-J", &[1, 2, 3, 5, 6, 7, 8, 10, 11, 13, 15, 16, 17, 18, 19, 20, 21]),
    ("S-P", &[1, 2, 3, 4, 6, 8, 9, 10, 11, 12]),
    ("S-R", &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]),
    ("W-C", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
    ("W-R", &[1, 2, 3, 4]),
    ("W-S", &[1, 2, 3, 4, 5, 6, 7, 8]),
    ("W-P", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
    ("W-N", &[1, 2, 3, 4, 5, 6]),
];

#[test]
fn every_row_of_the_tables_is_there_once() {
    for (file, (table, numbers)) in FILES.iter().zip(TABLES) {
        let expected: Vec<String> = numbers.iter().map(|number| format!("{table}{number}")).collect();
        let found: Vec<String> = rows(file).into_iter().map(|row| row.id).collect();
        assert_eq!(found, expected, "{file}");
    }
}

#[test]
fn every_verdict_comes_with_what_it_needs() {
    let mut wrong = Vec::new();
    for row in all_rows() {
        if let Err(reason) = check(&row) {
            wrong.push(format!("{}: {reason}", row.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(row: &Row) -> Result<(), &'static str> {
    let says = |text: &Option<String>| text.as_ref().is_some_and(|text| text.split(' ').count() >= 3);
    let runs = !row.steps.is_empty();
    match row.verdict {
        _ if row.title.trim().is_empty() => Err("no title"),
        Verdict::Better | Verdict::NotOurs if !says(&row.why) => Err("expected a reason"),
        Verdict::Same if row.why.is_some() => Err("a reason, but nothing that differs"),
        Verdict::NotOurs if runs || row.expected.is_some() => Err("steps, but nothing to hold"),
        Verdict::Same | Verdict::Better if !runs || row.expected.is_none() => {
            Err("expected steps and an outcome")
        }
        _ => Ok(()),
    }
}

/// The README's table of verdicts is what stands in the files.
#[test]
fn the_readme_counts_the_verdicts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/README.md");
    let readme = std::fs::read_to_string(path).expect("the README is there");
    for (file, (table, _)) in FILES.iter().zip(TABLES) {
        let verdicts: Vec<Verdict> = rows(file).iter().map(|row| row.verdict).collect();
        let [same, better, not_ours] = [Verdict::Same, Verdict::Better, Verdict::NotOurs]
            .map(|verdict| verdicts.iter().filter(|found| **found == verdict).count());
        let line = format!("| {table} | `{file}` | {same} | {better} | {not_ours} |");
        assert!(readme.lines().any(|found| found == line), "expected in conformance/README.md: {line}");
    }
}
