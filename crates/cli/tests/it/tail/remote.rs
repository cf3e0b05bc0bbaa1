//! Sessions of a real server, by a program that is played.

use kymo_format::Header;
use kymo_model::{Attributes, SessionId, Value as Attribute};
use kymo_testkit::record_requests;
use kymo_testkit::{Kymo, LiveAgent};

use super::{Tail, json, last, sequences};
use crate::KYMO;

pub(super) const ID: &str = "0192f0c1-2b3c-8d4e-9f50-61728394a5b6";

/// A server with live switched on, on ports that stay.
pub(super) struct Server {
    pub(super) kymo: Kymo,
    address: String,
}

impl Server {
    pub(super) fn start() -> Self {
        let (mut kymo, address) = Kymo::on_a_lasting_address(KYMO);
        kymo.command(&["project", "set", "Shop", "live.enabled=true"]);
        assert!(kymo.stop().success());
        let mut server = Self { kymo, address };
        server.again();
        server
    }

    pub(super) fn again(&mut self) {
        let on = [
            ("KYMO__LIVE__ENABLED", "true"),
            ("KYMO__LIVE__LISTEN_AGENTS", "127.0.0.1:0"),
            ("KYMO__LIVE__LISTEN_VIEWERS", "127.0.0.1:0"),
        ];
        self.kymo.start_on(&self.address, &on);
    }

    pub(super) fn port(&self, whose: &str) -> String {
        format!("127.0.0.1:{}", self.kymo.get("/api/v1/live")[whose]["port"])
    }

    pub(super) fn agent(&self, header: &Header) -> LiveAgent {
        LiveAgent::start(header, &self.kymo.ingest_token, &self.port("agents"))
    }

    pub(super) fn tail(&self, args: &[&str]) -> Tail {
        let server = ["--server", self.kymo.url(), "--token", &self.kymo.read_token];
        Tail::start(&[args, &server].concat())
    }
}

pub(super) fn header(id: &str, application: &str) -> Header {
    let mut resource = Attributes::default();
    resource.push("service.name", Attribute::Text(application.to_owned()));
    resource.push("user.name", Attribute::Text(format!("{application}'s Ann")));
    Header { session: id.parse::<SessionId>().unwrap(), resource, ..record_requests::header() }
}

fn all(last: u64) -> Vec<u64> {
    (1..=last).collect()
}

#[test]
fn a_session_is_printed_from_its_start_through_its_end() {
    let server = Server::start();
    let agent = server.agent(&header(ID, "till"));
    agent.log(500);
    server.kymo.get("/api/v1/live");
    let tail = server.tail(&["--from-start", "--json", "--app", "till"]);
    tail.until("the first lines", |lines| last(lines) == 500);
    agent.log(7);
    tail.until("the next lines", |lines| last(lines) == 507);
    drop(tail);
    let tail = server.tail(&[ID, "--from-start", "--json"]);
    tail.until("all lines", |lines| last(lines) == 507);
    agent.log(3);
    agent.end();
    let (code, lines, said) = tail.ends();
    assert_eq!((code, sequences(&lines)), (0, all(510)), "{said}");
    assert!(said.contains("has ended: normal"), "{said}");
    let event = &json(&lines)[9];
    assert_eq!((&event["session_id"], &event["severity"]), (&ID.into(), &"warn".into()));
    assert!(event["message"].as_str().unwrap().starts_with("slow line 10: "), "{event}");
    // What files say of it is the same.
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("till.kymo");
    std::fs::write(&file, agent.bytes()).unwrap();
    let args = ["open", "--json", file.to_str().unwrap()];
    let read = std::process::Command::new(KYMO).args(args).output().unwrap().stdout;
    assert_eq!(String::from_utf8(read).unwrap().lines().collect::<Vec<_>>(), lines);
}

#[test]
fn from_now_on_and_behind_a_sequence() {
    let server = Server::start();
    let agent = server.agent(&header(ID, "till"));
    agent.log(200);
    let after = server.tail(&[ID, "--after", "150", "--json"]);
    after.until("those behind it", |lines| last(lines) == 200);
    let now = server.tail(&[ID, "--json"]);
    // It says nothing before there is something.
    let found = kymo_testkit::kymo::wait_for("the first from now on", || {
        agent.log(1);
        Some(now.lines()).filter(|lines| !lines.is_empty())
    });
    let first = sequences(&found)[0];
    agent.end();
    let (code, lines, said) = now.ends();
    assert_eq!((code, sequences(&lines)), (0, (first..=agent.last()).collect()), "{said}");
    assert!(first > 200);
    let (_, lines, _) = after.ends();
    assert_eq!(sequences(&lines), (151..=agent.last()).collect::<Vec<_>>());
}

