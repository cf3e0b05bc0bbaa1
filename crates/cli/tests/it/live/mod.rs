//! What runs now, end to end: a program on the port for programs, who looks on over HTTP.

mod doors;
mod follow;
mod rounds;

use kymo_format::Header;
use kymo_model::{Attributes, SessionId, SessionKind, Timestamp, Value};
use kymo_testkit::{Kymo, LiveAgent};
use serde_json::Value as Json;

use crate::KYMO;

const SESSION: SessionId = SessionId::from_u128(0x0192_f0c1_2b3c_8d4e_9f50_6172_8394_a5b6);
const EVERYWHERE: [(&str, &str); 3] = [
    ("KYMO__LIVE__ENABLED", "true"),
    ("KYMO__LIVE__LISTEN_AGENTS", "127.0.0.1:0"),
    ("KYMO__LIVE__LISTEN_VIEWERS", "127.0.0.1:0"),
];

/// A server with a project where live is on.
pub(crate) fn server() -> Kymo {
    let mut kymo = Kymo::new(KYMO);
    kymo.command(&["project", "add", "Shop"]);
    kymo.command(&["project", "set", "Shop", "live.enabled=true"]);
    kymo.ingest_token = kymo.command(&["token", "add", "--project", "Shop", "--scope", "ingest"]);
    kymo.read_token = kymo.command(&["token", "add", "--project", "Shop", "--scope", "read"]);
    kymo.start_with(&EVERYWHERE);
    kymo
}

/// Where programs or terminals connect.
fn port_of(kymo: &Kymo, whose: &str) -> String {
    let port = kymo.get("/api/v1/live")[whose]["port"].as_u64().expect("live is on");
    format!("127.0.0.1:{port}")
}

fn header() -> Header {
    let mut resource = Attributes::default();
    for (name, value) in [
        ("service.name", "Till"),
        ("service.version", "1.2"),
        ("host.name", "till-7"),
        ("user.id", "ann"),
        ("user.name", "Ann Okafor"),
    ] {
        resource.push(name, Value::Text(value.to_owned()));
    }
    let began = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);
    Header {
        session: SESSION,
        fragment: 1,
        first_sequence: 1,
        started_at: began,
        opened_at: began,
        kind: SessionKind::Process,
        previous: None,
        agent: "test 1".to_owned(),
        resource,
    }
}

fn agent(kymo: &Kymo) -> LiveAgent {
    LiveAgent::start(&header(), &kymo.ingest_token, &port_of(kymo, "agents"))
}

/// The session of the list, once it is there as `holds` wants it.
pub(crate) fn listed(kymo: &Kymo, query: &str, holds: impl Fn(&Json) -> bool) -> Json {
    kymo_testkit::kymo::wait_for("the session in the list", || {
        let list = kymo.get(&format!("/api/v1/live/sessions{query}"));
        list["items"].as_array().expect("a list").iter().find(|item| holds(item)).cloned()
    })
}
