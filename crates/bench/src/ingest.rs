//! Durable ingest over several connections, each waiting for its answer before it posts again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kymo_model::Timestamp;
use kymo_testkit::Kymo;

use crate::calibrate::{decode_batch, decode_post, decoded_per_second};
use crate::http::Connection;
use crate::premade::Load;
use crate::process::usage;
use crate::report::Figure;
use crate::{events, messages};

/// Programs batch, so few of them make a load.
const PROGRAMS: u64 = 8;
/// A page posts ten messages and waits; load comes from many pages.
const PAGES: u64 = 32;
/// Rounds of a quick run, each beside a round of the calibration loop: of both the median counts,
/// so that a machine that is busy for a second spoils one round and not the figure.
const ROUNDS_QUICK: usize = 5;
const CALIBRATIONS: usize = 5;
/// Dates begin this long ago, so that none of them lies in the future.
const BEGIN_BEFORE: Duration = Duration::from_hours(1);
/// An answer means committed and synced: nobody waits longer than that for it, or nearly.
const ACK_P99_MS: f64 = 150.0;

/// A protocol under load.
struct Kind {
    /// What a connection sends.
    load: fn(u64, u64, Timestamp, &str, &str) -> Load,
    connections: u64,
    items_per_request: usize,
    /// The answer that means stored.
    answer: u16,
    decode: fn(&[u8]),
    /// Items of a full run and of a quick one.
    items: [u64; 2],
    /// Floor of a full run.
    target: f64,
    /// Share of one core's decoding speed that durable ingest keeps, with the load generator on
    /// the same two cores: what a quick run expects, but never more than the floor.
    share: f64,
    names: Names,
    unit: &'static str,
}

/// What its figures are called.
struct Names {
    calibration: &'static str,
    per_second: &'static str,
    per_cpu_second: &'static str,
    generator: &'static str,
    ack_p50: &'static str,
    ack_p99: &'static str,
    ack_max: &'static str,
}

/// The floor of 50,000 a second is asked of a machine that decodes 250,000 a second on one core, the
/// middle of what the machine of `docs/benchmarks.md` does from hour to hour: 50,000 / 250,000.
const EVENTS: Kind = Kind {
    load: events::load,
    connections: PROGRAMS,
    items_per_request: events::BATCH_EVENTS,
    answer: 202,
    decode: decode_batch,
    items: [1_000_000, 100_000],
    target: 50_000.0,
    share: 0.20,
    names: Names {
        calibration: "calibration_decoded_per_second",
        per_second: "ingest_events_per_second",
        per_cpu_second: "ingest_events_per_cpu_second",
        generator: "generator_cpu_share",
        ack_p50: "ack_p50_ms",
        ack_p99: "ack_p99_ms",
        ack_max: "ack_max_ms",
    },
    unit: "events/s",
};

/// The same for the floor of 30,000 a second where 187,500 are decoded: 30,000 / 187,500.
const MESSAGES: Kind = Kind {
    load: messages::load,
    connections: PAGES,
    items_per_request: messages::POST_MESSAGES,
    answer: 204,
    decode: decode_post,
    items: [500_000, 50_000],
    target: 30_000.0,
    share: 0.16,
    names: Names {
        calibration: "loupe_calibration_decoded_per_second",
        per_second: "loupe_messages_per_second",
        per_cpu_second: "loupe_messages_per_cpu_second",
        generator: "loupe_generator_cpu_share",
        ack_p50: "loupe_ack_p50_ms",
        ack_p99: "loupe_ack_p99_ms",
        ack_max: "loupe_ack_max_ms",
    },
    unit: "messages/s",
};

/// A project that is posted to.
pub(crate) struct Target<'run> {
    pub(crate) kymo: &'run Kymo,
    pub(crate) ingest_token: &'run str,
    pub(crate) read_token: &'run str,
}

/// Posts the events; how many, and the figures.
pub(crate) fn events(target: &Target<'_>, quick: bool) -> anyhow::Result<(u64, Vec<Figure>)> {
    let (items, mut figures) = EVENTS.figures(target, quick)?;
    for figure in &mut figures {
        if figure.name == EVENTS.names.per_cpu_second {
            figure.peer = Some("VictoriaLogs 89,000, Loki 51,000 (no sessions, other corpus)".to_owned());
        } else if figure.name == EVENTS.names.per_second && !quick {
            figure.peer = Some("VictoriaLogs 83,000, Loki 21,000 (no sessions, other corpus)".to_owned());
        }
    }
    Ok((items, figures))
}

/// Posts the messages.
pub(crate) fn messages(target: &Target<'_>, quick: bool) -> anyhow::Result<Vec<Figure>> {
    Ok(MESSAGES.figures(target, quick)?.1)
}

/// Posts the messages over as few connections as events come over: what a commit costs when little
/// waits. For information.
pub(crate) fn messages_of_few(target: &Target<'_>, quick: bool) -> anyhow::Result<Vec<Figure>> {
    let measured = Kind { connections: PROGRAMS, ..MESSAGES }.measure(target, quick)?;
    Ok(vec![
        Figure::more("loupe_few_messages_per_second", measured.per_second, MESSAGES.unit),
        Figure::less("loupe_few_ack_p50_ms", percentile(&measured.answers_ms, 0.50), "ms"),
    ])
}

