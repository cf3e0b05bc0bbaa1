//! `bench live`: what it costs that programs can be followed while they run, and how quickly that is.
//!
//! The server is the real program; programs and viewers stand in for the real ones and speak the protocol, all in this process
//! on the same cores. `nats-server` carries the same messages in the same run.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kymo_testkit::Kymo;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use self::idle::Crowd;
use self::line::Port;
use self::nats::Nats;
use self::viewers::{Played, Scene, Stage};
use crate::Wish;
use crate::process::usage;
use crate::report::{Figure, print};

mod idle;
mod line;
mod nats;
mod tally;
mod tape;
mod viewers;

/// What a quick run may fall short by.
const SLACK_QUICK: f64 = 0.25;
/// Seconds after which a program says a word, as the server tells it.
const WORD_EVERY_S: u64 = 30;
/// In a quick run it says one sooner, so that a short look sees some.
const WORD_EVERY_QUICK_S: u64 = 3;
const CROWD: u64 = 15_000;
const CROWD_QUICK: u64 = 2_000;
/// With TLS a handshake costs this process as much as the server: fewer say the same.
const CROWD_TLS: u64 = 5_000;
const CROWD_TLS_QUICK: u64 = 500;
/// Memory that was freed is given back some time after everybody has come.
const SETTLES_WITHIN: Duration = Duration::from_secs(5);

pub(crate) fn run(wish: Wish) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let figures = runtime.block_on(figures(wish.quick))?;
    let (title, slack) = if wish.quick { ("live (quick)", SLACK_QUICK) } else { ("live", 0.0) };
    print(title, &figures, slack, wish.json);
    Ok(())
}

async fn figures(quick: bool) -> anyhow::Result<Vec<Figure>> {
    let mut server = Server::start(false)?;
    let mut figures = scenes(&server, quick).await?;
    // A server that has done nothing yet, for its memory.
    server.restart();
    figures.extend(crowd(&mut server, quick).await?);
    drop(server);
    figures.extend(crowd_with_tls(quick).await?);
    Ok(figures)
}

/// The program, with live switched on.
struct Server {
    kymo: Kymo,
    agents: Port,
    viewers: Port,
    environment: Vec<(&'static str, String)>,
}

impl Server {
    fn start(with_tls: bool) -> anyhow::Result<Self> {
        let program = std::env::var("KYMO_BIN").context("KYMO_BIN: expected the path of kymo")?;
        let mut kymo = Kymo::with_project(PathBuf::from(program));
        kymo.command(&["project", "set", "Shop", "live.enabled=true"]);
        kymo.stop();
        let [agents, viewers] = lasting_addresses()?;
        let mut environment = vec![
            ("KYMO__LIVE__ENABLED", "true".to_owned()),
            ("KYMO__LIVE__LISTEN_AGENTS", agents.to_string()),
            ("KYMO__LIVE__LISTEN_VIEWERS", viewers.to_string()),
            ("KYMO__LIVE__VIEWERS_MAX", "2000".to_owned()),
        ];
        let mut tls = None;
        if with_tls {
            let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
            let (certificate, key) = (kymo.data().join("cert.pem"), kymo.data().join("key.pem"));
            std::fs::write(&certificate, made.cert.pem())?;
            std::fs::write(&key, made.signing_key.serialize_pem())?;
            environment.push(("KYMO__SERVER__TLS__CERTIFICATE", certificate.display().to_string()));
            environment.push(("KYMO__SERVER__TLS__KEY", key.display().to_string()));
            let mut roots = RootCertStore::empty();
            roots.add(made.cert.der().clone())?;
            let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
            tls = Some(Arc::new(TlsConnector::from(Arc::new(config))));
        }
        let port = |address| Port { address, tls: tls.clone() };
        let mut server = Self { kymo, agents: port(agents), viewers: port(viewers), environment };
        server.start_again();
        Ok(server)
    }

    fn start_again(&mut self) {
        let environment: Vec<(&str, &str)> =
            self.environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.kymo.start_with(&environment);
    }

