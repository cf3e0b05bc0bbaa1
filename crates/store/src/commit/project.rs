//! One project's part of a commit.

use std::collections::{BTreeMap, HashSet};

use arrow_array::RecordBatch;
use kymo_model::{DropReason, Event, SessionId, Timestamp};
use kymo_tracker::{Applied, Beat, Incoming, Need, Rows, Rules, SessionKey, Signal, Told, step};
use sqlx::SqliteConnection;

use super::cache::Cache;
use super::{Item, Receipt, Submission, scoped};
use crate::catalog::counters::Counts;
use crate::catalog::projects::ProjectPk;
use crate::catalog::seen::{self, Fingerprint};
use crate::catalog::{events, uploads};
use crate::columns::BatchBuilder;
use crate::error::StoreError;
use crate::store::uploads::Advance;
use crate::tail;

/// What a project's part came to; published once the transaction is committed.
pub(super) struct Outcome {
    /// Receipts with the position of their submission in the group.
    pub(super) receipts: Vec<(usize, Receipt)>,
    /// Row, arrival and columns of the tail batch, if any event was stored.
    pub(super) tail: Option<(i64, Timestamp, RecordBatch)>,
    /// Sessions changed.
    pub(super) sessions: Vec<SessionId>,
}

impl Outcome {
    /// Adds to the counters: everything accepted is stored or dropped for a reason.
    pub(super) fn count(&self, project: ProjectPk, counts: &mut Counts) {
        for (_, receipt) in &self.receipts {
            let dropped: u64 = receipt.dropped.values().sum();
            *counts.entry((project, "accepted")).or_default() += receipt.stored + dropped;
            *counts.entry((project, "stored")).or_default() += receipt.stored;
            for (reason, count) in &receipt.dropped {
                *counts.entry((project, reason.as_str())).or_default() += count;
            }
        }
        counts.retain(|_, count| *count > 0);
    }
}

pub(super) async fn apply(
    writer: &mut SqliteConnection,
    cache: &mut Cache,
    project: ProjectPk,
    group: Vec<(usize, Submission)>,
    next_arrival: &mut u64,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    let rules = cache.rules.clone();
    let mut new = new_fingerprints(&mut *writer, project, &group, now).await?;
    let events: usize = group.iter().map(|(_, submission)| submission.items.len()).sum();
    let mut batch = BatchBuilder::with_capacity(events);
    let mut receipts = Vec::with_capacity(group.len());
    let loose_before = cache.rows.next_loose_sequence;
    let group: Vec<Known> =
        group.into_iter().map(|(position, one)| Known::of(position, one, &mut new, next_arrival)).collect();
    let needs = needs_of(&group, now, &rules);
    cache.load(&mut *writer, project, &needs, now).await?;
    for Known { position, incoming, signals, mut dropped, told, upload, beats, requests } in group {
        if let Some(Advance(row)) = upload
            && !uploads::advance(&mut *writer, &row).await?
        {
            // Events of a session that retention has just removed would come back as half of one.
            receipts.push((position, Receipt { is_gone: true, ..Receipt::default() }));
            continue;
        }
        let mut types: Vec<(SessionId, &str)> = Vec::new();
        for told in &told {
            step::tell(&mut cache.rows, told, now);
        }
        let applied = step::step(&mut cache.rows, &incoming, now, &rules);
        let mut stored = 0;
        for (item, applied) in incoming.iter().zip(applied) {
            match applied {
                Applied::Stored { session, stream, sequence } => {
                    batch.push(stream, sequence, &item.event);
                    types.extend(session.zip(error_type(&item.event)));
                    stored += 1;
                }
                Applied::Dropped { reason, .. } => *dropped.entry(reason).or_default() += 1,
            }
        }
        cache.write_error_types(&mut *writer, project, &types, now).await?;
        for signal in &signals {
            step::signal(&mut cache.rows, signal, now, &rules);
        }
        hear(&mut cache.rows, &beats, &requests);
        receipts.push((position, Receipt { stored, dropped, is_gone: false }));
    }
    let sessions = cache.write_touched(&mut *writer, project).await?;
    if cache.rows.next_loose_sequence != loose_before {
        events::write_loose_sequence(&mut *writer, project, cache.rows.next_loose_sequence).await?;
    }
    let tail = if batch.rows() > 0 {
        let batch = batch.finish()?;
        let stored = tail::encode(&batch)?;
        let pk = events::insert_tail(writer, project, now, batch.num_rows(), stored).await?;
        Some((pk, now, batch))
    } else {
        None
    };
    Ok(Outcome { receipts, tail, sessions })
}

