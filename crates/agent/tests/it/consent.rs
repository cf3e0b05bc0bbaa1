//! Consent: who is asked when, and what is kept.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use kymo::{ConsentAnswer, ConsentQuestion, ConsentState, EndReason, FrontEnd, Problem, ProblemAnswer};

use crate::part;

const ANSWER: &str = "KYMO_TEST_ANSWER";
const VERSION: &str = "KYMO_TEST_VERSION";

static QUESTIONS: AtomicU32 = AtomicU32::new(0);

/// Answers as the environment says.
#[derive(Debug)]
struct Answers;

impl FrontEnd for Answers {
    fn ask_consent(&self, question: &ConsentQuestion) -> Option<ConsentAnswer> {
        QUESTIONS.fetch_add(1, Ordering::Relaxed);
        assert_eq!((question.product.as_str(), question.company.as_deref()), ("Shop", Some("Corner Shops")));
        assert_eq!(question.privacy_url.as_deref(), Some("https://shop.example/privacy"));
        assert_eq!(question.version, std::env::var(VERSION).ok());
        match std::env::var(ANSWER).unwrap().as_str() {
            "yes" => Some(ConsentAnswer::Yes { include_details: true }),
            "no" => Some(ConsentAnswer::No),
            "later" => Some(ConsentAnswer::Later),
            _ => None,
        }
    }

    fn tell_problem(&self, _: &Problem) -> Option<ProblemAnswer> {
        unreachable!("there is none")
    }
}

/// One start of the program, which asks if it is due.
#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_asks() {
    let Some(folder) = part::folder() else { return };
    kymo::set_front_end(Answers);
    let builder = part::builder(&folder).version(&std::env::var(VERSION).unwrap()).consent_required(true);
    let session = builder.prompts(2).privacy("Corner Shops", "https://shop.example/privacy").start();
    let consent = kymo::ask_consent_if_due().unwrap();
    assert_eq!(kymo::consent(), Some(consent));
    let text = QUESTIONS.load(Ordering::Relaxed).to_string();
    std::fs::write(folder.join("questions"), text).unwrap();
    session.end(EndReason::Normal, None);
}

/// Starts it; whether somebody was asked, and what holds then.
fn start(folder: &Path, version: &str, answer: &str) -> (bool, ConsentState) {
    let settings = [(VERSION, version.to_owned()), (ANSWER, answer.to_owned())];
    part::play("consent::plays_a_program_that_asks", folder, &settings);
    let asked = std::fs::read_to_string(folder.join("questions")).unwrap();
    (asked == "1", stored(folder).state)
}

fn stored(folder: &Path) -> kymo::Consent {
    kymo::Consent::read(&folder.join("sessions"), "Shop").unwrap()
}

#[test]
fn people_are_asked_a_few_times_and_again_by_another_version() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let unset = ConsentState::Unset;
    assert_eq!(start(folder, "1.0", "none"), (true, unset), "nobody could be asked");
    assert_eq!(start(folder, "1.0", "later"), (true, unset), "so that does not count");
    assert_eq!(start(folder, "1.0", "later"), (true, unset));
    assert_eq!(start(folder, "1.0", "yes"), (false, unset), "two starts");
    assert_eq!(start(folder, "1.1", "no"), (true, ConsentState::Refused));
    let said = stored(folder);
    assert_eq!(said.version.as_deref(), Some("1.1"));
    assert_eq!(said.by, std::env::var("USER").ok().or_else(|| said.by.clone()));
    assert!(said.at.is_some_and(|at| at.ends_with('Z')));
    assert_eq!(start(folder, "1.1", "yes"), (false, ConsentState::Refused), "no is no");
    assert_eq!(start(folder, "1.2", "yes"), (true, ConsentState::Granted));
    assert!(stored(folder).include_details);
    assert_eq!(start(folder, "1.3", "no"), (false, ConsentState::Granted), "and yes is yes");
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_says_once_itself() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).consent_required(true).start();
    let error = kymo::set_consent(ConsentState::Once).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert_eq!(kymo::consent().unwrap().state, ConsentState::Unset);
    session.end(EndReason::Normal, None);
}

#[test]
fn once_is_a_persons_word() {
    let folder = tempfile::tempdir().unwrap();
    part::play("consent::plays_a_program_that_says_once_itself", folder.path(), &[]);
}