    fn restart(&mut self) {
        self.kymo.kill();
        self.start_again();
    }

    fn stage(&self) -> Stage<'_> {
        Stage {
            agents: &self.agents,
            viewers: &self.viewers,
            ingest_token: &self.kymo.ingest_token,
            read_token: &self.kymo.read_token,
            server: self.kymo.pid(),
        }
    }
}

/// Ports below those that the system gives away: fifteen thousand connections take many of these.
fn lasting_addresses() -> anyhow::Result<[SocketAddr; 2]> {
    let first = 10_000 + (std::process::id() % 10_000) as u16;
    let mut free = (first..first + 1000)
        .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
        .filter(|address| TcpListener::bind(address).is_ok());
    Ok([free.next().context("a free port")?, free.next().context("another")?])
}

/// Names of a scene's figures.
struct Names {
    late_p50: &'static str,
    late_p99: &'static str,
    missing: &'static str,
    twice: &'static str,
    cpu: &'static str,
    nats_p99: &'static str,
}

const ONE_FAST: Names = Names {
    late_p50: "one_of_50000_s_late_p50",
    late_p99: "one_of_50000_s_late_p99",
    missing: "one_of_50000_s_missing",
    twice: "one_of_50000_s_twice",
    cpu: "one_of_50000_s_cpu_per_delivery",
    nats_p99: "one_of_50000_s_nats_late_p99",
};
const MANY: Names = Names {
    late_p50: "500_sessions_late_p50",
    late_p99: "500_sessions_late_p99",
    missing: "500_sessions_missing",
    twice: "500_sessions_twice",
    cpu: "500_sessions_cpu_per_delivery",
    nats_p99: "500_sessions_nats_late_p99",
};
const CROWDED: Names = Names {
    late_p50: "1000_viewers_late_p50",
    late_p99: "1000_viewers_late_p99",
    missing: "1000_viewers_missing",
    twice: "1000_viewers_twice",
    cpu: "1000_viewers_cpu_per_delivery",
    nats_p99: "1000_viewers_nats_late_p99",
};

async fn scenes(server: &Server, quick: bool) -> anyhow::Result<Vec<Figure>> {
    let time = Duration::from_secs(if quick { 2 } else { 10 });
    let part = if quick { 5 } else { 1 };
    let scene = |sessions, viewers, per_second| Scene { sessions, viewers, per_second, time, stalled: 0 };
    let nats = Nats::start(&PathBuf::from(std::env::var("KYMO_NATS").unwrap_or("nats-server".to_owned())))?;
    let rows = [
        (ONE_FAST, scene(1, 20, 50_000 / part)),
        (MANY, scene(500 / part, 1, 100)),
        (CROWDED, scene(1, 1_000 / part, 500)),
    ];
    let stage = server.stage();
    let mut figures = Vec::new();
    for (names, scene) in rows {
        let played = stage.play(scene).await.context(names.cpu)?;
        let (tally, cpu_seconds) = nats.play(scene).await.context(names.nats_p99)?;
        let nats_us = cpu_seconds * 1e6 / tally.arrived.max(1) as f64;
        let peer = format!("nats-server {nats_us:.2} us, p99 {:.1} ms", tally.late_ms(0.99));
        figures.extend([
            Figure::less(names.late_p50, played.tally.late_ms(0.50), "ms").target(20.0),
            Figure::less(names.late_p99, played.tally.late_ms(0.99), "ms").target(150.0).peer(peer),
            Figure::less(names.missing, played.tally.missing as f64, "events").target(0.0),
            Figure::less(names.twice, played.tally.twice as f64, "events").target(0.0),
            Figure::less(names.cpu, played.us_per_delivery(), "us")
                .target(nats_us)
                .peer(format!("nats-server {nats_us:.2}")),
            Figure::less(names.nats_p99, tally.late_ms(0.99), "ms"),
        ]);
    }
    figures.extend(beside(&stage, time).await?);
    Ok(figures)
}

