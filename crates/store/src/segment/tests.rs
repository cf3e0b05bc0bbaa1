//! Segments against a plain sorted list.

use std::sync::Arc;

use arrow_array::RecordBatch;
use kymo_model::{Event, EventKind, SessionId, Timestamp};
use kymo_testkit::Random;
use tempfile::TempDir;

use super::{Part, Segment, Written, merge, path, write_sorted};
use crate::catalog::events::{NO_SESSION, RowRange, SegmentRow};
use crate::catalog::projects::ProjectPk;
use crate::columns::{BatchBuilder, Reader, StoredEvent, schema};
use crate::views::Views;

/// A row: its session (0: none), sequence and text.
type Row = (u128, u64, String);

fn batch(rows: &[Row]) -> RecordBatch {
    let mut builder = BatchBuilder::with_capacity(rows.len());
    for (session, sequence, text) in rows {
        let moment = Timestamp::from_unix_nanos(*sequence as i64);
        let mut event = Event::new(EventKind::Log, moment, moment);
        event.body = Some(text.clone());
        builder.push(Some(SessionId::from_u128(*session)).filter(|id| *id != NO_SESSION), *sequence, &event);
    }
    builder.finish().unwrap()
}

fn row_of(event: &StoredEvent) -> Row {
    let session = event.session.map_or(0, SessionId::as_u128);
    (session, event.sequence, event.message.clone().unwrap_or_default())
}

fn rows_of(batches: &[RecordBatch]) -> Vec<Row> {
    let all = batches.iter().flat_map(|batch| {
        let reader = Reader::new(batch);
        (0..batch.num_rows()).map(move |row| row_of(&reader.event(row).unwrap()))
    });
    all.collect()
}

fn segment(folder: &TempDir, pk: i64, written: &Written) -> Arc<Segment> {
    let row = SegmentRow {
        pk,
        project: ProjectPk(1),
        row_count: written.row_count,
        byte_count: written.byte_count,
        observed_first: written.observed_first,
        observed_last: written.observed_last,
    };
    Arc::new(Segment::new(folder.path(), row, &Arc::default()))
}

fn whole(segment: &Arc<Segment>) -> Part {
    Part { ranges: vec![(0, segment.row.row_count)], segment: Arc::clone(segment) }
}

/// A backup may still have to copy it.
#[test]
fn a_replaced_segment_stays_while_somebody_holds() {
    let folder = TempDir::new().unwrap();
    let views = Arc::new(Views::default());
    let segment_at = |pk: i64| {
        let written = write_sorted(&path(folder.path(), pk), &[batch(&[(1, 1, "a".into())])]).unwrap();
        Arc::into_inner(segment(&folder, pk, &written)).unwrap()
    };
    let is_there = |pk| path(folder.path(), pk).exists();
    for pk in 1..=3 {
        views.push_segment(ProjectPk(1), segment_at(pk));
    }
    views.remove_segments(ProjectPk(1), &[1]);
    assert!(!is_there(1));
    let (one, other) = (views.hold(), views.hold());
    views.remove_segments(ProjectPk(1), &[2]);
    views.replace_segments(ProjectPk(1), &[3], segment_at(4));
    drop(one);
    assert!(is_there(2) && is_there(3) && is_there(4));
    drop(other);
    assert!(!is_there(2) && !is_there(3) && is_there(4));
}

#[test]
fn a_merge_leaves_dead_rows_behind() {
    let folder = TempDir::new().unwrap();
    let mut random = Random::new(7);
    let mut rows = random_rows(&mut random, &mut [0; 6], 5_000);
    rows.sort();
    let written = write_sorted(&path(folder.path(), 1), &[batch(&rows)]).unwrap();
    let kept: Vec<_> = written.ranges.iter().filter(|range| range.session.as_u128() % 2 == 1).collect();
    let ranges = kept.iter().map(|range| (range.row_first, range.row_count)).collect();
    let part = Part { ranges, segment: segment(&folder, 1, &written) };
    let merged = merge(&path(folder.path(), 2), &[part]).unwrap();
    rows.retain(|(session, ..)| session % 2 == 1);
    check(&segment(&folder, 2, &merged), &merged, &rows);
    assert!(merged.row_count > 0 && merged.row_count < written.row_count);
}

/// Rows of a few sessions, some of them in long runs; every sequence occurs once in a session.
fn random_rows(random: &mut Random, next: &mut [u64], count: u64) -> Vec<Row> {
    let mut session = 0;
    let mut rows: Vec<Row> = (0..count)
        .map(|_| {
            if random.below(50) == 0 {
                session = random.below(next.len() as u64);
            }
            next[session as usize] += 1;
            let sequence = next[session as usize];
            (u128::from(session), sequence, format!("{session} {sequence}"))
        })
        .collect();
    // As commits of several connections interleave them.
    for at in (1..rows.len()).rev() {
        rows.swap(at, random.below(at as u64 + 1) as usize);
    }
    rows
}

