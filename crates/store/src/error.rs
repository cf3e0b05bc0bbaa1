//! The crate's one public error: what the caller can do about it, a message, and the source.

use std::error::Error;
use std::fmt;

/// Something the store could not do.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What the caller can do about a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// Try again later: the server is busy, stopping, or the disk is full.
    Retry,
    /// Fix the request: it names something that cannot be.
    Input,
    /// It is not there.
    NotFound,
    /// It is there already, or what is there forbids it.
    Conflict,
    /// Use a newer server: the folder was written by one.
    Upgrade,
    /// Report it: stored data could not be read back.
    Corrupt,
}

impl StoreError {
    /// What the caller can do.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    pub(crate) fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn because(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Input, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::NotFound, message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Conflict, message)
    }

    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Corrupt, message)
    }

    pub(crate) fn retry(message: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Retry, message)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

/// The catalog failed. Everything it can say at run time (busy, disk full, file gone) may pass; a
/// file that is not a database will not.
impl From<sqlx::Error> for StoreError {
    fn from(source: sqlx::Error) -> Self {
        let malformed = matches!(&source, sqlx::Error::Database(error)
            if error.code().is_some_and(|code| code == "11" || code == "26"));
        let kind = if malformed || matches!(source, sqlx::Error::ColumnDecode { .. }) {
            StoreErrorKind::Corrupt
        } else {
            StoreErrorKind::Retry
        };
        Self::new(kind, "the catalog could not be read or written").because(source)
    }
}

impl From<std::io::Error> for StoreError {
    fn from(source: std::io::Error) -> Self {
        Self::retry("a file of the data folder could not be read or written").because(source)
    }
}

impl From<parquet::errors::ParquetError> for StoreError {
    fn from(source: parquet::errors::ParquetError) -> Self {
        Self::corrupt("a segment could not be read or written").because(source)
    }
}

impl From<arrow_schema::ArrowError> for StoreError {
    fn from(source: arrow_schema::ArrowError) -> Self {
        Self::corrupt("a column batch could not be read or written").because(source)
    }
}
