//! The audit log, for handlers that are done.

use kymo_store::{Action, ProjectPk};

use super::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// Writes who did that, for what the store does not write itself: exports, erasures, changed projects.
/// What must not happen unseen is recorded before it happens, and not done if that fails.
pub(crate) async fn record(
    state: &AppState,
    caller: &Caller,
    action: Action,
    project: Option<ProjectPk>,
    target: Option<&str>,
) -> Result<(), Problem> {
    Ok(state.store.record(&caller.actor(), action, project, target).await?)
}
