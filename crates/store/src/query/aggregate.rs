//! Bounded aggregates of events and of sessions (D15): distinct values, sums and extremes of numbers, the most
//! frequent values, counts over time, and these inside each other. Pure: rows are put in one by one.

mod distinct;
mod sessions;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use kymo_filter::Field;
use kymo_model::Timestamp;

use self::distinct::Distinct;
pub(crate) use self::sessions::SessionValues;
use crate::error::StoreError;

/// Most values that are told of one field.
pub const TERMS_TOLD_MAX: usize = 1000;
/// Groups that one question may make, all its aggregates together: an estimated 1 KiB each.
const GROUPS_MAX: usize = 20_000;
/// Values that counts of different ones keep, all counts of a question together: an estimated 16 MiB. Beyond it they
/// are estimated earlier.
const EXACT_VALUES_MAX: usize = 500_000;
/// How deep groups may lie in groups.
pub const NESTING_MAX: usize = 2;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Aggregate {
    /// How many different values.
    Distinct(Field),
    /// Of the values that are numbers; durations are seconds.
    Number(Statistic, Field),
    /// The most frequent values, at most `size`.
    Terms {
        /// Of this field.
        field: Field,
        /// At most [`TERMS_TOLD_MAX`].
        size: usize,
        /// What is asked for of each.
        inner: Vec<Aggregate>,
    },
    /// Counts in equal stretches of time.
    Dates {
        /// Of this field.
        field: Field,
        /// Where the first stretch begins; what is before is not counted.
        begin: Timestamp,
        /// How long each is.
        width: Duration,
        /// What is asked for of each.
        inner: Vec<Aggregate>,
    },
}

/// A figure of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Their mean.
    Average,
    /// Their sum.
    Sum,
    /// The least.
    Least,
    /// The greatest.
    Most,
}

/// An answer, in the order of the questions.
#[derive(Clone, Debug, PartialEq)]
pub enum Aggregated {
    /// A figure; `None`: there was no value.
    Number(Option<f64>),
    /// The most frequent first.
    Terms {
        /// Those told.
        buckets: Vec<Bucket<String>>,
        /// How often the others came, together.
        others: u64,
    },
    /// The earliest first; stretches that hold nothing are left out.
    Dates(Vec<Bucket<Timestamp>>),
}

/// What has one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket<Key> {
    /// The value; of stretches of time the beginning.
    pub key: Key,
    /// How many have it.
    pub count: u64,
    /// What was asked for of it.
    pub inner: Vec<Aggregated>,
}

/// Something whose fields have values.
pub(crate) trait Values {
    /// Each value as a text.
    fn texts(&self, field: &Field, each: &mut dyn FnMut(&str));
    fn number(&self, field: &Field) -> Option<f64>;
    fn moment(&self, field: &Field) -> Option<i64>;
}

/// What was counted so far.
pub(crate) struct Totals<'ask> {
    asked: &'ask [Aggregate],
    count: u64,
    parts: Vec<Part<'ask>>,
}

enum Part<'ask> {
    Distinct(Distinct),
    Number(Numbers),
    Terms(HashMap<String, Totals<'ask>>),
    Dates(BTreeMap<i64, Totals<'ask>>),
}

#[derive(Default)]
struct Numbers {
    count: u64,
    sum: f64,
    least: f64,
    most: f64,
}

impl Numbers {
    fn add(&mut self, value: f64) {
        (self.least, self.most) = match self.count {
            0 => (value, value),
            _ => (self.least.min(value), self.most.max(value)),
        };
        self.count += 1;
        self.sum += value;
    }

    fn told(&self, statistic: Statistic) -> Option<f64> {
        let value = match statistic {
            Statistic::Average => self.sum / self.count as f64,
            Statistic::Sum => self.sum,
            Statistic::Least => self.least,
            Statistic::Most => self.most,
        };
        (self.count > 0).then_some(value)
    }
}

/// Counts groups against the bounds of one question.
pub(crate) struct Groups {
    made: usize,
    exact_left: usize,
}

impl Default for Groups {
    fn default() -> Self {
        Self { made: 0, exact_left: EXACT_VALUES_MAX }
    }
}

impl Groups {
    fn make<'ask>(&mut self, asked: &'ask [Aggregate]) -> Result<Totals<'ask>, StoreError> {
        self.made += 1;
        if self.made > GROUPS_MAX {
            return Err(StoreError::input(format!(
                "the aggregations would make more than {GROUPS_MAX} groups: narrow the time, or ask for fewer values"
            )));
        }
        Ok(Totals::new(asked))
    }
}

