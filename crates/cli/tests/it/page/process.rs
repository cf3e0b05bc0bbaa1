//! A session of a program as a person reads it: its threads, its metrics, what of it is missing, and files dropped on the page.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kymo_testkit::record_requests::record_fragments;
use kymo_testkit::requests::requests;
use kymo_testkit::{Kymo, Script, kymo::needed};
use tempfile::TempDir;

use crate::KYMO;

/// In the environment of a process that plays the program: the repository.
const FOLDER: &str = "KYMO_TEST_PAGE_PROCESS";
const PART: &str = "page::process::plays_a_till";
/// Times that a till sells something, each with samples.
const SALES: u64 = 120;
/// So that there is time to look at.
const BETWEEN: Duration = Duration::from_millis(10);

#[test]
#[ignore = "played by another test"]
fn plays_a_till() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let retention = kymo::Retention { free_disk_min: 0, ..kymo::Retention::default() };
    let session =
        kymo::builder("Shop", "till").version("2.4.1").repository(folder).retention(retention).start();
    assert_eq!(session.refused(), None);
    std::thread::scope(|scope| {
        for (name, each) in [("printer", 3), ("scanner", 2)] {
            let work = move || {
                for number in 0..SALES / each {
                    kymo::info!("{name} did {number}", name = name, number = number);
                    std::thread::sleep(BETWEEN * u32::try_from(each).unwrap());
                }
            };
            std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, work).unwrap();
        }
        for number in 0..SALES {
            kymo::info!("sold {number}", number = number);
            kymo::Sample::gauge("shop.queue", number % 17).unit("{order}").label("till", "3").record();
            kymo::Sample::total("shop.orders", number * 2).label("till", "3").record();
            kymo::Sample::measured("shop.checkout", 0.4 + number as f64 / 100.0).unit("s").record();
            kymo::Sample::gauge("shop.memory", 2_000_000 + number * 10_000).unit("By").record();
            if number % 50 == 7 {
                kymo::error!("the drawer is stuck");
            }
            std::thread::sleep(BETWEEN);
        }
    });
    kymo::end_session(kymo::EndReason::Normal, None);
}

fn import(kymo: &Kymo, path: &Path) {
    let (path, token) = (path.to_str().unwrap(), kymo.ingest_token.as_str());
    let output =
        Command::new(KYMO).args(["import", path, "--server", kymo.url(), "--token", token]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_programs_session_is_read_by_thread_and_metric() {
    let kymo = Kymo::with_project(KYMO);
    let folder = TempDir::new().unwrap();
    let played = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", PART, "--ignored", "--test-threads", "1"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
    import(&kymo, folder.path());
    // Of another session the second file of three never came.
    let parts = TempDir::new().unwrap();
    let files = record_fragments(&requests(), 3).unwrap();
    for number in [1, 3] {
        std::fs::write(parts.path().join(format!("s.{number:04}.kymo")), &files[number - 1]).unwrap();
    }
    import(&kymo, parts.path());
    let second = TempDir::new().unwrap();
    let missing = second.path().join("missing.kymo");
    std::fs::write(&missing, &files[1]).unwrap();

    let chromium = needed("KYMO_CHROMIUM");
    let environment = [
        ("KYMO_SIGN_IN", kymo.sign_in_link()),
        ("KYMO_CHROMIUM", chromium.to_str().unwrap()),
        ("KYMO_MISSING_FILE", missing.to_str().unwrap()),
    ];
    let lines = Script::start("views/process.mjs", &kymo, &[], &environment).finish();
    let steps: Vec<_> = lines.iter().filter_map(|line| line["step"].as_str()).collect();
    assert_eq!(
        steps,
        [
            "threads are told apart",
            "the kymogram follows the filter",
            "metrics are drawn",
            "values are read by keys",
            "one axis",
            "what is missing is said and asked for",
            "files are brought",
            "what programs send is chosen",
            "readers bring none",
        ]
    );
}
