//! The [requests](crate::requests) into a session file, in the ways in which a program may say them.

use kymo_format::{
    Arg, Callsite, DetailsKind, End, Extra, Header, Record, Settings, Thread, WriteError, Writer,
};
use kymo_model::{Attributes, EndReason, SessionId, SessionKind, Severity, Timestamp, Value};

use crate::requests::{REQUESTS, Request};

/// How the program says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A callsite for each severity, category and set of fields, as `tracing`'s macros make them.
    Typed,
    /// Two callsites whose severity and category come with each record, as through a facade.
    Dynamic,
    /// One callsite, and everything formatted to text before, as from the `log` crate without key-values.
    Text,
}

/// When blocks are closed, by the records' own time: every two seconds, and for warnings and worse this long
/// after the block before, at the soonest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rhythm {
    /// Every two seconds only.
    Slow,
    /// So many milliseconds after the last block at the soonest; 0 is at once.
    Urgent(i64),
}

const FLUSH_NANOS: i64 = 2_000_000_000;
const NANOS_PER_MS: i64 = 1_000_000;

/// A header as a program's would be.
pub fn header() -> Header {
    let mut resource = Attributes::default();
    for (name, value) in [
        ("service.namespace", "GenProduct"),
        ("service.name", "Gen bulk"),
        ("service.version", "1.2.3.4"),
        ("deployment.environment.name", "test"),
        ("host.name", "build-7"),
        ("os.type", "linux"),
        ("process.runtime.name", "rustc"),
    ] {
        resource.push(name, Value::Text(value.to_owned()));
    }
    let started_at = Timestamp::from_unix_nanos(1_795_193_890_244_000_000);
    Header {
        session: SessionId::from_u128(0x019f_c2a1_2b3c_8d4e_9f50_6172_8394_a5b6),
        fragment: 1,
        first_sequence: 1,
        started_at,
        opened_at: started_at,
        kind: SessionKind::Process,
        previous: None,
        agent: "kymo-test 0".to_owned(),
        resource,
    }
}

/// A whole fragment with these requests, and how many blocks were asked for.
pub fn record_requests(
    requests: &[Request],
    form: Form,
    rhythm: Rhythm,
    settings: Settings,
) -> Result<(Vec<u8>, usize), WriteError> {
    let mut writer = Writer::new(&header(), settings)?;
    for thread in 0..4 {
        let name = Some(format!("worker-{thread}"));
        writer.define_thread(thread, &Thread { id: 4711 + u64::from(thread), name })?;
    }
    let mut known = Vec::new();
    let mut flushed = requests.first().map_or(0, |first| first.time_nanos);
    let mut due = flushed + FLUSH_NANOS;
    let mut blocks = 0;
    for request in requests {
        if request.time_nanos >= due {
            writer.flush()?;
            blocks += 1;
            flushed = due;
            due += FLUSH_NANOS;
        }
        record(&mut writer, &mut known, request, form)?;
        if let Rhythm::Urgent(spacing_ms) = rhythm
            && request.severity() >= Severity::WARN.number()
        {
            due = due.min((flushed + spacing_ms * NANOS_PER_MS).max(request.time_nanos));
            if due <= request.time_nanos {
                writer.flush()?;
                blocks += 1;
                flushed = request.time_nanos;
                due = flushed + FLUSH_NANOS;
            }
        }
    }
    writer.close()?;
    Ok((writer.output().to_vec(), blocks + 1))
}

/// The session in so many fragments, of which the last one says that the program crashed.
pub fn record_fragments(requests: &[Request], fragments: usize) -> Result<Vec<Vec<u8>>, WriteError> {
    record_fragments_as(&header(), requests, fragments)
}

