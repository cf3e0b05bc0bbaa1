//! Random records, written, with what has to be read.

use std::sync::Arc;

use kymo_format::{
    Aggregation, Arg, ArgValue, Callsite, DetailsKind, End, Extra, Header, METRIC_SAMPLE, Metric, ReadRecord,
    Record, RingPosition, Settings, Source, Span, Thread, Writer,
};
use kymo_model::{
    Attributes, EndReason, EventKind, Exception, Frame, SessionId, SessionKind, Severity, Timestamp, User,
    Value,
};
use kymo_testkit::Random;

pub(crate) struct Sample {
    pub(crate) bytes: Vec<u8>,
    pub(crate) records: Vec<ReadRecord>,
}

pub(crate) fn header() -> Header {
    let mut resource = Attributes::default();
    resource.push("service.name", Value::Text("shop".to_owned()));
    resource.push("process.pid", Value::Int(4711));
    Header {
        session: SessionId::from_u128(0x0192_f0c1_2b3c_8d4e_9f50_6172_8394_a5b6),
        fragment: 2,
        first_sequence: 101,
        started_at: Timestamp::from_unix_nanos(1_790_000_000_000_000_000),
        opened_at: Timestamp::from_unix_nanos(1_790_000_100_000_000_000),
        kind: SessionKind::Process,
        previous: Some(SessionId::from_u128(7)),
        agent: "kymo 0.0.1".to_owned(),
        resource,
    }
}

const TEXTS: [&str; 9] =
    ["", "a", "EURUSD", "/api/items/7", "user-12 of 13", "é\u{10ffff}\0", "007", "<row id=\"50\"/>", "NaN"];

fn text(random: &mut Random) -> String {
    match random.below(12) {
        0 => "long ".repeat(10 + random.below(30) as usize),
        1 => format!("{}-{}", TEXTS[random.below(9) as usize], random.number()),
        2 => format!("order {} of 9", random.below(1000)),
        _ => TEXTS[random.below(9) as usize].to_owned(),
    }
}

fn number(random: &mut Random) -> u64 {
    random.number() >> random.below(64)
}

fn value(random: &mut Random, depth: u64) -> Value {
    match random.below(if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => Value::Bool(random.below(2) == 0),
        2 => Value::Int(number(random) as i64),
        3 => Value::Float(number(random) as f64 / 3.0),
        4 => Value::Text(text(random)),
        5 => Value::List((0..random.below(4)).map(|_| value(random, depth - 1)).collect()),
        _ => Value::Map(Attributes(
            (0..random.below(4)).map(|_| (text(random), value(random, depth - 1))).collect(),
        )),
    }
}

fn arg(random: &mut Random) -> ArgValue {
    match random.below(7) {
        0 => ArgValue::Null,
        1 => ArgValue::Bool(random.below(2) == 0),
        2 => ArgValue::I64(number(random) as i64),
        3 => ArgValue::U64(number(random)),
        4 => ArgValue::F64(number(random) as f64 / 7.0),
        5 => ArgValue::Text(text(random)),
        _ => ArgValue::Value(Value::List(vec![value(random, 2)])),
    }
}

fn maybe(random: &mut Random, one_in: u64) -> Option<String> {
    (random.below(one_in) == 0).then(|| text(random))
}

fn exception(random: &mut Random) -> Exception {
    let mut made = None;
    for _ in 0..=random.below(3) {
        let frame = Frame {
            function: maybe(random, 2),
            type_name: maybe(random, 3),
            file: maybe(random, 2),
            line: Some(random.below(1 << 32) as u32),
            column: None,
            attributes: Attributes(vec![("inlined".to_owned(), value(random, 1))]),
        };
        made = Some(Box::new(Exception {
            type_name: maybe(random, 2),
            message: Some(text(random)),
            code: maybe(random, 4),
            frames: vec![frame; random.below(3) as usize],
            stack_text: maybe(random, 3),
            inner: made,
            attributes: Attributes::default(),
        }));
    }
    made.map(|exception| *exception).unwrap_or_default()
}

fn callsite(random: &mut Random, at: u64) -> Callsite {
    let names: Vec<String> =
        (0..random.below(5)).map(|n| if n == 0 { String::new() } else { format!("f{n}") }).collect();
    Callsite {
        kind: EventKind::from_word(["log", "error", "usage", METRIC_SAMPLE][random.below(4) as usize]),
        severity: Severity::from_number(1 + random.below(24) as u8).unwrap(),
        category: maybe(random, 2),
        template: format!("callsite {at} says {{}} and {{f1}}"),
        fields: names,
        source: Source {
            file: maybe(random, 2),
            line: Some(random.below(5000) as u32),
            module: maybe(random, 2),
            function: maybe(random, 3),
        },
        metric: (random.below(3) == 0).then(|| Metric {
            name: text(random),
            unit: Some("ms".to_owned()),
            description: maybe(random, 2),
            aggregation: Aggregation::Total,
        }),
    }
}

struct State {
    writer: Writer,
    callsites: Vec<Arc<Callsite>>,
    threads: Vec<Arc<Thread>>,
    spans: Vec<Arc<Span>>,
    nanos: i64,
    first_sequence: u64,
    records: Vec<ReadRecord>,
}

/// So many random records in small blocks and frames.
pub(crate) fn sample(random: &mut Random, records: usize) -> Sample {
    sample_of(&header(), random, records)
}

