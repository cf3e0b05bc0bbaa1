//! What the row of a browser tab's session has beside the others: the visit, the page loads, and
//! which numbers of the agent are taken.
//!
//! An agent in a page numbers its messages through all page loads of its tab. A tab that is opened
//! from the page starts with a copy of agent id and number, so both go on from there, and nothing
//! tells so before one number comes twice, from two page loads:
//!
//! ```text
//! tab            load A: 1 2 3 4 5 ............ 6 7
//! opened tab                       load B: 6 7 8      <- 6 of A: B is another tab
//! ```
//!
//! Therefore every page load's events are stored under an id of their own (its *stream*), and what
//! a session comes to is kept for each of its newest page loads: taking a session apart is a
//! matter of rows, stored events stay where they are.

use kymo_model::{Event, Kymogram, SessionId, Timestamp};
use sha2::{Digest, Sha256};

/// Page loads that can still be taken out of a session. The one that shares its numbers with
/// another tab is among the newest; each takes up to 300 bytes of the row.
pub const LOADS_MAX: usize = 8;
/// Stretches of numbers told apart. An agent that loses nothing has one for each page load that a
/// neighbour's late messages interrupt.
pub const RUNS_MAX: usize = 64;
/// Largest number of an agent that is taken for one: JavaScript's largest exact integer.
pub const SEQUENCE_MAX: u64 = 1 << 53;

/// A browser tab's part of a session row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tab {
    /// Whose page views belong together, as far as known.
    pub visit: Option<Visit>,
    /// What cannot be taken out any more: older page loads and messages that name none. `None`
    /// while everything is of the one load in `loads`.
    pub earlier: Option<Part>,
    /// The newest page loads, in order of arrival.
    pub loads: Vec<PageLoad>,
    /// Numbers that are taken, ascending, neighbours of one load joined.
    pub runs: Vec<Run>,
}

/// Page views that belong together, as a cookie or the page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The id: a label, never a credential.
    pub id: String,
    /// The site's own cookie said so; this goes before what the page says.
    pub from_cookie: bool,
    /// Date of the event that said so.
    pub seen_at: Timestamp,
}

impl Visit {
    /// Smaller is preferred: the cookie's, then the earliest.
    fn rank(&self) -> (bool, Timestamp, &str) {
        (!self.from_cookie, self.seen_at, &self.id)
    }
}

/// One load of a page in the tab.
#[derive(Clone, Debug, PartialEq)]
pub struct PageLoad {
    /// Stands for the page's own id.
    pub id: LoadId,
    /// Id under which its events are stored.
    pub stream: SessionId,
    /// What it comes to; `None` while the session has nothing else.
    pub part: Option<Part>,
}

/// A page load's id, shortened: it only has to differ from the others of one tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoadId(pub u32);

impl LoadId {
    /// Messages that name no page load.
    pub const UNKNOWN: Self = Self(0);
    /// Several, which are not told apart any more.
    pub const SEVERAL: Self = Self(1);

    /// Of the id that the page chose.
    pub fn of(page_load: Option<&str>) -> Self {
        let Some(text) = page_load else { return Self::UNKNOWN };
        let digest = Sha256::digest(text.as_bytes());
        let short = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Self(short.max(Self::SEVERAL.0 + 1))
    }

    /// A page load, not one of the constants.
    pub(crate) fn is_known(self) -> bool {
        self > Self::SEVERAL
    }
}

/// Figures of a part of a session, as the row has them for the whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Earliest event.
    pub started_at: Timestamp,
    /// Latest event.
    pub last_activity_at: Timestamp,
    /// Events stored.
    pub event_count: u64,
    /// Of these, errors.
    pub error_count: u64,
    /// Over time.
    pub kymogram: Kymogram,
}

impl Part {
    /// Counts an event.
    pub(crate) fn add(part: &mut Option<Self>, event: &Event) {
        let part = part.get_or_insert_with(|| Self {
            started_at: event.time,
            last_activity_at: event.time,
            event_count: 0,
            error_count: 0,
            kymogram: Kymogram::default(),
        });
        part.started_at = part.started_at.min(event.time);
        part.last_activity_at = part.last_activity_at.max(event.time);
        part.event_count += 1;
        part.error_count += u64::from(event.is_error());
        part.kymogram.add(event.time, event.severity);
    }

    /// Both together.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.started_at = self.started_at.min(other.started_at);
        self.last_activity_at = self.last_activity_at.max(other.last_activity_at);
        self.event_count += other.event_count;
        self.error_count += other.error_count;
        self.kymogram.merge(&other.kymogram);
    }
}

/// Consecutive numbers that came from one page load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// Whose.
    pub load: LoadId,
}

