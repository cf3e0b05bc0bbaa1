//! Recorded traffic of real agents, sent again over HTTP, against a server whose clock is that of the
//! recording: it becomes the sessions that were recorded.
//!
//! Data: `conformance/loupe-web/` and `conformance/exceptionless/`; their READMEs say what the members
//! mean.

mod exceptionless;
mod loupe;

use std::path::Path;

use kymo_model::Timestamp;
use serde::de::DeserializeOwned;

/// A case file by its path below `conformance`.
fn read<T: DeserializeOwned>(file: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn moment(text: &str) -> Timestamp {
    let moment: jiff::Timestamp = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    Timestamp::from_unix_nanos(moment.as_nanosecond() as i64)
}
