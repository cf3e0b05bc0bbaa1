//! Filters of people: what they say about sessions is asked of the catalog, what they say about events of
//! a scan, and either enters the other as a bounded set of ids.

use std::collections::{BTreeMap, HashMap, HashSet};

use kymo_model::SessionId;

use super::{Store, VIEW_TRIES_MAX, VIEW_WAIT};
use crate::catalog::events;
use crate::catalog::events::NO_SESSION;
use crate::catalog::projects::{ProjectPk, Projects};
use crate::catalog::sessions::query::Condition;
use crate::catalog::sessions::{self, SessionFilter};
use crate::error::StoreError;
use crate::query::aggregate::{Aggregate, Aggregated, Groups, SessionValues, Totals};
use crate::query::find::{self, FoundCursor, FoundPage, Piece};
use crate::query::plan::{self, RowPlan, SessionPlan};
use crate::query::{EventFilter, RowFilter};
use crate::views::View;

/// Sessions added up at a time, some 1 MiB of rows, and by one question in all.
const SESSIONS_PAGE: u32 = 500;
const SESSIONS_SUMMED_MAX: u64 = 200_000;

/// Where to look for the events of some sessions. More than these may be found: the catalog has the last
/// word.
enum Candidates {
    Pieces(Vec<Piece>),
    /// They lie in so many places that everything is looked at.
    All(Vec<(ProjectPk, View)>),
}

impl Store {
    /// Events of these projects, newest first by the agent's clock, whatever session they are in.
    ///
    /// # Errors
    /// [`Input`](crate::StoreErrorKind::Input) when it would have to look at more rows, or more sessions,
    /// than a query may; the message says to narrow the time.
    pub async fn find_events(
        &self,
        projects: &Projects,
        filter: EventFilter,
        after: Option<FoundCursor>,
        limit: usize,
    ) -> Result<FoundPage, StoreError> {
        let filter = self.row_filter(projects, filter).await?;
        let _permit = self.scans.acquire().await.map_err(|_| StoreError::retry("the server is stopping"))?;
        let views = self.views_of(projects);
        let mut page = tokio::task::spawn_blocking(move || {
            find::newest(&find::pieces(&views, &filter)?, &filter, after, limit)
        })
        .await
        .map_err(|_| StoreError::corrupt("a scan panicked"))??;
        let streams: Vec<SessionId> = page.events.iter().filter_map(|found| found.event.session).collect();
        let sessions = sessions::of_streams(self.catalog.readers(), &streams).await?;
        for found in &mut page.events {
            found.event.session = found.event.session.map(|id| sessions.get(&id).copied().unwrap_or(id));
        }
        Ok(page)
    }

    /// How many events of these projects match.
    ///
    /// # Errors
    /// As of [`find_events`](Self::find_events).
    pub async fn count_events(&self, projects: &Projects, filter: EventFilter) -> Result<u64, StoreError> {
        Ok(self.aggregate_events(projects, filter, Vec::new()).await?.0)
    }

    /// How many events of these projects match, and what was asked of them.
    ///
    /// # Errors
    /// As of [`find_events`](Self::find_events), and when it would make more groups than a question may.
    pub async fn aggregate_events(
        &self,
        projects: &Projects,
        filter: EventFilter,
        asked: Vec<Aggregate>,
    ) -> Result<(u64, Vec<Aggregated>), StoreError> {
        let filter = self.row_filter(projects, filter).await?;
        let views = self.views_of(projects);
        let _permit = self.scans.acquire().await.map_err(|_| StoreError::retry("the server is stopping"))?;
        tokio::task::spawn_blocking(move || {
            let totals = find::aggregate(&find::pieces(&views, &filter)?, &filter, &asked)?;
            Ok((totals.count(), totals.finish()))
        })
        .await
        .map_err(|_| StoreError::corrupt("a scan panicked"))?
    }

    /// How many sessions match, and what was asked of them.
    ///
    /// # Errors
    /// [`Input`](crate::StoreErrorKind::Input) when there are more than 200,000, or more groups than a question
    /// may make.
    pub async fn aggregate_sessions(
        &self,
        filter: &SessionFilter,
        asked: &[Aggregate],
    ) -> Result<(u64, Vec<Aggregated>), StoreError> {
        let names: HashMap<ProjectPk, String> =
            self.projects().await?.into_iter().map(|project| (project.pk, project.name)).collect();
        let (mut totals, mut groups) = (Totals::new(asked), Groups::default());
        let mut after = None;
        loop {
            let page = self.sessions(filter, after, SESSIONS_PAGE).await?;
            for (project, session) in &page {
                let project_name = names.get(project).map_or("", String::as_str);
                totals.add(&SessionValues { session, project_name }, &mut groups)?;
            }
            if page.len() < SESSIONS_PAGE as usize {
                return Ok((totals.count(), totals.finish()));
            }
            if totals.count() >= SESSIONS_SUMMED_MAX {
                return Err(StoreError::input(format!(
                    "the aggregations would look at more than {SESSIONS_SUMMED_MAX} sessions: narrow the time"
                )));
            }
            after = page.last().map(|(_, row)| filter.sort.cursor(row));
        }
    }

