//! What was lost on the way, in sentences.

use std::io;

use kymo_format::{Damage, Item};

use super::find::Fragment;

/// Sentences kept; a file that is full of holes is described well enough by the first.
const SENTENCES_MAX: usize = 100;

/// Follows a reading and tells what could not be read, where, and what it cost.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// What was damaged: something is not there that was written.
    pub damages: Vec<String>,
    /// What is worth knowing and no damage, such as fragments that were not kept.
    pub notes: Vec<String>,
    /// Parts that could not be read, those that are not described among them.
    pub damage_count: u64,
    /// How many bytes that is.
    pub damaged_bytes: u64,
    /// Events that were lost with them, where that can be told.
    pub lost_events: u64,
    /// Damage whose cost is not known yet.
    pending: Option<String>,
    next_sequence: u64,
    header_seen: bool,
}

impl Account {
    /// Notes an item of a fragment.
    pub(crate) fn take(&mut self, fragment: &Fragment, item: &Item) {
        match item {
            Item::Header(_) => self.header_seen = true,
            Item::Record(record) => {
                self.sequence(record.sequence);
                self.next_sequence = record.sequence.saturating_add(1);
            }
            Item::Damage(damage) => self.damage(fragment, *damage),
            _ => {}
        }
    }

    /// Reading begins inside a session file: no damage makes it a foreign one.
    pub(crate) fn begin_inside(&mut self) {
        self.header_seen = true;
    }

    fn sequence(&mut self, found: u64) {
        let expected = self.next_sequence.max(1);
        let missing = found.saturating_sub(expected);
        let events = match missing {
            0 => String::new(),
            1 => format!("event {expected}"),
            _ => format!("events {expected} to {}", found - 1),
        };
        match (self.pending.take(), missing) {
            (Some(sentence), 0) => self.damages.push(sentence),
            (Some(sentence), _) => {
                self.lost_events += missing;
                self.damages.push(format!("{sentence}; lost: {events}"));
            }
            (None, 1..) if self.notes.len() < SENTENCES_MAX => {
                self.notes.push(format!("not in these files: {events}"));
            }
            (None, _) => {}
        }
    }

    fn damage(&mut self, fragment: &Fragment, damage: Damage) {
        self.settle();
        self.damage_count += 1;
        self.damaged_bytes += damage.bytes;
        if self.damages.len() >= SENTENCES_MAX {
            return;
        }
        let path = fragment.path.display();
        let Damage { offset, bytes, expected } = damage;
        self.pending = Some(match bytes {
            _ if offset == 0 && !self.header_seen && bytes >= fragment.bytes => {
                format!("{path} is no session file: expected {expected}")
            }
            0 => format!("{path}: what ends at byte {offset} was written wrong: expected {expected}"),
            _ if fragment.end.is_none() && offset + bytes >= fragment.start + fragment.bytes => {
                format!(
                    "{path} breaks off: its last {bytes} bytes, from byte {offset} on, cannot be read: expected {expected}"
                )
            }
            _ => format!("{path}: {bytes} bytes from byte {offset} on cannot be read: expected {expected}"),
        });
    }

    /// A fragment could not be read on.
    pub(crate) fn trouble(&mut self, fragment: &Fragment, error: &io::Error) {
        self.settle();
        self.damage_count += 1;
        if self.damages.len() < SENTENCES_MAX {
            self.damages.push(format!("{} cannot be read on: {error}", fragment.path.display()));
        }
    }

    /// Nothing follows: what the last damage cost will not be known.
    pub(crate) fn settle(&mut self) {
        self.damages.extend(self.pending.take());
    }

    /// Things that are newer than this program were stepped over.
    pub(crate) fn stepped_over(&mut self, unknown: u64) {
        if unknown > 0 {
            self.notes.push(format!("{unknown} parts were stepped over: a newer program has written them"));
        }
    }
}
