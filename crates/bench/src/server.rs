//! The server: durable ingest over HTTP of both protocols, reading at size, memory, start.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kymo_testkit::Kymo;

use crate::http::Connection;
use crate::ingest::Target;
use crate::process::usage;
use crate::report::{Figure, print};
use crate::{Wish, ingest, page, reading};

/// In a quick run figures may fall short by this share: machines are shared.
const SLACK_QUICK: f64 = 0.25;
/// Tails are flushed after 30 s and caches rest after 60 s.
const IDLE_WAIT: Duration = Duration::from_secs(75);

pub(crate) fn run(wish: Wish) -> anyhow::Result<()> {
    let program = PathBuf::from(std::env::var("KYMO_BIN").context("KYMO_BIN: expected the path of kymo")?);
    let ui = PathBuf::from(std::env::var("KYMO_UI_DIST").context("KYMO_UI_DIST: expected ui/dist")?);
    let title = if wish.quick { "server (quick)" } else { "server" };
    let slack = if wish.quick { SLACK_QUICK } else { 0.0 };
    if wish.only_page {
        print(title, &page::figures(&program, &ui, wish.quick)?, slack, wish.json);
        return Ok(());
    }
    let mut kymo = Kymo::with_project(program.clone());
    let shop = Target { kymo: &kymo, ingest_token: &kymo.ingest_token, read_token: &kymo.read_token };
    let (events, mut figures) = ingest::events(&shop, wish.quick)?;
    figures.extend(reading::figures(&kymo)?);
    figures.push(Figure::less("memory_mb", usage(kymo.pid())?.resident_mb, "MB").target(200.0));
    if !wish.quick {
        std::thread::sleep(IDLE_WAIT);
        figures.push(Figure::less("idle_memory_mb", usage(kymo.pid())?.resident_mb, "MB").target(80.0));
        figures.push(
            Figure::less("disk_bytes_per_event", folder_bytes(&kymo.data())? / events as f64, "B")
                .peer("VictoriaLogs 47.8, ClickHouse 40.3 (other corpus)"),
        );
    }
    // In a project of their own and last, so that nothing above depends on them.
    figures.extend(pages(&kymo, wish.quick)?);
    figures.push(
        Figure::less("memory_peak_mb", usage(kymo.pid())?.resident_peak_mb, "MB")
            .peer("VictoriaLogs 400 to 480, Loki 840 (other corpus)"),
    );
    figures.push(start(&mut kymo)?);
    drop(kymo);
    // A quick run has no time for both: the page has one of its own.
    if !wish.quick {
        figures.extend(page::figures(&program, &ui, false)?);
    }
    print(title, &figures, slack, wish.json);
    Ok(())
}

/// Messages of web pages.
fn pages(kymo: &Kymo, quick: bool) -> anyhow::Result<Vec<Figure>> {
    let in_project = |name, post: fn(&Target<'_>, bool) -> anyhow::Result<Vec<Figure>>| {
        kymo.command(&["project", "add", name]);
        let token = |scope| kymo.command(&["token", "add", "--project", name, "--scope", scope]);
        post(&Target { kymo, ingest_token: &token("ingest"), read_token: &token("read") }, quick)
    };
    let mut figures = in_project("Pages", ingest::messages)?;
    figures.extend(in_project("Few pages", ingest::messages_of_few)?);
    Ok(figures)
}

/// From starting the program to its first answer with sessions, after a kill.
fn start(kymo: &mut Kymo) -> anyhow::Result<Figure> {
    kymo.kill();
    let started = Instant::now();
    kymo.start();
    let mut http = Connection::open(kymo.url())?;
    let (status, _) = http.get("/api/v1/sessions?limit=100", &kymo.read_token)?;
    ensure!(status == 200, "status {status}");
    Ok(Figure::less("start_ms", started.elapsed().as_secs_f64() * 1000.0, "ms").target(500.0))
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
