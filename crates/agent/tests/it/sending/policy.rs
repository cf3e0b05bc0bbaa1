//! What the server wants: by the real server, and by one that says what the test wants and keeps nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use kymo::sending::{Criteria, Secret, SendReason, SendSettings, select, send_now};
use kymo_testkit::kymo::wait_for;
use serde_json::{Value, json};

use super::World;
use super::player::Player;
use crate::part;

/// What it says, and what it was told.
#[derive(Debug, Default)]
struct State {
    wanted: String,
    wanted_by_beats: Option<String>,
    heads: u64,
    beats: Vec<Value>,
    fragments: BTreeMap<u64, u64>,
    complete: BTreeSet<u64>,
}

impl State {
    /// As a server that went back to a backup.
    fn lose(&mut self, fragment: u64) {
        self.fragments.remove(&fragment);
        self.complete.remove(&fragment);
    }
}

struct Server {
    url: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    fn start(wanted: &str, wanted_by_beats: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let wanted_by_beats = wanted_by_beats.map(str::to_owned);
        let state = State { wanted: wanted.to_owned(), wanted_by_beats, ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let told = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // A sender that is killed breaks its connection.
                let _ = serve(client, &told);
            }
        });
        Self { url, state }
    }

    fn look<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.state.lock().unwrap())
    }

    fn settings(&self) -> SendSettings {
        let token = Secret::new("kymo_token");
        SendSettings { server: Some(self.url.clone()), token, ..SendSettings::default() }
    }
}

fn serve(mut client: TcpStream, told: &Mutex<State>) -> std::io::Result<()> {
    let mut lines = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head)? > 0 {}
    let value = |name: &str| {
        let mut values = head.lines().filter_map(|line| line.split_once(": "));
        values.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let number = |name: &str| value(name).and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
    let mut body = vec![0; number("content-length") as usize];
    lines.read_exact(&mut body)?;
    let mut state = told.lock().unwrap();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (status, headers, text) = if path.ends_with("/uploads") {
        state.heads += 1;
        let fragments: Vec<Value> = state
            .fragments
            .iter()
            .map(|(fragment, offset)| {
                let is_complete = state.complete.contains(fragment);
                json!({"fragment": fragment, "offset": offset, "complete": is_complete})
            })
            .collect();
        let limits = (1 << 20, 64 << 20);
        let answer = json!({"wanted": state.wanted, "append_bytes_max": limits.0, "fragment_bytes_max": limits.1,
            "fragments": fragments});
        (200, String::new(), answer.to_string())
    } else if path.ends_with("/beat") {
        state.beats.push(serde_json::from_slice(&body).unwrap());
        match &state.wanted_by_beats {
            Some(wanted) => (200, String::new(), json!({"wanted": wanted}).to_string()),
            None => (404, String::new(), String::new()),
        }
    } else {
        let fragment: u64 = path.rsplit('/').next().unwrap_or_default().parse().unwrap_or(0);
        let there = state.fragments.entry(fragment).or_default();
        let status = if *there == number("upload-offset") { 204 } else { 409 };
        *there += if status == 204 { body.len() as u64 } else { 0 };
        let complete = value("upload-complete").unwrap_or_default();
        let headers = format!("upload-offset: {there}\r\nupload-complete: {complete}\r\n");
        if status == 204 && complete == "?1" {
            state.complete.insert(fragment);
        }
        (status, headers, String::new())
    };
    let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", text.len()) };
    write!(client, "HTTP/1.1 {status} X\r\n{headers}{length}connection: close\r\n\r\n{text}")
}

#[test]
fn what_nobody_wants_stays_until_somebody_there_asks_for_it() {
    let server = Server::start("none", Some("none"));
    let folder = tempfile::tempdir().unwrap();
    let mut player = Player::start(folder.path(), &server.settings());
    player.tell("log 500");
    player.tell("close");
    player.tell("error 1");
    wait_for("beats", || server.look(|state| (state.beats.len() > 3).then_some(())));
    server.look(|state| {
        assert!(state.heads > 0 && state.fragments.is_empty(), "{state:?}");
        let beat = &state.beats[0];
        assert!(beat["last_sequence"].is_u64() && beat["messages"].is_u64() && beat["dropped"].is_object());
        // Somebody asks for it.
        state.wanted_by_beats = Some("all".to_owned());
        state.wanted = "all".to_owned();
    });
    // The fragment that grows, too.
    wait_for("all there is", || server.look(|state| (state.fragments.len() >= 2).then_some(())));
    player.close();
}

