//! Stages, positions, and the documentation.

use std::fs;

use tempfile::TempDir;

use super::*;

fn args(data: Option<&Path>) -> Serve {
    Serve {
        data: data.map(Path::to_owned),
        config: None,
        listen: None,
        public_hosts: Vec::new(),
        trusted_proxies: Vec::new(),
    }
}

fn found(args: &Serve, environment: &[(&str, &str)]) -> anyhow::Result<Settings> {
    stages(args, environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())))
}

#[test]
fn each_stage_goes_over_the_one_before() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join(FILE);
    let text = "[server]\nlisten = \"127.0.0.1:1\"\n\n[limits]\nstop_seconds = 20\nfree_mib = 300\n\n[agent]\nfilter = \"debug\"\n";
    fs::write(&file, text).unwrap();
    let mut serve = args(Some(folder.path()));
    let environment = [
        ("KYMO__LIMITS__STOP_SECONDS", "30"),
        ("KYMO__SERVER__PUBLIC_HOSTS", "a.test, b.test"),
        ("KYMO__AGENT__FILTER", "debug"),
        ("OTHER", "x"),
    ];
    let settings = found(&serve, &environment).unwrap();
    let config = settings.resolved().unwrap();
    assert_eq!(config.data, folder.path());
    assert_eq!(config.listen.to_string(), "127.0.0.1:1");
    assert_eq!(config.public_hosts, ["a.test", "b.test"]);
    assert_eq!((config.stop_within.as_secs(), config.free_bytes_min >> 20), (30, 300));
    assert_eq!(config.retention_days, None);
    let source = |name: &str| settings.0[name].1.clone();
    assert_eq!(source("server.data"), "--data");
    assert_eq!(source("server.listen"), format!("{}:2", file.display()));
    assert_eq!(source("limits.stop_seconds"), "KYMO__LIMITS__STOP_SECONDS");
    serve.listen = Some("127.0.0.1:2".parse().unwrap());
    serve.public_hosts = vec!["c.test".to_owned()];
    let config = found(&serve, &environment).unwrap().resolved().unwrap();
    assert_eq!((config.listen.port(), config.public_hosts), (2, vec!["c.test".to_owned()]));
    // Named, the file may say where the data is.
    fs::write(&file, "server.data = \"/elsewhere\"\nretention = { default_days = 30 }\n").unwrap();
    let refused = found(&serve, &[]).unwrap_err().to_string();
    assert!(refused.contains("give it by --config"), "{refused}");
    serve = Serve { config: Some(file), ..args(None) };
    let config = found(&serve, &[]).unwrap().resolved().unwrap();
    assert_eq!((config.data, config.retention_days), ("/elsewhere".into(), Some(30)));
}

#[test]
fn what_is_printed_says_the_same() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("a \"b\" \\c");
    let mut serve = args(Some(&data));
    serve.public_hosts = vec!["a.test".to_owned()];
    let settings = found(&serve, &[("KYMO__RETENTION__DEFAULT_DAYS", "7")]).unwrap();
    let file = folder.path().join("printed.toml");
    for sources in [false, true] {
        fs::write(&file, printed(&settings, sources).join("\n")).unwrap();
        let again = found(&Serve { config: Some(file.clone()), ..args(None) }, &[]).unwrap();
        assert_eq!(again.resolved().unwrap(), settings.resolved().unwrap());
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("kymo.toml");
    let rows = [
        (
            "[server]\nlistn = \"127.0.0.1:1\"\n",
            ":2:1: there is no key server.listn: did you mean server.listen?",
        ),
        ("listen = \"127.0.0.1:1\"", ":1:1: there is no key listen: did you mean server.listen?"),
        ("[serve]\nlisten = \"x\"", ":1:2: there is no key serve"),
        ("[colours]\nred = 1", ":1:2: there is no key colours: see docs/configuration.md"),
        ("[server]\n  listen = \"8390\"", ":2:12: server.listen: expected an address with a port"),
        ("[server]\nlisten = 8390", ":2:10: server.listen: expected an address with a port"),
        (
            "[limits]\nstop_seconds = 0",
            ":2:16: limits.stop_seconds: expected a whole number from 1 to 600, found 0",
        ),
        ("[limits]\nstop_seconds = 1.5", ":2:16: limits.stop_seconds: expected a whole number"),
        ("[server]\npublic_hosts = [\"a\", 1]", ":2:16: server.public_hosts: expected a list of texts"),
        ("limits = 3", ":1:1: there is no key limits"),
        ("[server\n", ":1:"),
    ];
    for (text, expected) in rows {
        fs::write(&file, text).unwrap();
        let serve = Serve { config: Some(file.clone()), ..args(None) };
        let reason = found(&serve, &[]).unwrap_err().to_string();
        assert!(reason.contains(&format!("kymo.toml{expected}")), "{text}: {reason}");
    }
    let refused =
        |variable: &str, value: &str| found(&args(None), &[(variable, value)]).unwrap_err().to_string();
    assert!(refused("KYMO__LIMITS__STOP_SECOND", "1").contains("did you mean limits.stop_seconds?"));
    assert!(refused("KYMO__LIMITS__STOP_SECONDS", "soon").contains("found \"soon\""));
    let missing = Serve { config: Some(folder.path().join("none.toml")), ..args(None) };
    assert!(found(&missing, &[]).unwrap_err().to_string().contains("none.toml"));
}

/// Every key is in the documentation with type, default and meaning, and no other is.
#[test]
fn the_documentation_has_the_same_keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = fs::read_to_string(path).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = KEYS
        .iter()
        .map(|key| {
            let default =
                if key.default.is_empty() { "not set".to_owned() } else { format!("`{}`", key.default) };
            format!("| `{}` | {} | {default} | {} |", key.name, key.expected(), key.meaning)
        })
        .collect();
    assert_eq!(rows, expected, "docs/configuration.md");
}
