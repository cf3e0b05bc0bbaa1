//! What is said outside of the program: file, environment, and what is wrong in them.

use kymo_model::Value;

use crate::part;

#[test]
#[ignore = "played by other tests"]
fn plays_a_configured_program() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).filter("error").environment("code").property("a", "code").start();
    kymo::info!("info");
    kymo::event!(kymo::Severity::ERROR, "error");
    let status = kymo::status();
    let notes = status.map(|status| status.notes).unwrap_or_default();
    std::fs::write(folder.join("notes"), notes.join("\n")).unwrap();
    std::fs::write(folder.join("refused"), session.refused().unwrap_or_default()).unwrap();
}

fn play(file: &str, environment: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kymo.toml");
    std::fs::write(&path, file).unwrap();
    let mut settings = vec![("KYMO_CONFIG", path.display().to_string())];
    settings.extend(environment.iter().map(|(name, value)| (*name, (*value).to_owned())));
    part::play("config::plays_a_configured_program", folder.path(), &settings);
    folder
}

#[test]
fn the_file_goes_over_the_code_and_the_environment_over_both() {
    let file = "[agent]\nfilter = 'info'\nenvironment = 'file'\n[agent.properties]\na = 'file'\nb = 'file'\n";
    let folder = play(file, &[]);
    let session = part::only(folder.path());
    assert_eq!(session.messages(), ["info", "error"]);
    let resource = |name: &str| session.headers[0].resource.get(name).cloned();
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    assert_eq!(resource("deployment.environment.name"), text("file"));
    assert_eq!((resource("a"), resource("b")), (text("file"), text("file")));

    let folder = play(file, &[("KYMO__AGENT__FILTER", "off"), ("KYMO__AGENT__PROPERTIES__B", "environment")]);
    let session = part::only(folder.path());
    assert!(session.messages().is_empty());
    assert_eq!(session.headers[0].resource.get("b"), text("environment").as_ref());
}

#[test]
fn what_is_wrong_is_told_and_stops_nothing() {
    let folder = play("[agent]\nfilte = 'info'\n", &[("KYMO__AGENT__FILTER", "eror")]);
    let session = part::only(folder.path());
    let told: Vec<String> = session
        .records
        .iter()
        .filter(|record| record.category() == Some("kymo.configuration"))
        .map(kymo_format::ReadRecord::message)
        .collect();
    let file = folder.path().join("kymo.toml");
    assert_eq!(
        told,
        [
            format!("{}:2:1: there is no key agent.filte: did you mean agent.filter?", file.display()),
            "filter, character 1: expected a level, found \"eror\": did you mean error?".to_owned(),
        ]
    );
    assert_eq!(std::fs::read_to_string(folder.path().join("notes")).unwrap(), told.join("\n"));
    assert_eq!(session.messages(), ["info", "error"], "as without a filter");
}

#[test]
fn a_program_that_is_switched_off_runs_all_the_same() {
    let folder = play("[agent]\nenabled = false\n", &[]);
    assert_eq!(std::fs::read_to_string(folder.path().join("refused")).unwrap(), "it is switched off");
    assert!(!part::files(folder.path()).exists());
}