/// Takes what is said of sessions that are known.
fn hear(rows: &mut Rows, beats: &[Beat], requests: &[SessionKey]) {
    for beat in beats {
        step::beat(rows, beat);
    }
    for key in requests {
        step::request(rows, key);
    }
}

/// What all of them need is loaded at once.
fn needs_of(group: &[Known], now: Timestamp, rules: &Rules) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    for known in group {
        needs.extend(step::needs(&known.incoming, rules));
        needs.extend(known.told.iter().map(step::told_need));
        needs.extend(known.beats.iter().map(step::beat_need));
        needs.extend(known.requests.iter().map(|key| step::request_need(key, now)));
        needs.extend(known.signals.iter().flat_map(|signal| step::signal_needs(signal, now, rules)));
    }
    needs
}

/// The type of the event's exception.
fn error_type(event: &Event) -> Option<&str> {
    event.exception.as_ref()?.type_name.as_deref()
}

/// A submission with what is known of its items.
struct Known {
    position: usize,
    incoming: Vec<Incoming>,
    signals: Vec<Signal>,
    dropped: BTreeMap<DropReason, u64>,
    told: Vec<Told>,
    upload: Option<Advance>,
    beats: Vec<Beat>,
    requests: Vec<SessionKey>,
}

impl Known {
    fn of(
        position: usize,
        submission: Submission,
        new: &mut HashSet<Fingerprint>,
        next_arrival: &mut u64,
    ) -> Self {
        let Submission { token, items, signals, dropped, told, upload, beats, requests, .. } = submission;
        Self {
            position,
            incoming: with_known_marked(items, token, new, next_arrival),
            signals,
            dropped: dropped.into_iter().collect(),
            told: with_arrival(told, next_arrival),
            upload,
            beats,
            requests,
        }
    }
}

fn with_arrival(mut told: Vec<Told>, next_arrival: &mut u64) -> Vec<Told> {
    for told in &mut told {
        told.arrival = *next_arrival;
        *next_arrival += 1;
    }
    told
}

async fn new_fingerprints(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    group: &[(usize, Submission)],
    now: Timestamp,
) -> Result<HashSet<Fingerprint>, StoreError> {
    let fingerprints: Vec<Fingerprint> = group
        .iter()
        .flat_map(|(_, submission)| {
            let keys = submission.items.iter().filter_map(|item| item.fingerprint);
            keys.map(|fingerprint| scoped(fingerprint, submission.token))
        })
        .collect();
    seen::remember(writer, project, &fingerprints, now).await
}

/// The items, numbered; those that are in the store already are marked.
fn with_known_marked(
    items: Vec<Item>,
    token: i64,
    new: &mut HashSet<Fingerprint>,
    next_arrival: &mut u64,
) -> Vec<Incoming> {
    items
        .into_iter()
        .map(|Item { mut incoming, fingerprint }| {
            // Taken out of the set by its first bearer, so that an equal one behind it is a duplicate.
            let is_new = fingerprint.is_none_or(|fingerprint| new.remove(&scoped(fingerprint, token)));
            incoming.is_repeat = !is_new;
            incoming.arrival = *next_arrival;
            *next_arrival += 1;
            incoming
        })
        .collect()
}
