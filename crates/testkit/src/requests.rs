//! Ten thousand messages of a program that serves requests on four threads, as Loupe's Java agent recorded them:
//! what is said follows from the request's number; which thread said it when was measured and lies in
//! `requests.txt`.
//!
//! Two kinds of time: whole milliseconds, as in the recording, and with made-up microseconds below them, since an
//! agent of ours knows the time better than that.

use crate::Random;

/// How many there are.
pub const REQUESTS: usize = 10_000;
/// When the first was, in milliseconds since 1970.
const BEGIN_MS: i64 = 1_795_193_890_315;
const NANOS_PER_MS: i64 = 1_000_000;
/// Runs of messages of one thread: its digit, then for each message `.` and how many more have the same
/// millisecond, or the difference with its sign.
const SCHEDULE: &str = include_str!("requests.txt");

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which request.
    pub number: u64,
    /// Nanoseconds since 1970.
    pub time_nanos: i64,
    /// 0 to 3; its name is `worker-` and this.
    pub thread: u32,
}

impl Request {
    /// OpenTelemetry's severity number.
    pub fn severity(&self) -> u8 {
        match self.number {
            n if n % 1000 == 999 => 21,
            n if n % 100 == 99 => 17,
            n if n % 20 == 19 => 13,
            n if n % 3 == 0 => 5,
            _ => 9,
        }
    }

    /// Logger.
    pub fn category(&self) -> &'static str {
        ["Gen.Web", "Gen.Db.Query", "Gen.Cache", "Gen.Security", "Gen"][self.number as usize % 5]
    }

    /// What it says.
    pub fn caption(&self) -> String {
        format!("Request {} of {REQUESTS} done", self.number)
    }

    /// The path, status and milliseconds of every other one.
    pub fn fields(&self) -> Option<(String, u64, u64)> {
        let path = || format!("/api/items/{}", self.number % 977);
        self.number.is_multiple_of(2).then(|| (path(), 200 + self.number % 5, self.number * 419 % 1500))
    }

    /// What it says below that.
    pub fn description(&self) -> String {
        match self.fields() {
            Some((path, status, elapsed)) => format!("path={path} status={status} elapsed_ms={elapsed}"),
            None => "no detail".to_owned(),
        }
    }

    /// An XML document with every fiftieth.
    pub fn details(&self) -> Option<String> {
        self.number.is_multiple_of(50).then(|| format!("<row id=\"{}\"/>", self.number))
    }

    /// Whom every tenth is about.
    pub fn user(&self) -> Option<String> {
        self.number.is_multiple_of(10).then(|| format!("DOMAIN\\user{}", self.number % 17))
    }
}

/// All of them in the order of the recording, with its times.
pub fn requests() -> Vec<Request> {
    let mut requests = Vec::with_capacity(REQUESTS);
    let mut next = [0, 1, 2, 3];
    let mut millis = BEGIN_MS;
    for run in SCHEDULE.split_ascii_whitespace() {
        let (thread, differences) = run.split_at(1);
        let thread: usize = thread.parse().expect("a thread's digit");
        for difference in differences_of(differences) {
            millis += difference;
            let time_nanos = millis * NANOS_PER_MS;
            requests.push(Request { number: next[thread], time_nanos, thread: thread as u32 });
            next[thread] += 4;
        }
    }
    requests
}

fn differences_of(text: &str) -> Vec<i64> {
    let mut differences = Vec::new();
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let digits = rest[1..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |at| at + 1);
        let number: Option<i64> = rest[1..digits].parse().ok();
        match sign {
            '.' => differences.extend(std::iter::repeat_n(0, number.unwrap_or(1) as usize)),
            '-' => differences.push(-number.expect("a number")),
            _ => differences.push(number.expect("a number")),
        }
        rest = &rest[digits..];
    }
    differences
}

/// All of them as an agent sees them: with microseconds, and in the order of time.
pub fn requests_by_microsecond() -> Vec<Request> {
    let mut requests = requests();
    let mut random = Random::new(6);
    let mut last = [(0, 0); 4];
    for request in &mut requests {
        // Messages of one thread in one millisecond follow each other by some ten microseconds.
        let (millisecond, micros) = &mut last[request.thread as usize];
        let step = 5 + random.below(45) as i64;
        *micros = if *millisecond == request.time_nanos { (*micros + step).min(999) } else { step };
        *millisecond = request.time_nanos;
        request.time_nanos += *micros * 1000;
    }
    requests.sort_by_key(|request| request.time_nanos);
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_the_recording() {
        let requests = requests();
        assert_eq!(requests.len(), REQUESTS);
        let count = |severity| requests.iter().filter(|request| request.severity() == severity).count();
        assert_eq!([21, 17, 13, 9, 5].map(count), [10, 90, 400, 6333, 3167]);
        let last = &requests[REQUESTS - 1];
        assert_eq!((last.number, last.thread, last.time_nanos / NANOS_PER_MS), (9997, 1, 1_795_193_893_047));
        assert_eq!(requests.iter().filter(|request| request.user().is_some()).count(), 1000);
    }
}
