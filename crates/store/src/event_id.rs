//! Ids of events: what an event is stored under, and its place there. They stay as they are when a page load
//! turns out to belong to another session.

use std::fmt;
use std::str::FromStr;

use kymo_model::SessionId;

use crate::catalog::events::NO_SESSION;
use crate::catalog::projects::ProjectPk;
use crate::columns::StoredEvent;

/// An event's id. As text: `0192f0c1-2b3c-8d4e-9f50-61728394a5b6.12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventId {
    /// The id of the session or page load. For events without a session the number of their project: no
    /// session's id is that small, as it begins with a time.
    stream: SessionId,
    sequence: u64,
}

/// Where an event lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// In a session: the id that it is stored under.
    Stream(SessionId),
    /// Among a project's events without a session.
    Loose(ProjectPk),
}

impl EventId {
    /// The id of an event as it is stored: under the id of its page load, not of its session.
    pub(crate) fn of(project: ProjectPk, stream: Option<SessionId>, sequence: u64) -> Self {
        let stream = stream.filter(|stream| *stream != NO_SESSION);
        Self { stream: stream.unwrap_or_else(|| SessionId::from_u128(project.0 as u128)), sequence }
    }

    /// The id of an event that was read from a session of that project.
    pub fn of_event(project: ProjectPk, event: &StoredEvent) -> Self {
        Self::of(project, event.session, event.sequence)
    }

    pub(crate) fn home(self) -> Home {
        match u64::try_from(self.stream.as_u128()) {
            Ok(project) => Home::Loose(ProjectPk(project as i64)),
            Err(_) => Home::Stream(self.stream),
        }
    }

    pub(crate) fn sequence(self) -> u64 {
        self.sequence
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.stream, self.sequence)
    }
}

/// The text is no event's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoEventId;

impl fmt::Display for NoEventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an event's id such as 0192f0c1-2b3c-8d4e-9f50-61728394a5b6.12")
    }
}

impl std::error::Error for NoEventId {}

impl FromStr for EventId {
    type Err = NoEventId;

    fn from_str(text: &str) -> Result<Self, NoEventId> {
        let (stream, sequence) = text.split_once('.').ok_or(NoEventId)?;
        let stream = stream.parse().map_err(|_| NoEventId)?;
        Ok(Self { stream, sequence: sequence.parse().map_err(|_| NoEventId)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_say_where_an_event_lies() {
        let stream: SessionId = "0192f0c1-2b3c-8d4e-9f50-61728394a5b6".parse().unwrap();
        let id = EventId::of(ProjectPk(7), Some(stream), 12);
        assert_eq!(id.to_string(), "0192f0c1-2b3c-8d4e-9f50-61728394a5b6.12");
        assert_eq!((id.to_string().parse(), id.home()), (Ok(id), Home::Stream(stream)));
        let loose = EventId::of(ProjectPk(7), None, 3);
        assert_eq!((loose.to_string().parse(), loose.home()), (Ok(loose), Home::Loose(ProjectPk(7))));
        assert_eq!(EventId::of(ProjectPk(7), Some(NO_SESSION), 3), loose);
        for wrong in [
            "",
            "12",
            "x.1",
            "0192f0c1-2b3c-8d4e-9f50-61728394a5b6",
            "0192f0c1-2b3c-8d4e-9f50-61728394a5b6.x",
        ] {
            assert_eq!(wrong.parse::<EventId>(), Err(NoEventId), "{wrong}");
        }
    }
}
