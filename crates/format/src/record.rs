//! What a writer takes: one record with typed arguments, and what may come with it.

use kymo_model::{Exception, Severity, Timestamp, Value};

/// One thing to write down. Nothing in it is formatted: the text is made by whoever reads it.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// When; rounded down to the writer's unit of time.
    pub time: Timestamp,
    /// Key of the thread, see [`crate::Writer::define_thread`].
    pub thread: u32,
    /// Key of the callsite, see [`crate::Writer::define_callsite`].
    pub callsite: u32,
    /// Values of the callsite's fields, in their order.
    pub args: &'a [Arg<'a>],
    /// What most records do not have.
    pub extra: Option<&'a Extra<'a>>,
    /// Where the record came from, so that recovery knows that the file has it.
    pub origin: Option<RingPosition>,
}

/// What most records do not have. Whatever is given here holds for one record and wins over its callsite.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extra<'a> {
    /// Where the callsite does not know how bad it is.
    pub severity: Option<Severity>,
    /// Where the callsite does not know where it belongs.
    pub category: Option<&'a str>,
    /// The application's id for whom it happened to.
    pub user_id: Option<&'a str>,
    /// What to call them.
    pub user_name: Option<&'a str>,
    /// Key of the innermost open span, see [`crate::Writer::open_span`].
    pub span: Option<u64>,
    /// The id by which others can refer to this record.
    pub reference_id: Option<&'a str>,
    /// A document that goes with it.
    pub details: Option<(DetailsKind, &'a str)>,
    /// The error with its causes.
    pub exception: Option<&'a Exception>,
    /// Named values that the callsite does not know of.
    pub attributes: &'a [(&'a str, Arg<'a>)],
}

/// A position in a ring of the agent's spool: everything before it is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RingPosition {
    /// Which ring, below [`crate::limits::RINGS_MAX`].
    pub ring: u32,
    /// Bytes from the ring's first lap on, after the record.
    pub position: u64,
}

/// A typed value as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arg<'a> {
    /// Present and empty.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    I64(i64),
    /// A whole number that is never negative.
    U64(u64),
    /// Any other number.
    F64(f64),
    /// Text.
    Text(&'a str),
    /// A list or a map, or what none of the others can hold.
    Value(&'a Value),
}

impl Arg<'_> {
    /// The type's number in the format.
    #[inline]
    pub(crate) const fn type_number(&self) -> u8 {
        match self {
            Self::Null => arg_type::NULL,
            Self::Bool(_) => arg_type::BOOL,
            Self::I64(_) => arg_type::I64,
            Self::U64(_) => arg_type::U64,
            Self::F64(_) => arg_type::F64,
            Self::Text(_) => arg_type::TEXT,
            Self::Value(_) => arg_type::VALUE,
        }
    }
}

/// A typed value as it was read.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgValue {
    /// Present and empty, or of a type that is newer than this reader.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    I64(i64),
    /// A whole number that is never negative.
    U64(u64),
    /// Any other number.
    F64(f64),
    /// Text.
    Text(String),
    /// A list or a map, or what none of the others can hold.
    Value(Value),
}

impl ArgValue {
    /// The same, to be written.
    pub fn as_arg(&self) -> Arg<'_> {
        match self {
            Self::Null => Arg::Null,
            Self::Bool(value) => Arg::Bool(*value),
            Self::I64(value) => Arg::I64(*value),
            Self::U64(value) => Arg::U64(*value),
            Self::F64(value) => Arg::F64(*value),
            Self::Text(text) => Arg::Text(text),
            Self::Value(value) => Arg::Value(value),
        }
    }

    /// As a value of the model; numbers beyond its range keep their digits as text.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::I64(value) => Value::Int(*value),
            Self::U64(value) => {
                i64::try_from(*value).map_or_else(|_| Value::Text(value.to_string()), Value::Int)
            }
            Self::F64(value) => Value::Float(*value),
            Self::Text(text) => Value::Text(text.clone()),
            Self::Value(value) => value.clone(),
        }
    }
}

/// Numbers of the types of arguments: three bits each.
pub(crate) mod arg_type {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const BOOL: u8 = 1;
    pub(crate) const I64: u8 = 2;
    pub(crate) const U64: u8 = 3;
    pub(crate) const F64: u8 = 4;
    pub(crate) const TEXT: u8 = 5;
    pub(crate) const VALUE: u8 = 6;
}

/// Bits of the parts that a record may have beside its arguments; each has one column in a frame.
pub(crate) mod part {
    pub(crate) const SEVERITY: u32 = 0;
    pub(crate) const CATEGORY: u32 = 1;
    pub(crate) const USER_ID: u32 = 2;
    pub(crate) const USER_NAME: u32 = 3;
    pub(crate) const SPAN: u32 = 4;
    pub(crate) const REFERENCE_ID: u32 = 5;
    pub(crate) const DETAILS_JSON: u32 = 6;
    pub(crate) const DETAILS_XML: u32 = 7;
    pub(crate) const DETAILS_TEXT: u32 = 8;
    pub(crate) const EXCEPTION: u32 = 9;
    pub(crate) const ATTRIBUTES: u32 = 10;
    /// Bits that a shape may have; a reader steps over those it does not know.
    pub(crate) const BITS: u32 = 32;
}

/// What sort of document the details of a record are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetailsKind {
    /// JSON, not checked.
    Json,
    /// XML, not checked.
    Xml,
    /// Anything else.
    Text,
}

impl DetailsKind {
    /// The word used in attributes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Text => "text",
        }
    }

    pub(crate) const fn part(self) -> u32 {
        match self {
            Self::Json => part::DETAILS_JSON,
            Self::Xml => part::DETAILS_XML,
            Self::Text => part::DETAILS_TEXT,
        }
    }
}