/// The same as another session.
pub fn record_fragments_as(
    session: &Header,
    requests: &[Request],
    fragments: usize,
) -> Result<Vec<Vec<u8>>, WriteError> {
    let share = requests.len().div_ceil(fragments.max(1)).max(1);
    let mut files = Vec::new();
    let mut next_sequence = 1;
    let last = requests.chunks(share).len();
    for (number, requests) in (1..).zip(requests.chunks(share)) {
        let header = Header { fragment: number, first_sequence: next_sequence, ..session.clone() };
        let mut writer = Writer::new(&header, Settings::default())?;
        for thread in 0..4 {
            let name = Some(format!("worker-{thread}"));
            writer.define_thread(thread, &Thread { id: 4711 + u64::from(thread), name })?;
        }
        let mut known = Vec::new();
        for (count, request) in requests.iter().enumerate() {
            record(&mut writer, &mut known, request, Form::Typed)?;
            if count % 500 == 499 {
                writer.flush()?;
            }
        }
        if number == last as u64 {
            let time = Timestamp::from_unix_nanos(requests.last().map_or(0, |request| request.time_nanos));
            let note = Some("the till is on fire".to_owned());
            writer.lost("ring_full", 3)?;
            writer.end(End { time, reason: EndReason::Crashed, note, recovered: false });
        }
        writer.close()?;
        next_sequence = writer.next_sequence();
        files.push(writer.output().to_vec());
    }
    Ok(files)
}

type Known = (u8, &'static str, bool);

fn record(
    writer: &mut Writer,
    known: &mut Vec<Known>,
    request: &Request,
    form: Form,
) -> Result<(), WriteError> {
    let fields = request.fields();
    let key: Known = match form {
        Form::Typed => (request.severity(), request.category(), fields.is_some()),
        Form::Dynamic => (0, "", fields.is_some()),
        Form::Text => (0, "", true),
    };
    let callsite = if let Some(at) = known.iter().position(|other| *other == key) {
        at as u32
    } else {
        known.push(key);
        let at = known.len() as u32 - 1;
        writer.define_callsite(at, &callsite(key, form))?;
        at
    };
    let (caption, description) = (request.caption(), request.description());
    let args = match (form, &fields) {
        (Form::Text, _) => vec![Arg::Text(&caption), Arg::Text(&description)],
        (_, Some((path, status, elapsed))) => {
            let counts = [Arg::U64(request.number), Arg::U64(REQUESTS as u64)];
            let fields = [Arg::Text(path), Arg::U64(*status), Arg::U64(*elapsed)];
            counts.into_iter().chain(fields).collect()
        }
        (_, None) => {
            vec![Arg::U64(request.number), Arg::U64(REQUESTS as u64), Arg::Text("no detail")]
        }
    };
    let (user, details) = (request.user(), request.details());
    let is_dynamic = form != Form::Typed;
    let extra = Extra {
        severity: Severity::from_number(request.severity()).filter(|_| is_dynamic),
        category: Some(request.category()).filter(|_| is_dynamic),
        user_id: user.as_deref(),
        details: details.as_deref().map(|text| (DetailsKind::Xml, text)),
        ..Extra::default()
    };
    let is_extra = is_dynamic || user.is_some() || details.is_some();
    let record = Record {
        time: Timestamp::from_unix_nanos(request.time_nanos),
        thread: request.thread,
        callsite,
        args: &args,
        extra: is_extra.then_some(&extra),
        origin: None,
    };
    writer.record(&record).map(drop)
}

fn callsite((severity, category, has_fields): Known, form: Form) -> Callsite {
    let severity = Severity::from_number(severity).unwrap_or(Severity::INFO);
    let mut callsite = match form {
        Form::Text => Callsite::new(severity, "{}", &["", "description"]),
        _ if has_fields => {
            Callsite::new(severity, "Request {} of {} done", &["", "", "path", "status", "elapsed_ms"])
        }
        _ => Callsite::new(severity, "Request {} of {} done", &["", "", "description"]),
    };
    if form == Form::Typed {
        callsite.category = Some(category.to_owned());
    }
    callsite.source.file = Some("src/generator/bulk.rs".to_owned());
    callsite.source.line = Some(40 + u32::from(severity.number()) + category.len() as u32);
    callsite.source.module = Some("generator::bulk".to_owned());
    callsite.source.function = Some("send_requests".to_owned());
    callsite
}
