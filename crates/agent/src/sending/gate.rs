//! Whether anything may leave the machine: the one place that is asked, before each request.

use std::path::Path;

use super::SendSettings;
use crate::repository::{Consent, ConsentState};

/// Why something is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendReason {
    /// A rule: closed fragments, errors, the exit, beats.
    Rule,
    /// A person asked for it just now: by the dialog, the terminal's question, the program's own front end.
    UserAsked,
}

/// What holds for a product: asked again before each piece, so that a *no* is kept within seconds.
#[derive(Clone, Debug)]
pub struct Gate {
    product: std::path::PathBuf,
    is_required: bool,
}

impl Gate {
    /// For the product whose folder that is.
    pub fn new(product: &Path, settings: &SendSettings) -> Self {
        Self { product: product.to_owned(), is_required: settings.consent_required }
    }

    /// Whether something may leave for that reason. Reads a small file; what cannot be read is no yes. *Once* is none
    /// either: what it means has wishes that say that a person asked. A *no* holds whatever the settings say, and so does
    /// what another application of the product requires: one process may send for all of them.
    pub fn is_open(&self, reason: SendReason) -> bool {
        if reason == SendReason::UserAsked {
            return true;
        }
        Consent::read_in(&self.product).is_ok_and(|consent| match consent.state {
            ConsentState::Granted => true,
            ConsentState::Refused | ConsentState::Once => false,
            ConsentState::Unset => !self.is_required && !consent.required,
        })
    }
}
