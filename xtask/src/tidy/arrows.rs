//! Dependencies between crates point down the floors of `docs/ARCHITECTURE.md`, shipped crates
//! stand on shipped crates only, and each heavy dependency has one owner.
//!
//! Dependencies for tests may reach a floor below or a dev crate; foreign ones are not checked
//! there, since they are not built into anything.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ARCHITECTURE;
use super::findings::Findings;
use super::tree::{Tree, code, table_rows};

/// Foreign crates (a final `*` stands for any ending) and the one crate that may build on them:
/// they take long to compile and their types must not spread. `ureq` has two rows: what sends from people's programs,
/// and what asks servers from a terminal.
const OWNERS: [(&str, &str); 14] = [
    ("arrow*", "crates/store"),
    ("parquet", "crates/store"),
    ("sqlx", "crates/store"),
    ("axum", "crates/server"),
    ("clap", "crates/cli"),
    ("ureq", "crates/agent"),
    ("ureq", "crates/cli"),
    ("ratatui*", "crates/viewer"),
    ("crossterm", "crates/viewer"),
    ("eframe", "crates/dialogs"),
    ("egui*", "crates/dialogs"),
    ("softbuffer", "crates/dialogs"),
    ("winit", "crates/dialogs"),
    ("lettre", "crates/agent"),
];
/// They compare with peers, drive real programs or show how others do, so they may use what they like.
const EXEMPT: [&str; 3] = ["crates/bench", "crates/testkit", "examples/axum-service"];
/// What would make the ground floor do IO or know a wire format.
const NOT_ON_THE_GROUND: [&str; 4] = ["axum", "serde_json", "sqlx", "tokio"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Floor {
    Shipped(u32),
    Dev,
}

pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    let floors = floors(tree.text(ARCHITECTURE).unwrap_or_default());
    let packages = packages(&tree.metadata);
    for (folder, dependencies) in &packages {
        let manifest = format!("{folder}/Cargo.toml");
        let Some(&floor) = floors.get(folder) else {
            let expected = format!("a row `floor | {folder}` in {ARCHITECTURE}");
            findings.problem(&manifest, 0, &expected, "a crate without a floor");
            continue;
        };
        for dependency in dependencies {
            match floors.get(&dependency.folder) {
                Some(&below) => check_arrow(&manifest, floor, dependency, below, findings),
                None => check_foreign(folder, floor, dependency, findings),
            }
        }
    }
    for folder in floors.keys().filter(|folder| !packages.contains_key(*folder)) {
        if !packages.is_empty() {
            findings.problem(ARCHITECTURE, 0, "rows of crates that exist", folder);
        }
    }
}

struct Dependency {
    name: String,
    /// Of our own crates; empty for foreign ones.
    folder: String,
    for_tests: bool,
}

fn check_arrow(manifest: &str, from: Floor, dependency: &Dependency, to: Floor, findings: &mut Findings) {
    let allowed = match (from, to) {
        (Floor::Dev, _) => true,
        (Floor::Shipped(_), Floor::Dev) => dependency.for_tests,
        (Floor::Shipped(from), Floor::Shipped(to)) => to < from,
    };
    if !allowed {
        let found = format!("{} ({})", dependency.name, floor_text(to));
        let expected = format!("dependencies below {}", floor_text(from));
        findings.problem(manifest, 0, &expected, &found);
    }
}

fn check_foreign(folder: &str, floor: Floor, dependency: &Dependency, findings: &mut Findings) {
    if dependency.for_tests || EXEMPT.contains(&folder) {
        return;
    }
    let manifest = format!("{folder}/Cargo.toml");
    let name = dependency.name.as_str();
    if floor == Floor::Shipped(0) && NOT_ON_THE_GROUND.contains(&name) {
        findings.problem(&manifest, 0, "a ground floor without IO and wire formats", name);
    }
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    };
    let owners: Vec<&str> =
        OWNERS.iter().filter(|(pattern, _)| fits(pattern)).map(|(_, owner)| *owner).collect();
    if !owners.is_empty() && !owners.contains(&folder) {
        let expected = format!("{name} in {} only", owners.join(" and "));
        findings.problem(&manifest, 0, &expected, "another owner");
    }
}

fn floor_text(floor: Floor) -> String {
    match floor {
        Floor::Shipped(number) => format!("floor {number}"),
        Floor::Dev => "a dev crate".to_owned(),
    }
}

/// Rows `| floor | `folder` | …`, where the floor is a number or `dev`.
fn floors(architecture: &str) -> BTreeMap<String, Floor> {
    table_rows(architecture)
        .filter_map(|(_, cells)| {
            let floor = match *cells.first()? {
                "dev" => Floor::Dev,
                number => Floor::Shipped(number.parse().ok()?),
            };
            Some((code(cells.get(1)?)?.to_owned(), floor))
        })
        .collect()
}

