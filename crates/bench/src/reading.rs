//! Reading at size: the list, a session's events, the tiles.

use std::time::Instant;

use anyhow::{Context, ensure};
use kymo_testkit::{Kymo, Random};
use serde_json::Value;

use crate::http::Connection;
use crate::ingest::percentile;
use crate::report::Figure;

/// Reads of each kind; each is timed.
const READS: usize = 100;

pub(crate) fn figures(kymo: &Kymo) -> anyhow::Result<Vec<Figure>> {
    let mut http = Connection::open(kymo.url())?;
    let mut timed = |path: &str| {
        let asked = Instant::now();
        let (status, answer) = http.get(path, &kymo.read_token)?;
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
    Ok(vec![
        Figure::less("session_p50_ms", percentile(&session_ms, 0.5), "ms")
            .target(20.0)
            .peer("ClickHouse 10 to 18, VictoriaLogs 16 to 44 (10 M events)"),
        Figure::less("session_p95_ms", percentile(&session_ms, 0.95), "ms"),
        Figure::less("list_p50_ms", percentile(&list_ms, 0.5), "ms")
            .target(20.0)
            .peer("ClickHouse 41 to 55, VictoriaLogs 40 to 271 (a day's report from raw events)"),
        Figure::less("list_p95_ms", percentile(&list_ms, 0.95), "ms"),
        Figure::less("summary_ms", summary_ms, "ms"),
    ])
}