/// The file, its ranges and its figures are those of the sorted list.
fn check(segment: &Segment, written: &Written, expected: &[Row]) {
    let columns: Vec<usize> = (0..schema().fields().len()).collect();
    let count = expected.len() as u64;
    assert_eq!(rows_of(&segment.file.read(&[(0, count)], &columns).unwrap()), expected);
    assert_eq!(written.row_count, count);
    assert_eq!(written.byte_count, std::fs::metadata(segment.file.path()).unwrap().len());
    let sequences = || expected.iter().map(|row| row.1 as i64);
    assert_eq!(Some(written.observed_first.as_unix_nanos()), sequences().min());
    assert_eq!(Some(written.observed_last.as_unix_nanos()), sequences().max());
    let mut ranges: Vec<RowRange> = Vec::new();
    for (at, (session, ..)) in expected.iter().enumerate() {
        let session = SessionId::from_u128(*session);
        match ranges.last_mut() {
            Some(range) if range.session == session => range.row_count += 1,
            _ => ranges.push(RowRange { session, row_first: at as u64, row_count: 1 }),
        }
    }
    assert_eq!(written.ranges, ranges);
    for range in &ranges {
        let read = segment.file.read(&[(range.row_first, range.row_count)], &columns).unwrap();
        let first = range.row_first as usize;
        assert_eq!(rows_of(&read), expected[first..first + range.row_count as usize]);
    }
}

#[test]
fn merging_is_sorting_the_concatenation() {
    for seed in 0..6 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let folder = TempDir::new().unwrap();
        let mut next = vec![0; 12];
        let (mut all, mut segments) = (Vec::new(), Vec::new());
        for pk in 0..8 {
            // One row, a few, or more than are read or gathered at a time.
            let count = 1 + [0, 20, 1500, 9000][random.below(4) as usize];
            let rows = random_rows(&mut random, &mut next, count);
            let cut = random.below(count) as usize;
            let batches: Vec<RecordBatch> =
                [&rows[..cut], &rows[cut..]].into_iter().filter(|part| !part.is_empty()).map(batch).collect();
            let written = write_sorted(&path(folder.path(), pk), &batches).unwrap();
            let mut sorted = rows.clone();
            sorted.sort();
            segments.push(segment(&folder, pk, &written));
            check(&segments[pk as usize], &written, &sorted);
            all.extend(rows);
        }
        all.sort();
        let merged = merge(&path(folder.path(), 8), &segments.iter().map(whole).collect::<Vec<_>>()).unwrap();
        check(&segment(&folder, 8, &merged), &merged, &all);
        let again = merge(&path(folder.path(), 9), &[whole(&segment(&folder, 8, &merged))]).unwrap();
        check(&segment(&folder, 9, &again), &again, &all);
    }
}

#[test]
fn any_rows_of_a_segment_can_be_read() {
    let mut random = Random::new(3);
    let folder = TempDir::new().unwrap();
    // More than a row group and not a multiple of a page.
    let mut rows = random_rows(&mut random, &mut [0; 5], 70_001);
    rows.sort();
    let written = write_sorted(&path(folder.path(), 1), &[batch(&rows)]).unwrap();
    let segment = segment(&folder, 1, &written);
    let columns: Vec<usize> = (0..schema().fields().len()).collect();
    for _ in 0..30 {
        let (mut ranges, mut expected, mut at) = (Vec::new(), Vec::new(), 0);
        loop {
            let step = [1, 100, 30_000][random.below(3) as usize];
            let first = at + random.below(step);
            let count = 1 + random.below(step);
            at = first + count;
            if at > rows.len() as u64 {
                break;
            }
            ranges.push((first, count));
            expected.extend_from_slice(&rows[first as usize..at as usize]);
        }
        if !ranges.is_empty() {
            assert_eq!(rows_of(&segment.file.read(&ranges, &columns).unwrap()), expected);
        }
    }
}

#[test]
fn a_replaced_segment_goes_with_its_last_reader() {
    let folder = TempDir::new().unwrap();
    let written = write_sorted(&path(folder.path(), 1), &[batch(&[(1, 1, "text".into())])]).unwrap();
    let segment = segment(&folder, 1, &written);
    let reader = Arc::clone(&segment);
    segment.mark_replaced();
    drop(segment);
    assert!(reader.file.path().exists(), "a reader has it");
    let file = reader.file.path().to_owned();
    drop(reader);
    assert!(!file.exists());
}
