//! The members of a message.

use crate::json::{Fields, Member};

/// A message's members, the known ones apart.
pub(super) type Message = Fields<Field, 12>;

/// The members that mean something (Loupe web protocol, body).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Severity,
    Category,
    Caption,
    Description,
    Parameters,
    Exception,
    Details,
    MethodSourceInfo,
    Timestamp,
    Sequence,
    AgentSessionId,
    SessionId,
}

const FIELDS: [(Field, &str); 12] = [
    (Field::Severity, "severity"),
    (Field::Category, "category"),
    (Field::Caption, "caption"),
    (Field::Description, "description"),
    (Field::Parameters, "parameters"),
    (Field::Exception, "exception"),
    (Field::Details, "details"),
    (Field::MethodSourceInfo, "methodSourceInfo"),
    // The agents of 2015 write `timeStamp`.
    (Field::Timestamp, "timestamp"),
    (Field::Sequence, "sequence"),
    (Field::AgentSessionId, "agentSessionId"),
    (Field::SessionId, "sessionId"),
];

impl Member for Field {
    /// In any case, as the older of the receivers read them.
    fn named(key: &str) -> Option<Self> {
        FIELDS.iter().find(|(_, name)| name.eq_ignore_ascii_case(key)).map(|&(field, _)| field)
    }

    fn name(self) -> &'static str {
        FIELDS[self.index()].1
    }

    fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_in_order_and_read_in_any_case() {
        for (at, (field, name)) in FIELDS.into_iter().enumerate() {
            assert_eq!((field.index(), field.name()), (at, name));
            assert_eq!(Field::named(&name.to_uppercase()), Some(field));
        }
        assert_eq!(Field::named("timeStamp"), Some(Field::Timestamp));
        assert_eq!(Field::named("method_source_info"), None);
        assert_eq!(Field::named(""), None);
    }
}
