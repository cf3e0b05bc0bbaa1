//! Lists as NDJSON and CSV (RFC 4180), streamed page by page: as long as the list is, no more than a page of
//! it is in memory.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use csv::{Terminator, WriterBuilder};
use futures_util::stream;
use kymo_store::{Action, ProjectPk, Projects};
use serde::Serialize;
use serde_json::Value;

use super::parameters::Parameters;
use crate::access::{Caller, audit};
use crate::problem::Problem;
use crate::state::AppState;

/// How a list is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// One page, as an object with `items`.
    Json,
    /// All of it, an object a line.
    Ndjson,
    /// All of it, a header and a record an item.
    Csv,
}

impl Format {
    /// By `format=`, else by the `Accept` header.
    pub(super) fn asked(parameters: &Parameters, headers: &HeaderMap) -> Result<Self, Problem> {
        match parameters.text("format") {
            Some("json") => Ok(Self::Json),
            Some("ndjson") => Ok(Self::Ndjson),
            Some("csv") => Ok(Self::Csv),
            Some(other) => Err(Problem::input(format!("format={other}: expected json, ndjson or csv"))),
            None => {
                let accept =
                    headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
                let wants = |kind| accept.split([',', ';']).any(|one| one.trim().eq_ignore_ascii_case(kind));
                Ok(match (wants("application/json"), wants("application/x-ndjson"), wants("text/csv")) {
                    (false, true, _) => Self::Ndjson,
                    (false, false, true) => Self::Csv,
                    _ => Self::Json,
                })
            }
        }
    }
}

/// Items, and where they end unless they are the last.
pub(super) type Page<I, C> = (Vec<I>, Option<C>);

/// The project that a list is of, if it is of one.
pub(super) fn only(projects: &Projects) -> Option<ProjectPk> {
    match projects {
        Projects::Only(projects) if projects.len() == 1 => projects.first().copied(),
        _ => None,
    }
}

/// A list that is paged by cursor. Each column of CSV is a path into the item's JSON.
pub(super) trait Pages: Send + 'static {
    type Item: Serialize + Send;
    type Cursor: Clone + Send;

    /// Name of the file.
    const NAME: &'static str;
    const COLUMNS: &'static [&'static str];

    /// The page after that place, or the first.
    fn page(
        &mut self,
        after: Option<Self::Cursor>,
    ) -> impl Future<Output = Result<Page<Self::Item, Self::Cursor>, Problem>> + Send;
}

/// All of the list, which the audit log tells: who, which list, of which project if it is of one.
pub(super) async fn export<P: Pages>(
    state: &AppState,
    caller: &Caller,
    project: Option<ProjectPk>,
    (pages, format): (P, Format),
) -> Result<Response, Problem> {
    audit::record(state, caller, Action::Export, project, Some(P::NAME)).await?;
    whole(pages, format).await
}

/// All of the list. What goes wrong with the first page is answered as a problem; what goes wrong later
/// breaks the answer off, so that nobody takes a part for the whole.
async fn whole<P: Pages>(mut pages: P, format: Format) -> Result<Response, Problem> {
    let (items, next) = pages.page(None).await?;
    let first = written::<P>(&items, format, true);
    let rest = stream::try_unfold((pages, next), move |(mut pages, next)| async move {
        let Some(after) = next else { return Ok::<_, BrokenOff>(None) };
        let (items, next) =
            pages.page(Some(after)).await.map_err(|problem| BrokenOff(problem.to_string()))?;
        Ok(Some((written::<P>(&items, format, false), (pages, next))))
    });
    let body = futures_util::StreamExt::chain(stream::iter([Ok(first)]), rest);
    let (kind, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        Format::Ndjson | Format::Json => ("application/x-ndjson", "ndjson"),
    };
    let name = format!("attachment; filename=\"{}.{ending}\"", P::NAME);
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Why a stream ended early.
#[derive(Debug)]
struct BrokenOff(String);

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the list broke off: {}", self.0)
    }
}

impl std::error::Error for BrokenOff {}

fn written<P: Pages>(items: &[P::Item], format: Format, is_first: bool) -> Bytes {
    if format == Format::Csv { csv::<P>(items, is_first) } else { lines(items) }
}

fn lines(items: &[impl Serialize]) -> Bytes {
    let mut text = Vec::new();
    for item in items {
        // Shapes have text keys and no foreign `Serialize`: they cannot fail.
        let _ = serde_json::to_writer(&mut text, item);
        text.push(b'\n');
    }
    Bytes::from(text)
}

fn csv<P: Pages>(items: &[P::Item], is_first: bool) -> Bytes {
    let mut records = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    if is_first {
        // Writing into memory cannot fail, here and below.
        let _ = records.write_record(P::COLUMNS);
    }
    for item in items {
        let item = serde_json::to_value(item).unwrap_or_default();
        let _ = records.write_record(P::COLUMNS.iter().map(|column| cell(at(&item, column))));
    }
    Bytes::from(records.into_inner().unwrap_or_default())
}

/// The value at `user.id`.
fn at<'item>(item: &'item Value, path: &str) -> &'item Value {
    path.split('.').fold(item, |value, name| value.get(name).unwrap_or(&Value::Null))
}

/// A cell. Text that a spreadsheet would take for a formula gets an apostrophe in front (D11).
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Notes;

    impl Pages for Notes {
        type Item = Value;
        type Cursor = ();

        const NAME: &'static str = "notes";
        const COLUMNS: &'static [&'static str] = &["id", "text"];

        async fn page(&mut self, _after: Option<()>) -> Result<Page<Value, ()>, Problem> {
            Ok((Vec::new(), None))
        }
    }

    #[test]
    fn cells_are_quoted() {
        let rows = [
            (json!(null), ""),
            (json!(-1.5), "-1.5"),
            (json!("plain"), "plain"),
            (json!("a,b"), "\"a,b\""),
            (json!("a \"b\""), "\"a \"\"b\"\"\""),
            (json!("=1+1"), "'=1+1"),
            (json!("-x"), "'-x"),
            (json!("@x"), "'@x"),
            (json!("\tx"), "'\tx"),
            (json!("two\nlines"), "\"two\nlines\""),
            (json!({"a": 1}), "\"{\"\"a\"\":1}\""),
        ];
        for (value, expected) in rows {
            let written = csv::<Notes>(&[json!({"id": 1, "text": value})], true);
            assert_eq!(written, format!("id,text\r\n1,{expected}\r\n"), "{value}");
        }
    }

    #[test]
    fn paths_lead_into_objects() {
        let item = json!({"user": {"id": "ann"}, "n": 1});
        assert_eq!(at(&item, "user.id"), "ann");
        assert_eq!(at(&item, "user.none.x"), &Value::Null);
    }
}
