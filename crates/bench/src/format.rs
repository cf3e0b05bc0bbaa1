//! The session file: what a message costs to write and to read, and how large it is.
//!
//! The message is that of the table of loggers in `docs/benchmarks.md`: `order {} took {} us on {}` with two whole
//! numbers and a text of 7 to 19 bytes, at default settings. CPU time of this thread; of the rounds the median
//! counts. A quick run expects what formatting the same message costs in the same round, times a factor.

use std::fmt::Write as _;
use std::hint::black_box;

use kymo_format::{Arg, Callsite, Item, Reader, Record, Settings, Thread, Writer};
use kymo_model::{Severity, Timestamp};
use kymo_testkit::Random;
use kymo_testkit::record_requests::{Form, Rhythm, header, record_requests};
use kymo_testkit::requests::{requests, requests_by_microsecond};

use crate::Wish;
use crate::process::cpu_seconds;
use crate::report::Figure;

/// Messages of a round: a full one, a quick one.
const MESSAGES: [usize; 2] = [2_000_000, 300_000];
const ROUNDS: usize = 5;
/// Different texts where none comes again soon; a power of two.
const TEXTS: usize = 1 << 16;
/// Hosts, users, instruments: what the text of a message is taken from, usually; a power of two.
const WORDS: usize = 64;
/// The agent may spend 180 ns of CPU time on a message, 106 of them on recording it.
const ENCODE_NS: f64 = 70.0;
/// That, as a share of what formatting the message costs on the machine of `docs/benchmarks.md` (60 ns).
const ENCODE_PER_FORMATTED: f64 = ENCODE_NS / 60.0;
/// Bytes of a message on disk.
const BYTES: f64 = 6.0;
/// What the writer holds before it is taken, as a recorder would.
const OUTPUT_BYTES: usize = 64 << 10;
/// Nanoseconds from one message to the next.
const STEP_NANOS: i64 = 200;
const BEGIN_NANOS: i64 = 1_790_000_000_000_000_000;

pub(crate) fn figures(wish: Wish) -> anyhow::Result<Vec<Figure>> {
    let messages = MESSAGES[usize::from(wish.quick)];
    let (usual, unique) = (words(WORDS), words(TEXTS));
    let mut rounds: [Vec<f64>; 4] = Default::default();
    let mut sizes = [0.0; 2];
    for _ in 0..ROUNDS {
        rounds[0].push(per_message(messages, || format_all(&usual, messages)));
        let mut file = Vec::new();
        let mut result = Ok(());
        rounds[1].push(per_message(messages, || result = encode_all(&usual, messages, &mut file)));
        result?;
        sizes[0] = file.len() as f64 / messages as f64;
        rounds[2].push(per_message(messages, || assert_eq!(decode_all(&file), messages)));
        file.clear();
        let mut result = Ok(());
        rounds[3].push(per_message(messages, || result = encode_all(&unique, messages, &mut file)));
        result?;
        sizes[1] = file.len() as f64 / messages as f64;
    }
    let [formatted, encode, decode, encode_unique] = rounds.map(median);
    let target = if wish.quick { ENCODE_NS.max(formatted * ENCODE_PER_FORMATTED) } else { ENCODE_NS };
    let mut figures = vec![
        Figure::less("calibration_format_text_ns", formatted, "ns"),
        Figure::less("format_encode_ns", encode, "ns").target(target).peer("text alone: the line above"),
        Figure::less("format_encode_unique_text_ns", encode_unique, "ns"),
        Figure::less("format_decode_ns", decode, "ns"),
        Figure::less("format_message_bytes", sizes[0], "B"),
        Figure::less("format_unique_text_bytes", sizes[1], "B"),
    ];
    figures.extend(file_sizes()?);
    Ok(figures)
}

/// The ten thousand recorded messages, with a block for each warning.
fn file_sizes() -> anyhow::Result<Vec<Figure>> {
    const PEER: &str = "Loupe session file 34.4, zstd over JSON lines 8.0";
    let rows = [
        ("requests_typed_bytes", false, Form::Typed, Some(BYTES)),
        ("requests_typed_us_bytes", true, Form::Typed, Some(BYTES)),
        ("requests_facade_us_bytes", true, Form::Dynamic, Some(BYTES)),
        ("requests_as_text_bytes", false, Form::Text, Some(BYTES)),
        ("requests_as_text_us_bytes", true, Form::Text, None),
    ];
    let mut figures = Vec::new();
    for (name, by_microsecond, form, target) in rows {
        let list = if by_microsecond { requests_by_microsecond() } else { requests() };
        let (bytes, _) = record_requests(&list, form, Rhythm::Urgent(0), Settings::default())?;
        let figure = Figure::less(name, bytes.len() as f64 / list.len() as f64, "B").peer(PEER);
        figures.push(match target {
            Some(target) => figure.target(target),
            None => figure,
        });
    }
    Ok(figures)
}

/// Texts of 7 to 19 letters.
fn words(count: usize) -> Vec<String> {
    let mut random = Random::new(6);
    let mut letter = |_| char::from(b'a' + random.below(26) as u8);
    (0..count).map(|n| (0..7 + n % 13).map(&mut letter).collect()).collect()
}

/// The numbers and the text of the next message; some nanoseconds, in every figure. Many texts come in their order,
/// as from a ring, so that the processor's cache is not what is measured.
fn input<'a>(at: usize, random: &mut Random, words: &'a [String]) -> (u64, u64, &'a str) {
    let bits = random.number();
    let word = if words.len() == WORDS { (bits >> 40) as usize } else { at };
    (bits % 100_000, (bits >> 20) % 5000, &words[word & (words.len() - 1)])
}

fn per_message(messages: usize, run: impl FnOnce()) -> f64 {
    let before = cpu_seconds();
    run();
    (cpu_seconds() - before) * 1e9 / messages as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn format_all(words: &[String], messages: usize) {
    let mut random = Random::new(7);
    let mut text = String::new();
    for at in 0..messages {
        let (order, micros, host) = input(at, &mut random, words);
        text.clear();
        // Writing to a string does not fail.
        let _ = write!(text, "order {order} took {micros} us on {host}");
        black_box(text.as_str());
    }
}

fn encode_all(words: &[String], messages: usize, file: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut writer = Writer::new(&header(), Settings::default())?;
    writer.define_thread(0, &Thread { id: 1, name: None })?;
    let callsite = Callsite::new(Severity::INFO, "order {} took {} us on {}", &["", "", ""]);
    writer.define_callsite(0, &callsite)?;
    let mut random = Random::new(7);
    for at in 0..messages {
        let (order, micros, host) = input(at, &mut random, words);
        let args = [Arg::U64(order), Arg::U64(micros), Arg::Text(host)];
        let time = Timestamp::from_unix_nanos(BEGIN_NANOS + at as i64 * STEP_NANOS);
        writer.record(&Record { time, thread: 0, callsite: 0, args: &args, extra: None, origin: None })?;
        if writer.output().len() > OUTPUT_BYTES {
            file.extend_from_slice(writer.output());
            writer.clear_output();
        }
    }
    writer.close()?;
    file.extend_from_slice(writer.output());
    Ok(())
}

fn decode_all(file: &[u8]) -> usize {
    let mut reader = Reader::new();
    let mut records = 0;
    for piece in file.chunks(OUTPUT_BYTES) {
        reader.feed(piece);
        while let Some(item) = reader.next() {
            records += usize::from(matches!(black_box(item), Item::Record(_)));
        }
    }
    records
}
