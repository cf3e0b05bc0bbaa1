//! Runs the example and reads what it recorded.

use std::process::Command;

use crate::recorded;

#[test]
fn a_run_is_a_session() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("a.txt");
    std::fs::write(&text, "one two three").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kymo-example-cli-tool"))
        .args([&text, &folder.path().join("b.txt")])
        .env("KYMO_REPOSITORY", folder.path().join("sessions"))
        .env("KYMO__AGENT__FREE_MIB", "0")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let (records, reason) = recorded::read(&folder.path().join("sessions"));
    let messages: Vec<String> = records.iter().map(kymo_format::ReadRecord::message).collect();
    let counted = format!("{} has 3 words", text.display());
    assert_eq!(messages, [&counted, "a file was left out", "counted 2 files, 1 failed"]);
    let error = records[1].exception.as_ref().unwrap().message.as_ref().unwrap();
    assert!(error.contains("No such file"), "{error}");
    assert_eq!(reason, "normal");
}
