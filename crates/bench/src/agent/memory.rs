//! What the agent takes of memory: in a process of its own, with so many threads that all have recorded, what is there
//! besides before and after the session was started. The pages of the spool's mapping count, though they are the
//! page cache's.

use std::process::Command;
use std::sync::Barrier;

use anyhow::{Context, bail};

use crate::report::Figure;

pub(super) const PART: &str = "memory";
/// Calls of each thread: more than its ring holds, so that all of it was touched, and the file's writer was busy.
const CALLS: u64 = 20_000;
const KIB: u64 = 1024;

pub(super) fn figures() -> anyhow::Result<Vec<Figure>> {
    let of = |threads: u64| -> anyhow::Result<f64> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        let output = command.args(["--play", PART]).arg(folder.path()).arg(threads.to_string()).output()?;
        if !output.status.success() {
            bail!("{threads} threads: {}", String::from_utf8_lossy(&output.stderr));
        }
        let bytes: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
        Ok(bytes / 1e6)
    };
    Ok(vec![
        Figure::less("memory_8_threads", of(8)?, "MB").target(8.0),
        Figure::less("memory_500_threads", of(500)?, "MB").target(16.0),
    ])
}

/// `FOLDER THREADS`: prints the bytes.
pub(super) fn play(folder: &str, threads: u64) -> anyhow::Result<()> {
    let (there, started, done) = steps(threads as usize + 1);
    let (before, after) = std::thread::scope(|scope| {
        for number in 0..threads {
            let (there, started, done) = (&there, &started, &done);
            scope.spawn(move || {
                there.wait();
                started.wait();
                let calls = if threads > 16 { CALLS / 20 } else { CALLS };
                for call in 0..calls {
                    kymo::info!("thread {number} call {call} of this program", number, call);
                }
                done.wait();
                // Nobody gives anything back before it was counted.
                done.wait();
            });
        }
        there.wait();
        let before = memory();
        let session = kymo::builder("Kymo", "bench").repository(folder).configured(false).start();
        started.wait();
        done.wait();
        kymo::flush();
        let after = memory();
        done.wait();
        drop(session);
        (before, after)
    });
    println!("{}", after?.saturating_sub(before?));
    Ok(())
}

fn steps(of: usize) -> (Barrier, Barrier, Barrier) {
    (Barrier::new(of), Barrier::new(of), Barrier::new(of))
}

/// Private pages, and those of the spool, in bytes.
fn memory() -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/smaps")?;
    let (mut bytes, mut is_spool) = (0, false);
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let first = words.next().unwrap_or_default();
        let Some(name) = first.strip_suffix(':') else {
            is_spool = line.rsplit('.').next() == Some("spool");
            continue;
        };
        let counts =
            if is_spool { name == "Rss" } else { name.starts_with("Private_") && name != "Private_Hugetlb" };
        if counts {
            let kib: u64 = words.next().context("a figure")?.parse()?;
            bytes += kib * KIB;
        }
    }
    Ok(bytes)
}
