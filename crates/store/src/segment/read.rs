//! Reading rows of a segment.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowSelection, RowSelector,
};
use parquet::file::metadata::PageIndexPolicy;

use crate::error::StoreError;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 4096;

/// A segment's file; its footer is kept once read.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    path: PathBuf,
    metadata: Mutex<Option<ArrowReaderMetadata>>,
}

impl SegmentFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, metadata: Mutex::new(None) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self) -> Result<ParquetRecordBatchReaderBuilder<File>, StoreError> {
        let file = File::open(&self.path)?;
        let mut kept = self.metadata.lock().unwrap_or_else(PoisonError::into_inner);
        let metadata = match &*kept {
            Some(metadata) => metadata.clone(),
            None => {
                let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
                kept.insert(ArrowReaderMetadata::load(&file, options)?).clone()
            }
        };
        drop(kept);
        Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata))
    }

    /// All rows in order. Blocking.
    pub(crate) fn rows(&self, batch_rows: usize) -> Result<ParquetRecordBatchReader, StoreError> {
        Ok(self.open()?.with_batch_size(batch_rows).build()?)
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
