//! A program that does what its standard input says, line by line.

use std::fmt::Write as _;
use std::io::{BufRead, Write};
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kymo::EndReason;
use kymo::sending::{SendSettings, Wish};

use crate::part::{self, Scores};

const SETTINGS: &str = "KYMO_TEST_SEND";
/// Milliseconds, instead of few.
pub(crate) const FLUSH_MS: &str = "KYMO_TEST_FLUSH_MS";
const FRAGMENT_BYTES: &str = "KYMO_TEST_FRAGMENT_BYTES";
/// Players of the scores: commands that were done, and what the last one said.
const DONE: u64 = 0;
const ANSWER: u64 = 1;

#[test]
#[ignore = "played by other tests"]
fn plays_what_it_is_told() {
    let Some(folder) = part::folder() else { return };
    super::timing().install();
    super::live::timing().install();
    let settings: SendSettings = serde_json::from_str(&std::env::var(SETTINGS).unwrap()).unwrap();
    let fragment_bytes = part::setting(FRAGMENT_BYTES);
    let flush_ms = std::env::var(FLUSH_MS).map_or(20, |text| text.parse().unwrap());
    let builder = part::builder(&folder).send(settings).flush_every(Duration::from_millis(flush_ms));
    let _session = builder.fragments(fragment_bytes, Duration::from_hours(1)).start();
    let own = folder.join(format!("player-{}", std::process::id()));
    std::fs::create_dir_all(&own).unwrap();
    let scores = Scores::new(&own);
    for (done, line) in (1..).zip(std::io::stdin().lock().lines().map_while(Result::ok)) {
        let (word, number) = line.split_once(' ').unwrap_or((&line, "0"));
        scores.set(ANSWER, play(word, number.parse().unwrap()));
        scores.set(DONE, done);
    }
}

fn play(word: &str, number: u64) -> u64 {
    match word {
        "log" => {
            for each in 0..number {
                let text = text();
                kymo::info!("call {each} {text}", each, text);
            }
            u64::from(kymo::flush())
        }
        "say" => {
            kymo::info!("number {number}", number);
            1
        }
        "error" => {
            kymo::error!("it failed", number);
            u64::from(kymo::flush())
        }
        "close" => u64::from(kymo::close_fragment()),
        "wish" => {
            let wish = Wish { now: true, through_end: number > 0, ..Wish::default() };
            u64::from(kymo::sending::wish(wish).is_ok())
        }
        "wish_by_hand" => {
            let wish = Wish { now: true, user_asked: true, ..Wish::default() };
            u64::from(kymo::sending::wish(wish).is_ok())
        }
        "consent" => {
            let state = if number > 0 { kymo::ConsentState::Granted } else { kymo::ConsentState::Refused };
            u64::from(kymo::set_consent(state).is_ok())
        }
        "fragment" => kymo::status().unwrap().fragment,
        "debug" => {
            let before = kymo::status().unwrap().tally.messages;
            kymo::event!(kymo::Severity::DEBUG, "in detail");
            kymo::flush();
            kymo::status().unwrap().tally.messages - before
        }
        "live_held" => u64::from(live().is_held),
        "live_connected" => u64::from(live().connected_since.is_some()),
        "live_follows" => live().follows,
        "live_looks" => {
            // As long as so many looks take.
            std::thread::sleep(super::live::timing().look_every * number as u32);
            1
        }
        "live_failure" => {
            let failure = live().last_failure.unwrap_or_default();
            std::fs::write(part::folder().unwrap().join("failure"), &failure).unwrap();
            u64::from(!failure.is_empty())
        }
        "elected" => u64::from(status().is_elected),
        "failures" => u64::from(status().failures),
        "unsent" => status().sessions_unsent,
        "end" => {
            let started = std::time::Instant::now();
            kymo::end_session(EndReason::Normal, None);
            started.elapsed().as_millis() as u64
        }
        other => panic!("expected a command, found {other}"),
    }
}

fn live() -> kymo::LiveStatus {
    kymo::status().unwrap().live.unwrap()
}

fn status() -> kymo::sending::SendStatus {
    kymo::status().unwrap().sending.unwrap()
}

/// Another each time, and hardly shorter when compressed.
fn text() -> String {
    static SEED: AtomicU64 = AtomicU64::new(1);
    let number = SEED.fetch_add(2, Ordering::Relaxed);
    let mut state = number.wrapping_add(u64::from(std::process::id()) << 32) | 1;
    let mut text = String::new();
    for _ in 0..12 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        write!(text, "{state:016x}").unwrap();
    }
    text
}

/// Such a program, in the hands of a test. It is killed when this is dropped.
pub(crate) struct Player {
    pub(crate) child: Child,
    scores: Scores,
    told: u64,
}

impl Player {
    pub(crate) fn start(folder: &Path, settings: &SendSettings) -> Self {
        Self::start_with(folder, settings, 64 * 1024, &[])
    }

    pub(crate) fn start_with(
        folder: &Path,
        settings: &SendSettings,
        fragment_bytes: u64,
        more: &[(&str, String)],
    ) -> Self {
        let mut environment = vec![
            (SETTINGS, serde_json::to_string(settings).unwrap()),
            (FRAGMENT_BYTES, fragment_bytes.to_string()),
        ];
        environment.extend(more.iter().map(|(name, value)| (*name, value.clone())));
        let child = part::start("sending::player::plays_what_it_is_told", folder, &environment);
        let own = folder.join(format!("player-{}", child.id()));
        std::fs::create_dir_all(&own).unwrap();
        Self { child, scores: Scores::new(&own), told: 0 }
    }

    /// Has it done; what it answered.
    pub(crate) fn tell(&mut self, line: &str) -> u64 {
        self.tell_only(line);
        self.scores.wait(DONE, self.told, &mut self.child);
        self.scores.get(ANSWER)
    }

    /// Without waiting for it.
    pub(crate) fn tell_only(&mut self, line: &str) {
        self.told += 1;
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Asks until it answers that.
    pub(crate) fn wait_for(&mut self, line: &str, expected: u64) {
        kymo_testkit::kymo::wait_for(line, || (self.tell(line) == expected).then_some(()));
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it come to its end.
    pub(crate) fn close(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
