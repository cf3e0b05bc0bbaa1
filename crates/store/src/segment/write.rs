//! Writing a segment, durably: temporary file, `fsync`, rename, `fsync` of the folder. Only then
//! may the catalog list it.

use std::fs::{self, File};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_ord::sort::{SortColumn, SortOptions, lexsort_to_indices};
use arrow_select::concat::concat;
use arrow_select::interleave::interleave_record_batch;
use kymo_model::{SessionId, Timestamp};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::catalog::events::{NO_SESSION, RowRange};
use crate::columns::{SCHEMA_VERSION, at, schema, session_at};
use crate::error::StoreError;
use crate::folder::sync_folder;

/// Rows of a row group: what a writer holds in memory, a few MiB compressed.
const ROW_GROUP_ROWS: usize = 64 * 1024;
/// The same where rows are large; compressed.
const ROW_GROUP_BYTES: usize = 8 * 1024 * 1024;
/// Texts of rows that are written together, where rows are large.
const PIECE_BYTES: usize = 512 * 1024;
/// Rows of a page: what reading one session decodes at least, per column.
const PAGE_ROWS: usize = 1024;
/// Level 3: level 1 is 6 % larger, level 9 takes three times the CPU for 3 % less.
const ZSTD_LEVEL: i32 = 3;

/// Extension of a segment that is being written.
pub(super) const UNFINISHED: &str = "writing";

/// What was written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) row_count: u64,
    pub(crate) byte_count: u64,
    pub(crate) ranges: Vec<RowRange>,
    pub(crate) observed_first: Timestamp,
    pub(crate) observed_last: Timestamp,
}

/// Writes the rows of tail batches, sorted. Blocking.
pub(crate) fn write_sorted(path: &Path, batches: &[RecordBatch]) -> Result<Written, StoreError> {
    let ascending = Some(SortOptions { descending: false, nulls_first: true });
    let whole = |column: usize| -> Result<SortColumn, StoreError> {
        let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(column).as_ref()).collect();
        Ok(SortColumn { values: concat(&parts)?, options: ascending })
    };
    let order = lexsort_to_indices(&[whole(at::SESSION_ID)?, whole(at::SEQUENCE)?], None)?;
    // Number of a row over all batches: which batch, and which row of it.
    let places: Vec<(usize, usize)> = batches
        .iter()
        .enumerate()
        .flat_map(|(number, batch)| (0..batch.num_rows()).map(move |row| (number, row)))
        .collect();
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    let rows: Vec<(usize, usize)> = order.values().iter().map(|&row| places[row as usize]).collect();
    let texts: Vec<[&StringArray; 3]> = batches.iter().map(|batch| large_texts(batch)).collect();
    let mut output = Output::create(path)?;
    // A few rows at a time: the tail is not copied as a whole.
    let mut rest = rows.as_slice();
    while !rest.is_empty() {
        let sizes = rest.iter().map(|&(batch, row)| bytes_of(texts[batch], row));
        let (now, later) = rest.split_at(rows_at_once(sizes));
        output.write_piece(&interleave_record_batch(&batches, now)?)?;
        rest = later;
    }
    output.finish()
}

/// Columns whose values can be large.
fn large_texts(batch: &RecordBatch) -> [&StringArray; 3] {
    [at::MESSAGE, at::EXCEPTION, at::ATTRIBUTES].map(|column| batch.column(column).as_string())
}

fn bytes_of(texts: [&StringArray; 3], row: usize) -> usize {
    texts.iter().map(|text| text.value_length(row) as usize).sum()
}

/// How many of these rows are written together: a writer looks at the size of its pages after that
/// many, and no sooner.
fn rows_at_once(sizes: impl Iterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let fitting = sizes.take(PAGE_ROWS).take_while(|size| {
        bytes += size;
        bytes <= PIECE_BYTES
    });
    fitting.count().max(1)
}

/// A segment being written in order.
pub(crate) struct Output {
    path: std::path::PathBuf,
    temporary: std::path::PathBuf,
    writer: ArrowWriter<File>,
    ranges: Vec<RowRange>,
    row_count: u64,
    observed: Option<(i64, i64)>,
}

impl Output {
    pub(crate) fn create(path: &Path) -> Result<Self, StoreError> {
        let temporary = path.with_extension(UNFINISHED);
        let writer = ArrowWriter::try_new(File::create(&temporary)?, schema(), Some(properties()))?;
        Ok(Self {
            path: path.to_owned(),
            temporary,
            writer,
            ranges: Vec::new(),
            row_count: 0,
            observed: None,
        })
    }

    /// Appends rows; they continue the order of those before.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), StoreError> {
        let texts = large_texts(batch);
        let mut first = 0;
        while first < batch.num_rows() {
            let count = rows_at_once((first..batch.num_rows()).map(|row| bytes_of(texts, row)));
            self.write_piece(&batch.slice(first, count))?;
            first += count;
        }
        Ok(())
    }

    fn write_piece(&mut self, batch: &RecordBatch) -> Result<(), StoreError> {
        self.writer.write(batch)?;
        if self.writer.in_progress_size() > ROW_GROUP_BYTES {
            self.writer.flush()?;
        }
        self.note_ranges(batch.column(at::SESSION_ID).as_string());
        let times = batch.column(at::OBSERVED_TIME).as_primitive::<TimestampNanosecondType>();
        for &nanos in times.values() {
            let (first, last) = self.observed.unwrap_or((nanos, nanos));
            self.observed = Some((first.min(nanos), last.max(nanos)));
        }
        Ok(())
    }

    fn note_ranges(&mut self, sessions: &StringArray) {
        let mut previous: Option<(bool, &str, SessionId)> = None;
        for row in 0..sessions.len() {
            let (is_null, text) = (sessions.is_null(row), sessions.value(row));
            let session = match previous {
                Some((was_null, known, id)) if was_null == is_null && known == text => id,
                _ => session_at(sessions, row).unwrap_or(NO_SESSION),
            };
            previous = Some((is_null, text, session));
            match self.ranges.last_mut() {
                Some(range) if range.session == session => range.row_count += 1,
                _ => self.ranges.push(RowRange { session, row_first: self.row_count, row_count: 1 }),
            }
            self.row_count += 1;
        }
    }

    pub(crate) fn finish(self) -> Result<Written, StoreError> {
        let file = self.writer.into_inner()?;
        file.sync_all()?;
        let byte_count = file.metadata()?.len();
        fs::rename(&self.temporary, &self.path)?;
        if let Some(folder) = self.path.parent() {
            sync_folder(folder)?;
        }
        let (first, last) = self.observed.unwrap_or_default();
        Ok(Written {
            row_count: self.row_count,
            byte_count,
            ranges: self.ranges,
            observed_first: Timestamp::from_unix_nanos(first),
            observed_last: Timestamp::from_unix_nanos(last),
        })
    }
}

fn properties() -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_key_value_metadata(Some(vec![KeyValue::new(
            "kymo.schema_version".to_owned(),
            SCHEMA_VERSION.to_string(),
        )]));
    // Texts that hardly repeat: a dictionary would have to be read whole for a single page.
    for name in ["sequence", "message", "reference_id", "exception", "attributes", "time", "observed_time"] {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(name), false);
    }
    for name in ["message", "exception", "attributes"] {
        builder = builder.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::None);
    }
    builder.build()
}
