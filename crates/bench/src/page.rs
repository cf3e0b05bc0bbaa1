//! The web page in a real browser: with a million sessions, and a session of a hundred thousand events.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kymo_model::Timestamp;
use kymo_testkit::{Kymo, Random, Script, kymo::needed};
use serde_json::{Value, json};

use crate::http::Connection;
use crate::report::Figure;

/// Sessions, of a full run and of a quick one.
const SESSIONS: [u64; 2] = [1_000_000, 20_000];
/// Events of the session that is scrolled.
const EVENTS: [u64; 2] = [100_000, 20_000];
/// Posts that fill the server, each of so many events, over so many connections.
const BATCH: u64 = 500;
const CONNECTIONS: u64 = 4;
/// Sessions lie within this time, so that the report's week has a quarter of them.
const WITHIN: Duration = Duration::from_hours(30 * 24);
const USERS: u64 = 5000;
/// The id that the long session is sent under.
const LONG: &str = "long-session";
/// The page's own budget: brotli bytes of all that it may load.
const BUNDLE_KB: f64 = 120.0;

/// The whole part, on a server of its own.
pub(crate) fn figures(program: &Path, ui: &Path, quick: bool) -> anyhow::Result<Vec<Figure>> {
    let size = usize::from(quick);
    let kymo = Kymo::with_project(program.to_path_buf());
    let filled = Instant::now();
    fill(&kymo, SESSIONS[size])?;
    let per_second = SESSIONS[size] as f64 / filled.elapsed().as_secs_f64();
    long_session(&kymo, EVENTS[size])?;
    let chromium = needed("KYMO_CHROMIUM");
    let environment = [
        ("KYMO_SIGN_IN", kymo.sign_in_link()),
        ("KYMO_CHROMIUM", chromium.to_str().context("a path in UTF-8")?),
        ("KYMO_SESSION", LONG),
    ];
    let lines = Script::start("page_bench.mjs", &kymo, &[], &environment).finish();
    let told = |name: &str| {
        let line = lines.iter().find(|line| line["figure"] == name);
        line.and_then(|line| line["value"].as_f64()).with_context(|| format!("the page told no {name}"))
    };
    let mut figures = vec![
        Figure::more("new_sessions_per_second", per_second, "/s"),
        Figure::less("page_first_content_ms", told("first_content")?, "ms").target(300.0),
        Figure::less("page_row_in_sight_ms", told("row_in_sight")?, "ms").target(1000.0),
        Figure::less("page_frame_p95_ms", told("frame_p95")?, "ms").target(32.0),
        Figure::less("page_rows_most", told("rows_most")?, "").target(199.0),
        Figure::less("page_bundle_kb", bundle_kb(ui)?, "KB").target(BUNDLE_KB),
    ];
    figures.extend(answers(&kymo)?);
    let reached = told("rows_reached")?;
    ensure!(reached >= EVENTS[size] as f64, "scrolling came to row {reached} of {}", EVENTS[size]);
    Ok(figures)
}

/// What the report asks besides its rows.
fn answers(kymo: &Kymo) -> anyhow::Result<Vec<Figure>> {
    let mut http = Connection::open(kymo.url())?;
    let week = now()?.minus(Duration::from_hours(7 * 24));
    let mut timed = |name, path: String| {
        let asked = Instant::now();
        let (status, _) = http.get(&path, &kymo.read_token)?;
        ensure!(status == 200, "GET {path}: status {status}");
        Ok(Figure::less(name, asked.elapsed().as_secs_f64() * 1000.0, "ms"))
    };
    Ok(vec![
        timed("report_summary_ms", format!("/api/v1/sessions/summary?from={week}"))?,
        timed("report_counts_ms", format!("/api/v1/sessions/counts?from={week}&buckets=168"))?,
        timed("report_worth_opening_ms", "/api/v1/sessions/worth-opening".to_owned())?,
        timed("users_ms", format!("/api/v1/users?from={week}"))?,
        timed("filtered_list_ms", format!("/api/v1/sessions?from={week}&filter=user:person-4711&limit=100"))?,
    ])
}

fn now() -> anyhow::Result<Timestamp> {
    Ok(Timestamp::from_unix_nanos(i64::try_from(jiff::Timestamp::now().as_nanosecond())?))
}

/// Sessions of one event each, of different users, versions and hosts.
fn fill(kymo: &Kymo, sessions: u64) -> anyhow::Result<()> {
    let begin = now()?.minus(WITHIN);
    let step = WITHIN.as_millis() as u64 / sessions;
    std::thread::scope(|scope| {
        let fillers = (0..CONNECTIONS).map(|lane| {
            scope.spawn(move || {
                let mut http = Connection::open(kymo.url())?;
                let mut random = Random::new(lane);
                let batches = (0..sessions / BATCH).filter(|batch| batch % CONNECTIONS == lane);
                for batch in batches {
                    let numbers = batch * BATCH..(batch + 1) * BATCH;
                    let event = |number: u64| {
                        let at = begin.plus(Duration::from_millis(number * step));
                        one(number, &at.to_string(), &mut random)
                    };
                    post(&mut http, kymo, &numbers.map(event).collect::<Vec<Value>>())?;
                }
                anyhow::Ok(())
            })
        });
        let fillers: Vec<_> = fillers.collect();
        fillers
            .into_iter()
            .try_for_each(|filler| filler.join().map_err(|_| anyhow::anyhow!("a filler panicked"))?)
    })
}

fn one(number: u64, date: &str, random: &mut Random) -> Value {
    let kind = if random.below(20) == 0 { "error" } else { "log" };
    let user = format!("person-{}", random.below(USERS));
    json!({"type": kind, "message": "one line of many", "date": date, "data": {
        "@ref:session": format!("session-{number:08}"), "@user": {"identity": user},
        "@version": format!("2.{}.{}", random.below(4), random.below(10)),
        "@environment": {"machine_name": format!("host-{}", random.below(200)), "o_s_name": "Windows"}}})
}

fn long_session(kymo: &Kymo, events: u64) -> anyhow::Result<()> {
    let mut http = Connection::open(kymo.url())?;
    let begin = now()?.minus(Duration::from_millis(events * 5));
    for batch in 0..events / BATCH {
        let event = |number: u64| {
            let at = begin.plus(Duration::from_millis(number * 5)).to_string();
            json!({"type": "log", "source": format!("logger {}", number % 7), "date": at,
                "message": format!("line {number} of a long session, with some text behind it"),
                "data": {"@ref:session": LONG, "@user": {"identity": "ann"}, "number": number}})
        };
        post(&mut http, kymo, &(batch * BATCH..(batch + 1) * BATCH).map(event).collect::<Vec<Value>>())?;
    }
    Ok(())
}

fn post(http: &mut Connection, kymo: &Kymo, events: &[Value]) -> anyhow::Result<()> {
    let body = serde_json::to_vec(events)?;
    let mut request = format!(
        "POST /api/v2/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        kymo.url().trim_start_matches("http://"),
        kymo.ingest_token,
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(&body);
    let (status, _) = http.send(&request)?;
    ensure!(status == 202, "the server answered {status}");
    Ok(())
}

/// All that a browser can load, compressed.
fn bundle_kb(ui: &Path) -> anyhow::Result<f64> {
    let mut bytes = 0;
    let mut folders = vec![ui.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            match entry.metadata()? {
                metadata if metadata.is_dir() => folders.push(entry.path()),
                metadata if entry.path().extension().is_some_and(|end| end == "br") => {
                    bytes += metadata.len();
                }
                _ => {}
            }
        }
    }
    Ok(bytes as f64 / 1e3)
}
