//! The API's description in `OpenAPI` 3.1: routes cannot be added without being in it.

pub(super) mod words;

use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use std::sync::Arc;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr, Schema};
use utoipa::{IntoResponses, Modify, OpenApi, ToSchema};

use self::words::{EndReason, ExceptionShape, FormatName, FrameShape, Kind, Level, Order, State, StateAsked};
use crate::access::COOKIE;

/// What holds for all routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Kymo",
        description = "Sessions of programs and web pages: their lines, users, errors and ends. Times are RFC 3339 in UTC, \
            durations seconds, ids text. New members may be added to answers at any time.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(
        ProblemShape, FormatName, StateAsked, Level, Order, Kind, State, EndReason, ExceptionShape, FrameShape
    )),
    modifiers(&Security),
    security(("token" = []), ("cookie" = [])),
    tags(
        (name = "sessions", description = "Runs of programs and visits to pages"),
        (name = "events", description = "What happened in them"),
        (name = "users", description = "Whom it happened to"),
        (name = "projects", description = "What owns sessions and tokens"),
        (name = "people", description = "Members, their roles, tokens, the audit log"),
        (name = "live", description = "What runs now, followed while it happens"),
        (name = "uploads", description = "Files of sessions of programs, sent piece by piece; with a token of scope ingest"),
        (name = "server", description = "The server itself, and the caller"),
    )
)]
pub(super) struct Base;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A token of scope read or admin, for uploads of scope ingest or admin: `kymo token add`",
            ))
            .build();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        let cookie = ApiKeyValue::with_description(COOKIE, "What signing in sets, for the page");
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// An error as RFC 9457 has it.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes what `problem` writes")]
pub(crate) struct ProblemShape {
    /// Always `about:blank`: the status says which kind it is.
    r#type: String,
    title: String,
    status: u16,
    /// What was wrong, and what was expected.
    detail: String,
    /// Where in the filter, in characters from 0; for errors of filters only.
    position: Option<u32>,
    /// How many characters.
    length: Option<u32>,
    /// What may have been meant.
    suggestion: Option<String>,
}

/// Answers that any route may give.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes what `problem` writes")]
pub(crate) enum Refusal {
    /// The caller named in `If-None-Match` what would be answered
    #[response(status = 304)]
    Unchanged,
    /// The request is wrong: `detail` says what was expected
    #[response(status = 400, content_type = "application/problem+json")]
    Input(ProblemShape),
    /// Not signed in, or the token does not hold
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(ProblemShape),
    /// The caller may not do this
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemShape),
    /// There is no such thing, or none that the caller may see
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemShape),
    /// The path is there, but not for this method
    #[response(status = 405)]
    Method,
    /// It clashes with what is there
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(ProblemShape),
    /// The body is too long
    #[response(status = 413, content_type = "application/problem+json")]
    TooLong(ProblemShape),
    /// The server is not known by the host name of the request
    #[response(status = 421, content_type = "application/problem+json")]
    Host(ProblemShape),
    /// Too much at once: again after `Retry-After`
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(ProblemShape),
    /// Not now: again later
    #[response(status = 503, content_type = "application/problem+json")]
    Later(ProblemShape),
}

/// Which page of a list.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `parameters` reads")]
pub(super) struct PageQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// How a list is answered.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `export` reads")]
pub(super) struct FormatQuery {
    /// One page as `json`, or all of the list as `ndjson` or `csv`; the `Accept` header says the same.
    format: Option<FormatName>,
}

/// Shapes of which a member may be left out: what callers send, and errors.
const OPEN_SHAPES: &[&str] = &[
    "AddMember",
    "AddProject",
    "AddToken",
    "Beat",
    "ChangeMember",
    "NewPassword",
    "NewView",
    "Problem",
    "ProjectChange",
    "SetRole",
];

/// Answers have all of their members, `null` where there is nothing: says so of every shape that is answered.
pub(super) fn complete(document: &mut Document) {
    let shapes = document.components.iter_mut().flat_map(|components| &mut components.schemas);
    for (_, shape) in shapes.filter(|(name, _)| !OPEN_SHAPES.contains(&name.as_str())) {
        if let RefOr::T(Schema::Object(object)) = shape {
            object.required = object.properties.keys().cloned().collect();
        }
    }
}

/// `GET /api/v1/openapi.json`: for everybody, since it tells nothing about anybody.
pub(super) async fn serve(Extension(document): Extension<Arc<Document>>) -> Response {
    Json(&*document).into_response()
}
