//! Conditions on session rows as SQL.
//!
//! Every condition is true or false and never null, so that its negation is the opposite. Values are
//! bound. What differs between databases is in the functions that end in `_sqlite`.

use std::ops::Bound;

use kymo_filter::text::{spellings, words};
use kymo_filter::{Pattern, Range, SessionField, Test, Words};
use kymo_model::{SessionId, User};
use sqlx::{QueryBuilder, Sqlite};

use crate::query::plan::SessionPlan;

type Sql = QueryBuilder<Sqlite>;

/// A session query taken apart, with what the scan found.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) plan: SessionPlan,
    /// The sessions of each [`SessionPlan::Having`]; `None`: not known yet, then every session passes that
    /// may pass once it is.
    pub(crate) having: Option<Vec<Vec<SessionId>>>,
}

impl Condition {
    /// Appends ` AND …`.
    pub(crate) fn push(&self, sql: &mut Sql) {
        sql.push(" AND ");
        self.plan(sql, &self.plan, true);
    }

    fn plan(&self, sql: &mut Sql, plan: &SessionPlan, is_wanted: bool) {
        match plan {
            SessionPlan::And(plans) => self.all(sql, plans, " AND ", "1 = 1", is_wanted),
            SessionPlan::Or(plans) => self.all(sql, plans, " OR ", "1 = 0", is_wanted),
            SessionPlan::Not(plan) => {
                sql.push("NOT (");
                self.plan(sql, plan, !is_wanted);
                sql.push(")");
            }
            SessionPlan::Term(field, test) => term(sql, field, test),
            SessionPlan::Having(number) => match &self.having {
                None => drop(sql.push(if is_wanted { "1 = 1" } else { "1 = 0" })),
                Some(found) => ids(sql, found.get(*number).map_or(&[], Vec::as_slice)),
            },
        }
    }

    fn all(
        &self,
        sql: &mut Sql,
        plans: &[SessionPlan],
        between: &'static str,
        none: &'static str,
        is_wanted: bool,
    ) {
        if plans.is_empty() {
            sql.push(none);
            return;
        }
        for (position, plan) in plans.iter().enumerate() {
            sql.push(if position == 0 { "(" } else { between });
            self.plan(sql, plan, is_wanted);
        }
        sql.push(")");
    }
}

fn ids(sql: &mut Sql, sessions: &[SessionId]) {
    if sessions.is_empty() {
        sql.push("1 = 0");
        return;
    }
    sql.push("session.id IN (");
    let mut list = sql.separated(", ");
    for session in sessions {
        list.push_bind(session.as_u128().to_be_bytes().to_vec());
    }
    sql.push(")");
}

fn term(sql: &mut Sql, field: &SessionField, test: &Test) {
    match field {
        SessionField::Id => id(sql, test),
        SessionField::Project => {
            sql.push("project_pk IN (SELECT pk FROM project WHERE ");
            any_text_sqlite(sql, &["id", "name"], test);
            sql.push(")");
        }
        SessionField::Kind => match test {
            Test::Word(word) => drop(sql.push("kind = ").push_bind(*word)),
            _ => always(sql, test),
        },
        SessionField::State => match test {
            Test::Word("running") => drop(sql.push("end_kind = 0")),
            Test::Word("silent") => drop(sql.push("end_kind = 4")),
            Test::Word(_) => drop(sql.push("end_kind NOT IN (0, 4)")),
            _ => always(sql, test),
        },
        SessionField::EndReason => drop(sql.push(match test {
            Test::Word("timed_out") => "end_kind IN (1, 10)",
            Test::Word("normal") => "end_kind IN (2, 3, 5)",
            Test::Word("crashed") => "end_kind = 6",
            Test::Word("killed") => "end_kind = 7",
            Test::Word("lost_power") => "end_kind = 8",
            Test::Word("unknown") => "end_kind = 9",
            Test::Exists => "end_kind NOT IN (0, 4)",
            _ => "1 = 0",
        })),
        SessionField::User => user(sql, test),
        SessionField::UserId => users_sqlite(sql, &["id"], test),
        SessionField::UserName => users_sqlite(sql, &["name"], test),
        SessionField::Application => application(sql, test),
        SessionField::Property(name) => {
            property_sqlite(sql, name, |sql| any_text_sqlite(sql, &VALUES_SQLITE, test));
        }
        SessionField::Duration => number(sql, "last_activity_at - started_at", test, nanos_of),
        SessionField::Started => moment(sql, "started_at", test),
        SessionField::LastActivity => moment(sql, "last_activity_at", test),
        SessionField::Ended => {
            sql.push("(end_kind NOT IN (0, 4) AND ");
            moment(sql, "last_activity_at", test);
            sql.push(")");
        }
        SessionField::Error => match test {
            Test::Flag(true) => drop(sql.push("has_errors = 1")),
            Test::Flag(false) => drop(sql.push("has_errors = 0")),
            _ => always(sql, test),
        },
        SessionField::Errors => number(sql, "CAST(error_count AS DOUBLE PRECISION)", test, |number| number),
        SessionField::Events => number(sql, "CAST(event_count AS DOUBLE PRECISION)", test, |number| number),
        SessionField::Visit => any_text_sqlite(sql, &["visit_id"], test),
    }
}

