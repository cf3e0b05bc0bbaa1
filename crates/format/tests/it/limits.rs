//! Nothing a file says makes a reader take memory or time out of proportion, and a writer takes nothing that a
//! reader would refuse.

use kymo_format::limits::{
    ARGS_MAX, ATTRIBUTES_MAX, CHUNK_BYTES_MAX, COLUMNS_MAX, DEFINITION_BYTES_MAX, DEPTH_MAX,
    HEADER_BYTES_MAX, KEYS_MAX, RECORD_BYTES_MAX, RINGS_MAX, SPANS_OPEN_MAX,
};
use kymo_format::{Arg, Callsite, Extra, Reader, Record, RingPosition, Settings, Thread, WriteError, Writer};
use kymo_model::{Exception, Severity, Timestamp, Value};

use crate::reading::read;
use crate::sample::header;

fn writer() -> Writer {
    let mut writer = Writer::new(&header(), Settings::default()).unwrap();
    writer.define_callsite(0, &Callsite::new(Severity::INFO, "{}", &[""])).unwrap();
    writer.define_thread(0, &Thread::default()).unwrap();
    writer
}

fn record<'a>(args: &'a [Arg<'a>], extra: Option<&'a Extra<'a>>) -> Record<'a> {
    Record { time: Timestamp::default(), thread: 0, callsite: 0, args, extra, origin: None }
}

fn refused(error: WriteError) -> (&'static str, usize) {
    match error {
        WriteError::TooLarge { what, max, .. } => (what, max),
        other => panic!("expected a limit, found {other}"),
    }
}

#[test]
fn what_is_too_large_is_refused_and_the_writer_goes_on() {
    let mut writer = writer();
    let long = "x".repeat(RECORD_BYTES_MAX);
    let mut deep = Value::Null;
    let mut exception = Exception::default();
    for _ in 0..=DEPTH_MAX {
        deep = Value::List(vec![deep]);
        exception = Exception { inner: Some(Box::new(exception)), ..Exception::default() };
    }
    let attributes = vec![("a", Arg::Null); ATTRIBUTES_MAX + 1];
    let of_exception = Extra { exception: Some(&exception), ..Extra::default() };
    let of_attributes = Extra { attributes: &attributes, ..Extra::default() };
    let (two, nested) = ([Arg::Text(&long), Arg::Text("y")], [Arg::Value(&deep)]);
    let rows = [
        (record(&two, None), ("a record", RECORD_BYTES_MAX)),
        (record(&[Arg::Null; ARGS_MAX + 1], None), ("arguments", ARGS_MAX)),
        (record(&nested, None), ("levels of a value", DEPTH_MAX)),
        (record(&[], Some(&of_exception)), ("causes of an exception", DEPTH_MAX)),
        (record(&[], Some(&of_attributes)), ("attributes", ATTRIBUTES_MAX)),
    ];
    for (record, expected) in rows {
        assert_eq!(refused(writer.record(&record).unwrap_err()), expected);
        writer.record(&Record { args: &[Arg::Text(&long)], extra: None, ..record }).unwrap();
    }
    for (record, what) in [
        (Record { callsite: 1, ..record(&[], None) }, "callsite"),
        (Record { thread: KEYS_MAX, ..record(&[], None) }, "thread"),
    ] {
        assert!(
            matches!(writer.record(&record), Err(WriteError::Undefined { what: found, .. }) if found == what)
        );
    }
    let template = "x".repeat(DEFINITION_BYTES_MAX);
    let large = writer.define_callsite(1, &Callsite::new(Severity::INFO, &template, &[])).unwrap_err();
    assert_eq!(refused(large), ("a callsite", DEFINITION_BYTES_MAX));
    let ring = writer.reached(RingPosition { ring: RINGS_MAX, position: 0 }).unwrap_err();
    assert_eq!(refused(ring).1, RINGS_MAX as usize);
    writer.close().unwrap();
    let read = read(writer.output());
    assert_eq!(read.sequences(), [101, 102, 103, 104, 105]);
    assert_eq!(read.damages(), []);
}

#[test]
fn headers_and_spans_have_limits() {
    let mut large = header();
    large.agent = "x".repeat(HEADER_BYTES_MAX);
    let error = Writer::new(&large, Settings::default()).map(drop).unwrap_err();
    assert_eq!(refused(error), ("a header", HEADER_BYTES_MAX));
    let mut writer = writer();
    for id in 0..SPANS_OPEN_MAX as u64 {
        writer.open_span(id, 0, None, &[]).unwrap();
    }
    assert_eq!(refused(writer.open_span(u64::MAX, 0, None, &[]).unwrap_err()).1, SPANS_OPEN_MAX);
    writer.close_span(3);
    writer.open_span(u64::MAX, 0, Some(u64::MAX), &[]).unwrap();
    let extra = Extra { span: Some(u64::MAX), ..Extra::default() };
    writer.record(&record(&[], Some(&extra))).unwrap();
    let gone = Extra { span: Some(3), ..Extra::default() };
    writer.record(&record(&[], Some(&gone))).unwrap();
    writer.close().unwrap();
    let read = read(writer.output());
    let spans: Vec<Option<u64>> =
        read.records().iter().map(|record| record.span.as_ref().map(|span| span.id)).collect();
    assert_eq!(spans, [Some(u64::MAX), None], "a span around itself, and one that was closed");
}

#[test]
fn more_columns_than_a_frame_has_begin_another() {
    let mut writer = writer();
    for key in 0..COLUMNS_MAX as u32 {
        writer.define_callsite(key, &Callsite::new(Severity::INFO, "{}", &[""])).unwrap();
        let args = [Arg::Bool(true), Arg::U64(key.into())];
        writer.record(&Record { callsite: key, ..record(&args, None) }).unwrap();
    }
    writer.close().unwrap();
    let read = read(writer.output());
    assert_eq!((read.records().len(), read.damages().len()), (COLUMNS_MAX, 0));
    assert!(read.frames().len() >= 2);
}

#[test]
fn a_block_that_swells_is_refused() {
    // Some KB of file that would be 64 MB.
    let zeros = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
    let mut frame = Vec::new();
    let head = [1 << 2 | 2, 16, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6 << 2, 1];
    frame.push(head.len() as u8);
    frame.extend(head);
    frame.extend(zeros);
    let mut chunk = vec![0x82, 0xd7, 0x4b, 0x59, frame.len() as u8 | 0x80, (frame.len() >> 7) as u8];
    assert!(frame.len() < 1 << 14);
    chunk.extend(frame);
    chunk.extend(crc32c::crc32c(&chunk).to_le_bytes());
    let read = crate::reading::read_with(Reader::from_the_middle(0), &chunk, 1000);
    assert_eq!(read.damages()[0].offset, 0);
    assert!(["data that zstd can read", "a block within its limit"].contains(&read.damages()[0].expected));
}

#[test]
fn false_anchors_cost_no_time_out_of_proportion() {
    // Each says that it is a chunk of 4 MB: checking all of them would take 10^13 steps.
    let one = [&[0x82, 0xd7, 0x4b, 0x59][..], &[0xff, 0xff, 0xff, 0x01]].concat();
    let bytes = one.repeat((CHUNK_BYTES_MAX * 2) / one.len());
    let read = crate::reading::read_with(Reader::new(), &bytes, 64 << 10);
    assert_eq!(read.counts.damaged_bytes, bytes.len() as u64);
}
