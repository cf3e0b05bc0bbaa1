//! Writing a segment, durably: temporary file, `fsync`, rename, `fsync` of the folder. Only then
//! may the catalog list it.

use std::fs::{self, File};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_ord::sort::{SortColumn, SortOptions, lexsort_to_indices};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
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
    let all = concat_batches(&schema(), batches)?;
    let ascending = Some(SortOptions { descending: false, nulls_first: true });
    let order = lexsort_to_indices(
        &[
            SortColumn { values: all.column(at::SESSION_ID).clone(), options: ascending },
            SortColumn { values: all.column(at::SEQUENCE).clone(), options: ascending },
        ],
        None,
    )?;
    let mut output = Output::create(path)?;
    output.write(&take_record_batch(&all, &order)?)?;
    output.finish()
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
        self.writer.write(batch)?;
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
