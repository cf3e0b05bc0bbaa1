//! The process and its machine, measured now and then: what Linux says in `/proc`. Elsewhere there is nothing so far.

use std::path::Path;
use std::time::Instant;

use super::samples::Sample;

const CATEGORY: &str = "metrics.system";

/// What the figures before were, for those that are differences.
#[derive(Debug)]
pub(super) struct Before {
    cpu_seconds: Option<f64>,
    at: Instant,
}

impl Before {
    pub(super) fn new() -> Self {
        Self { cpu_seconds: read_stat().map(|stat| stat.cpu_seconds), at: Instant::now() }
    }
}

/// Records what can be measured; the disk is that of the folder.
pub(super) fn measure(before: &mut Before, folder: &Path) {
    let gauge = |name, value: Option<f64>, unit| {
        if let Some(value) = value {
            Sample::gauge(name, value).unit(unit).category(CATEGORY).record();
        }
    };
    let count = |name, value: Option<u64>, unit| {
        if let Some(value) = value {
            Sample::gauge(name, value).unit(unit).category(CATEGORY).record();
        }
    };
    let stat = read_stat();
    if let Some(stat) = &stat {
        Sample::total("process.cpu.time", stat.cpu_seconds).unit("s").category(CATEGORY).record();
        let (cpu, wall) = (stat.cpu_seconds - before.cpu_seconds.unwrap_or(0.0), before.at.elapsed());
        let share = (wall.as_secs_f64() > 0.0).then(|| (cpu / wall.as_secs_f64()).max(0.0));
        // One core that is busy all the time is 1.
        gauge("process.cpu.utilization", share, "1");
    }
    *before = Before { cpu_seconds: stat.as_ref().map(|stat| stat.cpu_seconds), at: Instant::now() };
    count("process.memory.usage", resident_bytes(), "By");
    count("process.thread.count", stat.map(|stat| stat.threads), "{thread}");
    let files = std::fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64);
    // Without the one that looks.
    count(
        "process.open_file_descriptor.count",
        files.map(|files| files.saturating_sub(1)),
        "{file_descriptor}",
    );
    count("system.filesystem.free", free_bytes(folder), "By");
    count("system.memory.available", memory_available(), "By");
    let load = std::fs::read_to_string("/proc/loadavg").ok();
    let load = load.and_then(|text| text.split(' ').next()?.parse().ok());
    gauge("system.cpu.load_average.1m", load, "1");
}

#[derive(Debug, PartialEq)]
struct Stat {
    cpu_seconds: f64,
    threads: u64,
}

fn read_stat() -> Option<Stat> {
    parse_stat(&std::fs::read_to_string("/proc/self/stat").ok()?, ticks_per_second())
}

/// The line of `proc(5)`. The name in parentheses may hold blanks and parentheses itself.
fn parse_stat(text: &str, ticks_per_second: f64) -> Option<Stat> {
    let (_, fields) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    // From the third on: user and system time are the 14th and 15th, threads the 20th.
    let number = |at: usize| fields.get(at - 3)?.trim().parse::<u64>().ok();
    Some(Stat { cpu_seconds: (number(14)? + number(15)?) as f64 / ticks_per_second, threads: number(20)? })
}

fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * page_bytes())
}

fn memory_available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(unix)]
fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

#[cfg(unix)]
fn page_bytes() -> u64 {
    rustix::param::page_size() as u64
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn ticks_per_second() -> f64 {
    1.0
}

#[cfg(not(unix))]
fn page_bytes() -> u64 {
    1
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read_whatever_the_program_is_called() {
        let line = "4711 (a) (b c) S 1 4711 4711 0 -1 4194560 11 22 33 44 250 150 0 0 20 0 7 0 99 1 2";
        assert_eq!(parse_stat(line, 100.0), Some(Stat { cpu_seconds: 4.0, threads: 7 }));
        assert_eq!(parse_stat("4711 (a", 100.0), None);
        assert_eq!(parse_stat("4711 (a) S 1", 100.0), None);
    }
}