impl Kind {
    fn figures(&self, target: &Target<'_>, quick: bool) -> anyhow::Result<(u64, Vec<Figure>)> {
        let measured = self.measure(target, quick)?;
        let (names, decoded) = (&self.names, measured.decoded);
        let expected = if quick { (decoded * self.share).min(self.target) } else { self.target };
        let mut per_second = Figure::more(names.per_second, measured.per_second, self.unit).target(expected);
        if quick {
            per_second = per_second.peer(format!("decoding alone, on one core: {decoded:.0}"));
        }
        let ack = |name, share| Figure::less(name, percentile(&measured.answers_ms, share), "ms");
        let figures = vec![
            Figure::more(names.calibration, decoded, self.unit),
            per_second,
            Figure::more(names.per_cpu_second, measured.per_cpu_second, self.unit),
            Figure::less(names.generator, measured.generator_share, "share"),
            ack(names.ack_p50, 0.50),
            ack(names.ack_p99, 0.99).target(ACK_P99_MS),
            ack(names.ack_max, 1.0),
        ];
        Ok((measured.items, figures))
    }

    fn measure(&self, target: &Target<'_>, quick: bool) -> anyhow::Result<Measured> {
        let now = Timestamp::from_unix_nanos(i64::try_from(jiff::Timestamp::now().as_nanosecond())?);
        let host = target.kymo.url().strip_prefix("http://").context("expected an http URL")?;
        let load =
            |connection| (self.load)(1, connection, now.minus(BEGIN_BEFORE), host, target.ingest_token);
        let mut lanes = (0..self.connections)
            .map(|connection| Ok((load(connection), Connection::open(target.kymo.url())?)))
            .collect::<anyhow::Result<Vec<Lane>>>()?;
        let mut other = load(self.connections);
        let mut decoded = move || decoded_per_second(&mut other, self.items_per_request, self.decode);
        let [items_full, items_quick] = self.items;
        let (rounds, items) = if quick { (ROUNDS_QUICK, items_quick) } else { (1, items_full) };
        let requests = items / self.items_per_request as u64 / rounds as u64;

        let mut calibrations: Vec<f64> = (rounds..CALIBRATIONS).map(|_| decoded()).collect();
        let mut speeds = Vec::new();
        let mut total = Round::default();
        for _ in 0..rounds {
            calibrations.push(decoded());
            let round = self.round(target.kymo.pid(), &mut lanes, requests)?;
            speeds.push((requests * self.items_per_request as u64) as f64 / round.seconds);
            total.add(round);
        }
        let items = requests * self.items_per_request as u64 * rounds as u64;
        let (status, answer) = lanes[0].1.get("/api/v1/status", target.read_token)?;
        ensure!(status == 200, "GET /api/v1/status: {status}");
        let stored = &serde_json::from_slice::<serde_json::Value>(&answer)?["stored"];
        ensure!(*stored == items, "stored {stored}, expected {items}");
        total.answers_ms.sort_by(f64::total_cmp);
        Ok(Measured {
            items,
            decoded: median(calibrations),
            per_second: median(speeds),
            per_cpu_second: items as f64 / total.server_cpu_seconds,
            generator_share: total.own_cpu_seconds / (total.own_cpu_seconds + total.server_cpu_seconds),
            answers_ms: total.answers_ms,
        })
    }

    /// That many requests over all connections.
    fn round(&self, server: u32, lanes: &mut [Lane], requests: u64) -> anyhow::Result<Round> {
        let taken = AtomicU64::new(0);
        let (server_before, own_before) = (usage(server)?, usage(std::process::id())?);
        let started = Instant::now();
        let answers: Vec<anyhow::Result<Vec<f64>>> = std::thread::scope(|scope| {
            let workers: Vec<_> =
                lanes.iter_mut().map(|lane| scope.spawn(|| self.post(lane, &taken, requests))).collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|_| panic!("a load thread panicked")))
                .collect()
        });
        let seconds = started.elapsed().as_secs_f64();
        let (server_after, own_after) = (usage(server)?, usage(std::process::id())?);
        Ok(Round {
            seconds,
            server_cpu_seconds: server_after.cpu_seconds - server_before.cpu_seconds,
            own_cpu_seconds: own_after.cpu_seconds - own_before.cpu_seconds,
            answers_ms: answers.into_iter().collect::<anyhow::Result<Vec<_>>>()?.concat(),
        })
    }

    /// Posts until enough is taken; what the answers took.
    fn post(&self, lane: &mut Lane, taken: &AtomicU64, requests: u64) -> anyhow::Result<Vec<f64>> {
        let (load, connection) = lane;
        let mut answers_ms = Vec::new();
        while taken.fetch_add(1, Ordering::Relaxed) < requests {
            let request = load.next();
            let asked = Instant::now();
            let (status, _) = connection.send(request.bytes())?;
            answers_ms.push(asked.elapsed().as_secs_f64() * 1000.0);
            ensure!(status == self.answer, "status {status}, expected {}", self.answer);
        }
        Ok(answers_ms)
    }
}

type Lane = (Load, Connection);

#[derive(Default)]
struct Round {
    seconds: f64,
    server_cpu_seconds: f64,
    own_cpu_seconds: f64,
    answers_ms: Vec<f64>,
}

impl Round {
    fn add(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.server_cpu_seconds += other.server_cpu_seconds;
        self.own_cpu_seconds += other.own_cpu_seconds;
        self.answers_ms.extend(other.answers_ms);
    }
}

struct Measured {
    items: u64,
    decoded: f64,
    per_second: f64,
    per_cpu_second: f64,
    /// Of the CPU time of both, what the load generator took.
    generator_share: f64,
    /// Sorted.
    answers_ms: Vec<f64>,
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    percentile(&values, 0.5)
}

pub(crate) fn percentile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
}
