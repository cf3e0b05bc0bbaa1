//! Random rounds: an agent that logs, is cut off and comes back, data connections that break, followers that come, go, come
//! back with their cursors and stop reading for a while. Everybody has everything, once, in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kymo_relay::Limits;
use kymo_testkit::Random;

use super::agent::{Agent, relay};
use super::viewer::Follower;

/// Rounds in CI; `KYMO_ROUNDS` for more.
const ROUNDS: u64 = 40;
const FOLLOWERS: u64 = 3;

#[tokio::test(start_paused = true)]
async fn rounds_of_faults() {
    let rounds = std::env::var("KYMO_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    // The agent is away just when the session has ended and not everything has come.
    one(2_371_368_203_996_867_844).await;
    let mut seeds = Random::seeded(20_261_121);
    for round in 0..rounds {
        let seed = seeds.number();
        println!("round {round}, seed {seed}");
        one(seed).await;
    }
}

async fn one(seed: u64) {
    let mut random = Random::new(seed);
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    let is_over = Arc::new(AtomicBool::new(false));
    let running = tokio::spawn({
        let (agent, is_over) = (agent.clone(), Arc::clone(&is_over));
        async move {
            while !is_over.load(Ordering::Relaxed) {
                agent.run().await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    let followers: Vec<_> =
        (0..FOLLOWERS).map(|_| tokio::spawn(follow(agent.clone(), Random::new(random.number())))).collect();
    for _ in 0..60 {
        match random.below(12) {
            0 => agent.cut(),
            1 => *agent.break_after.lock().unwrap() = Some(random.below(6000) as usize),
            2 => tokio::time::sleep(Duration::from_millis(random.below(5000))).await,
            _ => agent.log(1 + random.below(80)),
        }
        tokio::time::sleep(Duration::from_millis(random.below(30))).await;
    }
    agent.end();
    let last = agent.last();
    for follower in followers {
        let all = follower.await.unwrap();
        let wrong = (1..).zip(&all).find(|(expected, came)| expected != *came);
        assert_eq!((wrong, all.len() as u64), (None, last), "seed {seed}");
    }
    is_over.store(true, Ordering::Relaxed);
    agent.cut();
    running.await.unwrap();
}

/// Follows from the start through the end, by as many connections as it takes.
async fn follow(agent: Agent, mut random: Random) -> Vec<u64> {
    let mut all: Vec<u64> = Vec::new();
    loop {
        let after = all.last().copied().unwrap_or(0);
        let mut follower = Follower::open(&agent.relay, Some(after), true).await;
        let enough = after + 1 + random.below(1500);
        follower.until(|follower| follower.last() >= enough || follower.closed.is_some()).await;
        assert_eq!(follower.missed, [], "nothing is missed");
        all.extend(follower.sequences.iter().filter(|sequence| **sequence > after));
        if follower.closed.is_some() {
            return all;
        }
        tokio::time::sleep(Duration::from_millis(random.below(200))).await;
    }
}
