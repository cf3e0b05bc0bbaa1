//! A session over time beside its events: how dense they are, its threads, its metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use kymo_model::Timestamp;
use kymo_store::{DENSITY_BUCKETS_MAX, Figure, Gap, LANES_MAX, Lane, POINTS_MAX, Series, SeriesPoint};
use kymo_tracker::SessionRow;
use serde::Serialize;
use utoipa::ToSchema;

use super::document::Refusal;
use super::document::words::Level;
use super::events;
use super::parameters::Parameters;
use super::shapes::{DensityBucketShape, Moment};
use crate::access::Caller;
use crate::live::open::row;
use crate::problem::Problem;
use crate::state::AppState;

const BUCKETS_DEFAULT: u32 = 256;
const LANES_DEFAULT: u32 = 16;

/// A session's events counted in equal buckets.
#[derive(Serialize, ToSchema)]
pub(super) struct Density {
    from: Moment,
    to: Moment,
    width_seconds: f64,
    /// Those that hold something.
    buckets: Vec<DensityBucketShape>,
    /// Where events of a program are missing, whatever the filter; the 64 largest.
    gaps: Vec<GapShape>,
}

/// Events that a program recorded and that are not here.
#[derive(Serialize, ToSchema)]
#[schema(as = Gap)]
struct GapShape {
    /// The time of the event before, or the session's start.
    from: Moment,
    /// The time of the event behind, or the session's last activity.
    to: Moment,
    /// How many are missing.
    events: u64,
}

impl From<Gap> for GapShape {
    fn from(gap: Gap) -> Self {
        Self { from: Moment(gap.from), to: Moment(gap.to), events: gap.events }
    }
}

/// A session's events by the thread that told them, counted in equal buckets.
#[derive(Serialize, ToSchema)]
pub(super) struct Threads {
    from: Moment,
    to: Moment,
    width_seconds: f64,
    /// The most active ones, most events first.
    lanes: Vec<LaneShape>,
    /// All others together; `null` if there are none.
    rest: Option<LaneShape>,
    /// How many threads there are.
    total: u64,
}

/// What one thread told.
#[derive(Serialize, ToSchema)]
#[schema(as = ThreadLane)]
struct LaneShape {
    /// The agent's number of the thread, as the attribute `thread.id` has it; `null`: of the rest, and of events that name
    /// no thread.
    thread_id: Option<String>,
    name: Option<String>,
    count: u64,
    errors: u64,
    #[schema(value_type = Level)]
    worst: &'static str,
    /// Those that hold something.
    buckets: Vec<DensityBucketShape>,
}

impl From<Lane> for LaneShape {
    fn from(lane: Lane) -> Self {
        Self {
            thread_id: lane.thread.map(|id| id.to_string()),
            name: lane.name,
            count: lane.count,
            errors: lane.errors,
            worst: lane.worst.text(),
            buckets: lane.buckets.into_iter().map(DensityBucketShape::from).collect(),
        }
    }
}

/// The series of metrics that a program recorded.
#[derive(Serialize, ToSchema)]
pub(super) struct SeriesList {
    /// By name and labels; at most 1000, those with the most samples.
    items: Vec<SeriesShape>,
    /// How many there are beside these.
    left_out: u64,
}

/// A series of metrics.
#[derive(Serialize, ToSchema)]
#[schema(as = MetricSeries)]
struct SeriesShape {
    /// Names it in requests: `shop.orders{till="3"}`.
    id: String,
    name: String,
    labels: BTreeMap<String, String>,
    /// As UCUM has it: `By`, `s`, `1`.
    unit: Option<String>,
    /// `gauge`, `total` (since the start), `delta` (since the sample before) or `distribution`.
    aggregation: String,
    /// Each sample stands for many values; the figures of it are `value` (the median), `count`, `sum`, `mean`, `min`, `max`,
    /// `p90` and `p99`.
    is_summary: bool,
    category: Option<String>,
    /// How many samples.
    samples: u64,
    min: f64,
    max: f64,
    /// Of a summary the median.
    last: f64,
    first_at: Moment,
    last_at: Moment,
}

