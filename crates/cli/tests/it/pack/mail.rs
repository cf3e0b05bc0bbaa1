//! By mail: a real server takes it, another parser reads it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::smtp::MailServer;
use super::{assert_same, end, events, pack, pack_with, ran, start};

const PLAIN: [&str; 6] =
    ["--smtp-security", "none", "--to", "help@shop.test", "--from", "Ann <ann@shop.test>"];

fn sent(folder: &Path, server: &MailServer, args: &[&str]) -> (Value, i32) {
    pack(folder, &[&["--mail", "--smtp", &server.address()], &PLAIN[..], args].concat())
}

#[test]
fn sessions_arrive_event_by_event_and_never_twice() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 300);
    ran(folder.path(), "till", 20);
    let server = MailServer::start(&[]);
    let (said, code) = sent(folder.path(), &server, &["--unsent", "--reply-to", "boss@shop.test"]);
    assert_eq!((code, said["mails"].as_u64()), (0, Some(1)), "{said}");
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail["subject"], "Shop till 1.2.3: 2 sessions, 2 with errors");
    assert_eq!((&mail["from"], &mail["reply_to"]), (&"Ann <ann@shop.test>".into(), &"boss@shop.test".into()));
    let text = mail["text"].as_str().unwrap();
    let name = mail["attachments"][0].as_str().unwrap();
    for part in [
        "Attached is what 2 sessions recorded",
        "301 messages, 1 error",
        "21 messages, 1 error",
        "normal",
        "    kymo open ",
        name,
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(name.starts_with("kymo-") && mail["longest_line"].as_u64().unwrap() < 999, "{mail}");
    assert_same(&events(server.attachments().0), &events(folder.path()));

    let (said, code) = sent(folder.path(), &server, &["--unsent"]);
    assert_eq!((code, server.mails().len()), (0, 1), "{said}");
    let (said, code) = sent(folder.path(), &server, &["--all"]);
    assert_eq!(
        (code, server.mails().len(), &said["sessions"][0]["what"]),
        (0, 1, &"before".into()),
        "{said}"
    );
    let (_, code) = sent(folder.path(), &server, &["--all", "--again"]);
    assert_eq!((code, server.mails().len()), (0, 2));
    assert_eq!(server.mails()[1]["id"], mails[0]["id"], "programs for mail show it once");
}

#[test]
fn what_is_too_large_goes_in_several_mails() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 60_000);
    ran(folder.path(), "till", 10);
    let server = MailServer::start(&[]);
    let (said, code) = sent(folder.path(), &server, &["--all", "--mail-bytes-max", "524288"]);
    assert_eq!(code, 0, "{said}");
    let mails = server.mails();
    assert!(mails.len() > 3 && said["mails"] == mails.len(), "{said}");
    for (number, mail) in (1..).zip(&mails) {
        assert!(mail["bytes"].as_u64().unwrap() <= 524_288, "{}", mail["bytes"]);
        let subject = mail["subject"].as_str().unwrap();
        assert!(subject.ends_with(&format!("(mail {number} of {})", mails.len())), "{subject}");
    }
    let (attachments, files) = server.attachments();
    assert_same(&events(attachments), &events(folder.path()));
    assert_eq!(super::listed(attachments).len(), 2);
    // Each is a session file of its own, too.
    let alone = TempDir::new().unwrap();
    let path = alone.path().join("part.kymo");
    std::fs::copy(&files[1], &path).unwrap();
    let one = super::kymo(&["open", "--json", path.to_str().unwrap()], &[]);
    assert!(one.status.success() && one.stdout.len() > 10_000);
}

#[test]
fn a_server_that_takes_less_gets_smaller_mails() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 30_000);
    let server = MailServer::start(&["--size", "400000"]);
    let (said, code) = sent(folder.path(), &server, &["--all"]);
    assert_eq!(code, 0, "{said}");
    assert!(server.mails().len() > 2);
    assert_same(&events(server.attachments().0), &events(folder.path()));
    let tiny = MailServer::start(&["--size", "2000"]);
    let (said, code) = sent(folder.path(), &tiny, &["--all", "--again"]);
    assert_eq!((code, tiny.mails().len()), (6, 0), "{said}");
    assert!(said["failed"][0].as_str().unwrap().contains("takes no mail of this size: 552"), "{said}");
}

