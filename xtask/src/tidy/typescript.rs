//! The web page's sources: every export is named, and says its type.

use super::findings::Findings;
use super::tree::Tree;

/// Where a type may stand. `any` in an export spreads to whoever imports it; since nothing here
/// needs one, it is refused everywhere but in tests.
const ANY_AFTER: [&str; 6] = [":", "<", "|", "as", ",", "=>"];

pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    for (path, text) in tree.texts(&[".ts", ".tsx"]).filter(|(path, _)| path.starts_with("ui/src/")) {
        let is_test = path.contains(".test.");
        for (index, line) in text.lines().enumerate() {
            let code = line.trim_start();
            if code.starts_with("export default") {
                findings.problem(path, index + 1, "a named export", "a default export");
            }
            if !is_test && !is_comment(code) && has_any(code) {
                findings.problem(path, index + 1, "a type, or `unknown`", "any");
            }
        }
    }
}

fn is_comment(code: &str) -> bool {
    ["//", "/*", "*"].iter().any(|start| code.starts_with(start))
}

fn has_any(code: &str) -> bool {
    let code = code.split(" // ").next().unwrap_or_default();
    code.match_indices("any").any(|(at, word)| {
        let before = code[..at].trim_end();
        let closes = code[at + word.len()..].trim_start();
        let is_word =
            !code[..at].ends_with(continues_a_word) && !code[at + word.len()..].starts_with(continues_a_word);
        let ends_a_type =
            closes.is_empty() || closes.starts_with([')', ';', ',', '>', '[', '|', '=', '}', '{']);
        is_word && ends_a_type && ANY_AFTER.iter().any(|ending| before.ends_with(ending))
    })
}

fn continues_a_word(character: char) -> bool {
    character.is_alphanumeric() || "_$".contains(character)
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
    fn any_is_a_problem() {
        for bad in [
            "export function f(a: any): void {}",
            "export const a: any[] = []",
            "const b = c as any;",
            "type M = Map<string, any>",
            "type N = string | any;",
        ] {
            assert_eq!(problems("ui/src/a.ts", bad), 1, "{bad}");
        }
        for good in [
            "// as any comment",
            " * f(a: any)",
            "const company: string = \"as any reader\"",
            "let x: anything = 1 // x: any",
            "Promise.any(list)",
        ] {
            assert_eq!(problems("ui/src/a.ts", good), 0, "{good}");
        }
        assert_eq!(problems("ui/src/a.test.ts", "x as any;"), 0);
        assert_eq!(problems("ui/vite.config.ts", "x as any;"), 0);
    }

    #[test]
    fn a_default_export_is_a_problem() {
        assert_eq!(problems("ui/src/a.tsx", "export default function A() {}"), 1);
        assert_eq!(problems("ui/src/a.tsx", "export function A() {}"), 0);
    }
}
