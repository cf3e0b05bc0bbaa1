//! `kymo open --json`, `kymo export`, `kymo sessions --local`: what scripts read.

use std::collections::BTreeSet;
use std::path::Path;

use kymo_format::Arg;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::files::{
    editor, file, golden, header, json_lines, put, ran, ran_with, requests, requests_in, small_frames, writer,
};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn events_have_the_names_of_the_server() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.kymo", &editor(7));
    let (out, said, code) = ran(&["open", "--json", text(&path)]);
    assert_eq!((said.as_str(), code), ("", 0));
    let events = json_lines(&out);
    assert_eq!(events.len(), 62);
    let described: Value = serde_json::from_str(include_str!("../../../../../docs/openapi.json")).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    assert_eq!(names(&events[0]), names(&described["components"]["schemas"]["Event"]["properties"]));
    let failed = &events[60];
    assert_eq!(failed["session_id"], "00000000-0000-0000-0000-000000000007");
    assert_eq!(failed["time"], "2026-11-20T16:21:02Z");
    assert_eq!((&failed["kind"], &failed["severity"]), (&json!("error"), &json!("error")));
    assert_eq!(failed["exception"]["inner"]["message"], "disk full");
    assert_eq!(failed["attributes"]["kymo.details"], r#"{"free": 0}"#);
    assert_eq!(events[0]["user"], json!({"id": "ann@example.test", "name": "Ann Okafor"}));
}

#[test]
fn filters_mean_what_they_mean_on_the_server() {
    let folder = TempDir::new().unwrap();
    let editor = file(&folder, "a.kymo", &editor(7));
    let requests = requests(&folder);
    let count = |path: &Path, filter: &str| {
        let (out, said, code) = ran(&["open", "--json", text(path), "--filter", filter]);
        assert_eq!((said.as_str(), code), ("", 0), "{filter}");
        out.lines().count()
    };
    for (filter, expected) in [
        ("level:>=warn", 2),
        ("exception:\"disk full\"", 1),
        ("user:okafor", 1),
        ("ms:>150", 10),
        ("attributes.ms:>150", 10),
        ("kind:usage OR kind:metric.sample", 2),
        ("error:true version:2.*", 1),
        ("end:crashed -document", 4),
        ("session.events:>62", 0),
        ("time:>=2026-11-20T16:21", 3),
    ] {
        if filter.starts_with("ms") {
            // Not a field: attributes have their beginning.
            let (_, said, code) = ran(&["open", "--json", text(&editor), "--filter", filter]);
            assert!(said.contains("there is no field ms") && said.contains("\n  ^^") && code == 1, "{said}");
            continue;
        }
        assert_eq!(count(&editor, filter), expected, "{filter}");
    }
    assert_eq!(count(&requests, "level:fatal"), 10);
    assert_eq!(count(&requests, "attributes.status:204 category:Gen"), 1000);
}

#[test]
fn a_table_is_as_the_server_exports_it() {
    let folder = TempDir::new().unwrap();
    let mut writer = writer(&header(5, 1));
    put(&mut writer, 1, 1, &[Arg::Text("=1+1")], None);
    put(&mut writer, 2, 2, &[Arg::Text("a,b\n\"c\"")], None);
    writer.define_callsite(6, &kymo_format::Callsite::new(kymo_model::Severity::INFO, "{}", &[""])).unwrap();
    put(&mut writer, 3, 6, &[Arg::Text("=cmd()")], None);
    writer.close().unwrap();
    let path = file(&folder, "a.kymo", writer.output());
    let out = folder.path().join("out.csv");
    let (printed, said, code) = ran(&["export", text(&path), "--format", "csv", "--out", text(&out)]);
    assert_eq!((printed.as_str(), said.as_str(), code), ("", "", 0));
    let written = std::fs::read_to_string(&out).unwrap();
    let columns = "id,session_id,sequence,time,observed_time,severity,kind,category,message,user.id,user.name,\
                   reference_id,exception.type,exception.message,exception,attributes\r\n";
    assert!(written.starts_with(columns), "{written}");
    assert!(written.contains(",\"cannot save a,b\n\"\"c\"\"\","), "{written}");
    assert!(written.contains(",'=cmd(),"), "{written}");
    assert!(!folder.path().join("out.csv.part").exists());
    let (_, said, code) = ran(&["export", text(&path), "--out", text(&path)]);
    assert!(said.contains("is one of the files that are read") && code == 1, "{said}");
}

#[test]
fn a_text_is_a_line_an_event_with_causes_below() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.kymo", &editor(7));
    let (out, _, code) =
        ran(&["export", text(&path), "--format", "text", "--filter", "level:>=warn OR kind:usage"]);
    assert_eq!(code, 0);
    let expected = "\
2026-11-20T16:20:01Z INFO  [main] (usage) spell check  user=Ann Okafor
2026-11-20T16:21:01Z WARN  [main] saving is slow  ms=900
2026-11-20T16:21:02Z ERROR [main] cannot save a.txt
    error SaveError: cannot write
        caused by io::Error: disk full
