//! Fields of a session, for aggregates.

use kymo_filter::{Field, SessionField};
use kymo_tracker::{End, SessionRow};

use super::Values;

/// A session, with the name of its project: it stands for the application where no agent names one.
pub(crate) struct SessionValues<'row> {
    pub(crate) session: &'row SessionRow,
    pub(crate) project_name: &'row str,
}

impl Values for SessionValues<'_> {
    fn texts(&self, field: &Field, each: &mut dyn FnMut(&str)) {
        let (Field::Session(field), row) = (field, self.session) else { return };
        let user = row.current_user();
        match field {
            SessionField::Id => each(&row.id.to_string()),
            SessionField::Project => each(self.project_name),
            SessionField::Kind => each(row.kind.as_str()),
            SessionField::State => each(row.state().as_str()),
            SessionField::EndReason => {
                row.end.and_then(End::reason).iter().for_each(|reason| each(reason.as_str()));
            }
            SessionField::User => {
                user.and_then(|user| user.id.as_deref().or(user.name.as_deref())).into_iter().for_each(each);
            }
            SessionField::UserId => user.and_then(|user| user.id.as_deref()).into_iter().for_each(each),
            SessionField::UserName => user.and_then(|user| user.name.as_deref()).into_iter().for_each(each),
            SessionField::Application => each(self.property("service.name").unwrap_or(self.project_name)),
            SessionField::Property(name) => self.property(name).into_iter().for_each(each),
            SessionField::Error => each(if row.error_count > 0 { "true" } else { "false" }),
            SessionField::Visit => {
                let visit = row.tab.as_ref().and_then(|tab| tab.visit.as_ref());
                if let Some(visit) = visit {
                    each(&visit.id);
                }
            }
            SessionField::Errors | SessionField::Events => {
                self.number(&Field::Session(field.clone()))
                    .iter()
                    .for_each(|number| each(&number.to_string()));
            }
            // Lengths and moments are no words: nobody wants one group for each.
            SessionField::Duration
            | SessionField::Started
            | SessionField::LastActivity
            | SessionField::Ended => {}
        }
    }

    fn number(&self, field: &Field) -> Option<f64> {
        let (Field::Session(field), row) = (field, self.session) else { return None };
        match field {
            SessionField::Duration => Some(row.last_activity_at.since(row.started_at).as_secs_f64()),
            SessionField::Errors => Some(row.error_count as f64),
            SessionField::Events => Some(row.event_count as f64),
            SessionField::Property(name) => self.property(name)?.parse().ok(),
            _ => None,
        }
    }

    fn moment(&self, field: &Field) -> Option<i64> {
        let (Field::Session(field), row) = (field, self.session) else { return None };
        match field {
            SessionField::Started => Some(row.started_at.as_unix_nanos()),
            SessionField::LastActivity => Some(row.last_activity_at.as_unix_nanos()),
            SessionField::Ended => {
                row.end.and_then(End::reason).map(|_| row.last_activity_at.as_unix_nanos())
            }
            _ => None,
        }
    }
}

impl SessionValues<'_> {
    fn property(&self, name: &str) -> Option<&str> {
        self.session.property(name).map(|property| property.last.1.as_str())
    }
}