/// Somebody who does not read, and what a message costs on the wire.
async fn beside(stage: &Stage<'_>, time: Duration) -> anyhow::Result<Vec<Figure>> {
    let of = |per_second, stalled| Scene { sessions: 1, viewers: 5, per_second, time, stalled };
    let Played { tally, .. } = stage.play(of(10_000, 5)).await?;
    let slow = stage.play(of(100, 0)).await?;
    Ok(vec![
        Figure::less("beside_who_does_not_read_late_p99", tally.late_ms(0.99), "ms").target(150.0),
        Figure::less("beside_who_does_not_read_missing", tally.missing as f64, "events").target(0.0),
        Figure::less("bytes_per_message_at_100_s", slow.bytes_per_message, "B").target(12.0),
    ])
}

/// What a crowd takes of the server: memory each, and what it needs beside that.
struct Taken {
    crowd: Crowd,
    kilobytes_each: f64,
    came: Duration,
}

async fn gather(server: &Server, count: u64, word_every_s: u64) -> anyhow::Result<Taken> {
    let before_mb = usage(server.kymo.pid())?.resident_mb;
    let started = Instant::now();
    let every = Duration::from_secs(word_every_s);
    let crowd = Crowd::gather(count, &server.agents, &server.kymo.ingest_token, every);
    crowd.all().await?;
    let came = started.elapsed();
    tokio::time::sleep(SETTLES_WITHIN).await;
    let megabytes = usage(server.kymo.pid())?.resident_mb - before_mb;
    ensure!(megabytes > 0.0, "a crowd that takes {megabytes} MB");
    Ok(Taken { crowd, kilobytes_each: megabytes * 1000.0 / count as f64, came })
}

async fn crowd(server: &mut Server, quick: bool) -> anyhow::Result<Vec<Figure>> {
    let (count, word_every_s) = if quick { (CROWD_QUICK, WORD_EVERY_QUICK_S) } else { (CROWD, WORD_EVERY_S) };
    let Taken { crowd, kilobytes_each, .. } = gather(server, count, word_every_s).await?;
    let (cpu_before, wire_before) = (usage(server.kymo.pid())?.cpu_seconds, crowd.wire.bytes());
    let looked = Instant::now();
    tokio::time::sleep(Duration::from_secs(word_every_s * 2)).await;
    let seconds = looked.elapsed().as_secs_f64();
    let cpu = usage(server.kymo.pid())?.cpu_seconds - cpu_before;
    // As if there were as many as in a full run, and each said a word as often.
    let words = count as f64 / word_every_s as f64;
    let as_full = (CROWD as f64 / WORD_EVERY_S as f64) / words;
    let wire = (crowd.wire.bytes() - wire_before) as f64 / seconds / count as f64;
    server.kymo.kill();
    crowd.none().await;
    let started = Instant::now();
    server.start_again();
    crowd.all().await?;
    let back = started.elapsed().as_secs_f64();
    crowd.part().await;
    Ok(vec![
        each("idle_program_memory", kilobytes_each, 6.0, quick).peer("NATS 15.3 a subscriber"),
        Figure::less("idle_programs_cpu", cpu / seconds * 100.0 * as_full, "% core").target(2.0),
        Figure::less("idle_program_wire", wire * word_every_s as f64 / WORD_EVERY_S as f64, "B/s")
            .target(60.0),
        Figure::less("all_back_after_restart", back, "s").target(20.0),
    ])
}

async fn crowd_with_tls(quick: bool) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start(true)?;
    let count = if quick { CROWD_TLS_QUICK } else { CROWD_TLS };
    let Taken { crowd, kilobytes_each, came } = gather(&server, count, WORD_EVERY_S).await?;
    crowd.part().await;
    Ok(vec![
        each("idle_program_memory_tls", kilobytes_each, 30.0, quick),
        Figure::less("program_comes_tls", came.as_secs_f64() * 1000.0 / count as f64, "ms each"),
    ])
}

/// Of few, what the server takes but once is too large a part for a target.
fn each(name: &'static str, kilobytes: f64, target: f64, quick: bool) -> Figure {
    let figure = Figure::less(name, kilobytes, "KB");
    if quick { figure } else { figure.target(target) }
}