impl Tab {
    /// Whose number `sequence` is.
    pub(crate) fn owner(&self, sequence: u64) -> Option<LoadId> {
        let at = self.runs.partition_point(|run| run.last < sequence);
        self.runs.get(at).filter(|run| run.first <= sequence).map(|run| run.load)
    }

    /// Whether anything came from that load.
    pub(crate) fn has(&self, load: LoadId) -> bool {
        self.runs.iter().any(|run| run.load == load) || self.loads.iter().any(|known| known.id == load)
    }

    /// The first number of that load.
    pub(crate) fn first_of(&self, load: LoadId) -> Option<u64> {
        self.runs.iter().find(|run| run.load == load).map(|run| run.first)
    }

    /// The number after all that are taken; agents count from 1, or from 0 without storage.
    pub(crate) fn next(&self) -> u64 {
        self.runs.last().map_or(1, |run| run.last + 1)
    }

    /// The largest taken number below `sequence`.
    pub(crate) fn last_below(&self, sequence: u64) -> Option<u64> {
        let at = self.runs.partition_point(|run| run.last < sequence);
        if self.runs.get(at).is_some_and(|run| run.first < sequence) {
            return Some(sequence - 1);
        }
        at.checked_sub(1).map(|at| self.runs[at].last)
    }

    /// Takes a number that is free.
    pub(crate) fn take(&mut self, sequence: u64, load: LoadId) {
        let at = self.runs.partition_point(|run| run.last < sequence);
        let joins_before = at > 0 && self.runs[at - 1].load == load && self.runs[at - 1].last + 1 == sequence;
        let joins_after = self.runs.get(at).is_some_and(|run| run.load == load && run.first == sequence + 1);
        match (joins_before, joins_after) {
            (true, true) => {
                self.runs[at - 1].last = self.runs[at].last;
                self.runs.remove(at);
            }
            (true, false) => self.runs[at - 1].last = sequence,
            (false, true) => self.runs[at].first = sequence,
            (false, false) => self.runs.insert(at, Run { first: sequence, last: sequence, load }),
        }
        if self.runs.len() > RUNS_MAX {
            // The oldest gap counts as taken from now on: what still comes for it goes to the end.
            let first = self.runs.remove(0);
            self.runs[0].first = first.first;
            if self.runs[0].load != first.load {
                self.runs[0].load = LoadId::SEVERAL;
            }
        }
    }

    /// Notes what a message says about the visit.
    pub(crate) fn note_visit(&mut self, visit: Option<&Visit>) {
        let Some(visit) = visit else { return };
        if self.visit.as_ref().is_none_or(|known| visit.rank() < known.rank()) {
            self.visit = Some(visit.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(tab: &Tab) -> Vec<(u64, u64, u32)> {
        tab.runs.iter().map(|run| (run.first, run.last, run.load.0)).collect()
    }

    #[test]
    fn neighbours_of_one_load_are_one_run() {
        let mut tab = Tab::default();
        let [a, b] = [LoadId(10), LoadId(11)];
        for (sequence, load) in [(1, a), (3, a), (5, b), (4, b), (2, a), (7, a), (6, a)] {
            assert_eq!(tab.owner(sequence), None);
            tab.take(sequence, load);
        }
        assert_eq!(runs(&tab), [(1, 3, 10), (4, 5, 11), (6, 7, 10)]);
        assert_eq!((tab.owner(4), tab.owner(8), tab.next()), (Some(b), None, 8));
        assert_eq!((tab.last_below(4), tab.last_below(1), tab.last_below(100)), (Some(3), None, Some(7)));
        assert_eq!((tab.first_of(a), tab.first_of(b)), (Some(1), Some(4)));
    }

    #[test]
    fn gaps_are_bounded() {
        let mut tab = Tab::default();
        for number in 0..1000 {
            tab.take(number * 2, LoadId(10 + number as u32 % 2));
        }
        assert_eq!(tab.runs.len(), RUNS_MAX);
        assert_eq!(tab.owner(1), Some(LoadId::SEVERAL), "a gap that was given up");
        assert_eq!(tab.owner(1997), None, "a gap that is kept");
        assert_eq!(tab.next(), 1999);
    }

    #[test]
    fn the_cookie_says_the_visit() {
        let visit = |id: &str, from_cookie, nanos| Visit {
            id: id.into(),
            from_cookie,
            seen_at: Timestamp::from_unix_nanos(nanos),
        };
        let mut tab = Tab::default();
        for (said, expected) in [
            (visit("page 2", false, 2), "page 2"),
            (visit("page 1", false, 1), "page 1"),
            (visit("cookie", true, 9), "cookie"),
            (visit("page 0", false, 0), "cookie"),
            (visit("earlier cookie", true, 5), "earlier cookie"),
        ] {
            tab.note_visit(Some(&said));
            assert_eq!(tab.visit.as_ref().unwrap().id, expected);
        }
    }
}
