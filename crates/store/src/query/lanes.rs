//! Events of a session by the thread that told them, counted in equal stretches of time.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, StringArray};
use kymo_model::{SessionId, Severity, Timestamp};

use super::{EventFilter, Hit, RowFilter, Source, Tell, scan};
use crate::columns::at;
use crate::density::{DensityBucket, density};
use crate::error::StoreError;

/// Most lanes of one answer: more than a screen shows, each of at most 512 buckets.
pub const LANES_MAX: u32 = 64;
/// Events that one question looks at: their attributes are some 300 MB to read, about a second.
const EVENTS_MAX: usize = 1_000_000;
/// Threads that are told apart, some 100 bytes each; those that come later are counted with the rest.
const THREADS_MAX: usize = 10_000;
/// Rows read at a time: some five MiB with their attributes.
const ROWS_READ: usize = 16 * 1024;

/// What one thread told, or several together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The agent's number of the thread; `None`: of the rest, and of events that name no thread.
    pub thread: Option<u64>,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Events.
    pub count: u64,
    /// Of these, errors: of kind `error` or with an exception.
    pub errors: u64,
    /// The worst of them.
    pub worst: Severity,
    /// Over time.
    pub buckets: Vec<DensityBucket>,
}

/// The threads of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lanes {
    /// The most active ones, most events first.
    pub lanes: Vec<Lane>,
    /// All others together.
    pub rest: Option<Lane>,
    /// How many threads there are; at least so many, if that is [`THREADS_MAX`].
    pub threads: u64,
}

#[derive(Default)]
struct Thread {
    id: Option<u64>,
    name: Option<String>,
    count: u64,
}

/// Threads between `from` and `to` (exclusive). Blocking.
pub(crate) fn lanes(
    sources: &[Arc<dyn Source>],
    streams: &[SessionId],
    (from, to): (Timestamp, Timestamp),
    buckets: u32,
    lanes_max: u32,
) -> Result<Lanes, StoreError> {
    let plain = EventFilter { from: Some(from), to: Some(to), ..EventFilter::default() };
    let hits = scan(sources, streams, &RowFilter::new(plain, None, Vec::new()), Tell::Errors)?;
    if hits.len() > EVENTS_MAX {
        return Err(StoreError::input(format!(
            "there are {} events in this time, threads are told of at most {EVENTS_MAX}: ask for a shorter time",
            hits.len()
        )));
    }
    let (threads, of_hits) = threads(sources, &hits)?;
    let mut order: Vec<usize> = (0..threads.len()).filter(|&at| threads[at].count > 0).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(threads[at].count), threads[at].id));
    let mut place = vec![usize::MAX; threads.len()];
    let shown = order.len().min(lanes_max.clamp(1, LANES_MAX) as usize);
    order.iter().take(shown).enumerate().for_each(|(lane, &at)| place[at] = lane);
    let mut by_lane: Vec<Vec<Hit>> = vec![Vec::new(); shown + 1];
    for (hit, &thread) in hits.iter().zip(&of_hits) {
        by_lane[place.get(thread as usize).copied().unwrap_or(shown).min(shown)].push(*hit);
    }
    let lane = |hits: &[Hit], thread: &Thread| Lane {
        thread: thread.id,
        name: thread.name.clone(),
        count: hits.len() as u64,
        errors: hits.iter().filter(|hit| hit.is_error).count() as u64,
        worst: hits.iter().map(|hit| hit.severity).max().unwrap_or(Severity::TRACE),
        buckets: density(hits, from, to, buckets),
    };
    let rest = by_lane.pop().unwrap_or_default();
    Ok(Lanes {
        lanes: by_lane.iter().zip(&order).map(|(hits, &at)| lane(hits, &threads[at])).collect(),
        rest: (!rest.is_empty()).then(|| lane(&rest, &Thread::default())),
        threads: threads.iter().filter(|thread| thread.id.is_some()).count() as u64,
    })
}

/// The threads, and which of them each hit is of; a number beyond them is of the rest.
fn threads(sources: &[Arc<dyn Source>], hits: &[Hit]) -> Result<(Vec<Thread>, Vec<u32>), StoreError> {
    let mut threads: Vec<Thread> = Vec::new();
    let mut numbers: HashMap<Option<u64>, u32> = HashMap::new();
    let mut of_hits = Vec::with_capacity(hits.len());
    for of_source in hits.chunk_by(|one, other| one.source == other.source) {
        for chunk in of_source.chunks(ROWS_READ) {
            let rows: Vec<u64> = chunk.iter().map(|hit| hit.row).collect();
            for batch in sources[chunk[0].source].fetch(&rows, &[at::ATTRIBUTES])? {
                let attributes: &StringArray = batch.column(0).as_string();
                for row in 0..batch.num_rows() {
                    let json = if attributes.is_null(row) { "" } else { attributes.value(row) };
                    let id = thread_id(json);
                    let number = match numbers.get(&id) {
                        Some(&number) => number,
                        None if threads.len() >= THREADS_MAX => u32::MAX,
                        None => {
                            threads.push(Thread { id, ..Thread::default() });
                            let number = threads.len() as u32 - 1;
                            numbers.insert(id, number);
                            number
                        }
                    };
                    if let Some(thread) = threads.get_mut(number as usize) {
                        thread.count += 1;
                        if thread.name.is_none() && id.is_some() {
                            thread.name = thread_name(json);
                        }
                    }
                    of_hits.push(number);
                }
            }
        }
    }
    Ok((threads, of_hits))
}

/// Hot: once per event, so that nothing but the number is read. An agent's threads stand behind all that the program says,
/// and inside of a text the quotation marks would be escaped.
fn thread_id(json: &str) -> Option<u64> {
    let value = behind(json, "\"thread.id\":")?;
    let digits = value.trim_start_matches('"');
    let end = digits.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

fn thread_name(json: &str) -> Option<String> {
    let value = behind(json, "\"thread.name\":")?;
    serde_json::Deserializer::from_str(value).into_iter::<String>().next()?.ok()
}

fn behind<'json>(json: &'json str, key: &str) -> Option<&'json str> {
    json.rfind(key).map(|at| &json[at + key.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_read_behind_what_the_program_says() {
        let rows = [
            (r#"{"a":1,"thread.id":7,"thread.name":"main"}"#, Some(7), Some("main")),
            (r#"{"text":"\"thread.id\":9","thread.id":3}"#, Some(3), None),
            (r#"{"thread.id":1,"thread.id":18446744073709551615}"#, Some(u64::MAX), None),
            (
                r#"{"thread.id":"18446744073709551615","thread.name":"a \"b\" é"}"#,
                Some(u64::MAX),
                Some("a \"b\" é"),
            ),
            (r#"{"a":"thread.id"}"#, None, None),
            ("", None, None),
        ];
        for (json, id, name) in rows {
            assert_eq!((thread_id(json), thread_name(json).as_deref()), (id, name), "{json}");
        }
    }
}
