//! The ring alone: what goes in comes out, in order, whole, once; damage costs no more than itself. And the model of
//! writer and reader that loom runs through every order of steps its memory model allows.

use std::sync::atomic::AtomicU64;

use super::*;

const SALT: u32 = 0x5eed_5a17;

fn slots(words: usize) -> Vec<AtomicU64> {
    (0..words).map(|_| AtomicU64::new(0)).collect()
}

/// A payload that tells its number: 1 to 7 words.
fn payload(number: u64) -> Vec<u64> {
    vec![number; 1 + (number % 7) as usize]
}

fn read_all(ring: Ring<'_, AtomicU64>, reader: &mut Reader) -> Vec<Vec<u64>> {
    let mut records = Vec::new();
    let mut words = Vec::new();
    while reader.read(ring, &mut words) == Found::Record {
        records.push(std::mem::take(&mut words));
    }
    records
}

#[test]
fn records_come_out_in_order_over_many_laps() {
    let slots = slots(64);
    let ring = Ring::new(&slots, SALT);
    let (mut writer, mut reader) = (Writer::default(), Reader::at(0));
    let (mut written, mut read) = (0, 0);
    for round in 0..2_000_u64 {
        for _ in 0..=(round % 9) {
            let payload = payload(written);
            if writer.try_write(ring, &payload.as_slice())
                || writer.write(ring, &payload.as_slice(), reader.next, 16).is_ok()
            {
                written += 1;
            }
        }
        for record in read_all(ring, &mut reader) {
            assert_eq!(record, payload(read));
            read += 1;
        }
        assert_eq!(read, written, "round {round}");
        assert!(!reader.is_torn(ring), "zero lies behind, whatever lay there before");
    }
    assert!(writer.head > 100 * 64, "gone round often");
    assert_eq!(reader.damaged_words, 0);
}

#[test]
fn a_full_ring_takes_nothing_and_loses_nothing() {
    let slots = slots(64);
    let ring = Ring::new(&slots, SALT);
    let mut writer = Writer::default();
    let mut written = 0;
    while writer.write(ring, &payload(written).as_slice(), 0, 64).is_ok() {
        written += 1;
    }
    let head = writer.head;
    assert_eq!(writer.write(ring, &[9_u64; 7].as_slice(), 0, 64), Err(Full));
    assert!(!writer.try_write(ring, &[9_u64; 7].as_slice()));
    assert_eq!(writer.head, head);
    let records = read_all(ring, &mut Reader::at(0));
    assert_eq!(records.len() as u64, written);
}

#[test]
fn any_damaged_word_costs_its_own_record_only() {
    for damaged in 0..60 {
        let slots = slots(64);
        let ring = Ring::new(&slots, SALT);
        let mut writer = Writer::default();
        let mut starts = Vec::new();
        for number in 0.. {
            starts.push(writer.head);
            if writer.head > 50 || writer.write(ring, &payload(number).as_slice(), 0, 64).is_err() {
                break;
            }
        }
        if damaged >= writer.head {
            break;
        }
        slots[damaged as usize].fetch_xor(0x10_0000_0001, Ordering::Relaxed);
        let hit = starts.partition_point(|&start| start <= damaged) - 1;
        let read = read_all(ring, &mut Reader::at(0));
        let expected: Vec<Vec<u64>> =
            (0..starts.len() as u64 - 1).filter(|&number| number != hit as u64).map(payload).collect();
        assert_eq!(read, expected, "word {damaged} damaged");
    }
}

#[test]
fn records_of_an_earlier_lap_and_forged_ones_are_not_read() {
    let slots = slots(64);
    let ring = Ring::new(&slots, SALT);
    let (mut writer, mut reader) = (Writer::default(), Reader::at(0));
    // What a program logs is a record as it would lie there, by a guess of the salt.
    let forged = Ring::<AtomicU64>::new(&slots, SALT ^ 1);
    for lap in 0..50_u64 {
        let at = writer.head + 1;
        let crc = checksum::of_words(forged.seed(at), &[lap]);
        // Four words with its own commit word, so that no padding moves it.
        let payload = [forged.commit_word(at, 2, crc), lap, 0];
        writer.write(ring, &payload.as_slice(), reader.next, 64).unwrap();
        assert_eq!(read_all(ring, &mut reader), [payload.to_vec()]);
        // Even a reader that starts in the middle finds nothing but what is behind.
        assert_eq!(read_all(ring, &mut Reader::at(at)), [[0; 0]; 0], "lap {lap}");
    }
}

/// Any words at all: no panic, no end behind what there is.
#[test]
fn noise_is_survived() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..200 {
        let slots = slots(64);
        for slot in &slots {
            Slot::store(slot, random());
        }
        let ring = Ring::new(&slots, SALT);
        let mut reader = Reader::at(random() >> 20);
        let start = reader.next;
        read_all(ring, &mut reader);
        assert!(reader.next <= start + 64);
    }
}

mod model {
    //! `slots` of loom stand in for the ring's words, so a word that is read before it is safe to read shows as a
    //! wrong value or a wrong checksum in some execution.

    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicU64, Ordering};
    use loom::thread;

    use super::super::*;

    impl Slot for AtomicU64 {
        fn load(&self) -> u64 {
            self.load(Ordering::Relaxed)
        }
        fn store(&self, word: u64) {
            self.store(word, Ordering::Relaxed);
        }
        fn load_acquire(&self) -> u64 {
            self.load(Ordering::Acquire)
        }
        fn store_release(&self, word: u64) {
            self.store(word, Ordering::Release);
        }
    }

    struct Shared {
        slots: Vec<AtomicU64>,
        tail: AtomicU64,
    }

    /// Records of two words each in a ring of eight: with the zero behind the last only three fit.
    fn run(records: u64) {
        let shared =
            Arc::new(Shared { slots: (0..8).map(|_| AtomicU64::new(0)).collect(), tail: AtomicU64::new(0) });
        let for_writer = Arc::clone(&shared);
        let writer = thread::spawn(move || {
            let ring = Ring::new(&for_writer.slots, 3);
            let mut writer = Writer::default();
            for number in 0..records {
                let payload = [number + 100];
                while !writer.try_write(ring, &payload.as_slice())
                    && writer
                        .write(ring, &payload.as_slice(), for_writer.tail.load(Ordering::Acquire), 8)
                        .is_err()
                {
                    thread::yield_now();
                }
            }
        });
        let ring = Ring::new(&shared.slots, 3);
        let mut reader = Reader::at(0);
        let mut words = Vec::new();
        let mut next = 0;
        while next < records {
            match reader.read(ring, &mut words) {
                Found::Record => {
                    assert_eq!(words, [next + 100]);
                    words.clear();
                    next += 1;
                    shared.tail.store(reader.next, Ordering::Release);
                }
                Found::Nothing => thread::yield_now(),
            }
        }
        assert_eq!(reader.damaged_words, 0, "nothing half written was seen");
        writer.join().unwrap();
    }

    #[test]
    fn reader_sees_whole_records_in_order() {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(2);
        // Five records wrap: the last is written over words that were read.
        builder.check(|| run(5));
    }
}
