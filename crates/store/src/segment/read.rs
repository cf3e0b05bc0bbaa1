//! Reading rows of a segment.

use std::collections::VecDeque;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowSelection, RowSelector,
};
use parquet::file::metadata::{PageIndexPolicy, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use crate::columns::at;
use crate::error::StoreError;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 4096;

/// Footers kept: a reader of a day's sessions touches a few dozen segments. An estimate: with its
/// page index a footer takes up to some hundred KiB.
const FOOTERS_MAX: usize = 32;

/// Footers of the segments read last, newest at the end.
#[derive(Debug, Default)]
pub(crate) struct Footers(Mutex<VecDeque<(PathBuf, ArrowReaderMetadata)>>);

impl Footers {
    fn get(&self, path: &Path, file: &File) -> Result<ArrowReaderMetadata, StoreError> {
        // The lock is not held while a footer is read: two readers may read the same one, once.
        let footer = if let Some(footer) = self.known(path) {
            footer
        } else {
            let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
            ArrowReaderMetadata::load(file, options)?
        };
        let mut kept = self.lock();
        kept.retain(|(known, _)| known != path);
        if kept.len() == FOOTERS_MAX {
            kept.pop_front();
        }
        kept.push_back((path.to_owned(), footer.clone()));
        Ok(footer)
    }

    fn known(&self, path: &Path) -> Option<ArrowReaderMetadata> {
        self.lock().iter().find(|(known, _)| known == path).map(|(_, footer)| footer.clone())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(PathBuf, ArrowReaderMetadata)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rows of a segment that were written together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowGroup {
    pub(crate) row_first: u64,
    pub(crate) row_count: u64,
    /// Earliest and latest event time; everything, if the file does not tell.
    pub(crate) times: (i64, i64),
}

/// A segment's file.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    path: PathBuf,
    footers: Arc<Footers>,
    /// Kept once they were read: 32 bytes for 64 Ki rows.
    groups: OnceLock<Vec<RowGroup>>,
}

impl SegmentFile {
    pub(crate) fn new(path: PathBuf, footers: Arc<Footers>) -> Self {
        Self { path, footers, groups: OnceLock::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self) -> Result<ParquetRecordBatchReaderBuilder<File>, StoreError> {
        let file = File::open(&self.path).map_err(|source| match source.kind() {
            // A listed segment's file is there for as long as anybody has the segment.
            ErrorKind::NotFound => StoreError::corrupt("a segment's file is gone").because(source),
            _ => StoreError::from(source),
        })?;
        let footer = self.footers.get(&self.path, &file)?;
        Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, footer))
    }

    /// The rows of the given ranges (`first, count`, ascending, disjoint), in order. Blocking.
    pub(crate) fn rows(
        &self,
        ranges: &[(u64, u64)],
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader, StoreError> {
        Ok(self.open()?.with_row_selection(selection(ranges)).with_batch_size(batch_rows).build()?)
    }

    /// What a row takes in memory, on average. Blocking.
    pub(crate) fn row_bytes(&self) -> Result<usize, StoreError> {
        let builder = self.open()?;
        let groups = builder.metadata().row_groups();
        let bytes: i64 = groups.iter().map(RowGroupMetaData::total_byte_size).sum();
        let rows: i64 = groups.iter().map(RowGroupMetaData::num_rows).sum();
        Ok((bytes / rows.max(1)) as usize)
    }

    /// Its row groups in order. Blocking.
    pub(crate) fn groups(&self) -> Result<&[RowGroup], StoreError> {
        if let Some(groups) = self.groups.get() {
            return Ok(groups);
        }
        let builder = self.open()?;
        let mut row_first = 0;
        let groups = builder.metadata().row_groups().iter().map(|group| {
            let times = match group.column(at::TIME).statistics() {
                Some(Statistics::Int64(times)) => (
                    times.min_opt().copied().unwrap_or(i64::MIN),
                    times.max_opt().copied().unwrap_or(i64::MAX),
                ),
                _ => (i64::MIN, i64::MAX),
            };
            let found = RowGroup { row_first, row_count: group.num_rows() as u64, times };
            row_first += found.row_count;
            found
        });
        let groups = groups.collect();
        Ok(self.groups.get_or_init(|| groups))
    }

    /// The given columns of the given row ranges (`first, count`, ascending, disjoint). Blocking.
    pub(crate) fn read(
        &self,
        ranges: &[(u64, u64)],
        columns: &[usize],
    ) -> Result<Vec<RecordBatch>, StoreError> {
        let builder = self.open()?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
        let rows: u64 = ranges.iter().map(|(_, count)| count).sum();
        let reader = builder
            .with_projection(mask)
            .with_row_selection(selection(ranges))
            .with_batch_size(BATCH_ROWS.min(rows as usize).max(1))
            .build()?;
        reader.map(|batch| batch.map_err(StoreError::from)).collect()
    }
}

fn selection(ranges: &[(u64, u64)]) -> RowSelection {
    let mut selectors = Vec::with_capacity(ranges.len() * 2);
    let mut position = 0;
    for &(first, count) in ranges {
        if first > position {
            selectors.push(RowSelector::skip((first - position) as usize));
        }
        selectors.push(RowSelector::select(count as usize));
        position = first + count;
    }
    RowSelection::from(selectors)
}
