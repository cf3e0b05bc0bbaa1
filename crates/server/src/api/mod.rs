//! `/api/v1`: what the page, the command line and scripts read. Shapes are in `docs/api.md`.

mod changes;
mod document;
mod events;
mod export;
mod filter;
mod headers;
mod input;
mod live;
mod over_time;
mod parameters;
mod people;
mod projects;
mod sessions;
mod shapes;
mod users;
mod views;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::{Extension, middleware};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::document::Base;
pub(crate) use self::document::words::Kind;
pub(crate) use self::document::{ProblemShape, Refusal};
use self::headers::{conditional, idempotency};
pub(crate) use self::shapes::{EventShape, Moment, UserShape};
use crate::login;
use crate::routes::{Routes, get};
use crate::state::AppState;
use crate::uploads::{self, beat, download, import, request};

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// All routes of the API.
pub(crate) fn routes() -> Routes {
    let (router, mut document) = documented().split_for_parts();
    document::complete(&mut document);
    let described = Routes::described(router, &document);
    described
        .route("/api/v1/openapi.json", get(document::serve))
        .layer(Extension(Arc::new(document)))
        .layer(middleware::from_fn_with_state(Arc::<idempotency::Kept>::default(), idempotency::once))
        .layer(middleware::from_fn(conditional::tag))
}

fn documented() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Base::openapi())
        .routes(routes!(login::sign_out))
        .routes(routes!(projects::list, projects::add))
        .routes(routes!(projects::one, projects::change))
        // A change of a project is the longest body there is.
        .layer(DefaultBodyLimit::max(projects::CHANGE_BYTES_MAX))
        .merge(people::routes())
        .routes(routes!(projects::status))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::summary))
        .routes(routes!(sessions::counts))
        .routes(routes!(sessions::worth_opening))
        .routes(routes!(sessions::one))
        .routes(routes!(sessions::pin, sessions::unpin))
        .routes(routes!(users::list))
        .routes(routes!(users::one))
        .routes(routes!(views::list))
        .routes(routes!(views::put, views::delete))
        .routes(routes!(events::of_session))
        .routes(routes!(over_time::density))
        .routes(routes!(over_time::threads))
        .routes(routes!(over_time::metrics))
        .routes(routes!(over_time::points))
        .routes(routes!(events::everywhere))
        .routes(routes!(events::one))
        .routes(routes!(filter::fields))
        .routes(routes!(filter::values))
        .routes(routes!(uploads::begin))
        .routes(routes!(uploads::ask, uploads::append))
        .routes(routes!(beat::beat))
        .routes(routes!(import::post))
        .routes(routes!(request::session))
        .routes(routes!(download::session))
        .routes(routes!(live::get))
        .routes(routes!(live::list))
        .routes(routes!(live::events))
        .routes(routes!(live::command))
        .routes(routes!(changes::stream))
        .routes(routes!(changes::socket))
}
