//! How fast this machine is right now, so that a quick run on a busy one says something.
//!
//! The loops do what ingest cannot avoid (decode the same requests) on one core, in this process;
//! the server is expected to keep a fixed share of it.

use std::hint::black_box;
use std::time::Instant;

use kymo_compat::exceptionless::{Submission, decode_events};
use kymo_compat::loupe_web::{Request, decode_log};
use kymo_model::Timestamp;

use crate::premade::Load;

/// Decoded in a round: a tenth of a second on a quiet machine.
const ITEMS: usize = 25_000;

/// Decodes as many bodies of the load as hold [`ITEMS`]; items a second.
pub(crate) fn decoded_per_second(load: &mut Load, items_per_request: usize, decode: fn(&[u8])) -> f64 {
    let requests = ITEMS / items_per_request;
    let mut seconds = 0.0;
    for _ in 0..requests {
        let body = load.next().body();
        let started = Instant::now();
        decode(body);
        seconds += started.elapsed().as_secs_f64();
    }
    (requests * items_per_request) as f64 / seconds
}

/// A body of the Exceptionless kind.
pub(crate) fn decode_batch(body: &[u8]) {
    black_box(decode_events(body, Timestamp::default(), &Submission::default()));
}

/// A body of the Loupe kind.
pub(crate) fn decode_post(body: &[u8]) {
    black_box(decode_log(body, Timestamp::default(), &Request::default()));
}
