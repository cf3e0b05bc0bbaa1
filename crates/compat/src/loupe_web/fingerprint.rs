//! By what a message that is sent again is known again.
//!
//! Tabs share one queue, a reload repeats what was under way, and the agents of 2015 post whatever
//! waits with each call: the same message comes up to a dozen times, byte for byte, under the
//! headers of any tab. Its number alone does not tell it: a tab opened from a page counts on from a
//! copy, and so two messages of one agent session id have one number.

use kymo_model::Timestamp;
use sha2::{Digest, Sha256};

/// Stands in no UTF-8 text, so that no id runs into the JSON.
const SEPARATOR: [u8; 1] = [0xff];

/// Layout: see [`Item::fingerprint`](super::Item). The seconds come first because a day's keys then
/// stay together in an index.
pub(super) fn fingerprint(agent_session_id: Option<&str>, json: &str, time: Option<Timestamp>) -> [u8; 16] {
    let hash = Sha256::new()
        .chain_update(agent_session_id.unwrap_or_default())
        .chain_update(SEPARATOR)
        .chain_update(json)
        .finalize();
    // Low 32 bits of the unix seconds: enough to keep neighbours together.
    let seconds = time.map_or(0, |time| time.as_unix_millis().div_euclid(1000) as u32);
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&seconds.to_be_bytes());
    bytes[4..].copy_from_slice(&hash[..12]);
    bytes
}