impl<'ask> Totals<'ask> {
    pub(crate) fn new(asked: &'ask [Aggregate]) -> Self {
        let part = |aggregate: &Aggregate| match aggregate {
            Aggregate::Distinct(_) => Part::Distinct(Distinct::default()),
            Aggregate::Number(..) => Part::Number(Numbers::default()),
            Aggregate::Terms { .. } => Part::Terms(HashMap::new()),
            Aggregate::Dates { .. } => Part::Dates(BTreeMap::new()),
        };
        Self { asked, count: 0, parts: asked.iter().map(part).collect() }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Hot: once per row of a scan.
    pub(crate) fn add(&mut self, row: &impl Values, groups: &mut Groups) -> Result<(), StoreError> {
        self.count += 1;
        for (aggregate, part) in self.asked.iter().zip(&mut self.parts) {
            match (aggregate, part) {
                (Aggregate::Distinct(field), Part::Distinct(distinct)) => {
                    row.texts(field, &mut |text| distinct.add(text, &mut groups.exact_left));
                }
                (Aggregate::Number(_, field), Part::Number(numbers)) => {
                    row.number(field).into_iter().for_each(|value| numbers.add(value));
                }
                (Aggregate::Terms { field, inner, .. }, Part::Terms(terms)) => {
                    add_to_terms(terms, field, inner, row, groups)?;
                }
                (Aggregate::Dates { field, begin, width, inner }, Part::Dates(dates)) => {
                    let Some(moment) = row.moment(field) else { continue };
                    let since = i128::from(moment) - i128::from(begin.as_unix_nanos());
                    let Ok(index) = i64::try_from(since.div_euclid(width.as_nanos().max(1) as i128)) else {
                        continue;
                    };
                    if index < 0 {
                        continue;
                    }
                    let totals = match dates.entry(index) {
                        std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
                        std::collections::btree_map::Entry::Vacant(place) => {
                            place.insert(groups.make(inner)?)
                        }
                    };
                    totals.add(row, groups)?;
                }
                // Parts are made of what was asked.
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Vec<Aggregated> {
        self.asked.iter().zip(self.parts).map(|(aggregate, part)| told(aggregate, part)).collect()
    }
}

fn add_to_terms<'ask>(
    terms: &mut HashMap<String, Totals<'ask>>,
    field: &Field,
    inner: &'ask [Aggregate],
    row: &impl Values,
    groups: &mut Groups,
) -> Result<(), StoreError> {
    let mut failed = None;
    row.texts(field, &mut |text| {
        let added = match terms.get_mut(text) {
            Some(totals) => totals.add(row, groups),
            None => groups.make(inner).and_then(|mut totals| {
                totals.add(row, groups)?;
                terms.insert(text.to_owned(), totals);
                Ok(())
            }),
        };
        failed = failed.take().or(added.err());
    });
    failed.map_or(Ok(()), Err)
}

fn told(aggregate: &Aggregate, part: Part<'_>) -> Aggregated {
    match (aggregate, part) {
        (Aggregate::Number(statistic, _), Part::Number(numbers)) => {
            Aggregated::Number(numbers.told(*statistic))
        }
        (Aggregate::Terms { size, .. }, Part::Terms(terms)) => {
            let mut terms: Vec<(String, Totals<'_>)> = terms.into_iter().collect();
            terms.sort_unstable_by(|(left, of_left), (right, of_right)| {
                (Reverse(of_left.count), left).cmp(&(Reverse(of_right.count), right))
            });
            let others = terms.iter().skip(*size).map(|(_, totals)| totals.count).sum();
            let bucket = |(key, totals): (String, Totals<'_>)| Bucket {
                key,
                count: totals.count,
                inner: totals.finish(),
            };
            Aggregated::Terms { buckets: terms.into_iter().take(*size).map(bucket).collect(), others }
        }
        (Aggregate::Dates { begin, width, .. }, Part::Dates(dates)) => {
            let bucket = |(index, totals): (i64, Totals<'_>)| {
                let since = i128::from(index) * width.as_nanos() as i128;
                let key = i128::from(begin.as_unix_nanos()) + since;
                let key = Timestamp::from_unix_nanos(i64::try_from(key).unwrap_or(i64::MAX));
                Bucket { key, count: totals.count, inner: totals.finish() }
            };
            Aggregated::Dates(dates.into_iter().map(bucket).collect())
        }
        (_, Part::Distinct(distinct)) => Aggregated::Number(Some(distinct.count() as f64)),
        // Parts are made of what was asked.
        _ => Aggregated::Number(None),
    }
}

#[cfg(test)]
mod tests;
