//! The helper: there when it should be, out of the program's way, and gone when it has nothing to do.

use std::io::Write;
use std::process::{Command, Stdio};

use kymo_testkit::Kymo;
use kymo_testkit::kymo::wait_for;
use serde_json::json;

use super::till::{Till, sends_to};
use crate::KYMO;

fn files(folder: &std::path::Path, ending: &str) -> Vec<String> {
    let names = std::fs::read_dir(folder.join("Shop/till")).unwrap().flatten();
    let mut names: Vec<String> = names.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(ending));
    names
}

#[test]
fn it_is_there_while_it_is_wanted_and_out_of_the_way() {
    let kymo = Kymo::with_project(KYMO);
    let folder = tempfile::tempdir().unwrap();
    let mut till = Till::start(folder.path(), &sends_to(&kymo, kymo.url()), &[]);
    till.say("info one");
    assert!(!till.has_helper(), "nothing is to be sent at the end");
    till.say("exit on");
    let helper = till.helper();
    let proc = |name: &str| format!("/proc/{helper}/{name}");
    assert_eq!(std::fs::read_link(proc("cwd")).unwrap().to_str(), Some("/"));
    let handles = std::fs::read_dir(proc("fd")).unwrap().flatten();
    let handles: Vec<String> = handles
        .map(|entry| std::fs::read_link(entry.path()).unwrap_or_default().display().to_string())
        .filter(|target| !target.contains("eventpoll") && !target.contains("eventfd"))
        .collect();
    // Standard input, output and error, and the lock.
    assert!(handles.len() <= 4, "{handles:?}");
    let environment = std::fs::read(proc("cmdline")).unwrap();
    assert!(!String::from_utf8_lossy(&environment).contains(&kymo.ingest_token), "secrets come by the pipe");
    let status = std::fs::read_to_string(proc("status")).unwrap();
    for memory in status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("RssAnon")) {
        println!("helper: {memory}");
    }
    till.say("exit on");
    assert_eq!(till.helper(), helper, "one");
    assert_eq!((files(folder.path(), ".exit").len(), files(folder.path(), ".wish").len()), (1, 1));

    till.say("exit off");
    wait_for("its end", || (!till.has_helper()).then_some(()));
    wait_for("its files to go", || {
        (files(folder.path(), ".exit").is_empty() && files(folder.path(), ".wish").is_empty()).then_some(())
    });
    till.say("exit on");
    assert_ne!(till.helper(), helper, "another");
    till.say("exit off");
    wait_for("its end", || (!till.has_helper()).then_some(()));
    till.close();
    assert!(kymo.sessions().is_empty(), "nothing was to be sent");
}

#[test]
fn a_helper_that_was_killed_is_replaced_or_the_next_start_knows() {
    let kymo = Kymo::with_project(KYMO);
    let folder = tempfile::tempdir().unwrap();
    let settings = sends_to(&kymo, kymo.url());
    let mut till = Till::start(folder.path(), &settings, &[("SEND_SESSIONS_ON_EXIT", "true")]);
    let helper = till.helper();
    assert!(Command::new("kill").args(["-9", &helper.to_string()]).status().unwrap().success());
    wait_for("its end", || (!till.has_helper()).then_some(()));
    till.say("exit on");
    assert_ne!(till.helper(), helper);
    till.kill();
    wait_for("the session", || kymo.sessions().first().filter(|one| one["state"] == "ended").cloned());
    assert!(wait_for("the end of the helper's work", || {
        files(folder.path(), ".exit").is_empty().then_some(true)
    }));
    assert_eq!(files(folder.path(), ".wish"), [""; 0], "fulfilled");

    let mut till =
        Till::start(folder.path(), &settings, &[("SEND_SESSIONS_ON_EXIT", "true"), ("HELPER", "/nowhere")]);
    till.say("info without a helper");
    let told = wait_for("a note", || Some(till.say("status")).filter(|told| !told.is_empty()));
    assert!(told.contains("there is no helper executable /nowhere: the next start sends"), "{told}");
    till.close();
    assert_eq!(files(folder.path(), ".wish").len(), 1);
}

#[test]
fn a_session_that_ends_before_its_process_goes_at_once() {
    let kymo = Kymo::with_project(KYMO);
    let folder = tempfile::tempdir().unwrap();
    let more = [("SEND_SESSIONS_ON_EXIT", "true")];
    let mut till = Till::start(folder.path(), &sends_to(&kymo, kymo.url()), &more);
    till.say("info sold");
    till.helper();
    till.say("end");
    wait_for("the session", || kymo.sessions().first().filter(|one| one["state"] == "ended").cloned());
    till.close();
}

#[test]
fn what_is_no_task_is_refused() {
    for (said, expected) in [
        ("", "expected a task"),
        ("{}", "missing field"),
        (&task("dance", "20261121T181530Z-00000000000000000000000000000abc"), "found kind \\\"dance\\\""),
        (&task("exit", "../../etc/passwd"), "found stem"),
    ] {
        let mut helper =
            Command::new(KYMO).arg("helper").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        writeln!(helper.stdin.take().unwrap(), "{said}").unwrap();
        let output = helper.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.starts_with("{\"error\":") && text.contains(expected), "{text}");
    }
}

fn task(kind: &str, stem: &str) -> String {
    let task = json!({
        "version": 1, "kind": kind, "folder": "/nowhere", "session": "x", "stem": stem, "settings": {}
    });
    task.to_string()
}
