//! Asking people whether what is recorded may leave, and who asks them.

use std::fmt::Debug;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use super::{DialogFrontEnd, Problem, ProblemAnswer, TerminalFrontEnd, consent_changed, locked};
use crate::repository::{Consent, ConsentState};
use crate::sending::SendSettings;
use crate::session::{Running, running};

/// The question whether what a product records may be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConsentQuestion {
    /// The product.
    pub product: String,
    /// Who gets it, if the program says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// The application's version.
    #[serde(rename = "version_text", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The page with the privacy policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy_url: Option<String>,
}

/// What a person answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentAnswer {
    /// It may be sent.
    Yes {
        /// With what is personal.
        include_details: bool,
    },
    /// It may not.
    No,
    /// No answer: they closed the window, or went on.
    Later,
}

/// Who asks people and tells them of problems: the program's own windows, say. The library never opens one.
///
/// Its answers are a person's word: by them alone something is sent that consent holds otherwise.
pub trait FrontEnd: Debug + Send + Sync {
    /// Asks, and waits for the answer. Nothing may be preselected. `None` if nobody could be asked: that does not count as a
    /// question.
    fn ask_consent(&self, question: &ConsentQuestion) -> Option<ConsentAnswer>;

    /// Tells of a problem, and waits for what they want. `None` if nobody could be told; then the program goes on as if
    /// there were no front end.
    fn tell_problem(&self, problem: &Problem) -> Option<ProblemAnswer> {
        let _ = problem;
        None
    }
}

static FRONT_END: Mutex<Option<Arc<dyn FrontEnd>>> = Mutex::new(None);

/// Has people asked by that from now on: a front end of the program's own, [`TerminalFrontEnd`], or
/// [`DialogFrontEnd`]. With it panics are told to people, too, in the thread that panicked, before it goes on.
pub fn set_front_end(front_end: impl FrontEnd + 'static) {
    *locked(&FRONT_END) = Some(Arc::new(front_end));
}

/// Nobody is within it as long as this lives.
pub(super) type Held = std::sync::MutexGuard<'static, Option<Arc<dyn FrontEnd>>>;

/// For who forks.
pub(super) fn hold() -> Held {
    locked(&FRONT_END)
}

pub(super) fn front_end() -> Option<Arc<dyn FrontEnd>> {
    locked(&FRONT_END).clone()
}

/// What was said, or else the terminal, if there is one.
fn who_asks() -> Option<Arc<dyn FrontEnd>> {
    front_end().or_else(|| {
        let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        is_terminal.then(|| Arc::new(TerminalFrontEnd) as Arc<dyn FrontEnd>)
    })
}

/// Asks whether what is recorded may be sent, whatever was said before: for a menu entry of the program's. Waits for the answer.
///
/// What holds then; `None` if there is no session, or nobody could be asked.
pub fn ask_consent() -> Option<Consent> {
    let running = running()?;
    ask(&running, &running.policy.settings())
}

/// The same, if it is due: consent is required, nobody answered, or with *no* for another version, and fewer starts of this version
/// asked than [`prompts`](crate::Builder::prompts) says. For the start of a program, when it can ask; it waits for
/// the answer. What holds then.
pub fn ask_consent_if_due() -> Option<Consent> {
    let running = running()?;
    let settings = running.policy.settings();
    let product = running.folder.parent()?;
    let known = Consent::read_in(product).unwrap_or_default();
    if !settings.consent_required || !known.is_due(running.settings_version(), settings.prompts_max) {
        return Some(known);
    }
    ask(&running, &settings).or(Some(known))
}

fn ask(running: &Arc<Running>, settings: &SendSettings) -> Option<Consent> {
    let product = running.folder.parent()?;
    let question = ConsentQuestion {
        product: running.settings_product().to_owned(),
        company: settings.company.clone(),
        version: running.settings_version().map(str::to_owned),
        privacy_url: settings.privacy_url.clone(),
    };
    let asks = who_asks()?;
    // Not counted before: a front end says only now whether it can ask.
    let answer = asks.ask_consent(&question)?;
    let version = running.settings_version();
    let kept = Consent::count_prompt(product, version).and_then(|counted| {
        let (state, include_details) = match answer {
            ConsentAnswer::Yes { include_details } => (ConsentState::Granted, include_details),
            ConsentAnswer::No => (ConsentState::Refused, false),
            ConsentAnswer::Later => return Ok(counted),
        };
        Consent::store(product, state, version, running.user().as_deref())?;
        let kept = Consent::change(product, |consent| consent.include_details = include_details)?;
        consent_changed(state);
        Ok(kept)
    });
    kept.map_err(|error| running.progress.failed(&error)).ok()
}

/// The dialogs of the helper executable, if it is there.
pub(super) fn dialogs(settings: &SendSettings) -> Option<DialogFrontEnd> {
    super::launch::executable(settings).ok().map(DialogFrontEnd::of)
}
