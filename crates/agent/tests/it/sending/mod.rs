//! Sending to the real server: by the engine in processes of programs, and by one pass. What is stored there is compared,
//! event by event, with what reading the files gives.

mod consent;
mod engine;
mod faults;
mod limits;
mod live;
mod player;
mod policy;
mod proxy;
mod several;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kymo::sending::{
    Criteria, Local, Secret, SendReason, SendReport, SendSettings, SendStatus, select, send_now,
};
use kymo_testkit::Kymo;
use kymo_testkit::kymo::{program, wait_for};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::part;

/// A server, and a folder of sessions.
pub(crate) struct World {
    pub(crate) kymo: Kymo,
    /// Where the server is each time it is started.
    pub(crate) address: String,
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let (kymo, address) = Kymo::on_a_lasting_address(program());
        Self { kymo, address, folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder with the sessions' files.
    pub(crate) fn files(&self) -> std::path::PathBuf {
        part::files(self.path())
    }

    /// To the server itself.
    pub(crate) fn settings(&self) -> SendSettings {
        self.settings_to(&format!("http://{}", self.address))
    }

    /// To something in front of it.
    pub(crate) fn settings_to(&self, url: &str) -> SendSettings {
        SendSettings {
            server: Some(url.to_owned()),
            token: Secret::new(&self.kymo.ingest_token),
            ..SendSettings::default()
        }
    }

    pub(crate) fn start_server(&mut self) {
        let address = self.address.clone();
        self.kymo.start_on(&address, &[]);
    }

    /// The sessions of the folder.
    pub(crate) fn sessions(&self) -> Vec<Local> {
        select(&self.files(), Criteria::ALL).unwrap_or_default()
    }

    pub(crate) fn status(&self) -> SendStatus {
        SendStatus::read(&self.files())
    }

    /// Waits until the server is known to have all sessions but those that run.
    pub(crate) fn wait_until_sent(&self) {
        wait_for("everything to be sent", || {
            let sessions = self.sessions();
            let is_sent = |session: &Local| session.sent.is_whole || session.is_running;
            (!sessions.is_empty() && sessions.iter().all(is_sent)).then_some(())
        });
    }

    /// What there is, in one pass.
    pub(crate) fn send(&self, settings: &SendSettings) -> SendReport {
        let folders = [self.files()];
        send_now(&folders, settings, Criteria::ALL, SendReason::Rule, &mut |_| {}, &|| false)
    }

    /// Every session of the folder is at the server, each event of it, once and in order.
    pub(crate) fn check(&self) {
        check(&self.kymo, self.path(), &mut Vec::new());
    }

    /// Events of all sessions at the server.
    pub(crate) fn stored(&self) -> u64 {
        let count = |session: &Value| session["event_count"].as_u64().unwrap();
        self.kymo.sessions().iter().map(count).sum()
    }
}

/// The same, of sessions whose ids are not in `known` yet.
pub(crate) fn check(kymo: &Kymo, folder: &Path, known: &mut Vec<String>) {
    let mut stored = Vec::new();
    for session in kymo.sessions() {
        let id = session["id"].as_str().unwrap().to_owned();
        if !known.contains(&id) {
            known.push(id);
            stored.push(kymo.events(&session).into_iter().map(told).collect::<Vec<_>>());
        }
    }
    let mut local: Vec<Vec<Value>> = select(&part::files(folder), Criteria::ALL)
        .unwrap()
        .iter()
        .map(|session| read(&session.fragments[0].path))
        .collect();
    let first = |events: &Vec<Value>| events.first().map(Value::to_string);
    stored.sort_by_key(first);
    local.sort_by_key(first);
    let counts = |all: &[Vec<Value>]| all.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(counts(&stored), counts(&local), "events of each session, in {}", folder.display());
    for (stored, local) in stored.iter().zip(&local) {
        for (stored, local) in stored.iter().zip(local) {
            assert_eq!(stored, local);
        }
    }
}

/// The events of a session's files, as the reader says.
fn read(fragment: &Path) -> Vec<Value> {
    let output = Command::new(program()).args(["open", "--json"]).arg(fragment).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| told(serde_json::from_str(line).unwrap())).collect()
}

/// What both sides have to say of an event.
fn told(mut event: Value) -> Value {
    let names = ["sequence", "time", "severity", "severity_number", "kind", "category", "message", "user"];
    let mut told = json!({});
    for name in names.iter().chain(&["reference_id", "exception", "attributes"]) {
        told[*name] = event[*name].take();
    }
    told
}

/// Short, so that nobody waits; the order of the real ones.
pub(crate) fn timing() -> kymo::testing::Timing {
    kymo::testing::Timing {
        start_delay: Duration::ZERO,
        look_every: Duration::from_millis(10),
        poll_every: Duration::from_millis(300),
        beat_every: Duration::from_millis(200),
        back_off_first: Duration::from_millis(20),
        back_off_max: Duration::from_millis(200),
    }
}
