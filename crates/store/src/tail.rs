//! Batches of events that are in the catalog's `tail` table, held decoded in memory as well.
//!
//! Stored form: an Arrow IPC stream of one batch, compressed with zstd as a whole (small batches
//! repeat their texts across columns), with zstd's checksum: the reader of the stream takes what
//! it finds at its word, so damage has to be found before.

use std::collections::HashSet;
use std::io::{Cursor, Read};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use kymo_model::{SessionId, Timestamp};

use crate::catalog::events::NO_SESSION;
use crate::columns::{at, schema, session_at};
use crate::error::StoreError;

/// Level 1: the batch is rewritten into a segment within half a minute.
const ZSTD_LEVEL: i32 = 1;
/// Largest decoded batch read back. One commit takes at most a few MiB (see `commit`), so a larger
/// one is damage.
const DECODED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Events of one commit and project.
#[derive(Debug)]
pub(crate) struct TailBatch {
    /// Row of the `tail` table.
    pub(crate) pk: i64,
    pub(crate) observed_at: Timestamp,
    pub(crate) batch: RecordBatch,
    /// Sessions that have rows in it, for skipping it.
    pub(crate) sessions: HashSet<SessionId>,
    /// Memory the columns take.
    pub(crate) bytes: usize,
}

impl TailBatch {
    pub(crate) fn new(pk: i64, observed_at: Timestamp, batch: RecordBatch) -> Self {
        let ids = batch.column(at::SESSION_ID).as_string();
        let sessions = (0..batch.num_rows()).map(|row| session_at(ids, row).unwrap_or(NO_SESSION)).collect();
        let bytes = batch.get_array_memory_size();
        Self { pk, observed_at, batch, sessions, bytes }
    }
}

/// The stored form of a batch.
pub(crate) fn encode(batch: &RecordBatch) -> Result<Vec<u8>, StoreError> {
    let mut writer = StreamWriter::try_new(Vec::new(), &schema())?;
    writer.write(batch)?;
    let plain = writer.into_inner()?;
    let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
    compressor.include_checksum(true)?;
    Ok(compressor.compress(&plain)?)
}

/// Reads the stored form.
pub(crate) fn decode(stored: &[u8]) -> Result<RecordBatch, StoreError> {
    let damaged = |source| StoreError::corrupt("it cannot be decompressed").because(source);
    let mut plain = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(stored).map_err(damaged)?;
    // To its end: there the checksum is compared.
    decoder.take(DECODED_BYTES_MAX).read_to_end(&mut plain).map_err(damaged)?;
    let mut batches = StreamReader::try_new(Cursor::new(plain), None)?;
    batches
        .next()
        .ok_or_else(|| StoreError::corrupt("a tail batch has no rows, expected one record batch"))?
        .map_err(StoreError::from)
}

#[cfg(test)]
mod tests {
    use kymo_model::{Event, EventKind};

    use super::*;
    use crate::columns::BatchBuilder;

    #[test]
    fn batches_survive_storing_and_damage_is_an_error() {
        let moment = Timestamp::from_unix_nanos(1);
        let mut builder = BatchBuilder::with_capacity(2);
        builder.push(Some(SessionId::from_u128(9)), 1, &Event::new(EventKind::Log, moment, moment));
        builder.push(None, 1, &Event::new(EventKind::Usage, moment, moment));
        let batch = builder.finish().unwrap();
        let stored = encode(&batch).unwrap();
        assert_eq!(decode(&stored).unwrap(), batch);
        for cut in 0..stored.len() {
            assert!(decode(&stored[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..stored.len() {
            for flipped in [0x01, 0x10, 0x80, 0xff] {
                let mut damaged = stored.clone();
                damaged[at] ^= flipped;
                // One bit of the format means nothing.
                let is_found = decode(&damaged).map_or(true, |found| found == batch);
                assert!(is_found, "byte {at}, bits {flipped:x}");
            }
        }
        let tail = TailBatch::new(1, moment, batch);
        assert!(tail.sessions.contains(&NO_SESSION) && tail.sessions.contains(&SessionId::from_u128(9)));
    }
}
