//! Rows of a small table, and what is told of them.

use kymo_filter::EventField;

use super::*;

/// Columns `kind`, `n` (a number) and `time` (seconds).
struct Row(&'static str, f64, i64);

impl Values for Row {
    fn texts(&self, field: &Field, each: &mut dyn FnMut(&str)) {
        if *field == kind() {
            self.0.split(' ').for_each(each);
        } else {
            each(&self.1.to_string());
        }
    }

    fn number(&self, _: &Field) -> Option<f64> {
        Some(self.1).filter(|number| *number >= 0.0)
    }

    fn moment(&self, _: &Field) -> Option<i64> {
        Some(self.2 * 1_000_000_000)
    }
}

fn kind() -> Field {
    Field::Event(EventField::Kind)
}

fn number() -> Field {
    Field::Event(EventField::Sequence)
}

const ROWS: &[Row] =
    &[Row("log", 1.0, 0), Row("error", 2.0, 59), Row("log", 6.0, 60), Row("log usage", -1.0, 150)];

fn told(asked: &[Aggregate]) -> Vec<Aggregated> {
    let (mut totals, mut groups) = (Totals::new(asked), Groups::default());
    for row in ROWS {
        totals.add(row, &mut groups).unwrap();
    }
    assert_eq!(totals.count(), 4);
    totals.finish()
}

#[test]
fn figures_of_numbers() {
    let of = |statistic| told(&[Aggregate::Number(statistic, number())]).remove(0);
    assert_eq!(of(Statistic::Average), Aggregated::Number(Some(3.0)));
    assert_eq!(of(Statistic::Sum), Aggregated::Number(Some(9.0)));
    assert_eq!(of(Statistic::Least), Aggregated::Number(Some(1.0)));
    assert_eq!(of(Statistic::Most), Aggregated::Number(Some(6.0)));
    assert_eq!(told(&[Aggregate::Distinct(kind())]), [Aggregated::Number(Some(3.0))]);
    let none = [Aggregate::Number(Statistic::Average, number())];
    assert_eq!(Totals::new(&none).finish(), [Aggregated::Number(None)]);
}

#[test]
fn the_most_frequent_values_with_what_is_inside() {
    let inner = vec![Aggregate::Number(Statistic::Sum, number())];
    let told = told(&[Aggregate::Terms { field: kind(), size: 2, inner }]);
    let bucket =
        |key: &str, count, sum| Bucket { key: key.to_owned(), count, inner: vec![Aggregated::Number(sum)] };
    let buckets = vec![bucket("log", 3, Some(7.0)), bucket("error", 1, Some(2.0))];
    assert_eq!(told, [Aggregated::Terms { buckets, others: 1 }]);
}

#[test]
fn stretches_of_time() {
    let at = |seconds: i64| Timestamp::from_unix_nanos(seconds * 1_000_000_000);
    let width = Duration::from_mins(1);
    let dates = |begin| {
        told(&[Aggregate::Dates { field: kind(), begin: at(begin), width, inner: Vec::new() }]).remove(0)
    };
    let bucket = |begin, count| Bucket { key: at(begin), count, inner: Vec::new() };
    assert_eq!(dates(0), Aggregated::Dates(vec![bucket(0, 2), bucket(60, 1), bucket(120, 1)]));
    assert_eq!(dates(60), Aggregated::Dates(vec![bucket(60, 1), bucket(120, 1)]), "from the beginning on");
}

#[test]
fn groups_have_a_bound() {
    let asked = [Aggregate::Terms { field: number(), size: 1, inner: Vec::new() }];
    let (mut totals, mut groups) = (Totals::new(&asked), Groups::default());
    let mut add = |number: usize| totals.add(&Row("log", number as f64, 0), &mut groups);
    (0..GROUPS_MAX).for_each(|number| add(number).unwrap());
    assert!(add(0).is_ok(), "a group that is there");
    assert!(add(GROUPS_MAX).unwrap_err().to_string().contains("more than 20000 groups"));
}
