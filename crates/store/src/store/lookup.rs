//! Single events: by their id, by the id their agent gave them, and what lies around one.

use std::collections::BTreeMap;

use kymo_model::SessionId;
use kymo_tracker::SessionRow;

use super::Store;
use crate::catalog::events::NO_SESSION;
use crate::catalog::projects::{ProjectPk, Projects};
use crate::catalog::sessions;
use crate::columns::StoredEvent;
use crate::error::StoreError;
use crate::event_id::{EventId, Home};
use crate::query::{self, EventCursor, EventFilter, EventOrder, EventPage, EventStart, RowFilter};

/// An event with where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedEvent {
    /// Its project.
    pub project: ProjectPk,
    /// Its id.
    pub id: EventId,
    /// Its session; `None`: it belongs to none.
    pub session: Option<SessionRow>,
    /// The event.
    pub event: StoredEvent,
}

impl Store {
    /// An event of these projects.
    pub async fn event(&self, projects: &Projects, id: EventId) -> Result<PlacedEvent, StoreError> {
        let not_found = || StoreError::not_found(format!("there is no event {id}"));
        let (project, stream, session) = match id.home() {
            Home::Loose(project) => (project, NO_SESSION, None),
            Home::Stream(stream) => {
                let readers = self.catalog.readers();
                let session = sessions::of_streams(readers, &[stream]).await?;
                let session = session.get(&stream).copied().unwrap_or(stream);
                let (project, row) = sessions::by_id(readers, session).await?.ok_or_else(not_found)?;
                (project, stream, Some(row))
            }
        };
        if !projects.has(project) {
            return Err(not_found());
        }
        let filter = EventFilter { sequence: Some(id.sequence()), ..EventFilter::default() };
        let filter = RowFilter::new(filter, None, Vec::new());
        let scan = move |sources: &[_], streams: &[SessionId]| {
            query::page(sources, streams, &filter, EventOrder::Time, EventStart::First, 1)
        };
        let mut page = self.scan_streams(project, vec![stream], scan).await?;
        let event = page.events.pop().ok_or_else(not_found)?;
        Ok(PlacedEvent { project, id, session, event })
    }

    /// Events of these projects that bear the id, given by their agents; newest first.
    pub async fn events_by_reference(
        &self,
        projects: &Projects,
        reference_id: &str,
        limit: usize,
    ) -> Result<Vec<PlacedEvent>, StoreError> {
        let filter = EventFilter { reference_id: Some(reference_id.to_owned()), ..EventFilter::default() };
        let found = self.find_events(projects, filter, None, limit).await?.events;
        let mut rows: BTreeMap<SessionId, SessionRow> = BTreeMap::new();
        for id in found.iter().filter_map(|found| found.event.session) {
            if let Some((_, row)) = sessions::by_id(self.catalog.readers(), id).await? {
                rows.insert(id, row);
            }
        }
        let placed = found.into_iter().map(|found| PlacedEvent {
            project: found.project,
            id: found.id(),
            session: found.event.session.and_then(|id| rows.get(&id).cloned()),
            event: found.event,
        });
        Ok(placed.collect())
    }

    /// A page of a session's events with the one of that sequence in the middle, in `order`; and the place before
    /// the first, if there is more. `None`: no event has that sequence.
    pub async fn events_around(
        &self,
        project: ProjectPk,
        session: SessionId,
        (filter, order): (EventFilter, EventOrder),
        sequence: u64,
        limit: usize,
    ) -> Result<Option<(EventPage, Option<EventCursor>)>, StoreError> {
        let only = EventFilter { sequence: Some(sequence), ..EventFilter::default() };
        let middle = self.events(project, Some(session), only, order, None, 1).await?;
        let Some(middle) = middle.events.first() else { return Ok(None) };
        let place = EventCursor { time: middle.time, sequence };
        let before = limit / 2;
        let reversed = order.reversed();
        let mut earlier =
            self.events(project, Some(session), filter.clone(), reversed, Some(place), before).await?;
        let rest = limit - earlier.events.len();
        let from = Some(order.just_before(place));
        let mut page = self.events(project, Some(session), filter, order, from, rest).await?;
        page.index -= earlier.events.len() as u64;
        let previous = earlier.next;
        earlier.events.reverse();
        earlier.events.append(&mut page.events);
        page.events = earlier.events;
        Ok(Some((page, previous)))
    }
}
