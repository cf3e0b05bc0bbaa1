//! A session file on its way, as records that come once each: what somebody has already is passed over by its sequence.

use std::collections::VecDeque;
use std::sync::Arc;

use kymo_format::{Damage, End, Header, Item, ReadRecord, Reader};

/// What a [`Channel`] gives.
#[derive(Clone, Debug, PartialEq)]
pub enum ChannelItem {
    /// A fragment begins.
    Header(Arc<Header>),
    /// The next record that was not there before.
    Record(Box<ReadRecord>),
    /// These sequences are not in what came: what is told next lies behind them.
    Gap {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// So many were dropped for this reason since the session began.
    Loss {
        /// The agent's word for it.
        reason: String,
        /// Since the session began.
        total: u64,
    },
    /// How the session ended.
    End(End),
    /// The fragment was closed.
    Closed,
    /// What came there is no session file. Reading begins anew by [`Channel::begin`].
    Damage(Damage),
}

/// Takes a session file in pieces of any size, which may begin anew before the place that was reached; gives what is
/// behind the cursor, in order, once. It holds a block, never the file.
#[derive(Debug)]
pub struct Channel {
    reader: Reader,
    /// The last sequence that was told; `None` before it is known from where on.
    after: Option<u64>,
    waiting: VecDeque<ChannelItem>,
    /// Where the last frame began, in bytes from the beginning of what was fed since [`begin`](Self::begin).
    frame_at: Option<u64>,
}

impl Channel {
    /// For who has everything up to `after`; `None`: it is not known yet, and the first that comes is the first wanted.
    pub fn new(after: Option<u64>) -> Self {
        Self { reader: Reader::new(), after, waiting: VecDeque::new(), frame_at: None }
    }

    /// The last sequence that was told.
    pub fn after(&self) -> Option<u64> {
        self.after
    }

    /// A session file begins with the next byte: with its magic.
    pub fn begin(&mut self) {
        self.begin_with(Reader::new());
    }

    pub(crate) fn begin_with(&mut self, reader: Reader) {
        (self.reader, self.frame_at) = (reader, None);
        self.waiting.clear();
    }

    /// What is up to there is not waited for any more: it is there by other means, or nowhere.
    pub fn pass_over(&mut self, last: u64) {
        self.after = Some(self.after.map_or(last, |after| after.max(last)));
    }

    /// The next bytes. Items are taken between two pieces until there are none.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.reader.feed(bytes);
    }

    /// No more bytes will come: what is not whole becomes damage.
    pub(crate) fn finish(&mut self) {
        self.reader.finish();
    }

    /// Where the last frame began, if one came.
    pub(crate) fn frame_at(&self) -> Option<u64> {
        self.frame_at
    }

    /// The next item; `None` until more came.
    #[expect(clippy::should_implement_trait, reason = "as `Reader::next`: more may come after `None`")]
    pub fn next(&mut self) -> Option<ChannelItem> {
        if let Some(item) = self.waiting.pop_front() {
            return Some(item);
        }
        loop {
            match self.reader.next()? {
                Item::Header(header) => return Some(ChannelItem::Header(header)),
                Item::Frame { offset, .. } => self.frame_at = Some(offset),
                Item::Record(record) => {
                    if let Some(item) = self.record(record) {
                        return Some(item);
                    }
                }
                Item::Loss { reason, total } => return Some(ChannelItem::Loss { reason, total }),
                Item::End(end) => return Some(ChannelItem::End(end)),
                Item::Index(_) => return Some(ChannelItem::Closed),
                Item::Damage(damage) => return Some(ChannelItem::Damage(damage)),
                Item::Ring(_) => {}
            }
        }
    }

    fn record(&mut self, record: Box<ReadRecord>) -> Option<ChannelItem> {
        let sequence = record.sequence;
        let expected = self.after.map_or(sequence, |after| after.saturating_add(1));
        if sequence < expected || self.after == Some(sequence) {
            return None;
        }
        self.after = Some(sequence);
        if sequence == expected {
            return Some(ChannelItem::Record(record));
        }
        self.waiting.push_back(ChannelItem::Record(record));
        Some(ChannelItem::Gap { first: expected, last: sequence - 1 })
    }
}

#[cfg(test)]
mod tests {
    use kymo_format::{Arg, Callsite, Record, Settings, Thread, Writer};
    use kymo_model::{Severity, Timestamp};
    use kymo_testkit::Random;
    use kymo_testkit::record_requests::header;

    use super::*;

    /// A file of that many records in frames of some hundred, and where its header ends.
    fn file(records: u64) -> (Vec<u8>, usize) {
        let settings = Settings { frame_raw_bytes: 4096, ..Settings::default() };
        let mut writer = Writer::new(&header(), settings).unwrap();
        writer
            .define_callsite(0, &Callsite::new(Severity::INFO, "line {n} of {what}", &["n", "what"]))
            .unwrap();
        writer.define_thread(0, &Thread { id: 1, name: None }).unwrap();
        let head = writer.output().len();
        for number in 1..=records {
            let args = [Arg::U64(number), Arg::U64(Random::new(number).number())];
            let time = Timestamp::from_unix_nanos(number as i64 * 1000);
            let record = Record { time, thread: 0, callsite: 0, args: &args, extra: None, origin: None };
            writer.record(&record).unwrap();
            if number % 40 == 0 {
                writer.flush().unwrap();
            }
        }
        writer.flush().unwrap();
        (writer.output().to_vec(), head)
    }

    fn sequences(channel: &mut Channel) -> Vec<(u64, u64)> {
        std::iter::from_fn(|| channel.next())
            .filter_map(|item| match item {
                ChannelItem::Record(record) => Some((record.sequence, record.sequence)),
                ChannelItem::Gap { first, last } => Some((first, last)),
                ChannelItem::Damage(damage) => panic!("{damage:?}"),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn what_comes_again_is_passed_over_however_it_is_cut() {
        let (file, _) = file(2000);
        let mut random = Random::seeded(20_261_122);
        for _ in 0..30 {
            let mut channel = Channel::new(Some(0));
            let mut all = Vec::new();
            while channel.after() != Some(2000) {
                // A connection that breaks somewhere, and then all again.
                channel.begin();
                let end = random.below(file.len() as u64 + 4000).min(file.len() as u64) as usize;
                for piece in file[..end].chunks(1 + random.below(5000) as usize) {
                    channel.feed(piece);
                    all.append(&mut sequences(&mut channel));
                }
            }
            assert_eq!(all, (1..=2000).map(|number| (number, number)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_not_there_is_told_before_what_follows() {
        let (file, head) = file(2000);
        let mut outline = Reader::new().outline();
        outline.feed(&file);
        let frames: Vec<(usize, u64)> = std::iter::from_fn(|| outline.next())
            .filter_map(|item| match item {
                Item::Frame { offset, first_sequence, .. } => Some((offset as usize, first_sequence)),
                _ => None,
            })
            .collect();
        let (offset, first) = frames[3];
        let mut channel = Channel::new(Some(5));
        channel.feed(&file[..head]);
        channel.feed(&file[offset..]);
        let told = sequences(&mut channel);
        assert_eq!(told[..2], [(6, first - 1), (first, first)]);
        assert_eq!(channel.after(), Some(2000));
        channel.begin();
        channel.feed(&file);
        assert_eq!(sequences(&mut channel), []);
        let mut from_now = Channel::new(None);
        from_now.feed(&file[..head]);
        from_now.feed(&file[offset..]);
        assert_eq!(sequences(&mut from_now)[0], (first, first));
    }
}
