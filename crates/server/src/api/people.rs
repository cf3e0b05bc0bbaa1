//! People and programs: members, tokens, the caller, the audit log.

mod audit;
mod me;
mod members;
mod tokens;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// Their routes.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(me::show))
        .routes(routes!(me::set_password))
        .routes(routes!(me::sessions, me::end_other_sessions))
        .routes(routes!(me::end_session))
        .routes(routes!(members::list, members::add))
        .routes(routes!(members::show, members::change, members::remove))
        .routes(routes!(members::of_project))
        .routes(routes!(members::set_role, members::remove_role))
        .routes(routes!(tokens::list, tokens::add))
        .routes(routes!(tokens::revoke))
        .routes(routes!(audit::list))
}
