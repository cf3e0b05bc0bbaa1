//! How fast this machine is right now, so that a quick run on a busy one says something.
//!
//! The loop does what ingest cannot avoid (parse the same batches) on one core, in this process;
//! the server is expected to keep a fixed share of it.

use std::time::Instant;

use kymo_compat::exceptionless::{Submission, decode_events};
use kymo_model::Timestamp;

use crate::load::{BATCH_EVENTS, Load};

const BATCHES: usize = 100;
const ROUNDS: usize = 5;

/// Events decoded per second, one core, median of five.
pub(crate) fn decoded_per_second() -> f64 {
    let mut load = Load::new(7, 0, Timestamp::default());
    let batches: Vec<String> = (0..BATCHES).map(|_| load.next_batch().to_owned()).collect();
    let mut speeds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            for batch in &batches {
                std::hint::black_box(decode_events(
                    batch.as_bytes(),
                    Timestamp::default(),
                    &Submission::default(),
                ));
            }
            (BATCHES * BATCH_EVENTS) as f64 / started.elapsed().as_secs_f64()
        })
        .collect();
    speeds.sort_by(f64::total_cmp);
    speeds[ROUNDS / 2]
}
