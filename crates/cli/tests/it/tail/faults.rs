//! Lines that break, a server that starts anew: all of a session once, in order.

use kymo_testkit::{FaultProxy, Faults, Random};

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
