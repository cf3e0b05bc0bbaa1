//! Questions in the terminal, for programs that are used there.

use std::io::{BufRead, IsTerminal, Write};

use super::{Choice, ConsentAnswer, ConsentQuestion, FrontEnd, Problem, ProblemAnswer};

/// Questions without an answer that are put again.
const ASKED_MAX: u32 = 3;

/// Asks in the terminal; nobody, if standard input or output is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminalFrontEnd;

impl FrontEnd for TerminalFrontEnd {
    fn ask_consent(&self, question: &ConsentQuestion) -> Option<ConsentAnswer> {
        is_there().then(|| consent(question, &mut std::io::stdin().lock(), &mut std::io::stdout()))
    }

    fn tell_problem(&self, shown: &Problem) -> Option<ProblemAnswer> {
        is_there().then(|| problem(shown, &mut std::io::stdin().lock(), &mut std::io::stdout()))
    }
}

fn is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// What a terminal would take for a command goes.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

fn consent(question: &ConsentQuestion, input: &mut dyn BufRead, output: &mut dyn Write) -> ConsentAnswer {
    let version = question.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let company = question.company.as_deref().map(|company| format!(" to {company}")).unwrap_or_default();
    let mut text = format!(
        "May {}{version} send what it records about its use{company}? It helps to find errors.\n",
        question.product
    );
    if let Some(url) = &question.privacy_url {
        use std::fmt::Write as _;
        // Writing to a string does not fail.
        let _ = writeln!(text, "What happens with it: {url}");
    }
    match choose(&text, "yes, no, or later", &["yes", "no", "later"], input, output) {
        Some(0) => ConsentAnswer::Yes { include_details: false },
        Some(1) => ConsentAnswer::No,
        _ => ConsentAnswer::Later,
    }
}

fn problem(problem: &Problem, input: &mut dyn BufRead, output: &mut dyn Write) -> ProblemAnswer {
    let text = format!("{}: {}\n", problem.application, problem.message);
    let words: &[&str] = if problem.can_restart { &["close", "restart"] } else { &["close"] };
    let words: Vec<&str> = if problem.is_blocking { words.to_vec() } else { [words, &["continue"]].concat() };
    let choice = match choose(&text, &words.join(", "), &words, input, output).map(|at| words[at]) {
        Some("restart") => Choice::Restart,
        Some("continue") => Choice::Continue,
        _ => Choice::Close,
    };
    let question =
        "Send this session when it has ended, and earlier ones that were not sent, this one time?\n";
    let report_at_end = choose(question, "yes or no", &["yes", "no"], input, output) == Some(0);
    ProblemAnswer { choice, ignore_further: false, report_at_end }
}

/// Which of the words, by its beginning; `None` at the end of the input, or after so many others.
fn choose(
    question: &str,
    hint: &str,
    words: &[&str],
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Option<usize> {
    write!(output, "{}", shown(question)).ok()?;
    for _ in 0..ASKED_MAX {
        write!(output, "({hint}) ").and_then(|()| output.flush()).ok()?;
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let said = line.trim().to_lowercase();
        if let Some(at) = words.iter().position(|word| !said.is_empty() && word.starts_with(&said)) {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(answers: &str) -> (ConsentAnswer, String) {
        let question = ConsentQuestion {
            product: "Shop\x1b[2J".to_owned(),
            company: Some("Corner Shops".to_owned()),
            version: Some("1.2".to_owned()),
            privacy_url: Some("https://shop.example/privacy".to_owned()),
        };
        let mut output = Vec::new();
        let answer = consent(&question, &mut answers.as_bytes(), &mut output);
        (answer, String::from_utf8(output).unwrap())
    }

    #[test]
    fn only_a_clear_word_is_an_answer() {
        let yes = ConsentAnswer::Yes { include_details: false };
        for (answers, expected) in [
            ("yes\n", yes),
            ("Y\n", yes),
            ("no\n", ConsentAnswer::No),
            ("later\n", ConsentAnswer::Later),
            ("", ConsentAnswer::Later),
            ("\n\n\nyes\n", ConsentAnswer::Later),
            ("what?\nn\n", ConsentAnswer::No),
            ("yesterday\n", ConsentAnswer::Later),
        ] {
            assert_eq!(asked(answers).0, expected, "{answers:?}");
        }
        let (_, text) = asked("no\n");
        assert!(text.contains("Shop\u{fffd}[2J 1.2") && text.contains("to Corner Shops?"), "{text}");
        assert!(text.contains("https://shop.example/privacy"), "{text}");
    }

    #[test]
    fn a_problem_is_told_with_what_can_be_done() {
        let told = Problem { can_restart: true, is_blocking: true, ..Problem::new("no change left") };
        let mut output = Vec::new();
        let answer = problem(&told, &mut "continue\nrestart\ny\n".as_bytes(), &mut output);
        let expected = ProblemAnswer { choice: Choice::Restart, ignore_further: false, report_at_end: true };
        assert_eq!(answer, expected, "it blocks: there is no going on");
        let answer = problem(&told, &mut "".as_bytes(), &mut output);
        assert_eq!((answer.choice, answer.report_at_end), (Choice::Close, false));
    }
}
