//! Reading back what the example recorded.

use std::path::Path;

use kymo_format::{Item, ReadRecord, Reader};

/// What the only session under a repository says, and how it ended.
pub(crate) fn read(root: &Path) -> (Vec<ReadRecord>, &'static str) {
    let sessions = kymo::sessions(root).unwrap();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    let file = sessions[0].0.with_extension("0001.kymo");
    let mut reader = Reader::new();
    reader.feed(&std::fs::read(&file).unwrap());
    reader.finish();
    let (mut records, mut reason) = (Vec::new(), "none");
    while let Some(item) = reader.next() {
        match item {
            Item::Record(record) => records.push(*record),
            Item::End(end) => reason = end.reason.as_str(),
            Item::Damage(damage) => panic!("{damage:?}"),
            _ => {}
        }
    }
    (records, reason)
}
