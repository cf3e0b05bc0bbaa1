//! Waiting for a program to end.

use std::time::{Duration, Instant};

/// Longest wait: a program that takes longer to end goes on, and what there is of it so far is packed.
const WAIT_MAX: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Until the process is gone, for at most a minute, or until it is to stop.
pub(super) fn for_process(pid: u32, stop: &dyn Fn() -> bool) {
    let began = Instant::now();
    while is_there(pid) && began.elapsed() < WAIT_MAX && !stop() {
        std::thread::sleep(LOOK_EVERY);
    }
}

#[cfg(unix)]
fn is_there(pid: u32) -> bool {
    // One that ended and waits to be collected has let go of its files.
    if let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        return !matches!(state, Some('Z' | 'X'));
    }
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| match rustix::process::test_kill_process(pid) {
        Ok(()) => true,
        // Somebody else's.
        Err(error) => error == rustix::io::Errno::PERM,
    })
}

#[cfg(not(unix))]
fn is_there(_: u32) -> bool {
    false
}
