//! The recorder beside its peers.
//!
//! The message is two u64 and a text of 7 to 19 bytes, copied. Each logger runs in a process of its own, since all of
//! them are global; the processes take turns, so that a busy minute hits all. Of several runs the least disturbed
//! counts: for each figure the lowest, which noise can only raise.
//!
//! *Burst*: 20 calls, 100 us of spinning, on one core; a burst's figure is the mean of its calls. *Back to back*: as
//! many calls as the thread can do; the figure is the CPU time of all threads until everything is written.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use super::{memory, recovery, send};
use crate::Wish;
use crate::report::Figure;

const CALLS_OF_BURST: u64 = 20;
const PAUSE: Duration = Duration::from_micros(100);
const DISABLED_CALLS: u64 = 20_000_000;
/// The whole of it; the recorder without the session file; peers; and the whole through other ways in: `tracing` with
/// values as values, and as text, and `log`.
const PLAYERS: [&str; 7] =
    ["kymo", "kymo-recorder", "ticklog", "tracing-appender", "kymo-tracing", "kymo-tracing-text", "kymo-log"];
/// The core of the thread that is measured.
const CORE: usize = 0;

/// Sizes of a run.
#[derive(Clone, Copy)]
struct Sizes {
    rounds: usize,
    bursts: u64,
    back_to_back: u64,
}

const FULL: Sizes = Sizes { rounds: 7, bursts: 10_000, back_to_back: 2_000_000 };
/// Some 25 s.
const QUICK: Sizes = Sizes { rounds: 4, bursts: 3_000, back_to_back: 200_000 };

/// Lowest figures of each player over all rounds.
pub(crate) fn figures(wish: Wish) -> anyhow::Result<Vec<Figure>> {
    let sizes = if wish.quick { QUICK } else { FULL };
    let mut best: [serde_json::Map<String, Value>; PLAYERS.len()] = Default::default();
    for _ in 0..sizes.rounds {
        for (player, best) in PLAYERS.into_iter().zip(&mut best) {
            for (name, value) in run_player(player, sizes)? {
                let known = best.get(&name).and_then(Value::as_f64).unwrap_or(f64::INFINITY);
                best.insert(name, json!(value.as_f64().context("a number")?.min(known)));
            }
        }
    }
    let of = |player: usize, name: &str| best[player].get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let peers = |name: &str| {
        format!("{} {:.1}, {} {:.1}, same run", PLAYERS[2], of(2, name), PLAYERS[3], of(3, name))
    };
    let ticklog_ns = of(2, "burst_p50");
    Ok(vec![
        Figure::less("macro_burst_p50", of(0, "burst_p50"), "ns")
            .target(ticklog_ns.min(40.0))
            .peer(peers("burst_p50")),
        Figure::less("macro_burst_p99", of(0, "burst_p99"), "ns").target(150.0).peer(peers("burst_p99")),
        Figure::less("macro_burst_p999", of(0, "burst_p999"), "ns").target(1000.0).peer(peers("burst_p999")),
        Figure::less("macro_disabled", of(0, "disabled"), "ns").target(1.0),
        Figure::less("tracing_burst_p50", of(4, "burst_p50"), "ns").target(130.0).peer(peers("burst_p50")),
        Figure::less("tracing_burst_p99", of(4, "burst_p99"), "ns").peer(peers("burst_p99")),
        Figure::less("tracing_in_span_burst_p50", of(4, "in_span"), "ns"),
        Figure::less("tracing_text_burst_p50", of(5, "burst_p50"), "ns").peer(peers("burst_p50")),
        Figure::less("tracing_disabled", of(4, "disabled"), "ns").peer(format!(
            "{} {:.1}, same run",
            PLAYERS[3],
            of(3, "disabled")
        )),
        Figure::less("log_burst_p50", of(6, "burst_p50"), "ns").peer(peers("burst_p50")),
        Figure::less("cpu_per_message_recording", of(1, "cpu"), "ns")
            .target(106.0)
            .peer("NanoLog 106 elsewhere"),
        Figure::less("cpu_per_message", of(0, "cpu"), "ns").target(180.0).peer(peers("cpu")),
        Figure::less("caller_cpu_per_message", of(0, "caller_cpu"), "ns").peer(peers("caller_cpu")),
        Figure::more("two_threads", 1e3 / of(0, "two_threads"), "M/s").target(5.0).peer(format!(
            "{} {:.1}, {} {:.1}, same run",
            PLAYERS[2],
            1e3 / of(2, "two_threads"),
            PLAYERS[3],
            1e3 / of(3, "two_threads")
        )),
    ])
}