#[test]
fn several_are_told_apart_and_chosen_and_filtered() {
    let server = Server::start();
    let till = server.agent(&header(ID, "till"));
    let stock = server.agent(&header("0192f0c1-2b3c-8d4e-9f50-617283940001", "stock"));
    let everything = server.tail(&["--from-start"]);
    let of_user = server.tail(&["--from-start", "--user", "STOCK's a", "--json"]);
    let slow = server.tail(&["--from-start", "--app", "till", "--filter", "level:>=warn application:till"]);
    till.log(20);
    stock.log(10);
    let lines = everything.until("both", |lines| lines.len() == 30);
    let of = |tag: &str| lines.iter().filter(|line| line.contains(tag)).count();
    assert_eq!((of(" till#a5b6 "), of(" stock#0001 ")), (20, 10), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("till#a5b6 WARN  [1] slow line 10: ")), "{lines:?}");
    assert_eq!(sequences(&of_user.until("one's", |lines| lines.len() >= 10)), all(10));
    let lines = slow.until("warnings", |lines| lines.len() >= 2);
    assert!(lines.len() == 2 && lines[1].contains("slow line 20"), "{lines:?}");
    stock.end();
    everything.says("stock#0001 0192f0c1-2b3c-8d4e-9f50-617283940001 has ended: normal");
}

#[test]
fn what_is_in_the_way_is_said_with_a_code() {
    let mut server = Server::start();
    let (code, _, said) = server.tail(&["0192f0c1-2b3c-8d4e-9f50-000000000000"]).ends();
    assert_eq!(code, 6, "{said}");
    let (code, _, said) = server.tail(&["till"]).ends();
    assert!(code == 6 && said.contains("there is no session till"), "{code} {said}");
    let (code, _, said) = server.tail(&["--filter", "nosuch:1"]).ends();
    assert!(code == 1 && said.contains("^^^^"), "{code} {said}");
    let refused = |token: &str| Tail::start(&["--server", server.kymo.url(), "--token", token]).ends();
    for token in ["nobody", &server.kymo.ingest_token] {
        let (code, _, said) = refused(token);
        assert!(code == 5 && said.contains("refuses the token"), "{code} {said}");
    }
    server.kymo.command(&["project", "set", "Shop", "live.enabled=false"]);
    let (code, _, said) = server.tail(&[]).ends();
    assert!(code == 4 && said.contains("live.enabled = true in its kymo.toml"), "{code} {said}");
    assert!(server.kymo.stop().success());
    let url = format!("http://{}", server.address);
    let (code, _, said) = Tail::start(&["--server", &url, "--token", "t"]).ends();
    assert!(code == 1 && said.contains("cannot reach"), "{code} {said}");
}

#[test]
fn it_ends_when_nobody_reads() {
    let server = Server::start();
    let agent = server.agent(&header(ID, "till"));
    agent.log(5);
    let mut command = super::command(&["--from-start", "--server", server.kymo.url()]);
    let mut process = command.args(["--token", &server.kymo.read_token]).spawn().unwrap();
    let mut out = process.stdout.take().unwrap();
    std::io::Read::read_exact(&mut out, &mut [0; 10]).unwrap();
    drop(out);
    // Nothing more is printed that could fail.
    let ended = kymo_testkit::kymo::wait_for("its end", || process.try_wait().unwrap());
    assert!(ended.success());
}

#[test]
fn the_port_with_tls_is_trusted_by_the_root_that_is_named() {
    let mut server = Server::start();
    assert!(server.kymo.stop().success());
    let root = crate::operations::tls::write_certificate(&server.kymo.data());
    let tls = "[server.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n";
    std::fs::write(server.kymo.data().join("kymo.toml"), tls).unwrap();
    let roots = server.kymo.data().join("root.pem");
    std::fs::write(&roots, root).unwrap();
    server.again();
    let url = server.kymo.url().to_owned();
    assert!(url.starts_with("https://"), "{url}");
    let args = ["0192f0c1-2b3c-8d4e-9f50-000000000000", "--server", &url, "--token", &server.kymo.read_token];
    let (code, _, said) = Tail::of(super::command(&args).env("SSL_CERT_FILE", &roots)).ends();
    // It was told over the port for viewers.
    assert!(code == 6 && said.contains("does not run"), "{code} {said}");
    let (code, _, said) = Tail::of(super::command(&args).env_remove("SSL_CERT_FILE")).ends();
    assert!(code == 1 && said.contains("certificate"), "{code} {said}");
}
