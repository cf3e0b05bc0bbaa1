//! Files, functions and folders that a person can hold in mind.

use std::collections::BTreeMap;

use super::findings::Findings;
use super::rust_source::mask;
use super::tree::{File, Tree};

/// A file over this is two files.
const FILE_LINES_MAX: usize = 1000;
/// Nine of ten files stay below this.
const FILE_LINES_AIM: usize = 700;
/// A function over this does not fit a screen, however large. Clippy has the same number for
/// lines of code; this one counts comments and signature too.
const FUNCTION_LINES_MAX: usize = 70;
/// Names start to do the work of folders beyond this.
const SIBLINGS_MAX: usize = 15;

pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    for (path, text) in tree.texts(&[".rs", ".ts", ".tsx", ".css"]) {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            let expected = format!("at most {FILE_LINES_MAX} lines in a file");
            findings.problem(path, 0, &expected, &lines.to_string());
        } else if lines > FILE_LINES_AIM {
            let expected = format!("at most {FILE_LINES_AIM} lines in nine of ten files");
            findings.warning(path, 0, &expected, &lines.to_string());
        }
    }
    for (path, text) in tree.texts(&[".rs"]) {
        for function in functions(text).iter().filter(|function| function.lines > FUNCTION_LINES_MAX) {
            let expected = format!("at most {FUNCTION_LINES_MAX} lines in a function");
            findings.problem(
                path,
                function.line,
                &expected,
                &format!("{} in `{}`", function.lines, function.name),
            );
        }
    }
    let mut siblings: BTreeMap<&str, usize> = BTreeMap::new();
    for file in tree.files.iter().filter(|file| file.is_source() && !is_test(file)) {
        *siblings.entry(file.folder()).or_default() += 1;
    }
    for (folder, count) in siblings.into_iter().filter(|&(_, count)| count > SIBLINGS_MAX) {
        let expected = format!("at most {SIBLINGS_MAX} source files in a folder");
        findings.problem(folder, 0, &expected, &count.to_string());
    }
}

/// Tests lie beside what they test and are not counted against it.
fn is_test(file: &File) -> bool {
    file.name() == "tests.rs" || file.name().contains(".test.") || file.folder().ends_with("/tests")
}

#[derive(Debug, PartialEq)]
struct Function {
    name: String,
    /// Of the keyword, from 1.
    line: usize,
    /// From the keyword to the closing brace.
    lines: usize,
}

/// Every function with a body, nested ones too.
fn functions(text: &str) -> Vec<Function> {
    let masked = mask(text);
    let line_of = |at: usize| masked[..at].matches('\n').count() + 1;
    let mut functions = Vec::new();
    for (at, _) in masked.match_indices("fn ") {
        let continues_a_word =
            masked[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let name: String =
            masked[at + 3..].chars().take_while(|name| name.is_alphanumeric() || *name == '_').collect();
        if continues_a_word || name.is_empty() {
            continue;
        }
        if let Some(end) = end_of_body(&masked[at..]) {
            let (line, last) = (line_of(at), line_of(at + end));
            functions.push(Function { name, line, lines: last - line + 1 });
        }
    }
    functions
}

/// Position of the closing brace; `None` for a function without a body.
fn end_of_body(function: &str) -> Option<usize> {
    let mut brackets: u32 = 0;
    let mut braces: u32 = 0;
    for (at, character) in function.char_indices() {
        match character {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return None,
            '{' => braces += 1,
            '}' if braces <= 1 => return Some(at),
            '}' => braces -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long_function(lines: usize) -> String {
        format!("//! Text.\n\nfn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
    }

    fn found(path: &str, text: &str) -> Findings {
        let mut findings = Findings::default();
        check(&Tree::sample(&[(path, text)]), &mut findings);
        findings
    }

    #[test]
    fn functions_are_measured() {
        let text = "\
trait T { fn declared(&self, a: [u8; 4]); }
type F = fn(u8) -> u8;
fn one() -> &'static str { \"}}\" } // }
pub fn three<const N: usize>(
    a: [u8; N],
) { if a.is_empty() { fn inner() {} } }
";
        let functions = functions(text);
        let measured: Vec<_> = functions
            .iter()
            .map(|function| (function.name.as_str(), function.line, function.lines))
            .collect();
        assert_eq!(measured, [("one", 3, 1), ("three", 4, 3), ("inner", 6, 1)]);
    }

    #[test]
    fn long_functions_are_problems() {
        assert_eq!(found("a.rs", &long_function(70)).problems(), [""; 0]);
        assert_eq!(
            found("a.rs", &long_function(71)).problems(),
            ["a.rs:3: expected at most 70 lines in a function, found 71 in `long`"]
        );
    }

    #[test]
    fn long_files_are_problems() {
        let findings = found("a.css", &"a {}\n".repeat(1001));
        assert_eq!(findings.problems(), ["a.css: expected at most 1000 lines in a file, found 1001"]);
        let findings = found("a.ts", &"//\n".repeat(701));
        assert_eq!((findings.problems().len(), findings.warnings().len()), (0, 1));
        assert_eq!(found("a.json", &"1\n".repeat(2000)).problems(), [""; 0]);
    }

    #[test]
    fn crowded_folders_are_problems() {
        let paths: Vec<String> = (0..16).map(|number| format!("a/{number}.rs")).collect();
        let files: Vec<_> = paths.iter().map(|path| (path.as_str(), "")).collect();
        let mut findings = Findings::default();
        check(
            &Tree::sample(&[&files[..15], &[("a/tests.rs", ""), ("a/1.test.ts", "")]].concat()),
            &mut findings,
        );
        assert_eq!(findings.problems(), [""; 0]);
        check(&Tree::sample(&files), &mut findings);
        assert_eq!(findings.problems(), ["a: expected at most 15 source files in a folder, found 16"]);
    }
}
