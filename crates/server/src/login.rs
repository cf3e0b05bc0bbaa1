//! Signing in with a one-time code. The link opens a page with a button; only the button uses the
//! code up, so that a preview of the link cannot.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use crate::access::{COOKIE, cookie, is_same_origin, new_secret};
use crate::problem::Problem;
use crate::state::AppState;

/// How long a browser stays signed in.
const SIGNED_IN_FOR: Duration = Duration::from_hours(720);

#[derive(Deserialize)]
pub(crate) struct Code {
    #[serde(default)]
    code: String,
}

/// `GET /login?code=…`
pub(crate) async fn page(Query(code): Query<Code>) -> Response {
    if !code.code.bytes().all(|byte| byte.is_ascii_alphanumeric()) || code.code.is_empty() {
        return refused();
    }
    // The code consists of letters and digits here: nothing to escape.
    let form = format!(
        "<p>This link works once.</p><form method=post action=/login><input type=hidden name=code value=\"{}\">\
         <button autofocus>Sign in</button></form>",
        code.code
    );
    plain_page(StatusCode::OK, &form)
}

/// `POST /login` with the code as a form.
pub(crate) async fn sign_in(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    if !is_same_origin(&headers) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the form came from another site"));
    }
    let code =
        std::str::from_utf8(&body).ok().and_then(|form| form.strip_prefix("code=")).unwrap_or_default();
    if !state.store.use_login_code(code).await? {
        return Ok(refused());
    }
    let secret = new_secret()?;
    state.store.add_ui_session(&secret, state.store.now().plus(SIGNED_IN_FOR)).await?;
    let set_cookie =
        format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}", SIGNED_IN_FOR.as_secs());
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, "/".to_owned()), (header::SET_COOKIE, set_cookie)])
        .into_response())
}

/// `POST /api/v1/logout`
pub(crate) async fn sign_out(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, Problem> {
    if !is_same_origin(&headers) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the request came from another site"));
    }
    if let Some(secret) = cookie(&headers) {
        state.store.end_ui_session(secret).await?;
    }
    let expired = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, expired)]).into_response())
}

fn refused() -> Response {
    let text = "<p>This link does not hold: it was used before, is older than a day, or is incomplete.</p>\
                <p>Make a new one with <code>kymo login --data DIR</code>.</p>";
    plain_page(StatusCode::FORBIDDEN, text)
}

/// The style sheet of the pages here: they work without the real page.
pub(crate) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("login.css"))
}

/// A page without script.
fn plain_page(status: StatusCode, content: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Kymo - sign in</title><link rel=icon href=\"data:,\"><link rel=stylesheet href=/login.css>\
         <body><main><h1>Kymo</h1>{content}</main></body></html>"
    );
    (status, [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response()
}