/// For fields that every session has.
fn always(sql: &mut Sql, test: &Test) {
    sql.push(if *test == Test::Exists { "1 = 1" } else { "1 = 0" });
}

fn id(sql: &mut Sql, test: &Test) {
    if *test == Test::Exists {
        return always(sql, test);
    }
    sql.push("(");
    if let Test::Matches(pattern) = test
        && let Some(Ok(id)) = pattern.whole().map(str::parse::<SessionId>)
    {
        sql.push("session.id = ").push_bind(id.as_u128().to_be_bytes().to_vec()).push(" OR ");
    }
    sql.push("(key_kind <> 0 AND ");
    any_text_sqlite(sql, &["key_text"], test);
    sql.push("))");
}

/// Durations are compared as they are kept.
fn nanos_of(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}

fn number<T>(sql: &mut Sql, column: &'static str, test: &Test, bound: fn(f64) -> T)
where
    T: 'static + Send + for<'q> sqlx::Encode<'q, Sqlite> + sqlx::Type<Sqlite>,
{
    let Test::Number(Range { from, to }) = test else { return always(sql, test) };
    sql.push("(1 = 1");
    let mut limit = |sign: &'static str, number: f64| {
        sql.push(" AND ").push(column).push(sign).push_bind(bound(number));
    };
    match from {
        Bound::Included(from) => limit(" >= ", *from),
        Bound::Excluded(from) => limit(" > ", *from),
        Bound::Unbounded => {}
    }
    match to {
        Bound::Included(to) => limit(" <= ", *to),
        Bound::Excluded(to) => limit(" < ", *to),
        Bound::Unbounded => {}
    }
    sql.push(")");
}

fn moment(sql: &mut Sql, column: &'static str, test: &Test) {
    let Test::Time { from, to } = test else { return always(sql, test) };
    sql.push("(1 = 1");
    if let Some(from) = from {
        sql.push(" AND ").push(column).push(" >= ").push_bind(from.as_unix_nanos());
    }
    if let Some(to) = to {
        sql.push(" AND ").push(column).push(" < ").push_bind(to.as_unix_nanos());
    }
    sql.push(")");
}

/// The column `user_words`: for each id and name a line of its words, a space before and after each.
pub(crate) fn user_words<'user>(users: impl Iterator<Item = &'user User>) -> String {
    let mut lines = String::new();
    for text in users.flat_map(|user| [user.id.as_deref(), user.name.as_deref()]).flatten() {
        lines.push(' ');
        for word in words(text) {
            lines.push_str(&word);
            lines.push(' ');
        }
        lines.push('\n');
    }
    lines
}

fn user(sql: &mut Sql, test: &Test) {
    match test {
        Test::Exists => drop(sql.push("users <> '[]'")),
        Test::Words(wanted) => user_like(sql, &words_pattern(wanted)),
        // A part of letters and digits only lies within one word.
        Test::Contains(part) if part.chars().all(char::is_alphanumeric) => {
            user_like(sql, &format!("%{part}%"));
        }
        _ => users_sqlite(sql, &["id", "name"], test),
    }
}

/// Words hold neither wild cards nor upper case, so nothing needs escaping or folding.
fn user_like(sql: &mut Sql, pattern: &str) {
    sql.push("user_words LIKE ").push_bind(pattern.to_owned());
}

