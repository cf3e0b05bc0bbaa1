//! The server: durable ingest over HTTP, reading at size, memory, start.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kymo_model::Timestamp;
use kymo_testkit::{Kymo, Random};
use serde_json::Value;

use crate::Wish;
use crate::calibrate::decoded_per_second;
use crate::http::Connection;
use crate::load::{BATCH_EVENTS, Load};
use crate::process::usage;
use crate::report::{Better, Figure, print};

const CONNECTIONS: u64 = 8;
const EVENTS_FULL: u64 = 1_000_000;
const EVENTS_QUICK: u64 = 100_000;
/// Reads of each kind; each is timed.
const READS: usize = 100;
/// In a quick run figures may fall short by this share: machines are shared.
const SLACK_QUICK: f64 = 0.25;
/// Share of one core's decoding speed that durable ingest keeps, with the load generator on the
/// same two cores. The floor of 20,000 a second on a machine that decodes 250,000.
const INGEST_SHARE: f64 = 0.08;
/// Tails are flushed after 30 s and caches rest after 60 s.
const IDLE_WAIT: Duration = Duration::from_secs(75);

/// What the load measured.
struct Ingested {
    seconds: f64,
    answers_ms: Vec<f64>,
}

pub(crate) fn run(wish: Wish) -> anyhow::Result<()> {
    let program = PathBuf::from(std::env::var("KYMO_BIN").context("KYMO_BIN: expected the path of kymo")?);
    let events = if wish.quick { EVENTS_QUICK } else { EVENTS_FULL };
    let decoded = decoded_per_second();
    let mut kymo = Kymo::with_project(program);
    let mut figures = ingest(&kymo, events, decoded, wish.quick)?;
    figures.extend(reading(&kymo)?);
    let after_load = usage(kymo.pid())?;
    figures.push(less("memory_mb", after_load.resident_mb, "MB", Some(200.0)));
    figures.push(less("memory_peak_mb", after_load.resident_peak_mb, "MB", None));
    if !wish.quick {
        std::thread::sleep(IDLE_WAIT);
        figures.push(less("idle_memory_mb", usage(kymo.pid())?.resident_mb, "MB", Some(80.0)));
        let mut disk = less("disk_bytes_per_event", folder_bytes(&kymo.data())? / events as f64, "B", None);
        disk.peer = Some("VictoriaLogs 47.8, ClickHouse 40.3 (other corpus)");
        figures.push(disk);
    }
    figures.push(start(&mut kymo)?);
    let title = if wish.quick { "server (quick)" } else { "server" };
    print(title, &figures, if wish.quick { SLACK_QUICK } else { 0.0 }, wish.json);
    Ok(())
}

fn less(name: &'static str, value: f64, unit: &'static str, target: Option<f64>) -> Figure {
    Figure { name, value, unit, better: Better::Less, target, peer: None }
}

fn ingest(kymo: &Kymo, events: u64, decoded: f64, quick: bool) -> anyhow::Result<Vec<Figure>> {
    let before = usage(kymo.pid())?;
    let ingested = send(kymo, events)?;
    let cpu = usage(kymo.pid())?.cpu_seconds - before.cpu_seconds;
    let per_second = events as f64 / ingested.seconds;
    let target = if quick { (decoded * INGEST_SHARE).min(20_000.0) } else { 20_000.0 };
    let more = |name, value, target, peer| Figure {
        name,
        value,
        unit: "events/s",
        better: Better::More,
        target,
        peer,
    };
    Ok(vec![
        more("calibration_decoded_per_second", decoded, None, None),
        more("ingest_events_per_second", per_second, Some(target), None),
        more(
            "ingest_events_per_cpu_second",
            events as f64 / cpu,
            None,
            Some("VictoriaLogs 89,000, Loki 51,000 (no sessions, other corpus)"),
        ),
        less("ack_p50_ms", percentile(&ingested.answers_ms, 0.50), "ms", None),
        less("ack_p99_ms", percentile(&ingested.answers_ms, 0.99), "ms", Some(150.0)),
        less("ack_max_ms", percentile(&ingested.answers_ms, 1.0), "ms", None),
    ])
}

