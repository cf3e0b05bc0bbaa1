//! What a process takes, from `/proc`.

use anyhow::Context;

/// Memory and CPU time of a process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) resident_mb: f64,
    pub(crate) resident_peak_mb: f64,
    /// Of all its threads, in its own code and in the kernel.
    pub(crate) cpu_seconds: f64,
}

/// Clock ticks a second, fixed by Linux for what it shows in `/proc`.
const TICKS_PER_SECOND: f64 = 100.0;

pub(crate) fn usage(pid: u32) -> anyhow::Result<Usage> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let megabytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok::<_, anyhow::Error>(kib * 1024.0 / 1e6)
    };
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // After the name in parentheses, which may hold anything: fields 14 and 15 are user and system time.
    let fields: Vec<&str> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(Usage {
        resident_mb: megabytes("VmRSS:")?,
        resident_peak_mb: megabytes("VmHWM:")?,
        cpu_seconds: ticks / TICKS_PER_SECOND,
    })
}

/// CPU time of the calling thread so far, to the nanosecond: steadier than the wall on a busy machine.
pub(crate) fn cpu_seconds() -> f64 {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos: f64 = times.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or_default();
    nanos / 1e9
}
