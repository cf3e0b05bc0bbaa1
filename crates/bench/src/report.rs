//! Figures, their targets and peers, as a table and as JSON.

use serde_json::{Value, json};

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
}

/// One figure.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    /// `None`: shown for information.
    pub(crate) target: Option<f64>,
    /// What others reach, and under which circumstances.
    pub(crate) peer: Option<String>,
}

impl Figure {
    /// The more, the better.
    pub(crate) fn more(name: &'static str, value: f64, unit: &'static str) -> Self {
        Self { name, value, unit, better: Better::More, target: None, peer: None }
    }

    /// The less, the better.
    pub(crate) fn less(name: &'static str, value: f64, unit: &'static str) -> Self {
        Self { name, value, unit, better: Better::Less, target: None, peer: None }
    }

    pub(crate) fn target(self, target: f64) -> Self {
        Self { target: Some(target), ..self }
    }

    pub(crate) fn peer(self, peer: impl Into<String>) -> Self {
        Self { peer: Some(peer.into()), ..self }
    }

    /// Falls short of its target by more than `slack` (a share).
    fn is_missed(&self, slack: f64) -> bool {
        self.target.is_some_and(|target| match self.better {
            Better::More => self.value < target * (1.0 - slack),
            Better::Less => self.value > target * (1.0 + slack),
        })
    }

    fn to_json(&self) -> Value {
        json!({"value": round(self.value), "unit": self.unit, "target": self.target.map(round), "peer": self.peer})
    }
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Prints everything. `slack` is what a figure may fall short by before it counts as missed.
pub(crate) fn print(title: &str, figures: &[Figure], slack: f64, as_json: bool) {
    println!("{title}");
    println!("{:<34} {:>12} {:>12} {:<10} peer", "figure", "measured", "target", "unit");
    for figure in figures {
        let sign = if figure.better == Better::More { ">=" } else { "<=" };
        let target = figure.target.map_or_else(|| "-".to_owned(), |target| format!("{sign} {target:.1}"));
        let mark = if figure.is_missed(slack) { "  MISSED" } else { "" };
        println!(
            "{:<34} {:>12.2} {target:>12} {:<10} {}{mark}",
            figure.name,
            figure.value,
            figure.unit,
            figure.peer.as_deref().unwrap_or("-")
        );
    }
    if as_json {
        let missed: Vec<&str> =
            figures.iter().filter(|figure| figure.is_missed(slack)).map(|figure| figure.name).collect();
        let by_name: serde_json::Map<String, Value> =
            figures.iter().map(|figure| (figure.name.to_owned(), figure.to_json())).collect();
        println!("{}", json!({"bench": title, "figures": by_name, "missed": missed}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_means_short_by_more_than_the_slack() {
        let figure =
            |value, better| Figure { name: "f", value, unit: "u", better, target: Some(100.0), peer: None };
        let rows = [
            (99.0, Better::More, 0.0, true),
            (99.0, Better::More, 0.25, false),
            (74.0, Better::More, 0.25, true),
            (101.0, Better::Less, 0.0, true),
            (124.0, Better::Less, 0.25, false),
            (126.0, Better::Less, 0.25, true),
        ];
        for (value, better, slack, expected) in rows {
            assert_eq!(figure(value, better).is_missed(slack), expected, "{value} {better:?} {slack}");
        }
    }
}
