//! Telling the server of sessions that run, so that it knows when one falls silent; and hearing what it wants of them.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::super::client::{Beat, Client, Head, SendError, SendErrorKind};
use super::super::pass::keep;
use super::super::pieces;
use super::{AGAIN_AFTER, Sender};
use crate::repository::Summary;
use crate::sending::select::{Local, select_if};
use crate::sending::{Gate, SendReason, SendSettings, SentFragment};

impl Sender<'_> {
    /// A beat for every session of the folders that runs and that the server knows.
    pub(super) fn beat(&mut self, settings: &SendSettings, place: &Path, folders: &[PathBuf]) {
        if self.no_beats_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        let beaten = self.with_client(settings, |sender, client| {
            for folder in folders {
                sender.beat_in(client, settings, folder)?;
            }
            Ok(())
        });
        if let Err(error) = beaten.and_then(|beaten| beaten) {
            self.failed(place, &error);
        }
    }

    fn beat_in(&mut self, client: &Client, settings: &SendSettings, folder: &Path) -> Result<(), SendError> {
        let gate = Gate::new(folder.parent().unwrap_or(folder), settings);
        let is_known = |local: &Local| {
            local.is_running && local.sent.to == client.server() && !local.sent.wanted.is_empty()
        };
        for mut local in select_if(folder, is_known).unwrap_or_default() {
            if self.shared.stops() || !gate.is_open(SendReason::Rule) {
                return Ok(());
            }
            let Some(id) = local.id() else { continue };
            let beat = beat(&local.summary);
            let wanted = match client.beat(id, &beat) {
                // Forgotten there, or a server that is older than beats.
                Err(error) if error.kind == SendErrorKind::Unknown => {
                    let Some(fragment) = local.fragments.first() else { continue };
                    let Ok(head) = pieces::head(&fragment.path) else { continue };
                    let head = client.begin(&head)?;
                    self.owes |= forget(&mut local, &head);
                    match client.beat(id, &beat) {
                        Err(error) if error.kind == SendErrorKind::Unknown => {
                            self.no_beats_until = Some(Instant::now() + AGAIN_AFTER);
                            return Ok(());
                        }
                        wanted => wanted?,
                    }
                }
                wanted => wanted?,
            };
            if wanted != local.sent.wanted {
                let mut sent = local.sent.clone();
                sent.is_requested |= wanted == "all";
                sent.wanted = wanted;
                keep(&local, &sent);
                self.owes = true;
            }
        }
        Ok(())
    }
}

/// A server that does not know a session may have gone back to a backup: what it does not have any more is to be sent again.
/// One that is older than beats has everything. Whether there is something.
fn forget(local: &mut Local, head: &Head) -> bool {
    let is_there = |number: u64, known: &SentFragment| {
        head.fragments
            .get(&number)
            .is_some_and(|there| there.offset >= known.bytes && (there.is_complete || !known.is_complete))
    };
    let known = &local.sent.fragments;
    let lost = known.iter().filter(|(number, known)| !is_there(**number, known)).map(|(number, _)| *number);
    let lost: Vec<u64> = lost.collect();
    if lost.is_empty() {
        return false;
    }
    local.sent.forget(&lost);
    local.sent.forgotten(&lost, &local.folder, &local.stem);
    true
}

fn beat(summary: &Summary) -> Beat {
    Beat {
        last_sequence: summary.last_sequence,
        messages: summary.tally.messages,
        // What is counted here goes by severity; the server goes by kind, and learns it with the events.
        errors: None,
        dropped: summary.losses.clone(),
    }
}
