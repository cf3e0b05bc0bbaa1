//! One session over time: how dense its events are, what is missing in between, its threads, its metrics.

use kymo_model::{SessionId, Timestamp};
use kymo_tracker::SessionRow;

use super::Store;
use crate::catalog::projects::ProjectPk;
use crate::density::{DensityBucket, Gap, density, gaps};
use crate::error::StoreError;
use crate::query::lanes::{self, Lanes};
use crate::query::series::{self, Figure, SeriesList, SeriesPoints};
use crate::query::{self, EventFilter, RowFilter, Tell};

impl Store {
    /// A session's events that match between two moments, counted in equal buckets.
    pub async fn density(
        &self,
        project: ProjectPk,
        session: SessionId,
        filter: EventFilter,
        (from, to): (Timestamp, Timestamp),
        buckets: u32,
    ) -> Result<Vec<DensityBucket>, StoreError> {
        // The filter's own times stay: what is outside of either is not counted.
        let filter = EventFilter {
            from: Some(filter.from.map_or(from, |other| other.max(from))),
            to: Some(filter.to.map_or(to, |other| other.min(to))),
            ..filter
        };
        let filter = self.row_filter_of(session, filter).await?;
        self.scan(project, session, move |sources, streams| {
            let hits = query::scan(sources, streams, &filter, Tell::Errors)?;
            Ok(density(&hits, from, to, buckets))
        })
        .await
    }

    /// Where events of a program's session are missing: between which times, by the events around them. The largest, in order of
    /// time; none for sessions that are not of a program, as nobody numbers their events before they arrive.
    pub async fn gaps(&self, project: ProjectPk, session: &SessionRow) -> Result<Vec<Gap>, StoreError> {
        let Some(process) = session.process.as_ref().filter(|process| process.missing() > 0) else {
            return Ok(Vec::new());
        };
        let (process, ends) = (process.clone(), (session.started_at, session.last_activity_at));
        self.scan(project, session.id, move |sources, streams| {
            let everything = RowFilter::default();
            Ok(gaps(&process, ends, &query::scan(sources, streams, &everything, Tell::Nothing)?))
        })
        .await
    }

    /// A session's events by thread, between two moments.
    ///
    /// # Errors
    /// [`Input`](crate::StoreErrorKind::Input) when there are more events in this time than a question looks at.
    pub async fn threads(
        &self,
        project: ProjectPk,
        session: SessionId,
        range: (Timestamp, Timestamp),
        buckets: u32,
        lanes_max: u32,
    ) -> Result<Lanes, StoreError> {
        self.scan(project, session, move |sources, streams| {
            lanes::lanes(sources, streams, range, buckets, lanes_max)
        })
        .await
    }

    /// The series of metrics that a session has.
    ///
    /// # Errors
    /// [`Input`](crate::StoreErrorKind::Input) when there are more samples than a question looks at.
    pub async fn metric_series(
        &self,
        project: ProjectPk,
        session: SessionId,
    ) -> Result<SeriesList, StoreError> {
        self.scan(project, session, series::list).await
    }

    /// One series between two moments, in equal stretches.
    ///
    /// # Errors
    /// As of [`metric_series`](Self::metric_series); [`NotFound`](crate::StoreErrorKind::NotFound) when there is no such
    /// series.
    pub async fn metric_points(
        &self,
        project: ProjectPk,
        session: SessionId,
        (series, figure): (String, Figure),
        range: (Timestamp, Timestamp),
        points: u32,
    ) -> Result<SeriesPoints, StoreError> {
        let missing = format!("the session has no series {series}");
        let found = self
            .scan(project, session, move |sources, streams| {
                series::points(sources, streams, (&series, figure), range, points)
            })
            .await?;
        if found.is_known { Ok(found) } else { Err(StoreError::not_found(missing)) }
    }
}