impl From<Series> for SeriesShape {
    fn from(series: Series) -> Self {
        Self {
            id: series.key.to_string(),
            name: series.key.name,
            labels: series.key.labels.into_iter().collect(),
            unit: series.unit,
            aggregation: series.aggregation,
            is_summary: series.is_summary,
            category: series.category,
            samples: series.samples,
            min: series.least,
            max: series.most,
            last: series.last,
            first_at: Moment(series.at.0),
            last_at: Moment(series.at.1),
        }
    }
}

/// A series over time, in equal stretches.
#[derive(Serialize, ToSchema)]
pub(super) struct SeriesPoints {
    from: Moment,
    to: Moment,
    width_seconds: f64,
    /// Stretches that hold a sample.
    points: Vec<PointShape>,
    /// The last sample before the range.
    before: Option<SampleShape>,
    /// The first one behind it.
    after: Option<SampleShape>,
}

/// The samples of one stretch.
#[derive(Serialize, ToSchema)]
#[schema(as = MetricPoint)]
struct PointShape {
    index: u32,
    /// When the last of them was taken.
    at: Moment,
    samples: u64,
    min: f64,
    max: f64,
    last: f64,
}

impl From<SeriesPoint> for PointShape {
    fn from(point: SeriesPoint) -> Self {
        let SeriesPoint { index, at, samples, least, most, last } = point;
        Self { index, at: Moment(at), samples, min: least, max: most, last }
    }
}

/// One sample.
#[derive(Serialize, ToSchema)]
#[schema(as = MetricSample)]
struct SampleShape {
    at: Moment,
    value: f64,
}

impl From<(Timestamp, f64)> for SampleShape {
    fn from((at, value): (Timestamp, f64)) -> Self {
        Self { at: Moment(at), value }
    }
}

/// `from` and `to`; by default from the session's start to just after its last event.
fn range(parameters: &Parameters, row: &SessionRow) -> Result<(Timestamp, Timestamp), Problem> {
    let moment = Duration::from_nanos(1);
    let from = parameters.time("from")?.unwrap_or(row.started_at);
    // The end is exclusive, the last event is not.
    let to = parameters.time("to")?.unwrap_or_else(|| row.last_activity_at.plus(moment));
    Ok((from, to.max(from.plus(moment))))
}

fn width_seconds((from, to): (Timestamp, Timestamp), count: u32) -> f64 {
    to.since(from).as_secs_f64() / f64::from(count)
}

