//! Batches into the session's file: what the drainer takes out of the spool becomes frames of `kymo-format`.
//!
//! Hot: `encode` runs for every record on the drainer's thread (`cargo xtask bench agent`). On its usual path it does
//! not allocate.
//!
//! What was written is followed up by length, not by the file's own position: a `write(2)` that failed half way is
//! overwritten when it is tried again. Records that the writer has already are passed by then, so the same batch can
//! come any number of times.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use kymo_format::limits::{ARGS_MAX, KEYS_MAX};
use kymo_format::{
    Arg, Callsite, End, Extra, Header, Record, RingPosition, Settings, Thread, WriteError, Writer,
};
use kymo_model::{EventKind, Severity, Timestamp};

use super::progress::{Progress, Reached, Tally};
use crate::record::parts::{self, ReadParts};
use crate::record::{FIELDS_MAX, FieldValue};
use crate::repository::names::FileName;
use crate::sink::{Batch, CallsiteInfo, FrameSink, Record as Recorded, ThreadInfo};

#[cfg(feature = "send")]
mod alerts;
mod place;
mod unusual;

pub(crate) use place::Place;

/// Threads that are known by name at a time. Of a program with more that all go on recording some lose their names in
/// the file; each takes some 100 bytes here and in the writer.
const THREADS_MAX: u32 = 16 * 1024;
/// The callsite of what has none of its own in the file. Those of the program count from 1.
const STAND_IN: u32 = 0;

/// When a fragment is closed and the next begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rolling {
    pub(crate) bytes_max: u64,
    pub(crate) age_max_ns: i64,
}

/// Writes a session's fragments.
#[derive(Debug)]
pub(crate) struct SessionFile {
    writer: Writer,
    place: Place,
    header: Header,
    rolling: Rolling,
    progress: Arc<Progress>,
    /// Whose number each of the writer's keys stands for.
    threads: Vec<u32>,
    /// How bad what the writer's keys stand for is.
    severities: Vec<Severity>,
    /// Since the last time it was told.
    tally: Tally,
    last_time: Timestamp,
    #[cfg(feature = "send")]
    alerts: Option<alerts::Alerts>,
}

impl SessionFile {
    /// Begins the session: its first fragment is made, with the header in it.
    pub(crate) fn create(
        folder: PathBuf,
        stem: FileName,
        header: Header,
        rolling: Rolling,
        progress: Arc<Progress>,
    ) -> io::Result<Self> {
        let writer = Writer::new(&header, Settings::default()).map_err(refused)?;
        let place = Place::create(folder, stem, header.fragment)?;
        let mut file = Self::with(writer, place, header, rolling, progress)?;
        file.push_out()?;
        file.tell_place();
        Ok(file)
    }

    /// Goes on with what a process left that is gone.
    pub(crate) fn resume(
        place: Place,
        header: Header,
        next_sequence: u64,
        rolling: Rolling,
        progress: Arc<Progress>,
    ) -> io::Result<Self> {
        let settings = Settings::default();
        let writer = Writer::resume(&header, settings, place.bytes(), next_sequence).map_err(refused)?;
        Self::with(writer, place, header, rolling, progress)
    }

    fn with(
        mut writer: Writer,
        place: Place,
        header: Header,
        rolling: Rolling,
        progress: Arc<Progress>,
    ) -> io::Result<Self> {
        writer.define_callsite(STAND_IN, &unusual::stand_in()).map_err(refused)?;
        // Threads that were ending have no number.
        writer.define_thread(0, &Thread::default()).map_err(refused)?;
        let last_time = header.opened_at;
        Ok(Self {
            writer,
            place,
            header,
            rolling,
            progress,
            threads: vec![0],
            severities: Vec::new(),
            tally: Tally::default(),
            last_time,
            #[cfg(feature = "send")]
            alerts: None,
        })
    }

    /// Tells errors and worse there, too.
    #[cfg(feature = "send")]
    pub(crate) fn with_alerts(mut self, queue: Arc<crate::sending::policy::Queue>) -> Self {
        self.alerts = Some(alerts::Alerts::new(queue));
        self
    }

    pub(crate) fn writer(&mut self) -> &mut Writer {
        &mut self.writer
    }

    fn encode(&mut self, batch: &Batch<'_>) -> io::Result<()> {
        for callsite in batch.callsites {
            self.define_callsite(callsite)?;
        }
        for thread in batch.threads {
            self.define_thread(thread)?;
        }
        for record in batch.all() {
            if record.is_control() {
                unusual::close_span(&mut self.writer, &record);
            } else if record.sequence >= self.writer.next_sequence() {
                self.record(&record)?;
            }
        }
        for position in batch.positions {
            let origin = RingPosition { ring: position.ring.0.into(), position: position.end };
            self.writer.reached(origin).map_err(refused)?;
        }
        for (reason, total) in batch.dropped.iter() {
            self.writer.lost(reason.as_str(), total).map_err(refused)?;
        }
        Ok(())
    }

