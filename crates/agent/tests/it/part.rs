//! Processes that play a part.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kymo::{Builder, Recovered, Summary};
use kymo_format::{End, Header, Item, ReadRecord, Reader};
use kymo_model::SessionId;

/// In the environment of a process that plays a part: the folder it works in.
const FOLDER: &str = "KYMO_TEST_FOLDER";
/// A file that says that a part was there to be played: of a name that no test has the harness plays nothing, and is content.
const PLAYED: &str = "played";

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

/// Plays it to its end, which has to be a good one.
pub(crate) fn play(part: &str, folder: &Path, settings: &[(&str, String)]) {
    let played = folder.join(PLAYED);
    // Of a part before.
    let _ = std::fs::remove_file(&played);
    let status = start(part, folder, settings).wait().unwrap();
    assert!(status.success(), "{part}: {status}");
    assert!(played.exists(), "there is no part {part}");
}

/// The folder, in a process that plays a part; `None` when somebody runs ignored tests by hand.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os(FOLDER).map(PathBuf::from)?;
    // Where the disk is full for it, too, who plays it finds out otherwise.
    let _ = std::fs::write(folder.join(PLAYED), "");
    Some(folder)
}

pub(crate) fn setting(name: &str) -> u64 {
    std::env::var(name).unwrap().parse().unwrap()
}

/// A session in the repository of that folder.
pub(crate) fn builder(folder: &Path) -> Builder {
    let retention = kymo::Retention { free_disk_min: 0, ..kymo::Retention::default() };
    kymo::builder("Shop", "till").version("1.2.3").repository(folder.join("sessions")).retention(retention)
}

/// Where its files are.
pub(crate) fn files(folder: &Path) -> PathBuf {
    folder.join("sessions/Shop/till")
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

    /// Waits until somebody has that score; `child` has to live so long.
    pub(crate) fn wait(&self, player: u64, score: u64, child: &mut Child) {
        while self.get(player) < score {
            assert_eq!(child.try_wait().unwrap(), None, "it plays on");
            std::thread::yield_now();
        }
    }
}

/// A session as its files have it.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) headers: Vec<Header>,
    pub(crate) records: Vec<ReadRecord>,
    pub(crate) losses: Vec<(String, u64)>,
    pub(crate) end: Option<End>,
    pub(crate) damages: u64,
}

impl Session {
    pub(crate) fn id(&self) -> SessionId {
        self.headers[0].session
    }

    /// The texts of all records but the agent's own.
    pub(crate) fn messages(&self) -> Vec<String> {
        let own =
            |record: &&ReadRecord| !record.category().is_some_and(|category| category.starts_with("kymo."));
        self.records.iter().filter(own).map(ReadRecord::message).collect()
    }

    pub(crate) fn reason(&self) -> &'static str {
        self.end.as_ref().map_or("none", |end| end.reason.as_str())
    }
}

/// All sessions of the folder, oldest first; their sequences have no gap.
pub(crate) fn sessions(folder: &Path) -> Vec<Session> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(files(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "kymo"))
        .collect();
    paths.sort_unstable();
    let mut sessions: Vec<Session> = Vec::new();
    for path in paths {
        let mut reader = Reader::new();
        reader.feed(&std::fs::read(&path).unwrap());
        reader.finish();
        while let Some(item) = reader.next() {
            if let Item::Header(header) = &item
                && sessions.last().is_none_or(|session| session.id() != header.session)
            {
                sessions.push(Session::default());
            }
            let session = sessions.last_mut().expect("a header comes first");
            match item {
                Item::Header(header) => session.headers.push((*header).clone()),
                Item::Record(record) => {
                    assert_eq!(record.sequence, session.records.len() as u64 + 1, "{}", path.display());
                    session.records.push(*record);
                }
                Item::Loss { reason, total } => {
                    session.losses.retain(|(known, _)| *known != reason);
                    session.losses.push((reason, total));
                }
                Item::End(end) => session.end = Some(end),
                Item::Damage(_) => session.damages += 1,
                Item::Frame { .. } | Item::Ring(_) | Item::Index(_) => {}
            }
        }
    }
    sessions
}

/// The only session there is.
pub(crate) fn only(folder: &Path) -> Session {
    let mut sessions = sessions(folder);
    assert_eq!(sessions.len(), 1);
    sessions.remove(0)
}

/// Recovers what processes left that are gone; nothing may be left over.
pub(crate) fn recover(folder: &Path) -> Vec<Recovered> {
    let (recovered, failed) = kymo::recover(&files(folder)).unwrap();
    assert_eq!(failed, Vec::<String>::new());
    recovered
}

/// What the list of sessions says, newest first.
pub(crate) fn summaries(folder: &Path) -> Vec<Summary> {
    kymo::sessions(&folder.join("sessions")).unwrap().into_iter().map(|(_, summary)| summary).collect()
}

/// The names of files that are no fragments and no summaries.
pub(crate) fn leftovers(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(files(folder)).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let is_kept = |name: &String| matches!(name.rsplit('.').next(), Some("kymo" | "session" | "lock"));
    names.retain(|name| !is_kept(name));
    names
}

#[test]
#[should_panic(expected = "there is no part")]
fn a_part_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    play("part::plays_nothing", folder.path(), &[]);
}