/// Posts everything from eight connections, each waiting for its answer before the next batch.
fn send(kymo: &Kymo, events: u64) -> anyhow::Result<Ingested> {
    let batches = events / BATCH_EVENTS as u64;
    let taken = AtomicU64::new(0);
    let now: Timestamp = Timestamp::from_unix_nanos(i64::try_from(jiff::Timestamp::now().as_nanosecond())?);
    let started = Instant::now();
    let answers: Vec<anyhow::Result<Vec<f64>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..CONNECTIONS)
            .map(|connection| {
                let taken = &taken;
                scope.spawn(move || {
                    let mut load = Load::new(1, connection, now.minus(Duration::from_hours(1)));
                    let mut http = Connection::open(kymo.url(), &kymo.ingest_token)?;
                    let mut times = Vec::new();
                    while taken.fetch_add(1, Ordering::Relaxed) < batches {
                        let body = load.next_batch();
                        let asked = Instant::now();
                        let status = http.post("/api/v2/events", body.as_bytes())?;
                        times.push(asked.elapsed().as_secs_f64() * 1000.0);
                        ensure!(status == 202, "status {status}, expected 202");
                    }
                    Ok(times)
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| panic!("a load thread panicked")))
            .collect()
    });
    let seconds = started.elapsed().as_secs_f64();
    let mut answers_ms = Vec::new();
    for times in answers {
        answers_ms.extend(times?);
    }
    answers_ms.sort_by(f64::total_cmp);
    let status = kymo.get("/api/v1/status");
    ensure!(status["stored"] == events, "stored {}, expected {events}", status["stored"]);
    Ok(Ingested { seconds, answers_ms })
}

fn reading(kymo: &Kymo) -> anyhow::Result<Vec<Figure>> {
    let mut http = Connection::open(kymo.url(), &kymo.read_token)?;
    let mut timed = |path: &str| {
        let asked = Instant::now();
        let (status, answer) = http.get(path)?;
        let milliseconds = asked.elapsed().as_secs_f64() * 1000.0;
        ensure!(status == 200, "GET {path}: status {status}");
        Ok((milliseconds, answer))
    };
    let mut list_ms = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    let mut cursor = String::new();
    for _ in 0..READS {
        let (milliseconds, answer) = timed(&format!("/api/v1/sessions?limit=100&cursor={cursor}"))?;
        list_ms.push(milliseconds);
        let page: Value = serde_json::from_slice(&answer)?;
        let items = page["items"].as_array().context("expected items")?;
        ids.extend(items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)));
        page["next_cursor"].as_str().unwrap_or_default().clone_into(&mut cursor);
    }
    let mut random = Random::new(3);
    let mut session_ms = Vec::new();
    for _ in 0..READS {
        let id = &ids[random.below(ids.len() as u64) as usize];
        session_ms.push(timed(&format!("/api/v1/sessions/{id}/events?limit=500"))?.0);
    }
    let summary_ms = timed("/api/v1/sessions/summary")?.0;
    list_ms.sort_by(f64::total_cmp);
    session_ms.sort_by(f64::total_cmp);
    let mut session = less("session_p50_ms", percentile(&session_ms, 0.5), "ms", Some(20.0));
    session.peer = Some("ClickHouse 10 to 18, VictoriaLogs 16 to 44 (10 M events)");
    Ok(vec![
        session,
        less("session_p95_ms", percentile(&session_ms, 0.95), "ms", None),
        less("list_p50_ms", percentile(&list_ms, 0.5), "ms", Some(20.0)),
        less("list_p95_ms", percentile(&list_ms, 0.95), "ms", None),
        less("summary_ms", summary_ms, "ms", None),
    ])
}

/// From starting the program to its first answer with sessions, after a kill.
fn start(kymo: &mut Kymo) -> anyhow::Result<Figure> {
    kymo.kill();
    let started = Instant::now();
    kymo.start();
    let mut http = Connection::open(kymo.url(), &kymo.read_token)?;
    let (status, _) = http.get("/api/v1/sessions?limit=100")?;
    ensure!(status == 200, "status {status}");
    Ok(less("start_ms", started.elapsed().as_secs_f64() * 1000.0, "ms", Some(500.0)))
}

fn percentile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
}

fn folder_bytes(folder: &std::path::Path) -> anyhow::Result<f64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { folder_bytes(&entry.path())? as u64 } else { metadata.len() };
    }
    Ok(bytes as f64)
}
