//! What sending costs: unsent sessions over a slow line, with a sender that is killed and a line that breaks on the way; and
//! what a sender costs that has nothing to send. The sender is a process that does nothing else, the server the real one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use kymo::sending::{Criteria, Local, Secret, SendSettings, SendStatus, select};
use kymo_testkit::Kymo;
use kymo_testkit::fault_proxy::{FaultProxy, Faults};

use crate::Wish;
use crate::report::Figure;

pub(super) const RECORD: &str = "record-unsent";
pub(super) const SEND: &str = "send";
/// 5 Mbit/s.
const LINE_BYTES_PER_SECOND: u64 = 625_000;
/// What is unsent, in so many sessions.
const BYTES: u64 = 100_000_000;
const SESSIONS: u64 = 20;
/// How long a sender with nothing to send is watched.
const IDLE: Duration = Duration::from_secs(65);
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(super) fn figures(wish: Wish) -> anyhow::Result<Vec<Figure>> {
    let program = PathBuf::from(std::env::var("KYMO_BIN").context("KYMO_BIN: expected the path of kymo")?);
    let (shrink, idle) = if wish.quick { (20, IDLE / 13) } else { (1, IDLE) };
    let folder = tempfile::tempdir()?;
    let own = std::env::current_exe()?;
    let status = Command::new(&own)
        .args(["--play", RECORD])
        .arg(folder.path())
        .args([(BYTES / shrink).to_string(), (SESSIONS / shrink).max(2).to_string()])
        .status()?;
    ensure!(status.success(), "recording: {status}");
    let files = folder.path().join("Kymo/bench");
    let bytes = bytes(&files)?;
    let (kymo, address) = Kymo::on_a_lasting_address(program);
    let slow = Faults { bytes_per_second: Some(LINE_BYTES_PER_SECOND), ..Faults::none() };
    let line = FaultProxy::start(&format!("http://{address}"), 1, slow.clone());
    let settings = SendSettings {
        server: Some(line.url()),
        token: Secret::new(&kymo.ingest_token),
        ..SendSettings::default()
    };
    let started = Instant::now();
    let mut sender = Sender::start(&own, folder.path(), &settings)?;
    sender.until("a third", || line.counts().bytes_up > bytes / 3)?;
    sender.kill()?;
    let mut sender = Sender::start(&own, folder.path(), &settings)?;
    sender.until("two thirds", || line.counts().bytes_up > bytes * 2 / 3)?;
    line.set(Faults { cuts: 100, cut_after_bytes: Some(1..=200_000), ..slow.clone() });
    sender.until("three cuts", || line.counts().cuts >= 3)?;
    line.set(slow);
    let is_sent = |session: &Local| session.sent.is_whole || session.is_running;
    sender.until("the end", || {
        select(&files, Criteria::ALL).is_ok_and(|sessions| sessions.iter().all(is_sent))
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let (memory, sent) = (sender.memory_bytes()?, line.counts().bytes_up);
    let share = sender.idle_share(idle)?;
    let failures = SendStatus::read(&files).failures;
    ensure!(failures == 0, "{failures} failures at the end");
    sender.kill()?;
    let megabytes = bytes as f64 / 1e6;
    Ok(vec![
        Figure::less("send_unsent", seconds, "s").peer(format!(
            "{megabytes:.0} MB over 5 Mbit/s, {:.0} s of the line itself; a kill and three cuts on the way",
            bytes as f64 / LINE_BYTES_PER_SECOND as f64
        )),
        Figure::more(
            "send_share_of_the_line",
            bytes as f64 / LINE_BYTES_PER_SECOND as f64 / seconds * 100.0,
            "%",
        )
        // A kill, a recovery and waits after cuts are some seconds, which a quick run has half of.
        .target(if wish.quick { 50.0 } else { 80.0 }),
        Figure::less("send_more_than_once", (sent as f64 / bytes as f64 - 1.0) * 100.0, "%")
            // Heads of requests, and pieces that were on their way.
            .target(if wish.quick { 20.0 } else { 3.0 }),
        Figure::less("send_memory", memory as f64 / 1e6, "MB").target(20.0),
        Figure::less("send_idle", share * 100.0, "% core").target(1.0),
    ])
}

fn bytes(files: &Path) -> anyhow::Result<u64> {
    let sessions = select(files, Criteria::ALL)?;
    Ok(sessions.iter().flat_map(|session| &session.fragments).map(|fragment| fragment.bytes).sum())
}

/// `FOLDER BYTES SESSIONS`: sessions that nobody sends.
pub(super) fn record(folder: &str, bytes: u64, sessions: u64) -> anyhow::Result<()> {
    let retention = kymo::Retention { bytes_max: u64::MAX, ..kymo::Retention::default() };
    let mut state = 1_u64;
    for _ in 0..sessions {
        let builder = kymo::builder("Kymo", "bench").repository(folder).configured(false);
        let session = builder.retention(retention).start();
        while kymo::status().context("a session")?.bytes < bytes / sessions {
            for call in 0..1_000 {
                let text = text(&mut state);
                kymo::info!("call {call} {text}", call, text);
            }
        }
        drop(session.end(kymo::EndReason::Normal, None));
    }
    Ok(())
}

/// Hardly shorter when compressed.
fn text(state: &mut u64) -> String {
    let mut text = String::new();
    for _ in 0..8 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        // A string takes all there is to write.
        let _ = write!(text, "{state:016x}");
    }
    text
}

/// `FOLDER`, the settings in the environment: a program that does nothing, until its standard input ends. Prints what it
/// takes before the sender begins.
pub(super) fn play(folder: &str) -> anyhow::Result<()> {
    // At once: the time is measured.
    kymo::testing::Timing { start_delay: Duration::from_millis(200), ..Default::default() }.install();
    let settings = serde_json::from_str(&std::env::var(SEND)?)?;
    let builder = kymo::builder("Kymo", "bench").repository(folder).configured(false).send(settings);
    let retention = kymo::Retention { bytes_max: u64::MAX, ..kymo::Retention::default() };
    let _session = builder.retention(retention).start();
    std::fs::write(Path::new(folder).join("before"), resident("VmRSS", "self")?.to_string())?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

fn resident(what: &str, pid: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let kib: u64 =
        line.and_then(|line| line.trim().strip_suffix(" kB")).context("a figure in kB")?.parse()?;
    Ok(kib * 1024)
}

struct Sender {
    process: Child,
    folder: PathBuf,
}

impl Sender {
    fn start(program: &Path, folder: &Path, settings: &SendSettings) -> anyhow::Result<Self> {
        let process = Command::new(program)
            .args(["--play", SEND])
            .arg(folder)
            .env(SEND, serde_json::to_string(settings)?)
            .stdin(std::process::Stdio::piped())
            .spawn()?;
        Ok(Self { process, folder: folder.to_owned() })
    }

    fn until(&mut self, what: &str, is_so: impl Fn() -> bool) -> anyhow::Result<()> {
        while !is_so() {
            if let Some(ended) = self.process.try_wait()? {
                bail!("{what}: the sender ended: {ended}");
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// The most it had, less what it had before it began to send.
    fn memory_bytes(&self) -> anyhow::Result<u64> {
        let before: u64 = std::fs::read_to_string(self.folder.join("before"))?.parse()?;
        Ok(resident("VmHWM", &self.process.id().to_string())?.saturating_sub(before))
    }

    /// What its thread takes of a core.
    fn idle_share(&self, time: Duration) -> anyhow::Result<f64> {
        let tasks = PathBuf::from(format!("/proc/{}/task", self.process.id()));
        let is_sender = |task: &PathBuf| {
            std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "kymo-sender")
        };
        let mut tasks = std::fs::read_dir(tasks)?.flatten().map(|task| task.path());
        let task = tasks.find(is_sender).context("a thread kymo-sender")?;
        let busy_ns = || -> anyhow::Result<u64> {
            let text = std::fs::read_to_string(task.join("schedstat"))?;
            Ok(text.split(' ').next().context("nanoseconds")?.parse()?)
        };
        let before = busy_ns()?;
        std::thread::sleep(time);
        Ok((busy_ns()? - before) as f64 / time.as_nanos() as f64)
    }

    fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.kill();
    }
}
