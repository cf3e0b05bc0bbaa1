//! The page's types are made of the API's description: what the page reads cannot be other than what is served.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use kymo_testkit::kymo::needed;
use serde_json::{Value, json};

/// `ui/src/api/schema.ts` equals what the description makes; `KYMO_GOLDEN=write` writes it anew.
#[test]
fn the_pages_types_are_those_of_the_description() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("docs/openapi.json")).expect("the description");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    // The page asks by its own functions: only the shapes are of use to it.
    let shapes = json!({
        "openapi": document["openapi"],
        "info": {"title": "Kymo", "version": "0"},
        "paths": {},
        "components": {"schemas": document["components"]["schemas"]},
    });
    let made = types_of(&shapes);
    let golden = root.join("ui/src/api/schema.ts");
    if std::env::var("KYMO_GOLDEN").is_ok_and(|wish| wish == "write") {
        std::fs::write(&golden, &made).expect("the file is written");
    }
    let is_same = std::fs::read_to_string(&golden).is_ok_and(|kept| kept == made);
    assert!(is_same, "ui/src/api/schema.ts differs from what docs/openapi.json makes: KYMO_GOLDEN=write");
}

fn types_of(document: &Value) -> String {
    let tool = Path::new(&needed("KYMO_NODE_TESTS")).join("node_modules/.bin/openapi-typescript");
    let mut made = Command::new(tool)
        .args(["--default-non-nullable", "false", "--root-types", "--root-types-no-schema-prefix"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openapi-typescript runs");
    let mut input = made.stdin.take().expect("its input");
    input.write_all(document.to_string().as_bytes()).expect("the description is read");
    drop(input);
    let output = made.wait_with_output().expect("its end");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text")
}