pub(crate) fn sample_of(header: &Header, random: &mut Random, records: usize) -> Sample {
    let settings =
        Settings { frame_raw_bytes: 1200, block_raw_bytes: 300, time_unit_nanos: 1, ..Settings::default() };
    let mut state = State {
        writer: Writer::new(header, settings).unwrap(),
        callsites: Vec::new(),
        threads: Vec::new(),
        spans: Vec::new(),
        nanos: 1_790_000_100_000_000_000,
        first_sequence: header.first_sequence,
        records: Vec::new(),
    };
    for _ in 0..records {
        state.step(random);
    }
    state.writer.end(End {
        time: Timestamp::from_unix_nanos(state.nanos),
        reason: EndReason::Normal,
        note: Some("done".to_owned()),
        recovered: false,
    });
    state.writer.close().unwrap();
    Sample { bytes: state.writer.output().to_vec(), records: state.records }
}

impl State {
    fn step(&mut self, random: &mut Random) {
        if self.callsites.is_empty() || random.below(20) == 0 {
            let made = callsite(random, self.callsites.len() as u64);
            self.writer.define_callsite(self.callsites.len() as u32, &made).unwrap();
            self.callsites.push(Arc::new(made));
        }
        if self.threads.is_empty() || random.below(9) == 0 {
            let made = Thread { id: number(random), name: maybe(random, 2) };
            self.writer.define_thread(self.threads.len() as u32, &made).unwrap();
            self.threads.push(Arc::new(made));
        }
        match random.below(40) {
            0..8 => self.open_span(random),
            8 => self.writer.flush().unwrap(),
            9 => self.writer.end_frame().unwrap(),
            10 => self.writer.lost("ring_full", random.below(9)).unwrap(),
            11 => self.writer.reached(RingPosition { ring: 3, position: number(random) }).unwrap(),
            12 => {
                if let Some(span) = self.spans.pop() {
                    self.writer.close_span(span.id);
                }
            }
            _ => {}
        }
        self.nanos = self.nanos.wrapping_add(number(random) as i64 >> 34);
        self.record(random);
    }

    fn open_span(&mut self, random: &mut Random) {
        let callsite = random.below(self.callsites.len() as u64) as usize;
        let parent = self.spans.last().cloned();
        let args: Vec<ArgValue> = (0..random.below(3)).map(|_| arg(random)).collect();
        let id = random.number();
        let around = parent.as_ref().map(|parent| parent.id);
        if parent.as_ref().is_some_and(|parent| parent.outwards().count() > 20) {
            return;
        }
        let borrowed: Vec<Arg<'_>> = args.iter().map(ArgValue::as_arg).collect();
        self.writer.open_span(id, callsite as u32, around, &borrowed).unwrap();
        self.spans.push(Arc::new(Span { id, callsite: Arc::clone(&self.callsites[callsite]), args, parent }));
    }

    fn record(&mut self, random: &mut Random) {
        let callsite = random.below(self.callsites.len() as u64) as usize;
        let thread = random.below(self.threads.len() as u64) as usize;
        let mut read = ReadRecord {
            sequence: self.first_sequence + self.records.len() as u64,
            time: Timestamp::from_unix_nanos(self.nanos),
            severity: self.callsites[callsite].severity,
            category: maybe(random, 8),
            callsite: Arc::clone(&self.callsites[callsite]),
            thread: Arc::clone(&self.threads[thread]),
            args: (0..random.below(6)).map(|_| arg(random)).collect(),
            user: (random.below(9) == 0).then(|| User { id: Some(text(random)), name: Some(text(random)) }),
            span: self.spans.last().filter(|_| random.below(3) == 0).cloned(),
            reference_id: maybe(random, 20),
            details: maybe(random, 10).map(|text| (DetailsKind::Json, text)),
            exception: (random.below(15) == 0).then(|| exception(random)),
            attributes: Attributes::default(),
        };
        let own_severity = (random.below(9) == 0).then_some(Severity::FATAL);
        read.severity = own_severity.unwrap_or(read.severity);
        let attributes: Vec<(String, Value)> =
            (0..random.below(12) / 9).map(|_| (text(random), value(random, 2))).collect();
        let borrowed: Vec<(&str, Arg<'_>)> =
            attributes.iter().map(|(name, value)| (name.as_str(), Arg::Value(value))).collect();
        let extra = Extra {
            severity: own_severity,
            category: read.category.as_deref(),
            user_id: read.user.as_ref().and_then(|user| user.id.as_deref()),
            user_name: read.user.as_ref().and_then(|user| user.name.as_deref()),
            span: read.span.as_ref().map(|span| span.id),
            reference_id: read.reference_id.as_deref(),
            details: read.details.as_ref().map(|(kind, text)| (*kind, text.as_str())),
            exception: read.exception.as_ref(),
            attributes: &borrowed,
        };
        let args: Vec<Arg<'_>> = read.args.iter().map(ArgValue::as_arg).collect();
        let record = Record {
            time: read.time,
            thread: thread as u32,
            callsite: callsite as u32,
            args: &args,
            extra: Some(&extra),
            origin: (random.below(2) == 0)
                .then_some(RingPosition { ring: 0, position: self.records.len() as u64 }),
        };
        let sequence = self.writer.record(&record).unwrap();
        assert_eq!(sequence, read.sequence);
        read.attributes = Attributes(attributes);
        self.records.push(read);
    }
}