    fn define_callsite(&mut self, info: &CallsiteInfo) -> io::Result<()> {
        if info.id >= KEYS_MAX {
            return Ok(());
        }
        let at = info.id as usize;
        if at >= self.severities.len() {
            self.severities.resize(at + 1, Severity::INFO);
        }
        self.severities[at] = info.severity;
        let mut callsite = Callsite::new(info.severity, &info.template, &[]);
        callsite.kind = EventKind::from_word(&info.kind);
        callsite.category = Some(info.category.as_ref().unwrap_or(&info.module).clone().into_owned());
        callsite.fields = info.names.iter().take(ARGS_MAX).map(|name| name.clone().into_owned()).collect();
        callsite.source.file = known(&info.file);
        callsite.source.line = Some(info.line).filter(|&line| line > 0);
        callsite.source.module = known(&info.module);
        callsite.metric.clone_from(&info.metric);
        #[cfg(feature = "send")]
        if let Some(alerts) = &mut self.alerts {
            alerts.define(info.id, &callsite);
        }
        match self.writer.define_callsite(info.id, &callsite) {
            // Texts beyond all measure: without them it is still a place in the source.
            Err(WriteError::TooLarge { .. }) => {
                "{}".clone_into(&mut callsite.template);
                callsite.fields.clear();
                self.writer.define_callsite(info.id, &callsite).map_err(refused)
            }
            defined => defined.map_err(refused),
        }
    }

    fn define_thread(&mut self, info: &ThreadInfo) -> io::Result<()> {
        let key = info.number % THREADS_MAX;
        let at = key as usize;
        if at >= self.threads.len() {
            self.threads.resize(at + 1, 0);
        }
        self.threads[at] = info.number;
        #[cfg(feature = "send")]
        if let Some(alerts) = &mut self.alerts {
            alerts.define_thread(info);
        }
        let thread = Thread { id: info.os_id, name: info.name.clone() };
        match self.writer.define_thread(key, &thread) {
            Err(WriteError::TooLarge { .. }) => {
                self.writer.define_thread(key, &Thread { name: None, ..thread }).map_err(refused)
            }
            defined => defined.map_err(refused),
        }
    }

    /// The writer's key of a thread.
    fn thread(&mut self, number: u32) -> io::Result<u32> {
        let key = number % THREADS_MAX;
        if self.threads.get(key as usize) != Some(&number) {
            self.define_thread(&ThreadInfo { number, os_id: 0, name: None })?;
        }
        Ok(key)
    }

    fn record(&mut self, recorded: &Recorded<'_>) -> io::Result<()> {
        let thread = self.thread(recorded.thread())?;
        let callsite = recorded.callsite();
        let mut args = [Arg::Null; FIELDS_MAX];
        let (mut count, mut bytes, mut span, mut packed) = (0, 0, None, None);
        let mut is_usual = callsite < KEYS_MAX;
        for value in recorded.values() {
            args[count] = match value {
                FieldValue::Unsigned(number) => Arg::U64(number),
                FieldValue::Signed(number) => Arg::I64(number),
                FieldValue::Float(number) => Arg::F64(number),
                FieldValue::Bool(value) => Arg::Bool(value),
                FieldValue::Text { text: std::borrow::Cow::Borrowed(text), bytes: had, .. } => {
                    bytes += text.len();
                    is_usual &= text.len() == had as usize;
                    Arg::Text(text)
                }
                FieldValue::Absent => Arg::Null,
                FieldValue::Text { .. } => {
                    is_usual = false;
                    Arg::Null
                }
                FieldValue::Span(id) => {
                    span = Some(id);
                    continue;
                }
                FieldValue::Parts(bytes) => {
                    packed = Some(bytes);
                    continue;
                }
            };
            count += 1;
        }
        let parts = packed.map(parts::read);
        if let Some(parts) = &parts {
            unusual::open_spans(&mut self.writer, &parts.spans);
        }
        let severity = if is_usual && bytes <= unusual::room(parts.is_some()) {
            let record = Record {
                time: recorded.time,
                thread,
                callsite,
                args: &args[..count],
                extra: None,
                origin: None,
            };
            with_extra(parts.as_ref(), span, |extra| self.writer.record(&Record { extra, ..record }))
        } else {
            unusual::record(&mut self.writer, recorded, thread, parts.as_ref(), span)
        };
        match severity {
            Ok(_) => {}
            // Compression fails for want of memory only. It is tried again.
            Err(error @ WriteError::Compressor(_)) => return Err(refused(error)),
            // Whatever is wrong with it, it has a place in the session, and the next one is not held up.
            Err(error) => unusual::stub(&mut self.writer, recorded, thread, &error).map_err(refused)?,
        }
        self.last_time = recorded.time;
        let severity = parts.as_ref().and_then(|parts| parts.severity);
        let severity = severity.or_else(|| self.severities.get(callsite as usize).copied());
        let severity = severity.unwrap_or(Severity::INFO);
        self.tally.count(severity);
        #[cfg(feature = "send")]
        if severity >= Severity::ERROR
            && let Some(alerts) = &self.alerts
        {
            alerts.tell(recorded, severity, parts.as_ref());
        }
        Ok(())
    }