fn run_player(player: &str, sizes: Sizes) -> anyhow::Result<serde_json::Map<String, Value>> {
    let folder = tempfile::tempdir()?;
    let output = Command::new(std::env::current_exe()?)
        .args(["--play", player])
        .arg(folder.path())
        .arg(sizes.bursts.to_string())
        .arg(sizes.back_to_back.to_string())
        .output()?;
    if !output.status.success() {
        bail!("{player}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// In a process of its own: `PLAYER FOLDER BURSTS CALLS`; prints its figures in nanoseconds.
pub(crate) fn play(arguments: &[String]) -> anyhow::Result<()> {
    match arguments {
        [part, folder, threads] if part == memory::PART => return memory::play(folder, threads.parse()?),
        [part, folder] if part == recovery::PART => {
            recovery::play(folder);
            return Ok(());
        }
        [part, folder] if part == send::SEND => return send::play(folder),
        [part, folder, bytes, sessions] if part == send::RECORD => {
            return send::record(folder, bytes.parse()?, sessions.parse()?);
        }
        _ => {}
    }
    let [player, folder, bursts, calls] = arguments else { bail!("expected PLAYER FOLDER BURSTS CALLS") };
    let (bursts, calls) = (bursts.parse()?, calls.parse()?);
    let folder = Path::new(folder);
    let figures = match player.as_str() {
        "kymo" => kymo(folder, bursts, calls)?,
        "kymo-recorder" => kymo_recorder(folder, bursts, calls)?,
        "kymo-tracing" => kymo_tracing(folder, bursts, calls)?,
        "kymo-tracing-text" => kymo_tracing_text(folder, bursts, calls)?,
        "kymo-log" => kymo_log(folder, bursts, calls)?,
        "ticklog" => ticklog(folder, bursts, calls)?,
        "tracing-appender" => tracing_appender(folder, bursts, calls),
        other => bail!("no player {other}"),
    };
    println!("{figures}");
    Ok(())
}

fn kymo_call(id: u64, us: u64, host: &str) {
    kymo::info!("order {id} took {us} us on {host}", id, us, host);
}

fn kymo(folder: &Path, bursts: u64, calls: u64) -> anyhow::Result<Value> {
    let session = session(folder);
    let disabled = disabled(|number| kymo::debug!("order {number}", number));
    let mut figures = measure(bursts, calls, kymo_call, || assert!(kymo::flush()));
    figures["disabled"] = json!(disabled);
    end(session, WARM_UP + bursts * CALLS_OF_BURST + 4 * calls)?;
    Ok(figures)
}

/// Nothing in it but what is measured.
fn session(folder: &Path) -> kymo::Session {
    let builder = kymo::builder("Kymo", "bench").repository(folder).configured(false);
    builder.system_metrics(Duration::ZERO).start()
}

fn end(session: kymo::Session, expected: u64) -> anyhow::Result<()> {
    let status = session.end(kymo::EndReason::Normal, None).context("a session")?;
    let found = (status.tally.messages, status.recorder.dropped.total(), status.recorder.spool);
    if found != (expected, 0, kymo::SpoolKind::Mapped) {
        bail!("expected {expected} records in the file and none dropped, found {status:?}");
    }
    Ok(())
}

fn kymo_tracing(folder: &Path, bursts: u64, calls: u64) -> anyhow::Result<Value> {
    use tracing_subscriber::layer::SubscriberExt;
    let session = session(folder);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(kymo::tracing_layer()))?;
    let call = |id: u64, us: u64, host: &str| tracing::info!(id, us, host, "order done");
    let disabled = disabled(|number| tracing::debug!(number, "order"));
    let mut figures = measure(bursts, calls, call, || assert!(kymo::flush()));
    let [in_span, ..] = burst(bursts, |number| {
        // Entering it is not measured: one entered for all.
        thread_local! {
            static SPAN: tracing::span::EnteredSpan = tracing::info_span!("request", path = "/cart").entered();
        }
        SPAN.with(|_| tracing::info!(id = number, us = number, host = "db-eu-17", "order done"));
    });
    (figures["disabled"], figures["in_span"]) = (json!(disabled), json!(in_span));
    end(session, WARM_UP + 2 * bursts * CALLS_OF_BURST + 4 * calls)?;
    Ok(figures)
}

fn kymo_tracing_text(folder: &Path, bursts: u64, calls: u64) -> anyhow::Result<Value> {
    use tracing_subscriber::layer::SubscriberExt;
    let session = session(folder);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(kymo::tracing_layer()))?;
    let figures = measure(bursts, calls, tracing_call, || assert!(kymo::flush()));
    end(session, WARM_UP + bursts * CALLS_OF_BURST + 4 * calls)?;
    Ok(figures)
}

fn kymo_log(folder: &Path, bursts: u64, calls: u64) -> anyhow::Result<Value> {
    let session = session(folder);
    kymo::install_log()?;
    let call = |id: u64, us: u64, host: &str| log::info!("order {id} took {us} us on {host}");
    let figures = measure(bursts, calls, call, || assert!(kymo::flush()));
    end(session, WARM_UP + bursts * CALLS_OF_BURST + 4 * calls)?;
    Ok(figures)
}

fn tracing_call(id: u64, us: u64, host: &str) {
    tracing::info!("order {id} took {us} us on {host}");
}

fn kymo_recorder(folder: &Path, bursts: u64, calls: u64) -> anyhow::Result<Value> {
    let sink = kymo::testing::PlainFrames::append(&folder.join("frames"))?;
    let recorder =
        kymo::testing::Recorder::start(kymo::testing::Config::new(folder.join("a.spool")), Box::new(sink))?;
    let figures = measure(bursts, calls, kymo_call, || assert!(recorder.flush()));
    let status = recorder.stop();
    let expected = WARM_UP + bursts * CALLS_OF_BURST + 4 * calls;
    if (status.framed, status.dropped.total(), status.spool) != (expected, 0, kymo::SpoolKind::Mapped) {
        bail!("expected {expected} records framed and none dropped, found {status:?}");
    }
    Ok(figures)
}

/// Its macros look for these, which `configure!` makes at the root of a crate, where they are not seen from here.
macro_rules! __ticklog_max_level {
    () => {
        ticklog::Level::Info
    };
}
macro_rules! __ticklog_backpressure {
    () => {
        ticklog::Backpressure::Block
    };
}

fn ticklog(folder: &Path, bursts: u64, calls: u64) -> anyhow::Result<Value> {
    let sink = ticklog::FileSink::new(folder.join("log").to_string_lossy().as_ref())?;
    #[expect(missing_docs, reason = "the macro makes macros, without a word on them")]
    let guard = ticklog::configure! { sink: sink, backpressure: ticklog::Backpressure::Block }
        .map_err(|error| anyhow::anyhow!("ticklog: {error}"))?;
    let call = |id: u64, us: u64, host: &str| ticklog::info!("order {} took {} us on {}", id, us, host);
    let mut guard = Some(guard);
    // It has no flush: what waits is written when its guard goes, after the last measurement.
    let figures = measure(bursts, calls, call, || settle(&folder.join("log")));
    drop(guard.take());
    Ok(figures)
}

fn tracing_appender(folder: &Path, bursts: u64, calls: u64) -> Value {
    let appender = tracing_appender::rolling::never(folder, "log");
    // Lossless, as we are.
    let (writer, guard) =
        tracing_appender::non_blocking::NonBlockingBuilder::default().lossy(false).finish(appender);
    tracing_subscriber::fmt().with_writer(writer).with_ansi(false).init();
    let disabled = disabled(|number| tracing::debug!(number, "order"));
    let mut figures = measure(bursts, calls, tracing_call, || settle(&folder.join("log")));
    figures["disabled"] = json!(disabled);
    drop(guard);
    figures
}

/// Waits until a file has not grown for a while: loggers without a flush.
fn settle(path: &Path) {
    let length = || std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let mut last = length();
    loop {
        std::thread::sleep(Duration::from_millis(50));
        let now = length();
        if now == last {
            return;
        }
        last = now;
    }
}

/// Calls before the first that counts: the lease, the callsite, a first round of the ring.
const WARM_UP: u64 = 20_000;

/// Figures in nanoseconds. `written` returns when all that was recorded is written.
fn measure(bursts: u64, calls: u64, call: impl Fn(u64, u64, &str) + Sync, written: impl Fn()) -> Value {
    let hosts = ["web-001", "db-eu-17", "cache-02.internal", "worker-eu-west-1a-7"];
    let one = |number: u64| call(number, number ^ 0x55, black_box(hosts[(number % 4) as usize]));
    (0..WARM_UP).for_each(one);
    written();
    let [p50, p99, p999] = burst(bursts, one);
    written();

    let (cpu, thread) = (cpu_ns(ClockId::ProcessCPUTime), cpu_ns(ClockId::ThreadCPUTime));
    (0..2 * calls).for_each(one);
    let caller = cpu_ns(ClockId::ThreadCPUTime) - thread;
    written();
    let cpu = cpu_ns(ClockId::ProcessCPUTime) - cpu;

    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..calls).for_each(one));
        }
    });
    let two_threads = started.elapsed().as_nanos() as f64;
    written();
    let messages = (2 * calls) as f64;
    json!({"burst_p50": p50, "burst_p99": p99, "burst_p999": p999,
           "cpu": cpu / messages, "caller_cpu": caller / messages, "two_threads": two_threads / messages})
}

