//! The system's clock, for commands that need no server.

use kymo_model::Timestamp;

#[expect(clippy::disallowed_methods, reason = "this is the program's clock; everything else is given it")]
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
