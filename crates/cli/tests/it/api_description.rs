//! The API does what its description says, asked by somebody who knows nothing else: no 5xx, no answer that is
//! not described, for a token and for a person who may do everything.

use std::path::Path;
use std::process::Command;

use kymo_testkit::Kymo;
use kymo_testkit::kymo::needed;
use serde_json::{Value, json};

use crate::KYMO;

/// Made-up requests per operation, besides those that try each parameter's limits; `KYMO_API_EXAMPLES` asks for more.
const EXAMPLES: &str = "25";
const SEED: &str = "1";
/// Endless by design, or the end of being signed in, after which nothing could follow; or of a body that it cannot make.
const LEFT_OUT: [&str; 7] = [
    "append_upload",
    "stream_changes",
    "sign_out",
    "set_password",
    "end_my_session",
    "change_member",
    "remove_member",
];

#[test]
fn no_answer_is_undocumented() {
    let mut kymo = Kymo::with_project(KYMO);
    let events: Vec<Value> = (0..60).map(event).collect();
    assert_eq!(kymo.post_events(&Value::from(events)), Ok(202));
    let admin = kymo.command(&["token", "add", "--project", "shop", "--scope", "admin"]);
    ask(&kymo, &[format!("Authorization: Bearer {admin}")]);
    let cookie = sign_in(&kymo);
    ask(&kymo, &[format!("Cookie: {cookie}"), "Sec-Fetch-Site: same-origin".to_owned()]);
    assert!(kymo.stop().success());
}

fn event(number: usize) -> Value {
    let kind = if number.is_multiple_of(7) { "error" } else { "log" };
    json!({"type": kind, "message": format!("line {number}"), "reference_id": format!("reference{number}"),
        "data": {"@user": {"identity": format!("user {}", number % 5)}, "@version": "1.2"}})
}

/// The cookie of the first member.
fn sign_in(kymo: &Kymo) -> String {
    let (_, code) = kymo.sign_in_link().split_once("code=").expect("a code");
    let agent: ureq::Agent = ureq::Agent::config_builder().max_redirects(0).build().into();
    let answer = agent
        .post(format!("{}/login", kymo.url()))
        .header("sec-fetch-site", "same-origin")
        .send(format!("code={code}"))
        .expect("an answer");
    let cookie = answer.headers().get("set-cookie").expect("a cookie").to_str().expect("text");
    cookie.split(';').next().expect("its value").to_owned()
}

fn ask(kymo: &Kymo, headers: &[String]) {
    let folder = tempfile::tempdir().expect("a folder for what it leaves");
    let program = Path::new(&needed("KYMO_PYTHON")).with_file_name("schemathesis");
    let examples = std::env::var("KYMO_API_EXAMPLES").unwrap_or_else(|_| EXAMPLES.to_owned());
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,\
                  response_headers_conformance,response_schema_conformance";
    let mut schemathesis = Command::new(program);
    schemathesis.current_dir(folder.path()).arg("run").arg(format!("{}/api/v1/openapi.json", kymo.url()));
    schemathesis.args(["--checks", checks, "--phases", "coverage,fuzzing", "--seed", SEED, "--no-shrink"]);
    schemathesis.args(["--max-examples", &examples, "--suppress-health-check", "all"]);
    for left_out in LEFT_OUT {
        schemathesis.args(["--exclude-operation-id", left_out]);
    }
    for header in headers {
        schemathesis.args(["--header", header]);
    }
    let output = schemathesis.output().expect("schemathesis runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let summary = said.lines().filter(|line| line.contains("generated")).collect::<String>();
    println!("{}", summary.trim());
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
