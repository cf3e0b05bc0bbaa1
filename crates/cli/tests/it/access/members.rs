//! Members and tokens on the command line, with the server running and stopped.

use std::io::Read;

use kymo_testkit::Kymo;

use crate::KYMO;

fn refused(kymo: &Kymo, args: &[&str]) -> String {
    let output = kymo.run(args);
    assert!(!output.status.success(), "kymo {args:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The status of signing in with that link's code, and the cookie.
fn sign_in(kymo: &Kymo, printed: &str) -> (u16, String) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false).build().into();
    let code = printed.split("code=").nth(1).unwrap_or_else(|| panic!("no link in {printed:?}"));
    let form = format!("code={code}");
    let post = agent.post(format!("{}/login", kymo.url())).header("sec-fetch-site", "same-origin");
    let answer = post.send(form).expect("an answer");
    let cookie = answer.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok());
    let cookie = cookie.and_then(|cookie| cookie.split(';').next()).unwrap_or_default().to_owned();
    (answer.status().as_u16(), cookie)
}

fn status(kymo: &Kymo, path: &str, header: (&str, &str)) -> u16 {
    let request = ureq::get(format!("{}{path}", kymo.url())).config().http_status_as_error(false).build();
    request.header(header.0, header.1).call().expect("an answer").status().as_u16()
}

#[test]
fn members_come_and_go_with_the_server_running_or_not() {
    let mut kymo = Kymo::with_project(KYMO);
    assert_eq!(kymo.command(&["member", "list"]), "admin\tadmin");
    let (signed_in, ann) =
        sign_in(&kymo, &kymo.command(&["member", "add", "Ann@Example.test", "--role", "Shop=reader"]));
    assert_eq!(signed_in, 303);
    let cookie = |cookie: &str| ("cookie", cookie.to_owned());
    let asks = |kymo: &Kymo, path: &str| {
        let (name, value) = cookie(&ann);
        status(kymo, path, (name, &value))
    };
    assert_eq!((asks(&kymo, "/api/v1/sessions"), asks(&kymo, "/api/v1/projects/shop")), (200, 403));
    kymo.command(&["member", "role", "ann@example.test", "shop", "admin"]);
    assert_eq!(asks(&kymo, "/api/v1/projects/shop"), 200, "at once");
    assert_eq!(kymo.command(&["member", "list"]), "admin\tadmin\nann@example.test\tshop=admin");

    for (args, expected) in [
        (vec!["member", "add", "ANN@example.test"], "there is a member ann@example.test already"),
        (vec!["member", "add", "ann smith"], "is no member's name"),
        (vec!["member", "add", "bob", "--role", "shop"], "expected PROJECT=ROLE"),
        (vec!["member", "add", "bob", "--role", "barn=reader"], "there is no project \"barn\""),
        (vec!["member", "add", "bob", "--role", "shop=owner"], "expected reader, member or admin"),
        (vec!["member", "role", "bob", "shop", "reader"], "there is no member bob"),
        (vec!["member", "remove", "admin"], "the server's last admin"),
        (vec!["login", "--member", "bob"], "there is no member bob"),
    ] {
        let reason = refused(&kymo, &args);
        assert!(reason.contains(expected), "{args:?}: {reason}");
    }

    assert!(kymo.stop().success());
    let link = kymo.command(&["member", "add", "bob", "--admin"]);
    assert!(link.starts_with("start the server"), "{link}");
    kymo.command(&["member", "remove", "admin"]);
    kymo.command(&["member", "role", "ann@example.test", "shop", "none"]);
    kymo.start();
    assert_eq!(kymo.command(&["member", "list"]), "ann@example.test\t\nbob\tadmin");
    assert_eq!(sign_in(&kymo, &link).0, 303);
    assert_eq!((asks(&kymo, "/api/v1/me"), asks(&kymo, "/api/v1/projects/shop")), (200, 404));
    let again = kymo.command(&["login", "--member", "ann@example.test", "--remove-password"]);
    assert_eq!(asks(&kymo, "/api/v1/me"), 401, "her browsers are signed out");
    assert_eq!(sign_in(&kymo, &again).0, 303);
    kymo.command(&["member", "remove", "ann@example.test"]);
    assert_eq!(kymo.command(&["member", "list"]), "bob\tadmin");
}

#[test]
fn tokens_are_listed_and_revoked_by_number() {
    let kymo = Kymo::with_project(KYMO);
    let add =
        ["token", "add", "--project", "shop", "--scope", "read", "--name", "reports", "--expires", "90d"];
    let token = kymo.command(&add);
    assert!(token.starts_with("kymo_read_") && !token.contains('\n'), "{token}");
    assert!(refused(&kymo, &add).contains("a token named reports already"));
    let reason =
        refused(&kymo, &["token", "add", "--project", "shop", "--scope", "read", "--expires", "soon"]);
    assert!(reason.contains("--expires: expected a time such as"), "{reason}");

    let bearer = format!("Bearer {token}");
    assert_eq!(status(&kymo, "/api/v1/me", ("authorization", &bearer)), 200);
    let list = kymo.command(&["token", "list", "--project", "shop"]);
    assert!(!list.contains(&token), "shown once");
    let line = list.lines().find(|line| line.contains("\treports\t")).unwrap_or_else(|| panic!("{list}"));
    let columns: Vec<&str> = line.split('\t').collect();
    assert_eq!((columns.len(), columns[2]), (6, "read"), "{line}");
    assert!(columns[4].starts_with("expires 20"), "{line}");
    kymo.command(&["token", "add", "--project", "shop", "--scope", "read", "--name", "a\u{202e}b"]);
    let list = kymo.command(&["token", "list", "--project", "shop"]);
    assert!(list.contains("\ta\\u{202e}b\t"), "a name cannot steer the terminal: {list}");
    kymo.command(&["token", "revoke", columns[0], "--project", "shop"]);
    assert_eq!(status(&kymo, "/api/v1/me", ("authorization", &bearer)), 401);
    assert!(!kymo.command(&["token", "list", "--project", "shop"]).contains("reports"));
    assert!(refused(&kymo, &["token", "revoke", "4711", "--project", "shop"]).contains("no such token"));
}

#[test]
fn a_stream_of_changes_ends_with_the_token_and_with_the_role() {
    let kymo = Kymo::with_project(KYMO);
    let open = |name: &str, value: &str| {
        let request = ureq::get(format!("{}/api/v1/changes", kymo.url())).header(name, value);
        let answer = request.call().expect("an answer");
        answer.into_body().into_reader()
    };
    let (_, ann) = sign_in(&kymo, &kymo.command(&["member", "add", "ann", "--role", "shop=reader"]));
    let (_, admin) = sign_in(&kymo, kymo.sign_in_link());
    let token = kymo.command(&["token", "add", "--project", "shop", "--scope", "read"]);
    let [mut of_token, mut of_ann, mut of_admin] =
        [open("authorization", &format!("Bearer {token}")), open("cookie", &ann), open("cookie", &admin)];
    // These come to their ends, or the test does not.
    let mut text = String::new();
    kymo.command(&["token", "revoke", &token]);
    of_token.read_to_string(&mut text).expect("an end");
    kymo.command(&["member", "role", "ann", "shop", "none"]);
    of_ann.read_to_string(&mut text).expect("an end");
    assert_eq!(text, "", "nothing had changed");
    // Who lost nothing goes on.
    assert_eq!(kymo.post_events(&serde_json::json!([{"message": "m"}])), Ok(202));
    let mut first = [0; 14];
    of_admin.read_exact(&mut first).expect("an event");
    assert_eq!(&first, b"event: changed");
}
