//! The fields of the filter language and their values, for whoever helps a person to write one.

use axum::Json;
use axum::extract::State;
use kymo_filter::field::{FieldType, lookup};
use kymo_filter::{FIELDS, Field, FieldRow, Subject};
use kymo_store::ValueScope;
use serde::Serialize;
use utoipa::ToSchema;

use super::document::Refusal;
use super::parameters::Parameters;
use super::shapes::Moment;
use crate::access::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// Values in an answer: as many as fit under a field where one types.
const VALUES_MAX: u32 = 20;

/// A field of the filter language.
#[derive(Serialize, ToSchema)]
struct FilterField {
    /// What it belongs to: `session` or `event`.
    of: &'static str,
    name: &'static str,
    /// Other names for it.
    aliases: &'static [&'static str],
    r#type: &'static str,
    /// Values to choose from, if it has its own.
    words: &'static [&'static str],
    help: &'static str,
}

#[derive(Serialize, ToSchema)]
pub(super) struct FilterFieldList {
    items: Vec<FilterField>,
}

/// The fields of the filter language, with their values where these are words
#[utoipa::path(
    get,
    path = "/api/v1/filter/fields",
    operation_id = "list_filter_fields",
    tag = "server",
    responses((status = 200, body = FilterFieldList), Refusal)
)]
pub(super) async fn fields(_caller: Caller) -> Json<FilterFieldList> {
    let field = |row: &'static FieldRow| FilterField {
        of: row.subject.as_str(),
        name: row.name,
        aliases: row.aliases,
        r#type: row.field_type.as_str(),
        words: match row.field_type {
            FieldType::Word(words) => words,
            FieldType::Flag => &["true", "false"],
            FieldType::Severity => &["trace", "debug", "info", "warn", "error", "fatal"],
            _ => &[],
        },
        help: row.help,
    };
    Json(FilterFieldList { items: FIELDS.iter().map(field).collect() })
}

/// Which values.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `values` reads")]
pub(super) struct ValueQuery {
    /// A field of sessions, as a filter has it: `version`, `user.id`, `properties.region`.
    field: String,
    /// What the value, or else a word of it, begins with, case folded.
    prefix: Option<String>,
    /// In sessions of this project only, by its id.
    project: Option<String>,
    /// In sessions active at or after this moment.
    from: Option<Moment>,
    /// In sessions begun before this moment.
    to: Option<Moment>,
}

/// A value that sessions have.
#[derive(Serialize, ToSchema)]
struct FilterValue {
    value: String,
    /// In how many of the sessions looked at.
    sessions: u64,
}

#[derive(Serialize, ToSchema)]
pub(super) struct FilterValueList {
    items: Vec<FilterValue>,
}

/// Values that a field of sessions has in the range, most frequent first
///
/// At most 20, of the newest 10,000 sessions. Fields that are numbers, times or words of their own have none here.
#[utoipa::path(
    get,
    path = "/api/v1/filter/values",
    operation_id = "list_filter_values",
    tag = "sessions",
    params(ValueQuery),
    responses((status = 200, body = FilterValueList), Refusal)
)]
pub(super) async fn values(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Json<FilterValueList>, Problem> {
    let name = parameters.text("field").ok_or_else(|| Problem::input("expected field=NAME"))?;
    let Some((Field::Session(field), _)) = lookup(name, Subject::Session) else {
        return Err(Problem::input(format!("field={name}: expected a field of sessions, such as version")));
    };
    let scope = ValueScope {
        projects: parameters.projects(&caller, &state)?,
        from: parameters.time("from")?,
        to: parameters.time("to")?,
    };
    let prefix = parameters.text("prefix").unwrap_or_default();
    let found = state.store.field_values(&scope, &field, prefix, VALUES_MAX).await?;
    let items = found.into_iter().map(|found| FilterValue { value: found.text, sessions: found.sessions });
    Ok(Json(FilterValueList { items: items.collect() }))
}