    /// The filter with what it says about sessions looked up in all that were active in its time.
    async fn row_filter(
        &self,
        projects: &Projects,
        mut filter: EventFilter,
    ) -> Result<RowFilter, StoreError> {
        let Some(query) = filter.query.take() else {
            return Ok(RowFilter::new(filter, None, Vec::new()));
        };
        let (from, to) = plan::times(&query.root);
        filter.from = filter.from.max(from);
        filter.to = [filter.to, to].into_iter().flatten().min();
        let (rows, asked) = plan::of_events(&query.root);
        let mut sets = Vec::new();
        for plan in asked {
            let condition = Condition { plan, having: None };
            // An event lies between the start and the last activity of its session.
            let ids = sessions::streams_where(
                self.catalog.readers(),
                projects,
                (filter.from, filter.to),
                &condition,
            )
            .await?;
            sets.push(ids.iter().map(ToString::to_string).collect());
        }
        Ok(RowFilter::new(filter, Some(rows), sets))
    }

    /// The filter for one session, stored under `streams`.
    pub(super) async fn row_filter_of(
        &self,
        session: SessionId,
        mut filter: EventFilter,
    ) -> Result<RowFilter, StoreError> {
        let Some(query) = filter.query.take() else {
            return Ok(RowFilter::new(filter, None, Vec::new()));
        };
        let (rows, asked) = plan::of_events(&query.root);
        let mut sets = Vec::new();
        for plan in asked {
            let condition = Condition { plan, having: None };
            let fits = session != NO_SESSION
                && sessions::is_where(self.catalog.readers(), session, &condition).await?;
            let streams =
                if fits { sessions::streams_of(self.catalog.readers(), session).await? } else { Vec::new() };
            sets.push(streams.iter().map(ToString::to_string).collect());
        }
        Ok(RowFilter::new(filter, Some(rows), sets))
    }

    /// The condition that a session filter's query makes, with its terms about events answered by a scan.
    pub(crate) async fn condition(&self, filter: &SessionFilter) -> Result<Option<Condition>, StoreError> {
        let Some(query) = &filter.query else { return Ok(None) };
        let (plan, wanted) = plan::of_sessions(&query.root);
        let having = self.having(filter, &plan, wanted).await?;
        Ok(Some(Condition { plan, having: Some(having) }))
    }

    async fn having(
        &self,
        filter: &SessionFilter,
        plan: &SessionPlan,
        wanted: Vec<RowPlan>,
    ) -> Result<Vec<Vec<SessionId>>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let _permit = self.scans.acquire().await.map_err(|_| StoreError::retry("the server is stopping"))?;
        let candidates = self.candidates(filter, plan).await?;
        let scan = move || match candidates {
            Candidates::Pieces(pieces) => find::having(&pieces, &wanted),
            Candidates::All(views) => find::having(&find::pieces(&views, &RowFilter::default())?, &wanted),
        };
        let found =
            tokio::task::spawn_blocking(scan).await.map_err(|_| StoreError::corrupt("a scan panicked"))??;
        let mut having = Vec::new();
        for streams in found {
            let streams: Vec<SessionId> = streams.into_iter().collect();
            let sessions = sessions::of_streams(self.catalog.readers(), &streams).await?;
            let ids: HashSet<SessionId> =
                streams.iter().map(|id| sessions.get(id).copied().unwrap_or(*id)).collect();
            having.push(ids.into_iter().collect());
        }
        Ok(having)
    }

    /// Where the events lie of the sessions that the filter lets through as far as the catalog can tell.
    async fn candidates(&self, filter: &SessionFilter, plan: &SessionPlan) -> Result<Candidates, StoreError> {
        let condition = Condition { plan: plan.clone(), having: None };
        for _ in 0..VIEW_TRIES_MAX {
            // The views first: a segment listed after they were taken shows up in the ranges.
            let views = self.views_of(&filter.projects);
            let ranges = events::ranges_where(self.catalog.readers(), filter, &condition).await?;
            let Some(ranges) = ranges else { return Ok(Candidates::All(views)) };
            if let Some(pieces) = find::pieces_of(&views, &ranges) {
                return Ok(Candidates::Pieces(pieces));
            }
            tokio::time::sleep(VIEW_WAIT).await;
        }
        Err(StoreError::corrupt("the catalog lists a segment that is not there"))
    }

    fn views_of(&self, projects: &Projects) -> Vec<(ProjectPk, View)> {
        let views: BTreeMap<ProjectPk, View> = self.views.all().into_iter().collect();
        views.into_iter().filter(|(project, _)| projects.has(*project)).collect()
    }
}
