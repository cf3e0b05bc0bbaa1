//! Recordings, damaged: the inputs of one run depend on nothing but its seed.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use kymo_testkit::Random;
use serde_json::Value;

/// Inputs of a run without a given time: ten seconds of all decoders together in a debug build.
const INPUTS: usize = 3000;
/// Longest input: decoders that are quadratic in it would be seen by the time a run takes.
const BYTES_MAX: usize = 200_000;
/// Blows an input takes at most.
const BLOWS_MAX: u64 = 6;

/// What readers of JSON, of numbers and of text stumble over.
const WORDS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    ",",
    ":",
    "null",
    "true",
    "\\ud800",
    "\\u0000",
    "1e999",
    "-0",
    "\u{feff}",
    "é",
    "\u{10ffff}",
    "\0",
    "%",
    "&close=true",
    "=",
    "18446744073709551616",
    "2026-13-45T99:99:99Z",
    "\r\n",
];

/// Bodies of the recordings, and forms that these do not have.
static CORPUS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut corpus: Vec<Vec<u8>> = [
        "id=a%40b.test&close=true",
        "type=usage&source=x&tags=a,b&identity=ann&value=1.5",
        "email_address=a",
        r#"{"email_address":"a@b.test","description":"it broke","data":{"a":[1,{"b":null}]}}"#,
        "line one\nline two",
        "",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    for folder in ["exceptionless", "loupe-web"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance").join(folder);
        let mut files: Vec<_> =
            std::fs::read_dir(folder).expect("the folder").flatten().map(|e| e.path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "json")) {
            let text = std::fs::read_to_string(file).expect("a file");
            collect(&serde_json::from_str(&text).expect("JSON"), &mut corpus);
        }
    }
    corpus
});

/// Bodies as they were sent: texts of posts, and the JSON of events.
fn collect(value: &Value, corpus: &mut Vec<Vec<u8>>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("body", Value::String(text)) => corpus.push(text.as_bytes().to_vec()),
                    ("json", events) => corpus.push(events.to_string().into_bytes()),
                    (_, other) => collect(other, corpus),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, corpus)),
        _ => {}
    }
}

/// Feeds `check` until the inputs or the time are used up. An input that makes it panic is written to a
/// file; `KYMO_FUZZ_INPUT` with that file's path runs it alone.
pub(crate) fn fuzz(name: &str, check: impl Fn(&[u8])) {
    if let Ok(path) = std::env::var("KYMO_FUZZ_INPUT") {
        return check(&std::fs::read(path).expect("the input"));
    }
    let seconds = std::env::var("KYMO_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut random = Random::seeded(20_261_121);
    let mut count = 0;
    while until.map_or(count < INPUTS, |until| Instant::now() < until) {
        let input = damaged(&mut random);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(&input))) {
            let path = std::env::temp_dir().join(format!("kymo-fuzz-{name}-{count}"));
            let written = std::fs::File::create(&path).and_then(|mut file| file.write_all(&input));
            eprintln!("{name}: input {count} is in {}: {written:?}", path.display());
            resume_unwind(panic);
        }
        count += 1;
    }
    println!("{name}: {count} inputs");
}

fn damaged(random: &mut Random) -> Vec<u8> {
    let mut input = pick(random).clone();
    for _ in 0..random.below(BLOWS_MAX + 1) {
        let at = random.below(input.len() as u64 + 1) as usize;
        let end = (at + random.below(40) as usize).min(input.len());
        match random.below(8) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 => drop(input.drain(at..end)),
            2 => input.truncate(at),
            3 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again.repeat(1 + random.below(50) as usize));
            }
            4 => {
                let other = pick(random);
                let from = random.below(other.len() as u64 + 1) as usize;
                input.splice(at..end, other[from..].iter().copied());
            }
            5 => {
                // Deep, or long.
                let word = WORDS[random.below(WORDS.len() as u64) as usize];
                input.splice(at..at, word.repeat(1 + random.below(3000) as usize).into_bytes());
            }
            _ => {
                let word = WORDS[random.below(WORDS.len() as u64) as usize];
                input.splice(at..end, word.bytes());
            }
        }
        input.truncate(BYTES_MAX);
    }
    input
}

fn pick(random: &mut Random) -> &'static Vec<u8> {
    &CORPUS[random.below(CORPUS.len() as u64) as usize]
}
