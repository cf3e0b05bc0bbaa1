//! What a user says about an event. Agents send it at once and once only, often before the event itself.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kymo_compat::exceptionless::{decode_description, is_valid_id};
use kymo_store::UserDescription;

use super::{CONFIG_VERSION, Named, read_body, sender};
use crate::access::Address;
use crate::problem::Problem;
use crate::state::AppState;

/// `POST /api/v2/events/by-ref/{reference}/user-description` and the same below `/projects/{id}`: 202 once
/// it is stored, whether the event is there or not.
pub(in crate::ingest) async fn describe(
    State(state): State<AppState>,
    address: Address,
    path: Result<Path<Named>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let invalid = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    // A path that cannot be read names nothing that there is.
    let named = path.map_or_else(|_| Named::default(), |Path(named)| named);
    let (token, settled) = sender(&state, &headers, query.as_deref(), &named, address)?;
    let reference_id = named.reference.filter(|id| is_valid_id(id)).ok_or_else(|| {
        invalid("expected a reference id of 8 to 100 letters, digits or hyphens".to_owned())
    })?;
    let body = read_body(&state, token.project, &headers, body).await?;
    let said = decode_description(&body.bytes, Some(&settled.privacy))
        .map_err(|error| invalid(error.to_string()))?;
    if let Some(said) = said {
        let received_at = state.store.now();
        let description =
            UserDescription { email: said.email, text: said.text, data: said.data, received_at };
        state.store.describe(token.project, &reference_id, &description).await?;
    }
    Ok((StatusCode::ACCEPTED, [(CONFIG_VERSION, settled.project.config_version.to_string())]).into_response())
}