#[test]
fn a_session_that_grew_is_gone_on_with() {
    let folder = TempDir::new().unwrap();
    let till = start(folder.path(), "till", 500);
    let server = MailServer::start(&[]);
    let (said, code) = sent(folder.path(), &server, &["--unsent"]);
    assert_eq!((code, &said["sessions"][0]["what"]), (0, &"so_far".into()), "{said}");
    let so_far = events(server.attachments().0);
    assert!(so_far.len() > 500, "{}", so_far.len());
    end(till);
    let (said, code) = sent(folder.path(), &server, &["--unsent"]);
    assert_eq!((code, &said["sessions"][0]["what"]), (0, &"whole".into()), "{said}");
    let all = events(folder.path());
    assert!(events(server.attachments().0) == all && all.starts_with(&so_far));
    let (first, rest) = (&server.mails()[0], &server.mails()[1]);
    assert!(rest["bytes"].as_u64() < first["bytes"].as_u64(), "the closed fragment does not go again");
    let (said, _) = sent(folder.path(), &server, &["--unsent"]);
    assert_eq!(server.mails().len(), 2, "{said}");
}

#[test]
fn a_server_that_goes_away_and_comes_back_gets_the_rest() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 60_000);
    let limit = ["--all", "--mail-bytes-max", "524288"];
    // Cut while it is handed over: again at once.
    let mut server = MailServer::start(&["--cut", "2"]);
    let (said, code) = sent(folder.path(), &server, &limit);
    assert_eq!(code, 0, "{said}");
    let ids: BTreeSet<String> = server.mails().iter().map(|mail| mail["id"].to_string()).collect();
    assert_eq!(ids.len(), server.mails().len(), "none twice");
    assert_same(&events(server.attachments().0), &events(folder.path()));
    // Gone for longer: what did not go stays.
    server.stop();
    ran(folder.path(), "till", 30);
    let (said, code) = sent(folder.path(), &server, &limit);
    assert_eq!(code, 5, "{said}");
    assert!(said["failed"][0].as_str().unwrap().contains("cannot connect to 127.0.0.1"), "{said}");
    let before = server.mails().len();
    server.start_again(&[]);
    let (said, code) = sent(folder.path(), &server, &limit);
    assert_eq!((code, server.mails().len()), (0, before + 1), "{said}");
    assert_same(&events(server.attachments().0), &events(folder.path()));
}

#[test]
fn logins_and_certificates_are_checked() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 10);
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (certificate, key) =
        (write("c.pem", &made.cert.pem()), write("k.pem", &made.signing_key.serialize_pem()));
    let (right, wrong) = (write("right", "open sesame\n"), write("wrong", "open barley\n"));
    for (how, tls) in [("tls", "wrap"), ("starttls", "starttls")] {
        let server = MailServer::start(&[
            "--tls",
            tls,
            "--certificate",
            &certificate,
            "--key",
            &key,
            "--user",
            "ann",
            "--password",
            "open sesame",
        ]);
        let address = format!("localhost:{}", server.port);
        let mail = |password: &str, user: &str, roots: &str| {
            let args = [
                "--all",
                "--again",
                "--mail",
                "--smtp",
                &address,
                "--smtp-security",
                how,
                "--smtp-user",
                user,
                "--smtp-password-file",
                password,
                "--to",
                "help@shop.test",
                "--from",
                "ann@shop.test",
            ];
            pack_with(folder.path(), &args, &[("SSL_CERT_FILE", Path::new(roots))])
        };
        let (said, code) = mail(&right, "ann", &certificate);
        assert_eq!(code, 0, "{how}: {said}");
        assert_eq!(server.mails()[0]["is_protected"], true);
        let (said, code) = mail(&wrong, "ann", &certificate);
        assert_eq!(code, 6, "{how}: {said}");
        assert!(said["failed"][0].as_str().unwrap().contains("refused the login: 535"), "{said}");
        assert!(!said.to_string().contains("barley"));
        let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (said, code) = mail(&right, "ann", &write("o.pem", &other.cert.pem()));
        assert_eq!((code, server.mails().len()), (6, 1), "{how}: {said}");
        assert!(said["failed"][0].as_str().unwrap().contains("not protected as expected"), "{said}");
    }
}