/// Our crates by folder.
fn packages(metadata: &Value) -> BTreeMap<String, Vec<Dependency>> {
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let relative = |path: &str| path.strip_prefix(root).unwrap_or(path).trim_start_matches('/').to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    list(&metadata["packages"])
        .iter()
        .filter_map(|package| {
            let folder = relative(package["manifest_path"].as_str()?).strip_suffix("/Cargo.toml")?.to_owned();
            // A crate that names itself for its tests only switches features on there.
            let is_other =
                |dependency: &&Value| relative(dependency["path"].as_str().unwrap_or_default()) != folder;
            let dependencies = list(&package["dependencies"])
                .iter()
                .filter(is_other)
                .filter_map(|dependency| {
                    Some(Dependency {
                        name: dependency["name"].as_str()?.to_owned(),
                        folder: relative(dependency["path"].as_str().unwrap_or_default()),
                        for_tests: dependency["kind"].as_str() == Some("dev"),
                    })
                })
                .collect();
            Some((folder, dependencies))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TABLE: &str = "\
| floor | folder | job |
|---|---|---|
| 0 | `crates/model` | words |
| 1 | `crates/tracker` | rules |
| 1 | `crates/compat` | formats |
| 2 | `crates/store` | keeps |
| dev | `crates/testkit` | tests |
";

    /// `from` depends on `name`, which is ours if it begins with `kymo-`.
    fn check_one(from: &str, name: &str, kind: &str) -> Vec<String> {
        let packages: Vec<Value> = ["model", "tracker", "compat", "store", "testkit"]
            .iter()
            .map(|crate_name| {
                let path = name.strip_prefix("kymo-").map(|ours| format!("/r/crates/{ours}"));
                let kind = if kind == "dev" { json!("dev") } else { Value::Null };
                let dependency = json!({"name": name, "kind": kind, "path": path});
                let dependencies = if *crate_name == from { vec![dependency] } else { vec![] };
                json!({"manifest_path": format!("/r/crates/{crate_name}/Cargo.toml"), "dependencies": dependencies})
            })
            .collect();
        let mut tree = Tree::sample(&[(ARCHITECTURE, TABLE)]);
        tree.metadata = json!({"workspace_root": "/r", "packages": packages});
        let mut findings = Findings::default();
        check(&tree, &mut findings);
        findings.problems().to_vec()
    }

    #[test]
    fn arrows_point_down() {
        assert_eq!(check_one("store", "kymo-tracker", ""), [""; 0]);
        assert_eq!(check_one("store", "kymo-testkit", "dev"), [""; 0]);
        assert_eq!(check_one("testkit", "kymo-store", ""), [""; 0]);
        assert_eq!(check_one("tracker", "kymo-tracker", "dev"), [""; 0]);
        assert_eq!(
            check_one("tracker", "kymo-store", ""),
            ["crates/tracker/Cargo.toml: expected dependencies below floor 1, found kymo-store (floor 2)"]
        );
        assert_eq!(check_one("tracker", "kymo-compat", "").len(), 1, "sideways");
        assert_eq!(check_one("store", "kymo-testkit", "").len(), 1, "dev crates do not ship");
    }

    #[test]
    fn heavy_dependencies_have_one_owner() {
        assert_eq!(check_one("store", "arrow-array", ""), [""; 0]);
        assert_eq!(check_one("testkit", "ureq", ""), [""; 0]);
        assert_eq!(check_one("tracker", "parquet", "dev"), [""; 0]);
        assert_eq!(
            check_one("tracker", "ureq", ""),
            [
                "crates/tracker/Cargo.toml: expected ureq in crates/agent and crates/cli only, found another owner"
            ]
        );
        assert_eq!(
            check_one("tracker", "arrow-array", ""),
            ["crates/tracker/Cargo.toml: expected arrow-array in crates/store only, found another owner"]
        );
    }

    #[test]
    fn the_ground_does_no_io() {
        assert_eq!(check_one("model", "serde_json", "dev"), [""; 0]);
        assert_eq!(check_one("model", "serde_json", "").len(), 1);
    }

    #[test]
    fn every_crate_has_a_floor() {
        let mut tree = Tree::sample(&[(ARCHITECTURE, TABLE)]);
        tree.metadata = json!({"workspace_root": "/r", "packages": [
            {"manifest_path": "/r/crates/new/Cargo.toml", "dependencies": []}]});
        let mut findings = Findings::default();
        check(&tree, &mut findings);
        assert!(findings.problems()[0].starts_with("crates/new/Cargo.toml: expected a row"));
        assert_eq!(findings.problems().len(), 1 + 5, "and the five that are named do not exist");
    }
}
