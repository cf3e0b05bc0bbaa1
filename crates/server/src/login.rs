//! Signing in, by a one-time code or a password: pages without script.
//!
//! A one-time link opens a page with a button; only the button uses the code up, so that a preview of the
//! link cannot.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use kymo_model::DropReason;
use kymo_store::{Actor, NewUiSession};
use serde::Deserialize;

use crate::access::gate::{audit_failure, in_words};
use crate::access::{Address, COOKIE, cookie, is_same_origin, new_secret};
use crate::api::Refusal;
use crate::problem::{Problem, whole_seconds};
use crate::state::AppState;

/// How long a browser stays signed in.
const SIGNED_IN_FOR: Duration = Duration::from_hours(720);
/// What is kept of a browser's name for itself, to tell its session from others.
const USER_AGENT_CHARS_MAX: usize = 300;

/// What stands around the form for a name and a password.
const PASSWORD_FORM: &str = "<form method=post action=/login>\
    <label>Name<input name=name autocomplete=username autocapitalize=none spellcheck=false required autofocus></label>\
    <label>Password<input name=password type=password autocomplete=current-password required></label>\
    <button>Sign in</button></form>\
    <p>No password yet, or forgotten? A one-time link signs you in: whoever runs this server makes one with \
    <code>kymo login --data DIR --member NAME</code>.</p>";

#[derive(Deserialize)]
pub(crate) struct Code {
    #[serde(default)]
    code: String,
}

/// `GET /login`, or `GET /login?code=…`
pub(crate) async fn page(Query(code): Query<Code>) -> Response {
    if code.code.is_empty() {
        return plain_page(StatusCode::OK, PASSWORD_FORM);
    }
    if !code.code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return refused_code();
    }
    // The code consists of letters and digits here: nothing to escape.
    let form = format!(
        "<p>This link works once.</p><form method=post action=/login><input type=hidden name=code value=\"{}\">\
         <button autofocus>Sign in</button></form>",
        code.code
    );
    plain_page(StatusCode::OK, &form)
}

/// What the form brings.
enum Form {
    Code(String),
    Password { name: String, password: String },
}

impl Form {
    fn read(body: &[u8]) -> Self {
        let (mut code, mut name, mut password) = (String::new(), String::new(), String::new());
        for (key, value) in form_urlencoded::parse(body) {
            match &*key {
                "code" => code = value.into_owned(),
                "name" => name = value.into_owned(),
                "password" => password = value.into_owned(),
                _ => {}
            }
        }
        if name.is_empty() { Self::Code(code) } else { Self::Password { name, password } }
    }
}

/// `POST /login` with a code, or with a name and a password.
pub(crate) async fn sign_in(
    State(state): State<AppState>,
    address: Address,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    if !is_same_origin(&headers) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the form came from another site"));
    }
    let form = Form::read(&body);
    let name = match &form {
        Form::Code(_) => None,
        Form::Password { name, .. } => Some(name.as_str()),
    };
    let attempt = match state.gate.try_sign_in(name, address, state.store.now()) {
        Ok(attempt) => attempt,
        Err(wait) => return Ok(shut_out(&state, wait)),
    };
    let member = match &form {
        Form::Code(code) => state.store.use_login_code(code).await?,
        Form::Password { name, password } => match with_password(&state, name, password).await {
            Ok(member) => member,
            Err(problem) => {
                // Nothing was found out about the password.
                attempt.does_not_count();
                return Err(problem);
            }
        },
    };
    let Some((pk, name)) = member else {
        audit_failure(&state.gate, &state.store, name.unwrap_or("one-time link"), address).await;
        return Ok(if name.is_some() { refused_password() } else { refused_code() });
    };
    attempt.does_not_count();
    let secret = new_secret()?;
    let agent = headers.get(header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()));
    let session = NewUiSession {
        member: pk,
        expires_at: state.store.now().plus(SIGNED_IN_FOR),
        address: Some(address.to_string()),
        user_agent: agent.map(|agent| agent.chars().take(USER_AGENT_CHARS_MAX).collect()),
    };
    let by = Actor::member(&name, session.address.clone());
    state.store.add_ui_session(&secret, &session, cookie(&headers), &by).await?;
    state.gate.changed();
    let to_page = [(header::LOCATION, "/".to_owned()), (header::SET_COOKIE, cookie_of(&secret))];
    Ok((StatusCode::SEE_OTHER, to_page).into_response())
}

/// Who has that name and password. Takes the same time for a name that nobody has.
async fn with_password(
    state: &AppState,
    name: &str,
    password: &str,
) -> Result<Option<(i64, String)>, Problem> {
    let found = state.store.password_of(name).await?;
    let (member, hash) = match found {
        Some((name, pk, hash)) => (Some((pk, name)), hash),
        None => (None, None),
    };
    let is_good = state.gate.passwords.is_good(password, hash).await?;
    Ok(member.filter(|_| is_good))
}

/// The cookie that signs a browser in.
pub(crate) fn cookie_of(secret: &str) -> String {
    format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}", SIGNED_IN_FOR.as_secs())
}

/// Ends the session of the cookie
#[utoipa::path(
    post,
    path = "/api/v1/logout",
    operation_id = "sign_out",
    tag = "server",
    responses((status = 204, description = "Signed out"), Refusal)
)]
pub(crate) async fn sign_out(
    State(state): State<AppState>,
    address: Address,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !is_same_origin(&headers) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the request came from another site"));
    }
    if let Some(secret) = cookie(&headers) {
        state.store.end_ui_session(secret, Some(address.to_string())).await?;
        state.gate.changed();
    }
    let expired = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, expired)]).into_response())
}

fn refused_code() -> Response {
    let text = "<p>This link does not hold: it was used before, is older than a day, or is incomplete.</p>\
                <p>Make a new one with <code>kymo login --data DIR</code>.</p>";
    plain_page(StatusCode::FORBIDDEN, text)
}

/// Says nothing about which of the two is wrong.
fn refused_password() -> Response {
    let text = format!("<p role=alert>Name or password is wrong.</p>{PASSWORD_FORM}");
    plain_page(StatusCode::FORBIDDEN, &text)
}

fn shut_out(state: &AppState, wait: Duration) -> Response {
    state.store.count_refused(None, DropReason::RateLimited);
    let text = format!(
        "<p role=alert>Too many failed sign-ins. Try again in {}, or sign in with a one-time link.</p>",
        in_words(wait)
    );
    let mut response = plain_page(StatusCode::TOO_MANY_REQUESTS, &text);
    response.headers_mut().insert(header::RETRY_AFTER, whole_seconds(wait).into());
    response
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