/// The mean of each burst's calls; the 50th, 99th and 99.9th of a hundred of those.
fn burst(bursts: u64, one: impl Fn(u64) + Sync) -> [f64; 3] {
    // A thread of its own, so that those that the logger starts may run elsewhere.
    std::thread::scope(|scope| {
        let measured = scope.spawn(|| {
            let mut cores = rustix::thread::CpuSet::new();
            cores.set(CORE);
            // Without it the figures are worse, not wrong.
            let _ = rustix::thread::sched_setaffinity(None, &cores);
            (0..bursts)
                .map(|number| {
                    let started = Instant::now();
                    for call in 0..CALLS_OF_BURST {
                        one(number * CALLS_OF_BURST + call);
                    }
                    let ns = started.elapsed().as_nanos() as f64 / CALLS_OF_BURST as f64;
                    let pause = Instant::now();
                    while pause.elapsed() < PAUSE {
                        std::hint::spin_loop();
                    }
                    ns
                })
                .collect::<Vec<f64>>()
        });
        let mut ns = measured.join().unwrap_or_default();
        ns.sort_by(f64::total_cmp);
        [0.5, 0.99, 0.999]
            .map(|share| ns.get((ns.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN))
    })
}

/// A call of a callsite whose level is off, without the loop around it; the lowest of several.
fn disabled(call: impl Fn(u64)) -> f64 {
    let lowest = |run: &dyn Fn()| {
        let time = |_| {
            let started = Instant::now();
            run();
            started.elapsed().as_nanos() as f64 / DISABLED_CALLS as f64
        };
        (0..9).map(time).fold(f64::INFINITY, f64::min)
    };
    let with = lowest(&|| {
        for number in 0..DISABLED_CALLS {
            call(number);
            black_box(());
        }
    });
    let without = lowest(&|| (0..DISABLED_CALLS).for_each(|_| black_box(())));
    (with - without).max(0.0)
}

fn cpu_ns(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