fn words_pattern(wanted: &Words) -> String {
    let end = if wanted.is_prefix() { "%" } else { " %" };
    format!("% {}{end}", wanted.words().join(" "))
}

/// The agent's name for the application, else the project's.
fn application(sql: &mut Sql, test: &Test) {
    const NAME: &str = "service.name";
    if *test == Test::Exists {
        return always(sql, test);
    }
    sql.push("(");
    property_sqlite(sql, NAME, |sql| any_text_sqlite(sql, &VALUES_SQLITE, test));
    sql.push(" OR (NOT ");
    property_sqlite(sql, NAME, |sql| always(sql, &Test::Exists));
    sql.push(" AND project_pk IN (SELECT pk FROM project WHERE ");
    any_text_sqlite(sql, &["name"], test);
    sql.push(")))");
}

/// First and last value of a property, in [`property_sqlite`].
const VALUES_SQLITE: [&str; 2] =
    ["json_extract(property.value, '$.first')", "json_extract(property.value, '$.last')"];

/// The session has a property of that name of which `holds` holds.
fn property_sqlite(sql: &mut Sql, name: &str, holds: impl FnOnce(&mut Sql)) {
    sql.push("EXISTS (SELECT 1 FROM json_each(session.properties) AS property WHERE ");
    sql.push("json_extract(property.value, '$.name') GLOB ").push_bind(glob_sqlite(&[name.to_owned()]));
    sql.push(" AND ");
    holds(sql);
    sql.push(")");
}

/// Any of its users' texts of those names.
fn users_sqlite(sql: &mut Sql, names: &[&'static str], test: &Test) {
    sql.push("EXISTS (SELECT 1 FROM json_each(session.users) AS of_user WHERE ");
    let columns: Vec<&'static str> = names
        .iter()
        .map(|name| match *name {
            "id" => "json_extract(of_user.value, '$.id')",
            _ => "json_extract(of_user.value, '$.name')",
        })
        .collect();
    any_text_sqlite(sql, &columns, test);
    sql.push(")");
}

/// Any of these texts is like this, in any case.
fn any_text_sqlite(sql: &mut Sql, columns: &[&'static str], test: &Test) {
    let pattern = match test {
        Test::Exists => None,
        Test::Matches(pattern) => Some(glob_of_sqlite(pattern)),
        Test::Contains(part) => Some(glob_sqlite(&[String::new(), part.clone(), String::new()])),
        // Other tests are not made of texts.
        _ => return always(sql, test),
    };
    for (position, column) in columns.iter().enumerate() {
        sql.push(if position == 0 { "((" } else { " OR (" }).push(*column).push(" IS NOT NULL");
        if let Some(pattern) = &pattern {
            sql.push(" AND ").push(*column).push(" GLOB ").push_bind(pattern.clone());
        }
        sql.push(")");
    }
    sql.push(")");
}

fn glob_of_sqlite(pattern: &Pattern) -> String {
    glob_sqlite(pattern.pieces())
}

/// GLOB counts case; each letter becomes a class of its spellings. Of its limit of 50,000 bytes the longest
/// filter takes half: 2000 letters with up to four spellings.
pub(in crate::catalog) fn glob_sqlite(pieces: &[String]) -> String {
    let mut glob = String::new();
    for (position, piece) in pieces.iter().enumerate() {
        if position > 0 {
            glob.push('*');
        }
        for letter in piece.chars() {
            let class: String = spellings(letter).collect();
            if class.chars().count() > 1 || "*?[".contains(letter) {
                glob.push('[');
                glob.push_str(&class);
                glob.push(']');
            } else {
                glob.push(letter);
            }
        }
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_in_the_pattern() {
        let pattern = Pattern::new(["Ä*1[", "k"]);
        assert_eq!(glob_of_sqlite(&pattern), "[äÄ][*]1[[]*[kK\u{212a}]");
    }

    #[test]
    fn words_of_users_stand_between_spaces() {
        let users = [
            User { id: Some("Ann@Example.test".into()), name: Some("Ann  O'Kafor".into()) },
            User { id: Some("--".into()), name: None },
        ];
        assert_eq!(user_words(users.iter()), " ann example test \n ann o kafor \n \n");
        assert_eq!(words_pattern(&Words::of("Ann, O", true).unwrap()), "% ann o%");
    }
}