#[test]
fn sessions_with_errors_alone_are_wanted_and_a_wish_goes_beyond() {
    let server = Server::start("with_errors", None);
    let folder = tempfile::tempdir().unwrap();
    let mut player = Player::start(folder.path(), &server.settings());
    player.tell("log 500");
    player.close();
    let mut player = Player::start(folder.path(), &server.settings());
    player.tell("log 1");
    player.tell("error 1");
    player.tell("end");
    player.close();
    let (quiet, loud) = {
        let mut sessions = select(&part::files(folder.path()), Criteria::ALL).unwrap();
        let loud = sessions.pop().unwrap();
        (sessions.pop().unwrap(), loud)
    };
    let bytes = |session: &kymo::sending::Local| session.fragments.iter().map(|one| one.bytes).sum::<u64>();
    let mut player = Player::start(folder.path(), &server.settings());
    let is_sent = |id: &str| {
        let sessions = select(&part::files(folder.path()), Criteria::ALL).unwrap();
        sessions.iter().any(|one| one.summary.id == id && one.sent.is_whole)
    };
    wait_for("the one with an error", || is_sent(&loud.summary.id).then_some(()));
    assert!(!is_sent(&quiet.summary.id));
    // A server that is older than beats is asked about the head again, and then left alone.
    wait_for("a beat", || server.look(|state| (!state.beats.is_empty()).then_some(())));
    server.look(|state| {
        assert_eq!(state.fragments.values().sum::<u64>(), bytes(&loud), "{state:?}");
        // The fake server keeps all sessions as one.
        state.fragments.clear();
        state.complete.clear();
    });
    player.tell("wish 0");
    wait_for("what was wished", || server.look(|state| (!state.fragments.is_empty()).then_some(())));
    player.close();
    assert!(!is_sent(&quiet.summary.id));
}

#[test]
fn what_a_server_lost_is_sent_again_before_it_is_purged() {
    let server = Server::start("all", Some("all"));
    let folder = tempfile::tempdir().unwrap();
    let mut player = Player::start(folder.path(), &SendSettings::default());
    player.tell("log 500");
    player.tell("close");
    player.tell("log 10");
    player.close();
    let files = part::files(folder.path());
    let sessions = || select(&files, Criteria::ALL).unwrap();
    let bytes: BTreeMap<u64, u64> =
        sessions()[0].fragments.iter().map(|fragment| (fragment.number, fragment.bytes)).collect();
    assert!(bytes.len() > 1);
    let folders = std::slice::from_ref(&files);
    let report =
        send_now(folders, &server.settings(), Criteria::ALL, SendReason::Rule, &mut |_| {}, &|| false);
    assert_eq!(report.whole.len(), 1, "{report:?}");
    let id = sessions()[0].summary.id.clone();
    server.look(|state| {
        assert_eq!(state.fragments, bytes);
        state.lose(1);
    });
    let settings = SendSettings { purge_sent_sessions: true, ..server.settings() };
    let player = Player::start(folder.path(), &settings);
    wait_for("all of it to be purged", || {
        sessions().iter().all(|session| session.summary.id != id).then_some(())
    });
    server.look(|state| assert_eq!(state.fragments, bytes, "what was lost is there again"));
    player.close();
}

#[test]
fn what_a_server_lost_is_sent_again_after_a_beat_that_it_does_not_understand() {
    let server = Server::start("all", Some("all"));
    let folder = tempfile::tempdir().unwrap();
    let mut player = Player::start(folder.path(), &server.settings());
    player.tell("log 500");
    player.tell("close");
    let complete = |state: &mut State| state.complete.contains(&1).then(|| state.fragments[&1]);
    let bytes = wait_for("the first fragment", || server.look(complete));
    wait_for("a beat", || server.look(|state| (!state.beats.is_empty()).then_some(())));
    server.look(|state| {
        state.lose(1);
        state.wanted_by_beats = None;
    });
    assert_eq!(wait_for("the first fragment again", || server.look(complete)), bytes);
    player.close();
}

#[test]
fn the_real_server_hears_of_what_it_does_not_want_and_gets_it_when_somebody_asks() {
    let world = World::new();
    world.kymo.command(&["project", "set", "shop", "upload.wanted=none"]);
    let mut player = Player::start(world.path(), &world.settings());
    player.tell("log 500");
    player.tell("close");
    // It is shown, and known to live, with nothing in it.
    let session = wait_for("the session", || world.kymo.sessions().pop());
    wait_for("what it wants", || (world.sessions()[0].sent.wanted == "none").then_some(()));
    assert_eq!((&session["state"], world.stored()), (&json!("running"), 0));
    let admin = world.kymo.command(&["token", "add", "--project", "Shop", "--scope", "admin"]);
    let id = session["id"].as_str().unwrap();
    let answer = ureq::post(format!("http://{}/api/v1/sessions/{id}/request", world.address))
        .header("authorization", format!("Bearer {admin}"))
        .send_empty()
        .unwrap();
    assert!(answer.status().is_success());
    wait_for("all there is", || (world.stored() >= 500).then_some(()));
    assert!(world.sessions()[0].sent.is_requested);
    player.tell("end");
    player.close();
    world.send(&world.settings());
    world.check();
}
