//! What headers of requests ask of every route alike.

pub(super) mod conditional;
pub(super) mod idempotency;