#[test]
fn no_password_goes_over_an_open_line() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 10);
    let right = folder.path().join("right");
    std::fs::write(&right, "open sesame\n").unwrap();
    let right = right.to_str().unwrap();
    // A server that forgot to offer STARTTLS.
    let open = MailServer::start(&["--user", "ann", "--password", "open sesame"]);
    let args = [
        "--all",
        "--again",
        "--mail",
        "--smtp",
        &open.address(),
        "--smtp-security",
        "starttls",
        "--smtp-user",
        "ann",
        "--smtp-password-file",
        right,
        "--to",
        "help@shop.test",
        "--from",
        "ann@shop.test",
    ];
    let (said, code) = pack(folder.path(), &args);
    assert_eq!((code, open.mails().len()), (6, 0), "{said}");
    assert!(said["failed"][0].as_str().unwrap().contains("offers no STARTTLS"), "{said}");
}

#[test]
fn what_is_refused_or_wrong_is_said_in_words() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 10);
    let server = MailServer::start(&["--refuse", "nobody@shop.test"]);
    let (said, code) = sent(folder.path(), &server, &["--all", "--to", "nobody@shop.test"]);
    assert_eq!(code, 6, "{said}");
    assert!(said["failed"][0].as_str().unwrap().contains("refused a recipient: 550"), "{said}");
    let unknown =
        ["--all", "--mail", "--smtp", "no-such-host.invalid", "--to", "a@b.test", "--from", "c@d.test"];
    let (said, code) = pack(folder.path(), &unknown);
    assert_eq!(code, 5, "{said}");
    assert!(
        said["failed"][0].as_str().unwrap().contains("no computer no-such-host.invalid is known"),
        "{said}"
    );
    let (said, code) = sent(folder.path(), &server, &["--all", "--to", "not an address"]);
    assert_eq!(code, 2, "{said}");
    assert!(said["failed"][0].as_str().unwrap().contains("to: expected an address"), "{said}");
    assert_eq!(server.mails().len(), 0);
}

#[test]
fn consent_holds_mail_and_a_file_is_a_persons_own_act() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 10);
    let server = MailServer::start(&[]);
    std::fs::write(folder.path().join("Shop/consent.json"), "{\"state\": \"refused\"}").unwrap();
    let (said, code) = sent(folder.path(), &server, &["--all"]);
    assert_eq!((code, server.mails().len()), (9, 0), "{said}");
    let file = folder.path().join("own.kymo");
    assert_eq!(pack(folder.path(), &["--all", "--file", file.to_str().unwrap()]).1, 0);
    let (said, code) = sent(folder.path(), &server, &["--all", "--i-was-asked"]);
    assert_eq!((code, server.mails().len()), (0, 1), "{said}");
    std::fs::write(folder.path().join("Shop/consent.json"), "{\"state\": \"granted\"}").unwrap();
    assert_eq!(sent(folder.path(), &server, &["--all", "--again"]).1, 0);
    assert_eq!(server.mails().len(), 2);
}

#[test]
fn a_products_settings_are_taken_and_flags_go_over_them() {
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 10);
    let server = MailServer::start(&[]);
    let config = folder.path().join("kymo.toml");
    let text = format!(
        "[agent.mail]\nserver = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\nfrom = \"till@shop.test\"\nto = \"help@shop.test\"\n",
        server.port
    );
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let (said, code) =
        pack(folder.path(), &["--all", "--mail", "--config", config, "--to", "desk@shop.test"]);
    assert_eq!(code, 0, "{said}");
    let mail = &server.mails()[0];
    assert_eq!(mail["envelope"], serde_json::json!(["till@shop.test", ["desk@shop.test"]]));
    std::fs::write(config, "[agent]\nservr = \"x\"\n").unwrap();
    let (said, code) = pack(folder.path(), &["--all", "--mail", "--config", config]);
    assert!(code == 2 && said["failed"][0].as_str().unwrap().contains("did you mean agent.server"), "{said}");
}