/// A session's events over time, those that match
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/density",
    operation_id = "count_session_events",
    tag = "events",
    params(
        ("id" = String, Path, description = "The session's id or `external_id`"),
        ("from" = Option<Moment>, Query, description = "Its start by default"),
        ("to" = Option<Moment>, Query, description = "Just after its last event by default"),
        ("buckets" = Option<u32>, Query, description = "Most buckets", minimum = 1, maximum = 512),
        ("filter" = Option<String>, Query, description = "In the filter language"),
        ("text" = Option<String>, Query, description = "Part of message, category or exception, case folded"),
        ("severity" = Option<Level>, Query, description = "This level and worse"),
        ("errors" = Option<bool>, Query, description = "Only errors, as the session counts them"),
        ("kind" = Option<String>, Query, description = "`log`, `error`, `usage`, ...")
    ),
    responses((status = 200, body = Density), Refusal)
)]
pub(super) async fn density(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Json<Density>, Problem> {
    let (project, row) = row(&state, &caller, &id).await?;
    let range = range(&parameters, &row)?;
    let buckets = parameters.number("buckets", 1, DENSITY_BUCKETS_MAX, BUCKETS_DEFAULT)?;
    let filter = events::filter(&state, &parameters)?;
    let counted = state.store.density(project, row.id, filter, range, buckets).await?;
    let gaps = state.store.gaps(project, &row).await?;
    Ok(Json(Density {
        from: Moment(range.0),
        to: Moment(range.1),
        width_seconds: width_seconds(range, buckets),
        buckets: counted.into_iter().map(DensityBucketShape::from).collect(),
        gaps: gaps.into_iter().map(GapShape::from).collect(),
    }))
}

/// A session's events by thread, over time
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/threads",
    operation_id = "count_session_events_by_thread",
    tag = "events",
    params(
        ("id" = String, Path, description = "The session's id or `external_id`"),
        ("from" = Option<Moment>, Query, description = "Its start by default"),
        ("to" = Option<Moment>, Query, description = "Just after its last event by default"),
        ("buckets" = Option<u32>, Query, description = "Most buckets of a lane", minimum = 1, maximum = 512),
        ("lanes" = Option<u32>, Query, description = "Most threads", minimum = 1, maximum = 64)
    ),
    responses((status = 200, body = Threads), Refusal)
)]
pub(super) async fn threads(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Json<Threads>, Problem> {
    let (project, row) = row(&state, &caller, &id).await?;
    let range = range(&parameters, &row)?;
    let buckets = parameters.number("buckets", 1, DENSITY_BUCKETS_MAX, BUCKETS_DEFAULT)?;
    let lanes = parameters.number("lanes", 1, LANES_MAX, LANES_DEFAULT)?;
    let found = state.store.threads(project, row.id, range, buckets, lanes).await?;
    Ok(Json(Threads {
        from: Moment(range.0),
        to: Moment(range.1),
        width_seconds: width_seconds(range, buckets),
        lanes: found.lanes.into_iter().map(LaneShape::from).collect(),
        rest: found.rest.map(LaneShape::from),
        total: found.threads,
    }))
}

/// The series of metrics that a session of a program has
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/metrics",
    operation_id = "list_session_metrics",
    tag = "events",
    params(("id" = String, Path, description = "The session's id or `external_id`")),
    responses((status = 200, body = SeriesList), Refusal)
)]
pub(super) async fn metrics(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<SeriesList>, Problem> {
    let (project, row) = row(&state, &caller, &id).await?;
    let found = state.store.metric_series(project, row.id).await?;
    Ok(Json(SeriesList {
        items: found.series.into_iter().map(SeriesShape::from).collect(),
        left_out: found.left_out,
    }))
}

/// One series of metrics over time
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/metrics/points",
    operation_id = "list_session_metric_points",
    tag = "events",
    params(
        ("id" = String, Path, description = "The session's id or `external_id`"),
        ("series" = String, Query, description = "Its `id` in the list of series"),
        ("figure" = Option<String>, Query, description = "Of a summary: `value` (the median, by default), `count`, `sum`, `mean`, `min`, `max`, `p90` or `p99`"),
        ("from" = Option<Moment>, Query, description = "The session's start by default"),
        ("to" = Option<Moment>, Query, description = "Just after its last event by default"),
        ("points" = Option<u32>, Query, description = "Most stretches", minimum = 1, maximum = 1024)
    ),
    responses((status = 200, body = SeriesPoints), Refusal)
)]
pub(super) async fn points(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Json<SeriesPoints>, Problem> {
    let (project, row) = row(&state, &caller, &id).await?;
    let range = range(&parameters, &row)?;
    let points = parameters.number("points", 1, POINTS_MAX, BUCKETS_DEFAULT)?;
    let series = parameters.text("series").ok_or_else(|| {
        Problem::input("expected series=ID, the id of a series in the list of the session's metrics")
    })?;
    let asked = (series.to_owned(), figure(&parameters)?);
    let found = state.store.metric_points(project, row.id, asked, range, points).await?;
    Ok(Json(SeriesPoints {
        from: Moment(range.0),
        to: Moment(range.1),
        width_seconds: width_seconds(range, points),
        points: found.points.into_iter().map(PointShape::from).collect(),
        before: found.before.map(SampleShape::from),
        after: found.after.map(SampleShape::from),
    }))
}

fn figure(parameters: &Parameters) -> Result<Figure, Problem> {
    match parameters.text("figure").unwrap_or("value") {
        "value" => Ok(Figure::Value),
        "count" => Ok(Figure::Count),
        "sum" => Ok(Figure::Sum),
        "mean" => Ok(Figure::Mean),
        "min" => Ok(Figure::Least),
        "max" => Ok(Figure::Most),
        "p90" => Ok(Figure::P90),
        "p99" => Ok(Figure::P99),
        other => Err(Problem::input(format!(
            "figure={other}: expected value, count, sum, mean, min, max, p90 or p99"
        ))),
    }
}
