//! Followed while lines break, stall and come back, and the server is killed or stops: by a script over HTTP and by a terminal on
//! the port for viewers, at once. Whatever happens, each has every line once and in order.
//!
//! ```text
//!  program --- fault proxy --- server --- HTTP ---------- script
//!                                    \--- fault proxy --- kymo tail
//! ```
//!
//! A few rounds here; `cargo xtask faults --live --rounds N` plays more. Each prints its seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use kymo_testkit::kymo::wait_for;
use kymo_testkit::{FaultProxy, Faults, Kymo, LiveAgent, Random};

use super::follow::{Stream, sequences_of};
use super::{EVERYWHERE, SESSION, header};
use crate::KYMO;
use crate::tail::{Tail, last, sequences};

/// Rounds of a run in CI: some three seconds each.
const ROUNDS_DEFAULT: u64 = 3;
const SEED: u64 = 20_261_123;
const STEPS: u64 = 20;

struct World {
    kymo: Kymo,
    address: String,
    agents: FaultProxy,
    viewers: FaultProxy,
}

impl World {
    fn new(random: &mut Random) -> Self {
        let (mut kymo, address) = Kymo::on_a_lasting_address(KYMO);
        kymo.command(&["project", "set", "Shop", "live.enabled=true"]);
        assert!(kymo.stop().success());
        // The server is behind them once it has its ports.
        let proxy = |random: &mut Random| FaultProxy::raw("127.0.0.1:9", random.number(), Faults::none());
        let mut world = Self { kymo, address, agents: proxy(random), viewers: proxy(random) };
        world.start();
        world
    }

    fn start(&mut self) {
        self.kymo.start_on(&self.address, &EVERYWHERE);
        for (proxy, whose) in [(&self.agents, "agents"), (&self.viewers, "viewers")] {
            proxy.set_upstream(&super::port_of(&self.kymo, whose));
        }
    }

    /// Something happens.
    fn step(&mut self, random: &mut Random, agent: &LiveAgent) {
        let proxy = if random.below(2) == 0 { &self.agents } else { &self.viewers };
        match random.below(12) {
            0..=3 => agent.log(1 + random.below(400)),
            4 => agent.cut(),
            5 | 6 => proxy.cut_now(),
            7 => {
                let cut_after_bytes = Some(1..=20_000);
                proxy.set(Faults { cuts: 3 + random.below(40), cut_after_bytes, ..Faults::default() });
            }
            8 => proxy.set(Faults::none()),
            9 => {
                proxy.stall(true);
                agent.log(1 + random.below(100));
                std::thread::sleep(Duration::from_millis(stall_ms()));
                proxy.stall(false);
            }
            10 => {
                if random.below(2) == 0 {
                    self.kymo.kill();
                } else {
                    assert!(self.kymo.stop().success());
                }
                agent.log(1 + random.below(100));
                self.start();
            }
            // Time for what is under way.
            _ => std::thread::sleep(Duration::from_millis(random.below(50))),
        }
    }
}

/// What a line stalls for: five seconds where there is time for them.
fn stall_ms() -> u64 {
    if rounds() == ROUNDS_DEFAULT { 200 } else { 5000 }
}

fn rounds() -> u64 {
    std::env::var("KYMO_LIVE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS_DEFAULT)
}

/// Follows over HTTP until the session is closed, from where it was whenever it has to.
fn script(url: String, token: String, reached: Arc<AtomicU64>) -> JoinHandle<Vec<u64>> {
    std::thread::spawn(move || {
        let path = format!("{SESSION}/events");
        let mut found: Vec<u64> = Vec::new();
        loop {
            let after = found.last().map(ToString::to_string);
            let Some(mut stream) = Stream::try_open(&url, &token, &path, after.as_deref()) else {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            };
            while let Some((name, data)) = stream.next() {
                match name.as_str() {
                    "events" => found.extend(sequences_of(&data)),
                    "missed" => panic!("{data}"),
                    "closed" => return found,
                    _ => {}
                }
                reached.store(found.last().copied().unwrap_or(0), Ordering::Relaxed);
            }
        }
    })
}

fn round(seed: u64) {
    eprintln!("round {seed}");
    let mut random = Random::new(seed);
    let mut world = World::new(&mut random);
    let url = format!("http://{}", world.address);
    let agents = format!("127.0.0.1:{}", world.agents.port());
    let agent = LiveAgent::start(&header(), &world.kymo.ingest_token, &agents);
    agent.log(1 + random.below(1000));
    let reached = Arc::new(AtomicU64::new(0));
    let script = script(url.clone(), world.kymo.read_token.clone(), Arc::clone(&reached));
    let viewers = format!("127.0.0.1:{}", world.viewers.port());
    let id = SESSION.to_string();
    // It is there before a terminal asks for it.
    super::listed(&world.kymo, "", |item| item["id"] == id.as_str());
    let token = world.kymo.read_token.clone();
    let tail = Tail::start(&[
        &id,
        "--from-start",
        "--json",
        "--server",
        &url,
        "--token",
        &token,
        "--live-address",
        &viewers,
    ]);
    for _ in 0..STEPS {
        world.step(&mut random, &agent);
        if random.below(4) == 0 {
            let some = random.below(agent.last() + 1);
            let is_there = || (reached.load(Ordering::Relaxed) >= some).then_some(());
            wait_for(&format!("line {some} at the script, seed {seed}"), is_there);
        }
    }
    world.agents.set(Faults::none());
    world.viewers.set(Faults::none());
    let all: Vec<u64> = (1..=agent.last()).collect();
    tail.until(&format!("all of it, seed {seed}"), |lines| last(lines) == agent.last());
    agent.end();
    assert_eq!(script.join().expect("it found what it waited for"), all, "script, seed {seed}");
    let (code, lines, said) = tail.ends();
    assert_eq!((code, sequences(&lines)), (0, all), "tail, seed {seed}: {said}");
}

#[test]
fn whatever_breaks_each_follower_has_every_line_once() {
    let mut random = Random::seeded(SEED);
    for _ in 0..rounds() {
        round(random.number());
    }
}
