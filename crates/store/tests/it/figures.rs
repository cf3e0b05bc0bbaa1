//! What is added up in the catalog, found by an index or looked at in part is what a plain list of all sessions
//! gives: after batches in any order, late events, ends, silence, other users, retention and a restart.

mod over_time;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kymo_model::{EndReason, Event, EventKind, SessionId, SessionState, Severity, Timestamp, User};
use kymo_store::{Item, ProjectPk, Projects, SessionFilter, SessionSort, UserCursor, UserSummary};
use kymo_testkit::Random;
use kymo_tracker::{Beat, Incoming, Role, SessionKey, SessionRow, Signal, Told, ToldEnd};
use sqlx::Row;

use crate::stand::{BEGIN, Stand, submission};

const SEEDS: u64 = 5;
const STEPS: u64 = 60;
const EVERYTHING: u32 = 100_000;
const MINUTE: Duration = Duration::from_mins(1);
/// Dates of events: some hours, around midnight, so that sessions begin, end and go on over several.
const DATES: u64 = 600;

type Rows = Vec<(ProjectPk, SessionRow)>;

#[tokio::test]
async fn figures_are_those_of_a_plain_list() {
    let seed = std::env::var("KYMO_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = seed.map_or(0..SEEDS, |seed: u64| seed..seed + 1);
    for seed in seeds {
        println!("KYMO_SEED={seed}");
        let (stand, shop) = Stand::new().await;
        let farm = stand.add_project("farm").await;
        let mut run = Run { stand, random: Random::new(seed), projects: [shop, farm], removed: 0, users: 0 };
        for _ in 0..STEPS {
            run.step().await;
        }
        run.check().await;
        run.expire().await;
        run.check().await;
        assert!(run.removed > 0 && run.users > 0, "nothing was looked at");
        run.stand.reopen().await;
        run.check().await;
        run.stand.close().await;
    }
}

struct Run {
    stand: Stand,
    random: Random,
    projects: [ProjectPk; 2],
    removed: usize,
    users: usize,
}

impl Run {
    async fn step(&mut self) {
        match self.random.below(16) {
            0 => self.stand.reopen().await,
            1 => self.stand.store().upkeep().await.unwrap(),
            2 => self.stand.pass_time(MINUTE * self.random.below(120) as u32),
            3 => self.stand.store().flush().await.unwrap(),
            4..=6 => self.check().await,
            7 => self.beat(),
            _ => self.submit().await,
        }
    }

    async fn submit(&mut self) {
        let project = self.projects[self.random.below(2) as usize];
        let items = (0..=self.random.below(12)).map(|_| self.item()).collect();
        let mut submission = submission(project, items);
        if self.random.below(3) == 0 {
            let id = format!("run-0000{}", self.random.below(30));
            submission.signals = vec![Signal { id, close: self.random.below(2) == 0 }];
        }
        for _ in 0..self.random.below(3) {
            submission.told.push(self.told());
        }
        self.stand.store().submit(submission).await.unwrap();
    }

    fn run_of_a_program(&mut self) -> SessionId {
        SessionId::from_u128(1 + u128::from(self.random.below(12)))
    }

    /// What a file says of a program's run, which may have ended.
    fn told(&mut self) -> Told {
        let key = SessionKey::Process(self.run_of_a_program().to_string());
        let (at, started_at) = (self.date(), self.date());
        let end =
            (self.random.below(6) == 0).then_some(ToldEnd { at, reason: EndReason::Killed, recovered: true });
        let user = Some(User { id: Some(format!("person-{}", self.random.below(9))), name: None });
        Told {
            key,
            started_at,
            properties: Vec::new(),
            user,
            previous: None,
            recorded: 0,
            lost: Vec::new(),
            end,
            arrival: 0,
        }
    }

    /// A program that may be known says that it runs.
    fn beat(&mut self) {
        let project = self.projects[self.random.below(2) as usize];
        let (session, errors) = (self.run_of_a_program(), self.random.below(4));
        let (key, heard_at) = (SessionKey::Process(String::new()), self.stand.now());
        let beat = Beat { key, heard_at, recorded: 100, messages: 100, errors, lost: Vec::new() };
        self.stand.store().beat(project, session, beat).unwrap();
    }

    fn item(&mut self) -> Item {
        if self.random.below(4) == 0 {
            return self.numbered();
        }
        let key = match self.random.below(4) {
            0 => SessionKey::Identity(format!("user-{}", self.random.below(6))),
            _ => SessionKey::External(format!("run-0000{}", self.random.below(30))),
        };
        let role = match self.random.below(12) {
            0 if matches!(key, SessionKey::External(_)) => Role::End,
            _ => Role::Ordinary,
        };
        let error = self.random.below(8) == 0;
        let kind = if error { EventKind::Error } else { EventKind::Log };
        let mut event = Event::new(kind, self.date(), self.stand.now());
        event.severity = if error { Severity::ERROR } else { Severity::INFO };
        event.user = match self.random.below(6) {
            0..=3 => Some(User { id: Some(format!("person-{}", self.random.below(9))), name: None }),
            // One of a name only, which may be another's id.
            4 => Some(User { id: None, name: Some(format!("person-{}", self.random.below(12))) }),
            _ => None,
        };
        Item { incoming: Incoming::new(Some(key), role, event), fingerprint: None }
    }

    /// An event of a program.
    fn numbered(&mut self) -> Item {
        let key = Some(SessionKey::Process(self.run_of_a_program().to_string()));
        let kind = if self.random.below(4) == 0 { EventKind::Error } else { EventKind::Log };
        let event = Event::new(kind, self.date(), self.stand.now());
        let number = Some(1 + self.random.below(40));
        Item { incoming: Incoming { number, ..Incoming::new(key, Role::Ordinary, event) }, fingerprint: None }
    }

    fn date(&mut self) -> Timestamp {
        BEGIN.plus(MINUTE * self.random.below(DATES) as u32)
    }

    /// Everything that is silent leaves one project.
    async fn expire(&mut self) {
        let before = self.rows().await.len();
        let changed = self.stand.store().change_project(self.projects[0], |settings| {
            settings.retention_days = Some(1);
            Ok(())
        });
        changed.await.unwrap();
        self.stand.store().flush().await.unwrap();
        self.stand.pass_time(Duration::from_hours(40 * 24));
        for _ in 0..10 {
            self.stand.store().upkeep().await.unwrap();
        }
        self.removed = before - self.rows().await.len();
    }

    async fn rows(&self) -> Rows {
        self.stand.store().sessions(&SessionFilter::default(), None, EVERYTHING).await.unwrap()
    }

    async fn check(&mut self) {
        // What is due is done, so that it is not done while one looks.
        self.stand.store().upkeep().await.unwrap();
        let rows = self.rows().await;
        self.check_table(&rows).await;
        for _ in 0..4 {
            let projects = match self.random.below(3) {
                0 => Projects::All,
                1 => Projects::one(self.projects[0]),
                _ => Projects::Only(BTreeSet::from(self.projects)),
            };
            let from = match self.random.below(4) {
                0 => None,
                // On the hour, and one nanosecond beside it.
                1 => Some(self.hour()),
                2 => Some(self.hour().minus(Duration::from_nanos(1))),
                _ => Some(self.date()),
            };
            let to = (self.random.below(4) == 0).then(|| self.date());
            let filter = SessionFilter { projects, from, to, ..SessionFilter::default() };
            let chosen: Rows =
                rows.iter().filter(|(project, row)| fits(&filter, *project, row)).cloned().collect();
            self.check_summary(&filter, &chosen).await;
            self.check_list(&filter, &chosen).await;
            self.check_counts(&filter, &chosen).await;
            self.check_users(&filter, &chosen).await;
        }
    }

    fn hour(&mut self) -> Timestamp {
        let since_hour = BEGIN.as_unix_nanos() % (60 * MINUTE.as_nanos() as i64);
        BEGIN
            .minus(Duration::from_nanos(since_hour as u64))
            .plus(60 * MINUTE * self.random.below(DATES / 60) as u32)
    }

    /// The table itself, which nobody may have missed.
    async fn check_table(&self, rows: &Rows) {
        let mut hours: BTreeMap<(ProjectPk, i64), [i64; 4]> = BTreeMap::new();
        for (project, row) in rows {
            let hour = row.last_activity_at.as_unix_nanos() / (60 * MINUTE.as_nanos() as i64);
            let length = row.last_activity_at.as_unix_nanos() - row.started_at.as_unix_nanos();
            let figures = [1, i64::from(is_running(row)), i64::from(row.error_count > 0), length / 1000];
            let known = hours.entry((*project, hour)).or_default();
            known.iter_mut().zip(figures).for_each(|(known, figure)| *known += figure);
        }
        let statement = "SELECT sessions, running, with_errors, duration_micros FROM session_hour ORDER BY project_pk, active_hour";
        let found = sqlx::query(statement).fetch_all(&mut self.stand.catalog().await).await.unwrap();
        let found: Vec<[i64; 4]> =
            found.iter().map(|row| std::array::from_fn(|column| row.get(column))).collect();
        assert_eq!(found, hours.into_values().collect::<Vec<_>>());
        let counts = self.stand.store().session_counts().await.unwrap();
        for project in self.projects {
            let expected = rows.iter().filter(|(of, _)| *of == project).count() as u64;
            assert_eq!(counts.get(&project).copied().unwrap_or(0), expected);
        }
    }

    async fn check_summary(&self, filter: &SessionFilter, chosen: &Rows) {
        let found = self.stand.store().session_summary(filter).await.unwrap();
        let count =
            |holds: fn(&SessionRow) -> bool| chosen.iter().filter(|(_, row)| holds(row)).count() as u64;
        assert_eq!(found.sessions, chosen.len() as u64, "{filter:?}");
        assert_eq!(found.running, count(is_running), "{filter:?}");
        assert_eq!(found.with_errors, count(|row| row.error_count > 0), "{filter:?}");
        assert_eq!(found.users, users_of(chosen.iter().map(|(_, row)| row)), "{filter:?}");
        let seconds: f64 =
            chosen.iter().map(|(_, row)| row.last_activity_at.since(row.started_at).as_secs_f64()).sum();
        let average = seconds / chosen.len().max(1) as f64;
        assert!((found.average_duration_seconds - average).abs() < 2e-6, "{filter:?}");
    }

    /// In pages, both ways round, with and without errors.
    async fn check_list(&mut self, filter: &SessionFilter, chosen: &Rows) {
        let sort = if self.random.below(3) == 0 { SessionSort::Duration } else { SessionSort::Started };
        let with_errors = [None, None, Some(true), Some(false)][self.random.below(4) as usize];
        let ascending = self.random.below(2) == 0;
        let filter = SessionFilter { sort, ascending, with_errors, ..filter.clone() };
        let mut expected: Vec<(i64, SessionId)> = chosen
            .iter()
            .filter(|(_, row)| with_errors.is_none_or(|wanted| wanted == (row.error_count > 0)))
            .map(|(_, row)| (sort.cursor(row).value, row.id))
            .collect();
        expected.sort_unstable();
        if !ascending {
            expected.reverse();
        }
        let limit = 1 + self.random.below(7) as u32;
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.stand.store().sessions(&filter, after, limit).await.unwrap();
            found.extend(page.iter().map(|(_, row)| (sort.cursor(row).value, row.id)));
            after = page.last().map(|(_, row)| sort.cursor(row));
            if page.len() < limit as usize {
                break;
            }
        }
        assert_eq!(found, expected, "{filter:?}");
    }

    async fn check_counts(&mut self, filter: &SessionFilter, chosen: &Rows) {
        let (one, other) = (self.date(), self.date());
        let (from, to) = (one.min(other), one.max(other).plus(MINUTE));
        let buckets = 1 + self.random.below(30) as u32;
        let width = (to.since(from).as_nanos() as i64 - 1) / i64::from(buckets) + 1;
        let mut expected: BTreeMap<u32, Vec<&SessionRow>> = BTreeMap::new();
        for (_, row) in chosen.iter().filter(|(_, row)| row.started_at >= from && row.started_at < to) {
            let offset = row.started_at.as_unix_nanos() - from.as_unix_nanos();
            expected.entry((offset / width) as u32).or_default().push(row);
        }
        let found = self.stand.store().session_counts_over_time(filter, from, to, buckets).await.unwrap();
        let found: Vec<_> =
            found.iter().map(|of| (of.index, of.sessions, of.users, of.with_errors)).collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(index, rows)| {
                let errors = rows.iter().filter(|row| row.error_count > 0).count() as u64;
                (index, rows.len() as u64, users_of(rows.iter().copied()), errors)
            })
            .collect();
        assert_eq!(found, expected, "{filter:?}");
    }

    /// In pages, and each by itself.
    async fn check_users(&mut self, filter: &SessionFilter, chosen: &Rows) {
        let mut expected = by_user(chosen);
        self.users += expected.len();
        expected.sort_by(|one, other| (other.last_seen_at, &one.key).cmp(&(one.last_seen_at, &other.key)));
        let limit = 1 + self.random.below(4) as u32;
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.stand.store().users(filter, after.as_ref(), limit).await.unwrap();
            let is_last = page.len() < limit as usize;
            after =
                page.last().map(|user| UserCursor { last_seen_at: user.last_seen_at, key: user.key.clone() });
            found.extend(page);
            if is_last {
                break;
            }
        }
        let figures = |user: &UserSummary| {
            let counts = (user.sessions, user.running, user.with_errors, user.events, user.errors);
            (user.key.clone(), counts, user.first_seen_at, user.last_seen_at)
        };
        let plain = |users: &[UserSummary]| users.iter().map(figures).collect::<Vec<_>>();
        assert_eq!(plain(&found), plain(&expected), "{filter:?}");
        if let Some(user) = expected.first() {
            let one = self.stand.store().user(filter, &user.key).await.unwrap();
            assert_eq!(figures(&one), figures(user), "{filter:?}");
        }
    }
}

