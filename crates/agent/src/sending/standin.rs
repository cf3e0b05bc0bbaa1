//! Stands for the engine until it is there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kymo_model::SessionId;

use super::{Criteria, SendReason, SendSettings};
use crate::session::Running;

/// How far sending is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes.
    pub bytes: u64,
}

/// What came of a pass.
#[derive(Clone, Debug, Default)]
pub struct SendReport {
    /// What could not be sent, and why.
    pub failed: Vec<(Option<SessionId>, String)>,
}

/// Sends once.
pub fn send_now(
    _: &[PathBuf],
    _: &SendSettings,
    _: Criteria,
    _: SendReason,
    _: &mut dyn FnMut(Progress),
    _: &dyn Fn() -> bool,
) -> SendReport {
    SendReport::default()
}

pub(crate) fn nudge(_: &Arc<Running>) {}

pub(crate) fn record(_: &Path, _: &str) {}