    /// What the writer has, to the disk.
    fn push_out(&mut self) -> io::Result<()> {
        if !self.writer.output().is_empty() {
            self.place.append(self.writer.output())?;
            self.writer.clear_output();
        }
        self.progress.reached(&Reached {
            tally: std::mem::take(&mut self.tally),
            last_sequence: self.writer.next_sequence() - 1,
            last_time: self.last_time,
            bytes: self.place.total_bytes(),
            fragment: self.header.fragment,
            fragment_bytes: self.place.bytes(),
        });
        Ok(())
    }

    fn is_full(&self, is_wished: bool) -> bool {
        let age_ns = self.last_time.as_unix_nanos().saturating_sub(self.header.opened_at.as_unix_nanos());
        let has_records = self.writer.next_sequence() > self.header.first_sequence;
        has_records
            && (self.place.bytes() >= self.rolling.bytes_max
                || age_ns >= self.rolling.age_max_ns
                || is_wished)
    }

    /// Closes the fragment and begins the next. Where that fails it goes on with this one.
    fn roll(&mut self) -> io::Result<()> {
        let fragment = self.header.fragment + 1;
        let next = self.place.next(fragment)?;
        let header = Header {
            fragment,
            first_sequence: self.writer.next_sequence(),
            opened_at: self.last_time,
            ..self.header.clone()
        };
        let left = self.writer.next_fragment(&header).map_err(refused)?;
        // The records are in the file already; what is left is the index, without which it is read too.
        let closed = self.place.append(&left);
        self.place = next;
        self.header = header;
        // Recovery looks for spans in the last fragment only.
        crate::record::void_spans();
        self.tell_place();
        self.push_out()?;
        closed
    }

    /// Says how the session ended, and closes the file.
    pub(crate) fn end(&mut self, end: End) -> io::Result<()> {
        self.writer.end(end);
        self.writer.close().map_err(refused)?;
        self.push_out()?;
        // Fragments before this one, too, which the keeper may not have come to.
        self.progress.sync();
        self.progress.forget_files();
        self.place.sync()
    }

    pub(crate) fn last_time(&self) -> Timestamp {
        self.last_time
    }

    /// Without a second handle it is not synced until its end.
    fn tell_place(&self) {
        match self.place.descriptor() {
            Ok(file) => self.progress.writes_to(file),
            Err(error) => self.progress.failed(&error),
        }
    }
}

impl FrameSink for SessionFile {
    fn write_batch(&mut self, batch: &Batch<'_>) -> io::Result<()> {
        if self.progress.is_held() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        // What could not be written goes first, before the writer takes more.
        self.push_out()?;
        self.encode(batch)?;
        self.writer.flush().map_err(refused)?;
        self.push_out()?;
        self.flushed()
    }

    fn flushed(&mut self) -> io::Result<()> {
        // Taken in any case: where there is nothing to close, or it is closed for another reason, it is fulfilled.
        let is_wished = self.progress.take_wish_to_roll();
        if self.is_full(is_wished)
            && let Err(error) = self.roll()
        {
            // It was tried, and is again when the next batch comes; nothing is lost by it.
            self.progress.failed(&error);
            if is_wished {
                self.progress.wish_to_roll();
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some((reason, note)) = self.progress.ending() else {
            self.push_out()?;
            return self.place.sync();
        };
        let time = crate::clock::now();
        self.end(End { time, reason, note, recovered: false })
    }
}

/// Runs `write` with what the parts say, if they say anything.
fn with_extra<R>(
    parts: Option<&ReadParts<'_>>,
    span: Option<u64>,
    write: impl FnOnce(Option<&Extra<'_>>) -> R,
) -> R {
    if parts.is_none() && span.is_none() {
        return write(None);
    }
    let Some(parts) = parts else { return write(Some(&Extra { span, ..Extra::default() })) };
    let attributes: Vec<(&str, Arg<'_>)> =
        parts.attributes.0.iter().map(|(name, value)| (name.as_str(), Arg::Value(value))).collect();
    write(Some(&Extra {
        severity: parts.severity,
        category: parts.category,
        user_id: parts.user_id,
        user_name: parts.user_name,
        span,
        reference_id: parts.reference_id,
        details: parts.details,
        exception: parts.exception.as_ref(),
        attributes: &attributes,
    }))
}

fn known(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn refused(error: WriteError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