fn fits(filter: &SessionFilter, project: ProjectPk, row: &SessionRow) -> bool {
    filter.projects.has(project)
        && filter.from.is_none_or(|from| row.last_activity_at >= from)
        && filter.to.is_none_or(|to| row.started_at < to)
}

fn is_running(row: &SessionRow) -> bool {
    row.state() == SessionState::Running
}

fn users_of<'rows>(rows: impl Iterator<Item = &'rows SessionRow>) -> u64 {
    rows.filter_map(|row| row.current_user()?.id.clone()).collect::<BTreeSet<String>>().len() as u64
}

/// Every user of every session.
fn by_user(rows: &Rows) -> Vec<UserSummary> {
    let mut users: BTreeMap<String, UserSummary> = BTreeMap::new();
    for (_, row) in rows {
        let mut keys: BTreeMap<&str, (Timestamp, Timestamp)> = BTreeMap::new();
        for span in &row.users {
            let Some(key) = span.user.id.as_deref().or(span.user.name.as_deref()) else { continue };
            let seen = keys.entry(key).or_insert((span.first_at, span.last_at));
            *seen = (seen.0.min(span.first_at), seen.1.max(span.last_at));
        }
        for (key, (first, last)) in keys {
            let user = users.entry(key.to_owned()).or_insert_with(|| UserSummary {
                key: key.to_owned(),
                name: None,
                sessions: 0,
                running: 0,
                with_errors: 0,
                events: 0,
                errors: 0,
                first_seen_at: first,
                last_seen_at: last,
                last_session: row.id,
            });
            user.sessions += 1;
            user.running += u64::from(is_running(row));
            user.with_errors += u64::from(row.error_count > 0);
            user.events += row.event_count;
            user.errors += row.error_count;
            user.first_seen_at = user.first_seen_at.min(first);
            user.last_seen_at = user.last_seen_at.max(last);
        }
    }
    users.into_values().collect()
}

