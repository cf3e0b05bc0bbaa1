//! Packages as files.

use std::path::Path;

use tempfile::TempDir;

use super::{end, events, kymo, listed, pack, ran, start};

#[test]
fn a_package_of_many_sessions_is_opened_like_the_folder() {
    let folder = TempDir::new().unwrap();
    for (application, lines) in [("till", 3000), ("till", 10), ("stock", 50)] {
        ran(folder.path(), application, lines);
    }
    let target = TempDir::new().unwrap();
    let file = target.path().join("all.kymo");
    let (said, code) = pack(folder.path(), &["--all", "--file", file.to_str().unwrap()]);
    assert_eq!((code, &said["outcome"]), (0, &"done".into()), "{said}");
    assert_eq!(said["sessions"].as_array().unwrap().len(), 3);
    assert_eq!(said["package"]["bytes"], std::fs::metadata(&file).unwrap().len());
    assert_eq!(events(&file), events(folder.path()));
    let sessions = listed(&file);
    assert_eq!(sessions.len(), 3);
    for (found, expected) in sessions.iter().zip(&listed(folder.path())) {
        for name in
            ["id", "application", "started_at", "event_count", "severity_counts", "end_reason", "dropped"]
        {
            assert_eq!(found[name], expected[name], "{name}");
        }
        assert_eq!(found["files"], serde_json::json!([file]));
    }
    // Only once: never over what is there.
    let (said, code) = pack(folder.path(), &["--all", "--file", file.to_str().unwrap()]);
    assert_eq!(code, 7, "{said}");
    let csv = target.path().join("all.csv");
    let exported =
        kymo(&["export", "--format", "csv", "--out", csv.to_str().unwrap(), file.to_str().unwrap()], &[]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    assert_eq!(std::fs::read_to_string(csv).unwrap().lines().count(), events(&file).len() + 1);
}

#[test]
fn what_is_meant_is_packed_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 5);
    ran(folder.path(), "stock", 5);
    let mut killed = start(folder.path(), "till", 7);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let running = start(folder.path(), "stock", 9);
    let target = TempDir::new().unwrap();
    let packed = |args: &[&str]| {
        let (said, code) =
            pack(folder.path(), &[args, &["--folder", target.path().to_str().unwrap()]].concat());
        assert!(said["unreadable"].as_array().unwrap().is_empty(), "{said}");
        let count = said["sessions"].as_array().unwrap().len();
        if count > 0 {
            let file = Path::new(said["package"]["path"].as_str().unwrap()).to_owned();
            assert_eq!(listed(&file).len(), count);
            assert_eq!(file.parent(), Some(target.path()));
        }
        (count, code)
    };
    assert_eq!(packed(&["--all"]), (4, 0));
    assert_eq!(packed(&["--unsent"]), (4, 0), "a file is no arrival");
    assert_eq!(packed(&["--completed"]), (3, 0));
    assert_eq!(packed(&["--crashed"]), (1, 0), "recovered first");
    assert_eq!(packed(&["--active"]), (1, 0));
    assert_eq!(packed(&["--with-errors", "--application", "till"]), (2, 0));
    assert_eq!(packed(&["--all", "--product", "Shop"]), (4, 0));
    assert_eq!(packed(&["--crashed", "--application", "stock"]), (0, 0), "nothing is no fault");
    for wrong in [&["--all", "--product", "Shoe"][..], &["--session", "0192f0c1-0000-8000-8000-000000000000"]]
    {
        let (said, code) = pack(folder.path(), &[wrong, &["--folder", "/nowhere"]].concat());
        assert_eq!(code, 4, "{said}");
    }
    let (said, code) = pack(folder.path(), &["--folder", target.path().to_str().unwrap()]);
    assert_eq!(code, 2, "{said}");
    assert_eq!(pack(folder.path(), &["--all"]).1, 2);
    assert_eq!(pack(folder.path(), &["--all", "--folder", "/proc/nowhere"]).1, 7);
    assert_eq!(pack(folder.path(), &["--all", "--file", "/proc/nowhere.kymo"]).1, 7);
    assert_eq!(pack(folder.path(), &["--all", "--mail"]).1, 2);
    end(running);
}

