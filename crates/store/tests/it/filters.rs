//! Filters against a naive evaluator: random trees over random events and sessions, from the tail, from
//! segments, and from both.

mod in_memory;
mod naive;
mod random;

use std::collections::BTreeMap;
use std::time::Duration;

use kymo_filter::{Query, Subject};
use kymo_model::{SessionId, Timestamp};
use kymo_store::{EventFilter, EventOrder, FoundPage, ProjectPk, Projects, SessionFilter, StoredEvent};
use kymo_testkit::Random;
use kymo_tracker::SessionRow;

use self::naive::{Facts, Happened, number_of};
use crate::stand::{BEGIN, Stand};

const SEEDS: u64 = 5;
/// Trees for each kind of question in each state of the store: with three kinds and three states some
/// thousands in all.
const TREES: u64 = 50;
const SUBMISSIONS: u64 = 12;
const EVERYTHING: u32 = 10_000;

#[tokio::test]
async fn filters_find_what_a_naive_evaluator_finds() {
    let seed = std::env::var("KYMO_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = seed.map_or(0..SEEDS, |seed: u64| seed..seed + 1);
    let mut found = 0;
    for seed in seeds.clone() {
        println!("KYMO_SEED={seed}");
        let (stand, shop) = Stand::new().await;
        let farm = stand.add_project("farm").await;
        let world = random::World::new(Random::new(seed));
        let mut run = Run { stand, world, projects: [shop, farm], happened: Vec::new(), found: 0 };
        run.submit().await;
        run.check().await;
        run.stand.store().flush().await.unwrap();
        run.check().await;
        run.submit().await;
        run.check().await;
        found += run.found;
        run.stand.close().await;
    }
    // Questions that nothing answers prove nothing.
    assert!(found > (seeds.end - seeds.start) * TREES * 10, "{found}");
}

struct Run {
    stand: Stand,
    world: random::World,
    projects: [ProjectPk; 2],
    happened: Vec<Happened>,
    /// How much was found in all.
    found: u64,
}

impl Run {
    async fn submit(&mut self) {
        for _ in 0..SUBMISSIONS {
            let project = self.projects[self.world.random.below(2) as usize];
            let count = 1 + self.world.random.below(30);
            let now = self.stand.now();
            let mut items = Vec::new();
            for _ in 0..count {
                let item = self.world.item(self.happened.len() as i64, now);
                let (key, event) = (item.incoming.key.clone(), item.incoming.event.clone());
                self.happened.push(Happened { project, key: key.map(|key| key.text().to_owned()), event });
                items.push(item);
            }
            assert_eq!(self.stand.submit(project, items).await.unwrap(), count);
            self.stand.pass_time(Duration::from_millis(1500));
        }
        // Some sessions end.
        self.stand.pass_time(Duration::from_mins(4));
        self.stand.store().upkeep().await.unwrap();
    }

    async fn sessions(&self) -> Vec<(ProjectPk, SessionRow)> {
        self.stand.store().sessions(&SessionFilter::default(), None, EVERYTHING).await.unwrap()
    }

    async fn check(&mut self) {
        let sessions = self.sessions().await;
        let names = BTreeMap::from([(self.projects[0], "shop"), (self.projects[1], "farm")]);
        let happened = self.happened.clone();
        let facts = Facts::new(names, &sessions, &happened);
        for _ in 0..TREES {
            let query = self.query(Subject::Session);
            self.check_sessions(&facts, &query).await;
            let query = self.query(Subject::Event);
            self.check_events(&facts, &query).await;
            self.check_session(&facts, &query).await;
        }
    }

    /// A tree that went through its text.
    fn query(&mut self, subject: Subject) -> Query {
        let query = Query { subject, root: self.world.node(subject, 0) };
        let text = query.to_string();
        assert_eq!(Query::parse(&text, subject, BEGIN).as_ref(), Ok(&query), "{text}");
        query
    }

    fn some_projects(&mut self) -> Projects {
        match self.world.random.below(3) {
            0 => Projects::one(self.projects[0]),
            1 => Projects::one(self.projects[1]),
            _ => Projects::All,
        }
    }

    async fn check_sessions(&mut self, facts: &Facts<'_>, query: &Query) {
        let (projects, from, to) = (self.some_projects(), self.world.bound(), self.world.bound());
        let with_errors = match self.world.random.below(8) {
            0 => Some(true),
            1 => Some(false),
            _ => None,
        };
        let filter = SessionFilter {
            query: Some(query.clone()),
            projects: projects.clone(),
            from,
            to,
            with_errors,
            ..SessionFilter::default()
        };
        let is_asked_for = |project: ProjectPk, row: &SessionRow| {
            projects.has(project)
                && from.is_none_or(|from| row.last_activity_at >= from)
                && to.is_none_or(|to| row.started_at < to)
                && with_errors.is_none_or(|wanted| wanted == (row.error_count > 0))
        };
        for (project, row) in facts.sessions {
            let fits = facts.session_fits(*project, row, &query.root);
            assert_eq!(in_memory::session_fits(facts, *project, row, &query.root), fits, "{query}");
        }
        let rows = self.stand.store().sessions(&filter, None, EVERYTHING).await.unwrap();
        let found: Vec<SessionId> = rows.iter().map(|(_, row)| row.id).collect();
        let expected: Vec<SessionId> = facts
            .sessions
            .iter()
            .filter(|(project, row)| {
                is_asked_for(*project, row) && facts.session_fits(*project, row, &query.root)
            })
            .map(|(_, row)| row.id)
            .collect();
        assert_eq!(found, expected, "{query}");
        let summary = self.stand.store().session_summary(&filter).await.unwrap();
        assert_eq!(summary.sessions, expected.len() as u64, "{query}");
        self.found += summary.sessions;
    }

    /// Of all projects, in pages, newest first.
    async fn check_events(&mut self, facts: &Facts<'_>, query: &Query) {
        let projects = self.some_projects();
        let (from, to) = (self.world.bound(), self.world.bound());
        let filter = EventFilter { query: Some(query.clone()), from, to, ..EventFilter::default() };
        let limit = 1 + self.world.random.below(100) as usize;
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let store = self.stand.store();
            let FoundPage { events, next } =
                store.find_events(&projects, filter.clone(), after, limit).await.unwrap();
            assert!(events.len() <= limit && (next.is_none() || events.len() == limit), "{query}");
            found.extend(events);
            after = next;
            if after.is_none() {
                break;
            }
        }
        let times: Vec<Timestamp> = found.iter().map(|found| found.event.time).collect();
        assert!(times.is_sorted_by(|newer, older| newer >= older), "{query}");
        let mut numbers: Vec<i64> = found.iter().map(|found| number_of(&found.event)).collect();
        numbers.sort_unstable();
        let in_time = |time: Timestamp| from.is_none_or(|from| time >= from) && to.is_none_or(|to| time < to);
        let expected =
            facts.events_where(&query.root, |_, one| projects.has(one.project) && in_time(one.event.time));
        assert_eq!(numbers, expected, "{query}");
        let all = facts.events_where(&query.root, |_, _| true);
        assert_eq!(in_memory::events_where(facts, &query.root), all, "{query}");
        for one in &found {
            let happened = &facts.happened[number_of(&one.event) as usize];
            let session = facts.session_of(number_of(&one.event)).map(|row| row.id);
            assert_eq!((one.project, one.event.session), (happened.project, session), "{query}");
        }
        self.found += found.len() as u64;
    }

    /// Of one session, or of a project's events without one.
    async fn check_session(&mut self, facts: &Facts<'_>, query: &Query) {
        let at = self.world.random.below(facts.sessions.len() as u64 + 1) as usize;
        let (project, session) = match facts.sessions.get(at) {
            Some((project, row)) => (*project, Some(row)),
            None => (self.projects[0], None),
        };
        let filter = EventFilter { query: Some(query.clone()), ..EventFilter::default() };
        let id = session.map(|row| row.id);
        let store = self.stand.store();
        let page =
            store.events(project, id, filter, EventOrder::Time, None, EVERYTHING as usize).await.unwrap();
        let mut numbers: Vec<i64> = page.events.iter().map(|event: &StoredEvent| number_of(event)).collect();
        numbers.sort_unstable();
        let expected = facts.events_where(&query.root, |at, one| {
            one.project == project && facts.session_of(at).map(|row| row.id) == id
        });
        assert_eq!(numbers, expected, "{query} {id:?}");
        self.found += page.total;
    }
}
