//! Rounds of faults by chance: whatever dies, breaks, or says no, afterwards every event is at the server once.

use std::time::{Duration, Instant};

use kymo::sending::SendSettings;
use kymo_testkit::Random;
use kymo_testkit::fault_proxy::{FaultProxy, Faults};

use super::player::Player;
use super::{World, check};

/// Rounds of the test that always runs; `cargo xtask faults` asks for more.
const ROUNDS: u64 = 4;
const ROUNDS_ENV: &str = "KYMO_FAULT_ROUNDS";
/// Rounds that share a server: its list of sessions is read after each.
const ROUNDS_OF_A_SERVER: u64 = 10;
/// Things that happen in a round.
const STEPS: u64 = 16;
/// Between two of them: so many requests, or so long.
const REQUESTS_OF_A_STEP: u64 = 6;
const STEP_MAX: Duration = Duration::from_millis(200);

#[test]
fn whatever_happens_every_event_is_there_once() {
    let rounds = std::env::var(ROUNDS_ENV).map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let seed = Random::seeded(20_261_121).number() >> 16;
    println!("{rounds} rounds from seed {seed}");
    let (mut faults, mut kills, mut deaths, mut events) = (0, 0, 0, 0);
    let mut world = World::new();
    let mut known = Vec::new();
    for number in 0..rounds {
        if number > 0 && number.is_multiple_of(ROUNDS_OF_A_SERVER) {
            (world, known) = (World::new(), Vec::new());
        }
        world.folder = tempfile::TempDir::new().unwrap();
        println!("round {number}: seed {}", seed + number);
        let mut round = Round::new(&world, seed + number);
        round.play(&mut world);
        faults += round.proxy.counts().faults();
        (kills, deaths) = (kills + round.kills, deaths + round.deaths);
        drop(round);
        let before = known.len();
        check(&world.kymo, world.path(), &mut known);
        events += world.sessions().iter().map(|one| one.summary.tally.messages).sum::<u64>();
        assert!(known.len() > before, "it sent something");
    }
    println!(
        "{events} events, {faults} faults of the line, {kills} kills of senders, {deaths} of the server: each once"
    );
}

struct Round {
    random: Random,
    proxy: FaultProxy,
    settings: SendSettings,
    players: Vec<Player>,
    kills: u64,
    deaths: u64,
}

impl Round {
    fn new(world: &World, seed: u64) -> Self {
        let proxy = FaultProxy::start(&format!("http://{}", world.address), seed, Faults::mixed());
        let settings = world.settings_to(&proxy.url());
        Self { random: Random::new(seed), proxy, settings, players: Vec::new(), kills: 0, deaths: 0 }
    }

    fn play(&mut self, world: &mut World) {
        for _ in 0..STEPS {
            self.step(world);
            self.let_it_send();
        }
        // Everything is well from now on. Who is left sends what all others left, and their own goes last.
        self.proxy.set(Faults::none());
        if !world.kymo.is_alive() {
            world.start_server();
        }
        for player in self.players.drain(..) {
            player.close();
        }
        let player = Player::start(world.path(), &self.settings);
        world.wait_until_sent();
        player.close();
        let report = world.send(&self.settings);
        assert_eq!((report.failed.len(), report.notes), (0, vec![]));
    }

    /// Some requests meet what there is now, if there is anything to send.
    fn let_it_send(&self) {
        let (started, before) = (Instant::now(), self.proxy.counts().connections);
        while started.elapsed() < STEP_MAX && self.proxy.counts().connections < before + REQUESTS_OF_A_STEP {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn step(&mut self, world: &mut World) {
        match self.random.below(12) {
            0 | 1 => self.start(world),
            2 | 3 if !self.players.is_empty() => {
                let at = self.random.below(self.players.len() as u64) as usize;
                self.players.swap_remove(at).kill();
                self.kills += 1;
            }
            4 if world.kymo.is_alive() => {
                world.kymo.kill();
                self.deaths += 1;
            }
            5 | 7 | 8 => {
                let faults = self.faults();
                self.proxy.set(faults);
            }
            6 if !self.players.is_empty() => {
                let at = self.random.below(self.players.len() as u64) as usize;
                self.players.swap_remove(at).close();
            }
            _ => self.record(world),
        }
        if !world.kymo.is_alive() && self.random.below(3) == 0 {
            world.start_server();
        }
    }

    fn start(&mut self, world: &World) {
        let fragment_bytes = (16 * 1024) << self.random.below(5);
        self.players.push(Player::start_with(world.path(), &self.settings, fragment_bytes, &[]));
    }

    fn record(&mut self, world: &World) {
        if self.players.is_empty() {
            self.start(world);
        }
        let at = self.random.below(self.players.len() as u64) as usize;
        let (count, what) = (1 + self.random.below(3_000), self.random.below(4));
        let player = &mut self.players[at];
        player.tell(&format!("log {count}"));
        match what {
            0 => player.tell("close"),
            1 => player.tell("wish 1"),
            2 => player.tell("wish 0"),
            // It goes on while other things happen.
            _ => {
                player.tell_only("log 3000");
                0
            }
        };
    }

    fn faults(&mut self) -> Faults {
        match self.random.below(8) {
            0 => Faults::cut_after(10_240),
            1 => Faults { is_down: true, ..Faults::none() },
            2 => Faults { retry_after_seconds: Some(0), ..Faults::answer(503) },
            3 => Faults::answer(500),
            4 => Faults { answers: vec![(413, 30)], ..Faults::none() },
            5 => Faults { bytes_per_second: Some(300_000), ..Faults::mixed() },
            6 => Faults { lost_answers: 40, ..Faults::none() },
            _ => Faults::mixed(),
        }
    }
}