#[test]
fn a_program_that_is_waited_for_is_packed_whole() {
    let folder = TempDir::new().unwrap();
    let mut till = start(folder.path(), "till", 20);
    let file = folder.path().join("whole.kymo");
    let (pid, path) = (till.id().to_string(), file.to_str().unwrap().to_owned());
    let repository = folder.path().to_owned();
    let packing =
        std::thread::spawn(move || pack(&repository, &["--all", "--file", &path, "--wait-pid", &pid]));
    drop(till.stdin.take());
    assert!(till.wait().unwrap().success());
    let (said, code) = packing.join().unwrap();
    assert_eq!((code, &said["sessions"][0]["what"]), (0, &"whole".into()), "{said}");
    assert_eq!(listed(&file)[0]["end_reason"], "normal");
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_packed() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 5);
    ran(folder.path(), "till", 6);
    let files = folder.path().join("Shop/till");
    let mut names: Vec<_> = std::fs::read_dir(&files).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.to_str().unwrap().ends_with("0001.kymo"));
    std::fs::write(&names[0], b"something else altogether").unwrap();
    let file = folder.path().join("rest.kymo");
    let (said, code) = pack(folder.path(), &["--all", "--file", file.to_str().unwrap()]);
    assert_eq!(code, 3, "{said}");
    assert!(said["unreadable"][0].as_str().unwrap().contains("its header cannot be read"), "{said}");
    assert_eq!(listed(&file).len(), 2, "the other fragment of the one, and the other one whole");
}

#[test]
fn an_empty_folder_is_said_to_be_empty() {
    let folder = TempDir::new().unwrap();
    let output = kymo(&["export", folder.path().to_str().unwrap()], &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("no session files (*.kymo) in"), "{said}");
}

#[test]
fn the_doctor_says_how_it_is() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 5);
    let doctor = || {
        let output = kymo(&["doctor", "--json", "--local", folder.path().to_str().unwrap()], &[]);
        let findings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (findings, output.status.success())
    };
    let found = |findings: &serde_json::Value, check: &str| {
        let all = findings.as_array().unwrap();
        all.iter().find(|one| one["check"] == check).cloned().unwrap_or_default()
    };
    let (findings, is_well) = doctor();
    assert!(is_well, "{findings}");
    assert!(
        found(&findings, "sessions")["found"]
            .as_str()
            .unwrap()
            .contains("1 session, 0 running; 1 not sent whole")
    );
    let files = folder.path().join("Shop/till");
    let name = std::fs::read_dir(&files).unwrap().map(|entry| entry.unwrap().file_name()).next().unwrap();
    let stem = name.to_str().unwrap().split('.').next().unwrap().to_owned();
    std::fs::write(files.join(format!("{stem}.wish")), "{\"through_end\": true}").unwrap();
    std::fs::write(files.join("odd.kymo"), "odd").unwrap();
    std::fs::write(
        files.join("send-status.json"),
        "{\"failures\": 3, \"last_failure\": \"https://kymo.test answered 401\", \"server\": \"https://kymo.test\"}",
    )
    .unwrap();
    let (findings, is_well) = doctor();
    assert!(is_well, "{findings}");
    for check in ["wishes", "files", "sending"] {
        assert_eq!(found(&findings, check)["grade"], "warn", "{check}: {findings}");
    }
    assert!(found(&findings, "sending")["found"].as_str().unwrap().contains("answered 401"), "{findings}");
    std::fs::write(folder.path().join("Shop/consent.json"), "[").unwrap();
    let (findings, is_well) = doctor();
    assert!(!is_well);
    assert_eq!(found(&findings, "consent")["grade"], "fail");
}