/// Catalogs of the versions before, made by taking away what this one has more.
#[tokio::test]
async fn catalogs_of_the_versions_before_are_migrated() {
    let (mut stand, shop) = Stand::new().await;
    let mut run = Run { stand, random: Random::new(1), projects: [shop, shop], removed: 0, users: 0 };
    for _ in 0..20 {
        run.submit().await;
    }
    run.check().await;
    let shape = "SELECT type, name, CASE type WHEN 'table' THEN '' ELSE sql END AS text FROM sqlite_master ORDER BY 1, 2";
    let shape_of = async |stand: &Stand| {
        let rows = sqlx::query(shape).fetch_all(&mut stand.catalog().await).await.unwrap();
        rows.iter()
            .map(|row| {
                format!("{:?}", (row.get::<&str, _>(0), row.get::<&str, _>(1), row.get::<Option<&str>, _>(2)))
            })
            .collect::<Vec<_>>()
    };
    let before = shape_of(&run.stand).await;
    stand = run.stand;
    stand.close().await;
    let to_6 = "DROP TABLE upload; ALTER TABLE session DROP COLUMN process; \
        UPDATE meta SET value = '6' WHERE name = 'schema_version'";
    let to_5 = "DROP TRIGGER session_hour_insert; DROP TRIGGER session_hour_delete; DROP TRIGGER session_hour_within; \
        DROP TRIGGER session_hour_between; DROP TABLE session_hour; DROP INDEX session_active; DROP INDEX session_errors; \
        DROP INDEX session_project_errors; DROP INDEX session_project_started; \
        ALTER TABLE session DROP COLUMN active_hour; ALTER TABLE session DROP COLUMN has_errors; \
        ALTER TABLE session DROP COLUMN other_users; \
        CREATE INDEX session_project_started ON session (project_pk, started_at, id) WHERE visible = 1; \
        UPDATE meta SET value = '5' WHERE name = 'schema_version'";
    for steps in [&[to_6][..], &[to_6, to_5]] {
        for back in steps {
            sqlx::raw_sql(*back).execute(&mut stand.catalog().await).await.unwrap();
        }
        stand.open().await.unwrap();
        assert_eq!(shape_of(&stand).await, before);
        stand.close().await;
    }
    stand.open().await.unwrap();
    run = Run { stand, random: Random::new(2), projects: [shop, shop], removed: 0, users: 0 };
    run.check().await;
    run.submit().await;
    run.check().await;
    run.stand.close().await;
}
