//! Lines that break, a server that starts anew: all of a session once, in order.

use kymo_testkit::{FaultProxy, Faults, Random};

use super::local::{Till, has, recorded};
use super::remote::{ID, Server, header};
use super::{last, sequences};

const SEED: u64 = 20_261_122;

#[test]
fn lines_that_break_cost_nothing() {
    let mut random = Random::seeded(SEED);
    let server = Server::start();
    let agent = server.agent(&header(ID, "till"));
    agent.log(100);
    let proxy = FaultProxy::raw(&server.port("viewers"), random.number(), Faults::none());
    let address = format!("127.0.0.1:{}", proxy.port());
    let tail = server.tail(&[ID, "--from-start", "--json", "--live-address", &address]);
    for _ in 0..12 {
        for _ in 0..random.below(20) {
            agent.log(1 + random.below(300));
        }
        let some = random.below(agent.last() + 1).max(1);
        tail.until("some of it", |lines| last(lines) >= some);
        match random.below(4) {
            0 => agent.cut(),
            _ => proxy.cut_now(),
        }
        agent.log(1 + random.below(50));
    }
    tail.until("all of it", |lines| last(lines) == agent.last());
    agent.end();
    let (code, lines, said) = tail.ends();
    assert_eq!((code, sequences(&lines)), (0, (1..=agent.last()).collect()), "{said}");
    assert!(said.contains("connecting again in") && said.contains("connected again"), "{said}");
    assert!(proxy.counts().connections > 1);
}

#[test]
fn a_server_that_starts_anew_costs_nothing() {
    let mut server = Server::start();
    let agent = server.agent(&header(ID, "till"));
    agent.log(100);
    let one = server.tail(&[ID, "--from-start", "--json"]);
    let any = server.tail(&["--from-start", "--json"]);
    for _ in 0..2 {
        let reached = agent.last();
        one.until("what there is", |lines| last(lines) == reached);
        any.until("what there is", |lines| last(lines) == reached);
        assert!(server.kymo.stop().success());
        agent.log(50);
        server.again();
        agent.moves_to(&server.port("agents"));
        agent.log(50);
    }
    let all: Vec<u64> = (1..=agent.last()).collect();
    let lines = any.until("all of it", |lines| last(lines) == agent.last());
    assert_eq!(sequences(&lines), all);
    one.until("all of it", |lines| last(lines) == agent.last());
    agent.end();
    let (code, lines, said) = one.ends();
    assert_eq!((code, sequences(&lines)), (0, all), "{said}");
    assert!(said.contains("the server is going to stop"), "{said}");
}

/// With the agent's library: what it recorded while nobody was there comes when the server is back.
#[test]
fn a_real_program_is_followed_through_a_server_that_starts_anew() {
    let mut server = Server::start();
    let folder = tempfile::TempDir::new().unwrap();
    let mut till = Till::live(folder.path(), server.kymo.url(), &server.kymo.ingest_token);
    till.does("sell");
    let tail = server.tail(&["--from-start", "--json"]);
    tail.until("what it sold", |lines| has(lines, "sold 100 for 700"));
    till.does("sell");
    tail.until("what it sold next", |lines| has(lines, "sold 200 for 1400"));
    assert!(server.kymo.stop().success());
    till.does("roll");
    till.does("sell");
    server.again();
    tail.until("what it sold meanwhile", |lines| has(lines, "sold 300 for 2100"));
    till.does("sell");
    till.ends();
    tail.until("its last words", |lines| has(lines, "the last of all"));
    tail.says("has ended: normal");
    assert_eq!(tail.lines(), recorded(folder.path()));
}
