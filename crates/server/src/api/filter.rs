//! The fields of the filter language, for whoever helps a person to write one.

use axum::Json;
use kymo_filter::field::FieldType;
use kymo_filter::{FIELDS, FieldRow};
use serde::Serialize;
use utoipa::ToSchema;

use super::document::Refusal;
use crate::access::Caller;

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
