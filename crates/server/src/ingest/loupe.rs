//! The endpoint of Loupe's agents in web pages: `POST /loupe/log`.
//!
//! These agents drop up to ten messages on any answer but 200 to 204 and 401, and keep them when
//! there is no answer at all. So a post that cannot be taken is never answered with anything else:
//! without a token that holds it gets 401, for every other reason the connection is closed. Both
//! after a while, because an agent with a full queue posts again at once.

use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_compat::exceptionless::{Privacy, credentials};
use kymo_compat::loupe_web::{self, BODY_BYTES_MAX, Decoded, Request, decode_log};
use kymo_model::{DropReason, Event};
use kymo_store::{Item, Project, ProjectPk, Store, Submission, Token};
use kymo_tracker::{Incoming, LoadId, Page, Role, SessionKey, Visit};
use serde::Deserialize;

use super::body::{self, Refused};
use super::{check_rate, may_send, text};
use crate::access::Address;
use crate::connections::hang_up;
use crate::state::AppState;

const AGENT_SESSION_ID: HeaderName = HeaderName::from_static("loupe-agent-sessionid");
const SESSION_ID: HeaderName = HeaderName::from_static("loupesessionid");
/// The cookie that Loupe's server components set on the application's own site. It is taken for a
/// label of the visit and never for a credential.
const VISIT_COOKIE: &str = "LoupeSessionId";
/// How long a post that is refused is held: an agent that posts again at once then does so twelve
/// times a minute, where it would do fifty times a second.
const HELD_FOR: Duration = Duration::from_secs(5);

/// What a path may name.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Named {
    token: Option<String>,
}

/// `POST /loupe/log` and `/in/{token}/loupe/log`: 204 once everything in it is stored.
pub(super) async fn post_log(
    State(state): State<AppState>,
    address: Address,
    path: Result<Path<Named>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // A path that cannot be read names no token, and its own answer would make the agent drop messages.
    let named = path.map_or_else(|_| Named::default(), |Path(named)| named);
    let secret =
        named.token.or_else(|| credentials(text(&headers, &header::AUTHORIZATION), query.as_deref()));
    let tables = state.directory.tables();
    let known =
        secret.as_deref().and_then(|secret| tables.token(&Store::hash_secret(secret), state.store.now()));
    let Some((token, project)) = known.filter(|(token, project)| may_send(token, project, &headers)) else {
        let project = known.map(|(_, project)| project.pk);
        tracing::warn!(?project, "a post of a page came without a token that may send from there");
        drop(tables);
        return refuse(&state, project, DropReason::Unauthorized).await;
    };
    let (token, project) = (token.clone(), project.clone());
    let settled = tables.settled(project.pk);
    drop(tables);
    if check_rate(&state, &token, address).is_err() {
        tracing::warn!(project = %project.id, %address, "too many posts of pages from one address");
        return refuse(&state, Some(project.pk), DropReason::RateLimited).await;
    }
    state.store.note_token_use(token.pk);
    let mut plain = match body::read(&state, &headers, body, BODY_BYTES_MAX, BODY_BYTES_MAX).await {
        Ok(plain) => plain,
        Err(Refused::Empty) => return StatusCode::NO_CONTENT.into_response(),
        Err(refused) => return refuse_body(&state, &project, &refused).await,
    };
    let cookie = visit_cookie(&headers);
    let request = Request {
        agent_session_id: text(&headers, &AGENT_SESSION_ID),
        session_id: text(&headers, &SESSION_ID),
        cookie: cookie.as_deref(),
        user_agent: text(&headers, &header::USER_AGENT),
        referer: text(&headers, &header::REFERER),
    };
    let mut decoded = decode_log(&plain.bytes, state.store.now(), &request);
    if let Err(refused) = plain.make_room(&state, decoded.items.len()) {
        // Not while the agent waits.
        drop((decoded, plain));
        return refuse_body(&state, &project, &refused).await;
    }
    if let Some(privacy) =
        settled.as_ref().map(|settled| &settled.privacy).filter(|privacy| !privacy.keeps_all())
    {
        for item in &mut decoded.items {
            leave_out(privacy, &mut item.event);
        }
    }
    match state.store.submit(submission(&token, decoded)).await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a post of a page was not stored");
            drop(plain);
            hold(&state).await;
            hang_up()
        }
    }
}

/// For a post that does not get as far as here: it named a host that this server is not known by.
pub(crate) async fn refuse_post_of_page(state: &AppState) -> Response {
    tracing::warn!("a post of a page named another host: start the server with --public-host NAME");
    refuse(state, None, DropReason::Unauthorized).await
}

async fn refuse_body(state: &AppState, project: &Project, refused: &Refused) -> Response {
    tracing::warn!(project = %project.id, ?refused, "a post of a page was refused");
    refuse(state, Some(project.pk), refused.reason()).await
}

/// The agent keeps what it sent.
async fn refuse(state: &AppState, project: Option<ProjectPk>, reason: DropReason) -> Response {
    state.store.count_refused(project, reason);
    hold(state).await;
    match reason {
        DropReason::Unauthorized => StatusCode::UNAUTHORIZED.into_response(),
        _ => hang_up(),
    }
}

/// Waits, unless too many wait already or the server stops.
async fn hold(state: &AppState) {
    let Ok(_held) = state.held_posts.try_acquire() else { return };
    let mut stopping = state.stopping.clone();
    let stopped = stopping.wait_for(|stopping| *stopping);
    let _ = tokio::time::timeout(HELD_FOR, stopped).await;
}

/// What the project does not keep: of these agents' data only the application's own has names.
fn leave_out(privacy: &Privacy, event: &mut Event) {
    privacy.clean_attributes(&mut event.attributes);
    if let Some(exception) = &mut event.exception {
        privacy.clean_attributes(&mut exception.attributes);
    }
}

fn visit_cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == VISIT_COOKIE)
        .map(|(_, value)| value.trim_matches('"').to_owned())
}

fn submission(token: &Token, decoded: Decoded) -> Submission {
    let unreadable: u64 = decoded.unreadable.iter().map(|one| one.count() as u64).sum();
    let dropped = if unreadable > 0 { vec![(DropReason::Unreadable, unreadable)] } else { Vec::new() };
    let items = decoded.items.into_iter().map(item).collect();
    Submission { items, dropped, ..Submission::new(token.project, token.pk) }
}

/// A message with its place in its tab. One without an agent's id belongs to the visit it names, or
/// to no session.
fn item(decoded: loupe_web::Item) -> Item {
    let event = decoded.event;
    let visit = decoded.visit_id.map(|visit| Visit {
        id: visit.id,
        from_cookie: visit.from_cookie,
        seen_at: event.time,
    });
    let agent = decoded.agent_session_id.or_else(|| visit.as_ref().map(|visit| visit.id.clone()));
    let page = agent.is_some().then(|| Page {
        sequence: decoded.sequence,
        load: LoadId::of(decoded.page_load_id.as_deref()),
        visit,
    });
    let incoming = Incoming {
        properties: decoded.properties,
        page,
        ..Incoming::new(agent.map(SessionKey::Tab), Role::Ordinary, event)
    };
    Item { incoming, fingerprint: decoded.fingerprint }
}
