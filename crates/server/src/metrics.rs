//! `GET /metrics`: the counters and gauges of this server in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use kymo_model::DropReason;
use kymo_store::{ProjectPk, Projects};

use crate::access::{Caller, Tables};
use crate::api::VERSION;
use crate::problem::Problem;
use crate::state::AppState;

/// The format's version, as Prometheus asks for it.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A reader of one project gets that project's series and those of the whole server.
pub(crate) async fn metrics(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    let tables = state.directory.tables();
    let mut text = Text::default();
    counters(&mut text, &state, &caller, &tables).await?;
    sessions(&mut text, &state, &caller, &tables).await?;
    server(&mut text, &state).await?;
    live(&mut text, &state);
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text.0).into_response())
}

async fn counters(
    text: &mut Text,
    state: &AppState,
    caller: &Caller,
    tables: &Tables,
) -> Result<(), Problem> {
    let mut counters: BTreeMap<(ProjectPk, String), u64> = state.store.counters().await?;
    counters.retain(|(project, _), _| caller.sees(*project));
    let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<(String, u64)> {
        let picked = counters.iter().filter(|((_, name), _)| wanted(name));
        picked.map(|((project, name), count)| (labels(tables, *project, Some(name)), *count)).collect()
    };
    let plain = |word: &'static str| -> Vec<(String, u64)> {
        let picked = counters.iter().filter(|((_, name), _)| name == word);
        picked.map(|((project, _), count)| (labels(tables, *project, None), *count)).collect()
    };
    let reason = |name: &str| DropReason::from_word(name);
    text.family(
        "kymo_items_accepted_total",
        "counter",
        "Items taken in: stored or dropped.",
        &plain("accepted"),
    );
    text.family("kymo_events_stored_total", "counter", "Events stored.", &plain("stored"));
    text.family(
        "kymo_items_dropped_total",
        "counter",
        "Items taken in and not stored as events, by reason.",
        &of(&|name| reason(name).is_some_and(|reason| !reason.is_refusal())),
    );
    text.family(
        "kymo_requests_refused_total",
        "counter",
        "Requests refused as a whole, by reason; those that named no project have none.",
        &of(&|name| reason(name).is_some_and(DropReason::is_refusal)),
    );
    for (name, word, help) in [
        ("kymo_sessions_removed_total", "removed_sessions", "Sessions removed by retention."),
        (
            "kymo_events_removed_total",
            "removed_events",
            "Events of removed sessions, and loose ones removed.",
        ),
        ("kymo_removed_bytes_total", "removed_bytes", "Bytes of segment files that retention freed."),
    ] {
        text.family(name, "counter", help, &plain(word));
    }
    Ok(())
}

async fn sessions(
    text: &mut Text,
    state: &AppState,
    caller: &Caller,
    tables: &Tables,
) -> Result<(), Problem> {
    let (all, running) = (state.store.session_counts().await?, state.store.running_counts().await?);
    let seen: Vec<ProjectPk> = all.keys().copied().filter(|project| caller.sees(*project)).collect();
    let series = |counts: &BTreeMap<ProjectPk, u64>| -> Vec<(String, u64)> {
        let count = |project: &ProjectPk| counts.get(project).copied().unwrap_or(0);
        seen.iter().map(|project| (labels(tables, *project, None), count(project))).collect()
    };
    text.family("kymo_sessions", "gauge", "Sessions shown.", &series(&all));
    text.family("kymo_sessions_running", "gauge", "Sessions shown that run.", &series(&running));
    Ok(())
}

async fn server(text: &mut Text, state: &AppState) -> Result<(), Problem> {
    let status = state.store.status(&Projects::All).await?;
    let mut gauge = |name: &str, help: &str, value: u64| {
        text.family(name, "gauge", help, &[(String::new(), value)]);
    };
    gauge("kymo_submissions_waiting", "Submissions waiting for the next commit.", status.waiting as u64);
    gauge("kymo_submissions_waiting_max", "Submissions that may wait.", status.waiting_max as u64);
    gauge("kymo_tail_events", "Events not yet in a segment.", status.tail_events as u64);
    gauge("kymo_tail_bytes", "Memory the tail takes.", status.tail_bytes as u64);
    gauge("kymo_segments", "Segments listed.", status.segments as u64);
    let started = u64::try_from(state.started_at.as_unix_millis() / 1000).unwrap_or(0);
    gauge("process_start_time_seconds", "Start of the server, seconds since the epoch.", started);
    if let Some(bytes) = resident_bytes() {
        gauge("process_resident_memory_bytes", "Memory in use.", bytes);
    }
    let version = format!("{{version=\"{VERSION}\"}}");
    text.family("kymo_build_info", "gauge", "The version of this server.", &[(version, 1)]);
    Ok(())
}

/// Of the whole server: connections are not told apart by project.
fn live(text: &mut Text, state: &AppState) {
    let Some(live) = &state.live else { return };
    let counted = live.relay.counted();
    let mut one = |name: &str, kind: &str, help: &str, value: u64| {
        text.family(name, kind, help, &[(String::new(), value)]);
    };
    one("kymo_live_agents", "gauge", "Programs that are connected.", counted.agents);
    one("kymo_live_viewers", "gauge", "Terminals that are connected.", counted.viewers);
    one("kymo_live_followed_sessions", "gauge", "Sessions that send what they record.", counted.followed);
    one(
        "kymo_live_followers",
        "gauge",
        "Places in them: of terminals, pages and scripts.",
        counted.followers,
    );
    let help = "Records that programs have and that have not come, of the sessions that are followed.";
    one("kymo_live_lag_records", "gauge", help, live.relay.lag());
    let help = "Registrations of sessions: beyond the first of each they are reconnects.";
    one("kymo_live_registrations_total", "counter", help, counted.registered);
    let help = "Data connections: beyond the first of each followed session they are reconnects.";
    one("kymo_live_data_connections_total", "counter", help, counted.follows);
    let help = "Bytes of session files from programs.";
    one("kymo_live_received_bytes_total", "counter", help, counted.bytes_in);
    let help = "Bytes of session files to those who follow.";
    one("kymo_live_sent_bytes_total", "counter", help, counted.bytes_out);
    one("kymo_live_records_total", "counter", "Records in what came.", counted.records);
    let help =
        "Records that somebody was told they missed: they did not read, or the program had them no more.";
    one("kymo_live_missed_records_total", "counter", help, counted.missed);
    let ended =
        [("refused", counted.refused), ("not_the_protocol", counted.broken), ("silent", counted.silent)];
    text.family(
        "kymo_live_connections_ended_total",
        "counter",
        "Connections that were not let in, or were ended, by reason.",
        &ended.map(|(reason, count)| (format!("{{reason=\"{reason}\"}}"), count)),
    );
}

/// What Linux says; elsewhere nothing.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Project ids and reasons are plain ASCII words: nothing to escape.
fn labels(tables: &Tables, project: ProjectPk, reason: Option<&str>) -> String {
    let project = tables.project(project).map_or("", |project| project.id.as_str());
    match reason {
        Some(reason) => format!("{{project=\"{project}\",reason=\"{reason}\"}}"),
        None => format!("{{project=\"{project}\"}}"),
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str, series: &[(String, u64)]) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for (labels, value) in series {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}
