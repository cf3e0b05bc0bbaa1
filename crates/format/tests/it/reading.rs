//! Reads whole files in pieces.

use kymo_format::{Counts, Damage, Item, ReadRecord, Reader};

/// Everything that a file said.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) items: Vec<Item>,
    pub(crate) counts: Counts,
}

impl Read {
    pub(crate) fn records(&self) -> Vec<&ReadRecord> {
        let mut records = Vec::new();
        for item in &self.items {
            if let Item::Record(record) = item {
                records.push(&**record);
            }
        }
        records
    }

    pub(crate) fn sequences(&self) -> Vec<u64> {
        self.records().iter().map(|record| record.sequence).collect()
    }

    pub(crate) fn damages(&self) -> Vec<Damage> {
        let damage = |item| if let &Item::Damage(damage) = item { Some(damage) } else { None };
        self.items.iter().filter_map(damage).collect()
    }

    /// Offset and first sequence of each frame.
    pub(crate) fn frames(&self) -> Vec<(u64, u64)> {
        let frame = |item| match item {
            &Item::Frame { offset, first_sequence, .. } => Some((offset, first_sequence)),
            _ => None,
        };
        self.items.iter().filter_map(frame).collect()
    }
}

pub(crate) fn read(bytes: &[u8]) -> Read {
    read_with(Reader::new(), bytes, 700)
}

pub(crate) fn read_with(mut reader: Reader, bytes: &[u8], piece: usize) -> Read {
    let mut items = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        reader.feed(piece);
        items.extend(std::iter::from_fn(|| reader.next()));
    }
    reader.finish();
    items.extend(std::iter::from_fn(|| reader.next()));
    Read { items, counts: reader.counts() }
}
