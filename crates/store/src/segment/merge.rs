//! Merging segments into one, streaming: memory is a few batches per input, whatever their size.
//!
//! ```text
//! input 1   a a a c c c c      the input whose head is smallest gives the rows up to the next
//! input 2   a b b d            smallest head of the others: whole stretches, not single rows
//! output    a a a a b b c c c c d
//! ```

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use arrow_select::concat::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::Segment;
use super::write::{Output, Written};
use crate::columns::{at, schema};
use crate::error::StoreError;

/// Rows read at a time from each input.
const INPUT_ROWS: usize = 1024;
/// The same where rows are large.
const INPUT_BYTES: usize = 1024 * 1024;
/// Rows gathered before they are written.
const OUTPUT_ROWS: usize = 8192;
/// The same where rows are large.
const OUTPUT_BYTES: usize = 4 * 1024 * 1024;

/// Place in the order of (session, sequence); no session comes first.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Key(Option<String>, i64);

struct Input {
    reader: ParquetRecordBatchReader,
    batch: RecordBatch,
    row: usize,
    /// What a row of it takes, on average.
    row_bytes: usize,
}

impl Input {
    fn open(Part { segment, ranges }: &Part) -> Result<Option<Self>, StoreError> {
        let row_bytes = segment.file.row_bytes()?.max(1);
        let mut reader = segment.file.rows(ranges, (INPUT_BYTES / row_bytes).clamp(1, INPUT_ROWS))?;
        let Some(batch) = reader.next().transpose()? else { return Ok(None) };
        Ok(Some(Self { reader, batch, row: 0, row_bytes }))
    }

    fn key_at(&self, row: usize) -> Key {
        let sessions = self.batch.column(at::SESSION_ID).as_string::<i32>();
        let session = if sessions.is_null(row) { None } else { Some(sessions.value(row).to_owned()) };
        Key(session, self.batch.column(at::SEQUENCE).as_primitive::<Int64Type>().value(row))
    }

    /// The rows of the current batch that come before `limit`.
    fn take_before(&mut self, limit: Option<&Key>) -> RecordBatch {
        let rows = self.batch.num_rows();
        let end = match limit {
            None => rows,
            // The batch is sorted: search for the first row that does not come before.
            Some(limit) => {
                let (mut low, mut high) = (self.row + 1, rows);
                while low < high {
                    let middle = usize::midpoint(low, high);
                    if self.key_at(middle) < *limit { low = middle + 1 } else { high = middle }
                }
                low
            }
        };
        let taken = self.batch.slice(self.row, end - self.row);
        self.row = end;
        taken
    }

    /// Moves to the next batch when this one is used up; false at the end.
    fn refill(&mut self) -> Result<bool, StoreError> {
        while self.row == self.batch.num_rows() {
            let Some(batch) = self.reader.next().transpose()? else { return Ok(false) };
            (self.batch, self.row) = (batch, 0);
        }
        Ok(true)
    }
}

/// What of a segment is taken along.
pub(crate) struct Part {
    pub(crate) segment: Arc<Segment>,
    /// Rows that are alive: `first, count`, ascending, disjoint.
    pub(crate) ranges: Vec<(u64, u64)>,
}

/// Writes the rows of all `parts` into one segment, in order. Blocking.
pub(crate) fn merge(path: &Path, parts: &[Part]) -> Result<Written, StoreError> {
    let mut inputs = Vec::with_capacity(parts.len());
    for part in parts {
        inputs.extend(Input::open(part)?);
    }
    let mut output = Output::create(path)?;
    let mut gathered: Vec<RecordBatch> = Vec::new();
    let (mut gathered_rows, mut gathered_bytes) = (0, 0);
    while let Some(smallest) = (0..inputs.len()).min_by_key(|&input| inputs[input].key_at(inputs[input].row))
    {
        let limit = (0..inputs.len())
            .filter(|&other| other != smallest)
            .map(|other| inputs[other].key_at(inputs[other].row))
            .min();
        let taken = inputs[smallest].take_before(limit.as_ref());
        gathered_rows += taken.num_rows();
        gathered_bytes += taken.num_rows() * inputs[smallest].row_bytes;
        gathered.push(taken);
        if !inputs[smallest].refill()? {
            inputs.remove(smallest);
        }
        if gathered_rows >= OUTPUT_ROWS || gathered_bytes >= OUTPUT_BYTES {
            output.write(&concat_batches(&schema(), &gathered)?)?;
            gathered.clear();
            (gathered_rows, gathered_bytes) = (0, 0);
        }
    }
    if gathered_rows > 0 {
        output.write(&concat_batches(&schema(), &gathered)?)?;
    }
    output.finish()
}
