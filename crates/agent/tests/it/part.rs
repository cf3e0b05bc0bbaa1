//! Processes that play a part.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kymo::{Config, DeadSpool, Framed, PlainFrame, PlainFrames, PlainRecord, RecoveryReport};

/// In the environment of a process that plays a part: the folder it works in.
const FOLDER: &str = "KYMO_TEST_FOLDER";

/// Starts this program again to run only the test `part`, which is ignored otherwise.
pub(crate) fn start(part: &str, folder: &Path, settings: &[(&str, String)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", part, "--ignored", "--nocapture", "--test-threads", "1"])
        .env(FOLDER, folder)
        .envs(settings.iter().map(|(name, value)| (*name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The folder, in a process that plays a part; `None` when somebody runs ignored tests by hand.
pub(crate) fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

pub(crate) fn setting(name: &str) -> u64 {
    std::env::var(name).unwrap().parse().unwrap()
}

pub(crate) fn spool(folder: &Path) -> PathBuf {
    folder.join("session.spool")
}

pub(crate) fn frames(folder: &Path) -> PathBuf {
    folder.join("frames")
}

pub(crate) fn config(folder: &Path) -> Config {
    Config::new(spool(folder))
}

pub(crate) fn sink(folder: &Path) -> PlainFrames {
    PlainFrames::append(&frames(folder)).unwrap()
}

/// Numbers that outlive the process that writes them: one `pwrite` each, after the call they count.
pub(crate) struct Scores(File);

impl Scores {
    pub(crate) fn new(folder: &Path) -> Self {
        let path = folder.join("scores");
        Self(File::options().create(true).truncate(false).read(true).write(true).open(path).unwrap())
    }

    pub(crate) fn set(&self, player: u64, score: u64) {
        self.0.write_all_at(&score.to_ne_bytes(), player * 8).unwrap();
    }

    /// 0 for who did not score yet.
    pub(crate) fn get(&self, player: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, player * 8).map_or(0, |()| u64::from_ne_bytes(bytes))
    }
}

/// What the frames say of how far they are.
pub(crate) fn framed(frames: &[PlainFrame]) -> Framed {
    let mut framed = Framed::default();
    for frame in frames {
        for position in &frame.positions {
            framed.positions.retain(|known| known.ring != position.ring);
            framed.positions.push(*position);
        }
        framed.next_sequence = frame.records.last().map_or(framed.next_sequence, |last| last.sequence + 1);
    }
    framed
}

/// Recovers what is left of a process that is gone, behind its frames, and gives all records there are then.
pub(crate) fn recover(folder: &Path) -> (Vec<PlainRecord>, RecoveryReport) {
    let before = PlainFrames::read(&frames(folder)).unwrap_or_default();
    let dead = DeadSpool::open(&spool(folder)).unwrap();
    let report = dead.recover(&framed(&before), &mut sink(folder)).unwrap();
    dead.remove().unwrap();
    (all(folder), report)
}

pub(crate) fn all(folder: &Path) -> Vec<PlainRecord> {
    PlainFrames::read(&frames(folder)).unwrap().into_iter().flat_map(|frame| frame.records).collect()
}
