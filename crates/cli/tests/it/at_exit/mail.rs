//! Everything goes by mail as soon as the program exits, where there is no server or it is away.

use serde_json::Value;

use super::scenarios::settle;
use super::till::Till;
use crate::KYMO;
use crate::pack::smtp::MailServer;
use crate::pack::{assert_same, events};

/// Nobody listens there.
const AWAY: &str = "http://127.0.0.1:1";

/// Settings for a program that sends mail when it exits.
fn mails_to(server: &MailServer) -> Vec<(&'static str, String)> {
    vec![
        ("HELPER", KYMO.to_owned()),
        ("SEND_SESSIONS_ON_EXIT", "true".to_owned()),
        ("MAIL__SERVER", "127.0.0.1".to_owned()),
        ("MAIL__PORT", server.port.to_string()),
        ("MAIL__SECURITY", "none".to_owned()),
        ("MAIL__FROM", "till@shop.test".to_owned()),
        ("MAIL__TO", "help@shop.test".to_owned()),
    ]
}

#[test]
fn by_mail_where_there_is_no_server() {
    everything_goes_by_mail(&[]);
}

#[test]
fn by_mail_where_the_server_is_away() {
    everything_goes_by_mail(&[("SERVER", AWAY), ("TOKEN", "kymo_of_a_server_that_is_away")]);
}

fn everything_goes_by_mail(more: &[(&str, &str)]) {
    let server = MailServer::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let settings = mails_to(&server);
    let mut arrived = Vec::new();
    for (number, how) in (1..).zip(["normal", "killed", "normal", "killed"]) {
        let mut till = Till::start(folder.path(), &settings, more);
        let mut logged = vec!["the till is open".to_owned()];
        for said in ["sold", "sold more", "the last of the day"] {
            let message = format!("{said} ({number}, {how})");
            till.say(&format!("info {message}"));
            logged.push(message);
        }
        let error = format!("the drawer is stuck ({number})");
        till.say(&format!("error {error}"));
        logged.push(error);
        till.helper();
        if how == "killed" {
            till.kill();
        } else {
            till.close();
        }
        settle(folder.path());

        let mails = server.mails();
        assert_eq!(mails.len(), number, "one for each end");
        let mail = &mails[number - 1];
        assert_eq!(mail["subject"], "Shop till 1.2.3: 1 session, 1 with errors");
        assert_eq!(mail["envelope"], serde_json::json!(["till@shop.test", ["help@shop.test"]]));
        assert!(mail["text"].as_str().unwrap().contains(how), "{}", mail["text"]);
        // By itself, as the one who gets it saves it.
        let saved = tempfile::tempdir().unwrap();
        let package = saved.path().join("saved.kymo");
        std::fs::copy(&server.attachments().1[number - 1], &package).unwrap();
        let new = events(&package);
        assert_eq!(messages(&new), logged, "what was logged, of this session alone");
        arrived.extend(new);
        // Nothing lacks, nothing came twice.
        assert_same(&arrived, &events(folder.path()));
    }
}

/// What was logged, and nothing that the agent says of itself.
fn messages(events: &[String]) -> Vec<String> {
    let events = events.iter().map(|event| serde_json::from_str::<Value>(event).unwrap());
    events.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}
