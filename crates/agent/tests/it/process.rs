//! How sessions end, each end provoked; and what others make of a session that goes on.

use std::process::{Child, Command};

use kymo::{EndReason, Event, Severity};

use crate::part::{self, Scores};

/// Says that it recorded, then waits to be killed, or ended by its input being closed.
fn wait_for_the_end(folder: &std::path::Path) {
    Scores::new(folder).set(0, 1);
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_forgets_its_session() {
    let Some(folder) = part::folder() else { return };
    std::mem::forget(part::builder(&folder).start());
    kymo::info!("only call");
    wait_for_the_end(&folder);
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_drops_and_shadows_its_session() {
    let Some(folder) = part::folder() else { return };
    drop(part::builder(&folder).start());
    let session = part::builder(&folder).start();
    kymo::info!("only call");
    let session = (part::builder(&folder).start(), session);
    assert_eq!(session.0.id(), session.1.id(), "one at a time");
    wait_for_the_end(&folder);
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_exits() {
    let Some(folder) = part::folder() else { return };
    let _session = part::builder(&folder).start();
    kymo::info!("only call");
    std::process::exit(0);
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_ends_its_session() {
    let Some(folder) = part::folder() else { return };
    let _session = part::builder(&folder).start();
    kymo::info!("only call");
    let status = kymo::end_session(EndReason::Crashed, Some("the till is on fire")).unwrap();
    assert_eq!((status.tally.messages, status.notes), (1, vec![]));
    kymo::info!("nobody hears this");
    assert_eq!(kymo::end_session(EndReason::Normal, None), None);
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_aborts_by_a_panic() {
    let Some(folder) = part::folder() else { return };
    let _session = part::builder(&folder).start();
    kymo::info!("only call");
    // What `panic = "abort"` does: the hook, and then nothing more.
    std::panic::set_hook({
        let before = std::panic::take_hook();
        Box::new(move |info| {
            before(info);
            std::process::abort();
        })
    });
    panic!("no change left");
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_whose_main_thread_panics() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).start();
    kymo::info!("only call");
    let panics = std::panic::AssertUnwindSafe(move || {
        let _session = session;
        panic!("no change left");
    });
    // As the end of `main` does.
    assert!(std::panic::catch_unwind(panics).is_err());
    std::process::exit(101);
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_survives_a_panic() {
    let Some(folder) = part::folder() else { return };
    let _session = part::builder(&folder).start();
    kymo::info!("only call");
    assert!(std::thread::spawn(|| panic!("no change left")).join().is_err());
    wait_for_the_end(&folder);
}

fn start(part: &str, folder: &std::path::Path) -> Child {
    let mut child = part::start(&format!("process::{part}"), folder, &[]);
    Scores::new(folder).wait(0, 1, &mut child);
    child
}

fn close_input(mut child: Child) {
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[test]
fn a_session_whose_guard_is_leaked_dropped_or_shadowed_ends_with_its_process() {
    for part in
        ["plays_a_program_that_forgets_its_session", "plays_a_program_that_drops_and_shadows_its_session"]
    {
        let folder = tempfile::tempdir().unwrap();
        close_input(start(part, folder.path()));
        let session = part::only(folder.path());
        assert_eq!(
            (session.messages(), session.reason()),
            (vec!["only call".to_owned()], "normal"),
            "{part}"
        );
        assert_eq!(part::leftovers(folder.path()), [""; 0]);
        let summary = part::summaries(folder.path()).remove(0);
        assert_eq!((summary.state.as_str(), summary.end_reason.as_deref()), ("ended", Some("normal")));
        assert_eq!((summary.tally.messages, summary.version.as_deref()), (1, Some("1.2.3")));
        assert!(part::recover(folder.path()).is_empty());
    }
}

#[test]
fn exit_ends_it_and_a_said_end_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    part::play("process::plays_a_program_that_exits", folder.path(), &[]);
    let session = part::only(folder.path());
    assert_eq!((session.messages(), session.reason()), (vec!["only call".to_owned()], "normal"));

    let folder = tempfile::tempdir().unwrap();
    part::play("process::plays_a_program_that_ends_its_session", folder.path(), &[]);
    let session = part::only(folder.path());
    assert_eq!(session.messages(), ["only call"]);
    let end = session.end.unwrap();
    let said = (end.reason.as_str(), end.note.as_deref(), end.recovered);
    assert_eq!(said, ("crashed", Some("the till is on fire"), false));
}

#[test]
fn a_killed_process_is_recovered_by_the_next_and_left_alone_while_it_lives() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start("plays_a_program_that_forgets_its_session", folder.path());
    assert!(part::recover(folder.path()).is_empty(), "it lives");
    assert!(part::summaries(folder.path())[0].is_running());
    child.kill().unwrap();
    child.wait().unwrap();
    part::play("process::plays_a_program_that_exits", folder.path(), &[]);
    let sessions = part::sessions(folder.path());
    assert_eq!(sessions.len(), 2);
    assert_eq!((sessions[0].messages(), sessions[0].reason()), (vec!["only call".to_owned()], "killed"));
    assert!(sessions[0].end.as_ref().unwrap().recovered);
    let told =
        sessions[1].records.iter().map(kymo_format::ReadRecord::message).collect::<Vec<_>>().join("\n");
    assert!(told.contains(&sessions[0].id().to_string()), "{told}");
    assert_eq!(sessions[1].reason(), "normal");
    let reasons: Vec<_> =
        part::summaries(folder.path()).into_iter().map(|one| one.end_reason.unwrap()).collect();
    assert_eq!(reasons, ["normal", "killed"], "newest first");
}

#[test]
fn panics_are_told_from_one_another() {
    for (part, expected) in [
        ("plays_a_program_that_aborts_by_a_panic", "crashed"),
        ("plays_a_program_whose_main_thread_panics", "crashed"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = part::start(&format!("process::{part}"), folder.path(), &[]);
        assert!(!child.wait().unwrap().success());
        part::recover(folder.path());
        let session = part::only(folder.path());
        assert_eq!(
            (session.messages(), session.reason()),
            (vec!["only call".to_owned(), "no change left".to_owned()], expected)
        );
        let panic = session.records.iter().find_map(|record| record.exception.as_ref()).unwrap();
        assert_eq!(panic.type_name.as_deref(), Some("panic"));
        assert!(panic.stack_text.as_ref().unwrap().contains("plays_a_program"), "{panic:?}");
        let place = &session.records.last().unwrap().callsite.source;
        assert!(place.file.as_ref().unwrap().ends_with("process.rs") && place.line.is_some());
    }
    let folder = tempfile::tempdir().unwrap();
    let child = start("plays_a_program_that_survives_a_panic", folder.path());
    // The mark is taken back by the drainer when it has seen the program live on.
    let spool = std::fs::read_dir(part::files(folder.path())).unwrap().map(|entry| entry.unwrap().path());
    let spool =
        spool.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "spool")).unwrap();
    let mark = || std::fs::read(&spool).unwrap()[3072..3088].to_vec();
    while mark() != [0; 16] {
        std::thread::yield_now();
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    close_input(child);
    part::recover(folder.path());
    assert_eq!(part::only(folder.path()).reason(), "killed");
}

#[test]
fn a_spool_of_an_earlier_boot_lost_its_power_and_one_without_evidence_is_unknown() {
    for (expected, tamper) in [
        ("lost_power", (|spool| other_boot(spool)) as fn(&std::path::Path)),
        ("unknown", |spool| std::fs::remove_file(spool).unwrap()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = start("plays_a_program_that_forgets_its_session", folder.path());
        child.kill().unwrap();
        child.wait().unwrap();
        let files = std::fs::read_dir(part::files(folder.path())).unwrap().map(|entry| entry.unwrap().path());
        let spool =
            files.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "spool")).unwrap();
        tamper(&spool);
        part::recover(folder.path());
        let session = part::only(folder.path());
        assert_eq!(session.reason(), expected);
        assert_eq!(
            session.messages().len(),
            usize::from(expected == "lost_power"),
            "what was in the spool only"
        );
    }
}

/// The header says another boot, and its checksum fits.
fn other_boot(spool: &std::path::Path) {
    kymo::testing::pretend_earlier_boot(spool).unwrap();
}

#[test]
#[ignore = "played by other tests"]
fn plays_one_of_eight() {
    let Some(folder) = part::folder() else { return };
    let _session = part::builder(&folder).start();
    let player = part::setting("KYMO_TEST_PLAYER");
    for number in 0..2_000_u64 {
        kymo::info!("player {player} call {number} of this program", player, number);
        if number % 700 == 0 {
            assert!(kymo::close_fragment());
        }
    }
    Event::new(Severity::WARN, "that was all").user(&player.to_string(), None).record();
}

#[test]
fn eight_processes_share_one_repository() {
    let folder = tempfile::tempdir().unwrap();
    let children: Vec<Child> = (0..8)
        .map(|player: u64| {
            let settings = [("KYMO_TEST_PLAYER", player.to_string())];
            part::start("process::plays_one_of_eight", folder.path(), &settings)
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let sessions = part::sessions(folder.path());
    assert_eq!(sessions.len(), 8);
    let mut players = std::collections::BTreeSet::new();
    for session in &sessions {
        let messages = session.messages();
        let user =
            session.records.iter().find_map(|record| record.user.as_ref()).unwrap().id.clone().unwrap();
        let mut expected: Vec<String> =
            (0..2_000).map(|number| format!("player {user} call {number} of this program")).collect();
        expected.push("that was all".to_owned());
        assert_eq!(messages, expected);
        assert_eq!((session.reason(), session.damages), ("normal", 0));
        let firsts: Vec<u64> = session.headers.iter().map(|header| header.first_sequence).collect();
        assert_eq!(firsts.len(), 4, "closed on demand: {firsts:?}");
        players.insert(user);
    }
    assert_eq!(players.len(), 8);
    assert_eq!(part::summaries(folder.path()).len(), 8);
    assert_eq!(part::leftovers(folder.path()), [""; 0]);
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_whose_folder_goes() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).start();
    kymo::info!("before");
    assert!(kymo::flush());
    std::fs::remove_dir_all(session.folder().unwrap()).unwrap();
    kymo::info!("after");
    // What is open stays open; what would be made cannot be, and is told.
    assert!(kymo::flush());
    kymo::close_fragment();
    let status = session.end(EndReason::Normal, None).unwrap();
    // The agent's own warning may be among them: it was looking for sessions to recover when the folder went.
    let said = status.tally.messages - status.tally.warnings;
    assert_eq!((said, status.recorder.dropped.total()), (2, 0), "{status:?}");
    assert!(!status.notes.is_empty() || status.recorder.last_error.is_some(), "{status:?}");
}

#[test]
fn a_folder_that_goes_hurts_nobody() {
    let folder = tempfile::tempdir().unwrap();
    part::play("process::plays_a_program_whose_folder_goes", folder.path(), &[]);
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_service_that_ends_by_signals() {
    let Some(folder) = part::folder() else { return };
    std::mem::forget(part::builder(&folder).start());
    kymo::end_on_signals().unwrap();
    kymo::info!("only call");
    wait_for_the_end(&folder);
}

#[test]
fn a_signal_ends_the_session_where_it_is_asked_to() {
    for (part, expected) in [
        ("plays_a_service_that_ends_by_signals", ("normal", Some("SIGTERM"))),
        ("plays_a_program_that_forgets_its_session", ("killed", None)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = start(part, folder.path());
        // Waiting would close it, which ends the program by itself.
        let _input = child.stdin.take();
        assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
        let status = child.wait().unwrap();
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(15),
            "it ends as it would have"
        );
        part::recover(folder.path());
        let session = part::only(folder.path());
        assert_eq!(session.messages(), ["only call"]);
        let end = session.end.unwrap();
        assert_eq!((end.reason.as_str(), end.note.as_deref()), expected);
    }
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_whose_clock_is_moved() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).start();
    let count = |steps: usize| move || kymo::status().unwrap().tally.messages >= steps as u64;
    let mut number = 0_u64;
    for (step, by_s) in [0, 3_600, -7_200_i64].into_iter().enumerate() {
        kymo::testing::shift_wall_clock(by_s * 1_000_000_000);
        // The agent looks once a second, and says what it found.
        let told = 100 * step + step;
        while !count(told)() {
            kymo::flush();
            std::thread::yield_now();
        }
        for _ in 0..100 {
            kymo::info!("call {number}", number);
            number += 1;
        }
        assert!(kymo::flush());
    }
    session.end(EndReason::Normal, None);
}

#[test]
fn a_clock_that_is_moved_is_told_and_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    part::play("process::plays_a_program_whose_clock_is_moved", folder.path(), &[]);
    let session = part::only(folder.path());
    let is_step = |record: &&kymo_format::ReadRecord| record.callsite.template.starts_with("wall clock");
    let steps: Vec<String> =
        session.records.iter().filter(is_step).map(kymo_format::ReadRecord::message).collect();
    assert_eq!(steps.len(), 2);
    for (said, about_ms) in steps.iter().zip([3_600_000_i64, -10_800_000]) {
        let ms: i64 = said.split(' ').find_map(|word| word.parse().ok()).unwrap();
        assert!((ms - about_ms).abs() < 60_000, "{said}");
    }
    let calls: Vec<&kymo_format::ReadRecord> =
        session.records.iter().filter(|record| !is_step(record)).collect();
    let said: Vec<String> = calls.iter().map(|record| record.message()).collect();
    assert_eq!(
        said,
        (0..300).map(|number| format!("call {number}")).collect::<Vec<_>>(),
        "in the order of the calls"
    );
    let hours = |from: usize, to: usize| {
        (calls[to].time.as_unix_nanos() - calls[from].time.as_unix_nanos()) as f64 / 3.6e12
    };
    assert!(
        (hours(99, 100) - 1.0).abs() < 0.05 && (hours(199, 200) + 3.0).abs() < 0.05,
        "times follow the clock"
    );
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_whose_fragment_just_rolled() {
    let Some(folder) = part::folder() else { return };
    std::mem::forget(part::builder(&folder).start());
    for number in 0..100_u64 {
        kymo::info!("call {number}", number);
    }
    assert!(kymo::close_fragment());
    wait_for_the_end(&folder);
}

#[test]
fn what_a_closed_fragment_has_does_not_come_twice_when_the_spool_lost_count() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start("plays_a_program_whose_fragment_just_rolled", folder.path());
    child.kill().unwrap();
    child.wait().unwrap();
    let files = std::fs::read_dir(part::files(folder.path())).unwrap().map(|entry| entry.unwrap().path());
    let spool =
        files.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "spool")).unwrap();
    // As if the process had been killed between the fragment and the spool's own note of it.
    let file = std::fs::File::options().write(true).open(&spool).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0; 2048], 1024).unwrap();
    part::recover(folder.path());
    let session = part::only(folder.path());
    assert_eq!(session.headers.len(), 2);
    assert_eq!(session.messages(), (0..100).map(|number| format!("call {number}")).collect::<Vec<_>>());
}