";
    assert_eq!(out, expected);
}

#[test]
fn damage_is_said_and_never_fatal() {
    let folder = TempDir::new().unwrap();
    let whole = editor(7);
    let cut = file(&folder, "cut.kymo", &whole[..whole.len() - 60]);
    let (out, said, code) = ran(&["open", "--json", text(&cut)]);
    assert!(!out.is_empty() || code == 1);
    assert!(said.contains("cut.kymo breaks off") && said.contains("from byte"), "{said}");
    // In the middle of the recorded requests a page of the disk is gone.
    let path = requests_in(&folder, small_frames());
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0);
    std::fs::write(&path, bytes).unwrap();
    let (out, said, code) = ran(&["export", text(&path)]);
    assert_eq!(code, 3, "{said}");
    let events = out.lines().count();
    let lost: Vec<u64> = said
        .split("lost: events ")
        .nth(1)
        .unwrap()
        .split(['\n', ' '])
        .filter_map(|word| word.parse().ok())
        .take(2)
        .collect();
    assert_eq!(events as u64 + (lost[1] - lost[0] + 1), 10_000, "{said}");
    let (out, said, code) = ran(&["export", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    assert_eq!((out.as_str(), code), ("", 1));
    assert!(
        said.contains("Cargo.toml is no session file") && said.contains("no event could be read"),
        "{said}"
    );
    let (_, said, code) = ran(&["export", text(&folder.path().join("nothing"))]);
    assert!(said.contains("nothing") && code == 1, "{said}");
    let (out, said, code) = ran(&["open", "--json", text(&golden())]);
    assert_eq!((out.lines().count(), code), (60, 0));
    assert!(said.contains("not in these files: events 1 to 100"), "{said}");
}

#[test]
fn sessions_of_a_folder_are_listed() {
    let folder = TempDir::new().unwrap();
    file(&folder, "tools/editor/a.kymo", &editor(7));
    requests(&folder);
    let (out, said, code) = ran(&["sessions", "--local", text(folder.path()), "--json"]);
    assert_eq!((said.as_str(), code), ("", 0));
    let sessions = json_lines(&out);
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0]["application"], "Gen bulk", "newest start first");
    let editor = &sessions[1];
    for (name, expected) in [
        ("product", json!("Tools")),
        ("application", json!("Editor")),
        ("version", json!("2.4.1")),
        ("state", json!("ended")),
        ("end_reason", json!("crashed")),
        ("started_at", json!("2026-11-20T16:20:00Z")),
        ("duration_seconds", json!(64.0)),
        ("event_count", json!(62)),
        ("error_count", json!(1)),
        ("dropped", json!({"ring_full": 7})),
        ("user", json!({"id": "ann@example.test", "name": "Ann Okafor"})),
        ("damaged_bytes", json!(0)),
    ] {
        assert_eq!(editor[name], expected, "{name}");
    }
    assert_eq!(editor["severity_counts"]["warn"], 1);
    let (table, _, _) = ran(&["sessions", "--local", text(folder.path())]);
    assert!(
        table.starts_with("ID ") && table.contains("Ann Okafor") && table.lines().count() == 3,
        "{table}"
    );
    let count = |args: &[&str]| {
        let args = [&["sessions", "--json", "--local", text(folder.path())], args].concat();
        let (out, said, code) = ran(&args);
        assert_eq!((said.as_str(), code), ("", 0));
        out.lines().count()
    };
    assert_eq!(count(&["--filter", "level:fatal"]), 1);
    assert_eq!(count(&["--filter", "exception:disk version:2.*"]), 1);
    assert_eq!(count(&["--filter", "duration:>1h"]), 0);
    assert_eq!(count(&["--errors"]), 1);
    assert_eq!(count(&["--user", "OKAF"]), 1);
    assert_eq!(count(&["--state", "running"]), 1);
    assert_eq!(count(&["--limit", "1"]), 1);
    let nowhere = folder.path().join("nowhere");
    let (_, said, code) = ran_with(&["sessions", "--local"], &[("KYMO_REPOSITORY", nowhere.as_path())]);
    assert!(said.contains("KYMO_REPOSITORY") && said.contains(text(&nowhere)) && code == 1, "{said}");
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let (out, said, code) = ran(&["open", text(&golden())]);
    assert_eq!((out.as_str(), code), ("", 1));
    assert!(
        said.contains("no terminal") && said.contains("kymo open --json") && said.contains("kymo export"),
        "{said}"
    );
}
