//! How long it takes to bring what a killed process left in its spool to the session's file: 100 MB of it, which takes
//! rings of 32 times their usual size and a disk on which nothing may be written.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::report::Figure;

pub(super) const PART: &str = "recovery";
const RING_BYTES: usize = 8 << 20;
/// Threads that have a ring of their own.
const THREADS: u64 = 13;
/// A record takes 80 bytes, the ring is nearly full of them.
const CALLS: u64 = 100_000;

pub(super) fn figures() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(std::env::current_exe()?);
    let mut child = command.args(["--play", PART]).arg(folder.path()).stdout(Stdio::piped()).spawn()?;
    let output = BufReader::new(child.stdout.take().context("its output")?);
    let told: Vec<String> = output.lines().take(THREADS as usize).collect::<Result<_, _>>()?;
    child.kill()?;
    child.wait()?;
    let started = Instant::now();
    let (recovered, failed) = kymo::recover(&folder.path().join("Kymo/bench"))?;
    let seconds = started.elapsed().as_secs_f64();
    let records: u64 = recovered.iter().map(|one| one.records).sum();
    if records < THREADS * CALLS || !failed.is_empty() {
        bail!("expected {} records, found {records}; {failed:?}; it said {told:?}", THREADS * CALLS);
    }
    Ok(vec![Figure::less("recovery_100_mb_spool", seconds, "s").target(1.0)])
}

/// `FOLDER`: fills the rings, says so and waits for its end.
pub(super) fn play(folder: &str) {
    // So much free space no disk has: the session's file is not written to.
    let retention = kymo::Retention { free_disk_min: u64::MAX, ..kymo::Retention::default() };
    let builder = kymo::builder("Kymo", "bench").repository(Path::new(folder)).retention(retention);
    let session = builder.ring_bytes(RING_BYTES).when_full(kymo::FullPolicy::Drop).start();
    while kymo::status().is_none_or(|status| status.recorder.last_error.is_none()) {
        kymo::warn!("is it held yet?");
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::scope(|scope| {
        for number in 0..THREADS {
            scope.spawn(move || {
                for call in 0..CALLS {
                    kymo::info!(
                        "order {call} took {number} us on {host}",
                        call,
                        number,
                        host = "cache-02.internal"
                    );
                }
                // Its ring is not another's: the thread waits for the end.
                println!("{number} is done");
                loop {
                    std::thread::park();
                }
            });
        }
    });
    drop(session);
}
