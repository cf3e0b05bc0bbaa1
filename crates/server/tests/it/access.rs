//! Signing in, limits, and what ends: with a clock that the test moves.

use std::time::Duration;

use kymo_model::Timestamp;
use kymo_server::{AccessLimits, Allowance, Command, Reply};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderName;
use tungstenite::{Message, connect};

use crate::stand::{Answer, ORIGIN, Stand};

const BEGIN: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);
const PASSWORD: &str = "correct horse battery";
const FROM_PAGE: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A browser: it keeps the cookie that it is given.
struct Browser<'stand> {
    stand: &'stand Stand,
    cookie: String,
}

impl<'stand> Browser<'stand> {
    fn new(stand: &'stand Stand) -> Self {
        Self { stand, cookie: String::new() }
    }

    /// Signed in by a one-time link.
    fn of(stand: &'stand Stand, member: Option<&str>) -> Self {
        let mut browser = Self::new(stand);
        let code = code(stand, member);
        assert_eq!(browser.sign_in(&format!("code={code}")).status, 303);
        browser
    }

    fn sign_in(&mut self, form: &str) -> Answer {
        self.send("POST", "/login", form)
    }

    fn try_password(&mut self, name: &str, password: &str) -> Answer {
        self.sign_in(&format!("name={name}&password={}", password.replace(' ', "+")))
    }

    fn send(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let headers = [("cookie", self.cookie.as_str()), FROM_PAGE, ("user-agent", "a browser of the test")];
        let body = (!body.is_empty()).then(|| body.as_bytes().to_vec());
        let answer = self.stand.send(method, path, &headers, body).expect("an answer");
        if let Some(cookie) = answer.header("set-cookie") {
            self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        }
        answer
    }

    fn api(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.send(method, &format!("/api/v1/{path}"), &body);
        (answer.status, serde_json::from_str(&answer.body).unwrap_or_default())
    }

    fn get(&mut self, path: &str) -> Value {
        let (status, body) = self.api("GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    fn status(&mut self) -> u16 {
        self.api("GET", "me", &Value::Null).0
    }
}

fn code(stand: &Stand, member: Option<&str>) -> String {
    let command = Command::LoginCode { member: member.map(str::to_owned), remove_password: false };
    match stand.perform(command) {
        Ok(Reply::Code { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

/// A member with a password, signed in.
fn member<'stand>(stand: &'stand Stand, admin: &mut Browser<'_>, name: &str) -> Browser<'stand> {
    let added = admin.api("POST", "members", &json!({"name": name, "roles": {"shop": "reader"}}));
    assert_eq!(added.0, 201, "{}", added.1);
    let mut browser = Browser::of(stand, Some(name));
    assert_eq!(browser.api("PUT", "me/password", &json!({"new_password": PASSWORD})).0, 204);
    browser
}

fn retry_after(answer: &Answer) -> Option<u64> {
    answer.header("retry-after")?.parse().ok()
}

#[test]
fn wrong_passwords_shut_the_name_out_for_a_while_and_nobody_else() {
    let stand = Stand::new(BEGIN);
    let mut admin = Browser::of(&stand, None);
    drop((member(&stand, &mut admin, "ann"), member(&stand, &mut admin, "bob")));
    let mut browser = Browser::new(&stand);
    for name in ["ann", "Ann", " ANN", "ann", "ann"] {
        let answer = browser.try_password(name, "wrong password");
        assert!(answer.status == 403 && answer.body.contains("Name or password is wrong"), "{}", answer.body);
    }
    let shut_out = browser.try_password("ann", PASSWORD);
    assert_eq!((shut_out.status, retry_after(&shut_out)), (429, Some(60)), "also with the right one");
    assert!(shut_out.body.contains("Try again in 60 seconds"), "{}", shut_out.body);
    assert_eq!(browser.try_password("bob", PASSWORD).status, 303);
    assert_eq!(Browser::of(&stand, Some("ann")).status(), 200, "a one-time link is another way in");

    stand.pass_time(Duration::from_secs(59));
    assert_eq!(retry_after(&browser.try_password("ann", PASSWORD)), Some(1));
    stand.pass_time(Duration::from_secs(1));
    for _ in 0..3 {
        assert_eq!(browser.try_password("ann", PASSWORD).status, 303, "a good one is not used up");
    }
    assert_eq!(browser.try_password("ann", "wrong again").status, 403);
    assert_eq!(browser.try_password("ann", PASSWORD).status, 429);

    // A name that nobody has is treated like one that somebody has.
    let nobody: Vec<u16> = (0..6).map(|_| browser.try_password("nobody", PASSWORD).status).collect();
    assert_eq!(nobody, [403, 403, 403, 403, 403, 429]);
    let log = admin.get("audit?limit=1000");
    let failed = log["items"].as_array().unwrap().iter().filter(|row| row["action"] == "sign_in.failed");
    assert_eq!(failed.clone().count(), 11, "{log}");
    assert!(failed.clone().all(|row| row["address"] == "127.0.0.1"));
    assert_eq!(failed.filter(|row| row["actor"] == "ann").count(), 6);
    stand.stop();
}

#[test]
fn tries_at_the_same_time_are_no_more_than_one_after_the_other() {
    let stand = Stand::new(BEGIN);
    let mut admin = Browser::of(&stand, None);
    drop(member(&stand, &mut admin, "ann"));
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let tries = (0..12).map(|_| scope.spawn(|| Browser::new(&stand).try_password("ann", "wrong").status));
        let tries: Vec<_> = tries.collect();
        tries.into_iter().map(|answer| answer.join().expect("an answer")).collect()
    });
    assert_eq!(answers.iter().filter(|status| **status == 403).count(), 5, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 429).count(), 7, "{answers:?}");
    stand.stop();
}

#[test]
fn one_address_may_not_try_every_name() {
    let stand = Stand::new(BEGIN);
    let mut admin = Browser::of(&stand, None);
    let mut browser = Browser::new(&stand);
    for number in 0..20 {
        assert_eq!(browser.try_password(&format!("name{number}"), PASSWORD).status, 403);
    }
    let shut_out = browser.try_password("name20", PASSWORD);
    assert_eq!((shut_out.status, retry_after(&shut_out)), (429, Some(10)));
    assert_eq!(retry_after(&browser.sign_in("code=wrong")), Some(10));
    stand.pass_time(Duration::from_secs(10));
    assert_eq!(browser.sign_in("code=wrong").status, 403);
    assert_eq!(admin.status(), 200, "who is signed in stays so");
    stand.upkeep();
    assert_eq!(admin.get("status")["dropped"]["rate_limited"], 2);
    stand.stop();
}

#[test]
fn a_new_password_signs_other_browsers_out_and_needs_the_old_one() {
    let stand = Stand::new(BEGIN);
    let mut admin = Browser::of(&stand, None);
    let mut first = member(&stand, &mut admin, "ann");
    let mut second = Browser::new(&stand);
    assert_eq!(second.try_password("ann", PASSWORD).status, 303);
    let waiting = code(&stand, Some("ann"));
    for (body, expected) in [
        (json!({"new_password": "short"}), 400),
        (json!({"new_password": "long enough for all"}), 403),
        (json!({"old_password": "wrong", "new_password": "long enough for all"}), 403),
        (json!({"old_password": PASSWORD, "new": "long enough for all"}), 400),
    ] {
        let (status, said) = first.api("PUT", "me/password", &body);
        assert_eq!(status, expected, "{body}: {said}");
    }
    assert_eq!((first.status(), second.status()), (200, 200));

    let before = first.cookie.clone();
    let change = json!({"old_password": PASSWORD, "new_password": "long enough for all"});
    assert_eq!(first.api("PUT", "me/password", &change).0, 204);
    assert_ne!(first.cookie, before);
    assert_eq!((first.status(), second.status()), (200, 401));
    let mut old = Browser { stand: &stand, cookie: before };
    assert_eq!(old.status(), 401, "the old cookie is no way in");
    assert_eq!(old.sign_in(&format!("code={waiting}")).status, 403, "nor a link that waited");
    assert_eq!(second.try_password("ann", PASSWORD).status, 403);
    assert_eq!(second.try_password("ann", "long enough for all").status, 303);

    // Forgotten: an admin takes it away and makes a link.
    let (status, reset) =
        admin.api("PATCH", "members/ann", &json!({"remove_password": true, "new_link": true}));
    assert_eq!((status, &reset["member"]["has_password"]), (200, &json!(false)), "{reset}");
    assert_eq!((first.status(), second.status()), (401, 401));
    assert_eq!(first.try_password("ann", "long enough for all").status, 403);
    let link = reset["link"]["path"].as_str().unwrap();
    assert_eq!(first.sign_in(link.split_once('?').unwrap().1).status, 303);
    assert_eq!(first.api("PUT", "me/password", &json!({"new_password": PASSWORD})).0, 204);
    stand.stop();
}

#[test]
fn browsers_are_listed_and_signed_out_one_by_one() {
    let stand = Stand::new(BEGIN);
    let mut admin = Browser::of(&stand, None);
    let mut first = member(&stand, &mut admin, "ann");
    stand.pass_time(Duration::from_mins(5));
    let mut second = Browser::of(&stand, Some("ann"));
    let mut third = Browser::of(&stand, Some("ann"));
    let listed = second.get("me/sessions");
    let items = listed["items"].as_array().unwrap();
    let current: Vec<&Value> = items.iter().filter(|one| one["is_current"] == true).collect();
    assert_eq!((items.len(), current.len()), (3, 1), "{listed}");
    assert_eq!(current[0]["user_agent"], "a browser of the test");
    assert_eq!(current[0]["address"], "127.0.0.1");
    let oldest = items.iter().min_by_key(|one| one["created_at"].as_str()).unwrap();
    assert_eq!(oldest["created_at"], BEGIN.to_string());

    let path = format!("me/sessions/{}", oldest["id"].as_str().unwrap());
    assert_eq!(admin.api("DELETE", &path, &Value::Null).0, 204, "nothing happens: it is not theirs");
    assert_eq!(first.status(), 200);
    for _ in 0..2 {
        assert_eq!(second.api("DELETE", &path, &Value::Null).0, 204, "again does no harm");
    }
    assert_eq!((first.status(), second.status(), third.status()), (401, 200, 200));
    assert_eq!(second.api("DELETE", "me/sessions", &Value::Null).0, 204);
    assert_eq!((second.status(), third.status()), (200, 401));

    // Signing in again ends what the browser had.
    let before = second.cookie.clone();
    assert_eq!(second.try_password("ann", PASSWORD).status, 303);
    assert_eq!(Browser { stand: &stand, cookie: before }.status(), 401);
    assert_eq!(admin.api("DELETE", "members/ann", &Value::Null).0, 204);
    assert_eq!(second.status(), 401);
    stand.pass_time(Duration::from_hours(720));
    assert_eq!(admin.status(), 401, "thirty days are over");
    stand.stop();
}

#[test]
fn a_token_holds_until_its_end_and_says_when_it_was_used() {
    let stand = Stand::new(BEGIN);
    let mut admin = Browser::of(&stand, None);
    let wanted = json!({"scope": "read", "name": "reports", "expires_in_seconds": 3600});
    let (status, made) = admin.api("POST", "projects/shop/tokens", &wanted);
    assert_eq!(status, 201, "{made}");
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("kymo_read_"), "{secret}");
    assert_eq!(admin.api("POST", "projects/shop/tokens", &wanted).0, 409, "a name is there once");
    let listed = |admin: &mut Browser<'_>| {
        let list = admin.get("projects/shop/tokens");
        assert!(!list.to_string().contains(secret), "shown once");
        list["items"].as_array().unwrap().iter().find(|token| token["name"] == "reports").cloned()
    };
    let token = listed(&mut admin).unwrap();
    assert_eq!((&token["created_by"], &token["last_used_at"]), (&json!("admin"), &Value::Null), "{token}");
    assert_eq!(token["expires_at"], BEGIN.plus(Duration::from_hours(1)).to_string());

    let authorization = format!("Bearer {secret}");
    let ask = || stand.send("GET", "/api/v1/me", &[("authorization", &authorization)], None).unwrap().status;
    // The first whole minute after the beginning, and something.
    stand.pass_time(Duration::from_mins(10));
    assert_eq!(ask(), 200);
    assert_eq!(listed(&mut admin).unwrap()["last_used_at"], Value::Null, "nothing is written on the way");
    stand.upkeep();
    let minute = |text: &Value| text.as_str().is_some_and(|text| text.ends_with(":00Z"));
    let used = listed(&mut admin).unwrap()["last_used_at"].clone();
    assert!(minute(&used), "{used}");
    stand.pass_time(Duration::from_mins(3));
    assert_eq!(ask(), 200);
    stand.upkeep();
    let later = listed(&mut admin).unwrap()["last_used_at"].clone();
    assert!(minute(&later) && later.as_str() > used.as_str(), "{used} {later}");

    stand.pass_time(Duration::from_mins(47) - Duration::from_nanos(1));
    assert_eq!(ask(), 200);
    stand.pass_time(Duration::from_nanos(1));
    assert_eq!(ask(), 401);
    assert_eq!(listed(&mut admin).unwrap()["has_expired"], true);
    let path = format!("projects/shop/tokens/{}", token["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(admin.api("DELETE", &path, &Value::Null).0, 204, "again does no harm");
    }
    assert_eq!(listed(&mut admin), None);
    assert_eq!(admin.api("DELETE", &path.replace("shop", "farm"), &Value::Null).0, 404);
    stand.stop();
}

#[test]
fn a_stream_of_changes_ends_with_its_token() {
    let stand = Stand::new(BEGIN);
    let mut admin = Browser::of(&stand, None);
    let wanted = json!({"scope": "read", "expires_in_seconds": 60});
    let (_, made) = admin.api("POST", "projects/shop/tokens", &wanted);
    let bearer = format!("Bearer {}", made["secret"].as_str().unwrap());
    let stream = ureq::get(format!("{}/api/v1/changes", stand.url())).header("authorization", bearer);
    let mut stream = stream.call().expect("an answer").into_body();
    stand.pass_time(Duration::from_mins(1));
    assert_eq!(stream.read_to_string().expect("an end"), "");
    stand.stop();
}

/// Opens the WebSocket with these headers; the status of a refusal.
fn open_stream(stand: &Stand, headers: &[(&str, &str)]) -> Result<Socket, u16> {
    let mut request =
        format!("{}/api/v1/stream", stand.url().replace("http", "ws")).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    match connect(request) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

type Socket = tungstenite::WebSocket<tungstenite::stream::MaybeTlsStream<std::net::TcpStream>>;

/// The next message that is no ping.
fn next(socket: &mut Socket) -> Message {
    loop {
        match socket.read().expect("a message") {
            Message::Ping(_) => {}
            message => return message,
        }
    }
}

#[test]
fn a_socket_tells_what_changes_until_its_caller_may_not_read() {
    let stand = Stand::new(BEGIN);
    let mut admin = Browser::of(&stand, None);
    let wanted = json!({"scope": "read", "expires_in_seconds": 60});
    let (_, made) = admin.api("POST", "projects/shop/tokens", &wanted);
    let bearer = format!("Bearer {}", made["secret"].as_str().unwrap());
    let (mut of_token, cookie) =
        (open_stream(&stand, &[("authorization", &bearer)]).unwrap(), stand.sign_in());
    let own = stand.url().to_owned();
    let mut of_page = open_stream(&stand, &[("cookie", &cookie), ("origin", &own)]).unwrap();
    for origin in ["https://evil.example", "null"] {
        assert_eq!(
            open_stream(&stand, &[("cookie", &cookie), ("origin", origin)]).err(),
            Some(403),
            "{origin}"
        );
    }
    assert_eq!(open_stream(&stand, &[("cookie", &cookie)]).err(), Some(403), "no page says so");
    assert_eq!(open_stream(&stand, &[]).err(), Some(401));
    let plain = stand.get("/api/v1/stream", "read");
    assert!(plain.status == 400 && plain.body.contains("expected a WebSocket handshake"), "{}", plain.body);

    let token = format!("Bearer {}", stand.token("ingest"));
    let headers = [("authorization", token.as_str())];
    let body = br#"[{"message": "m", "data": {"@user": {"identity": "ann"}}}]"#.to_vec();
    assert_eq!(stand.send("POST", "/api/v2/events", &headers, Some(body)).unwrap().status, 202);
    for socket in [&mut of_token, &mut of_page] {
        let Message::Text(text) = next(socket) else { panic!("no text") };
        let told: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&told["type"], &told["projects"]), (&json!("changed"), &json!(["shop"])), "{told}");
        assert_eq!(told["sessions"].as_array().map(Vec::len), Some(1), "{told}");
    }
    of_page.send(Message::Text("a page of a later version".into())).unwrap();
    stand.pass_time(Duration::from_mins(1));
    let Message::Close(Some(end)) = next(&mut of_token) else { panic!("it goes on") };
    assert_eq!(u16::from(end.code), 4401);
    stand.stop();
    let Message::Close(Some(end)) = next(&mut of_page) else { panic!("it goes on") };
    assert_eq!(u16::from(end.code), 1001);
}

#[test]
fn public_tokens_and_wrong_ones_are_limited_in_ways_that_clients_survive() {
    let few = |burst| Allowance { burst, every: Duration::from_secs(30) };
    let limits = AccessLimits {
        browser_requests: few(2),
        bad_tokens_per_address: few(3),
        trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
        ..AccessLimits::default()
    };
    let stand = Stand::with_access(BEGIN, limits);
    let send = |address: &str, path: &str, token: &str| {
        let authorization = format!("Bearer {token}");
        let headers =
            [("authorization", authorization.as_str()), ("origin", ORIGIN), ("x-forwarded-for", address)];
        stand
            .send("POST", path, &headers, Some(b"[]".to_vec()))
            .map(|answer| (answer.status, retry_after(&answer)))
    };
    let (events, browser) = ("/api/v2/events", stand.token("browser"));
    let visits = |address| (0..3).map(|_| send(address, events, browser).unwrap()).collect::<Vec<_>>();
    let expected = [(202, None), (202, None), (503, Some(30))];
    assert_eq!(visits("192.0.2.1"), expected);
    assert_eq!(visits("192.0.2.2"), expected, "another address is not made to wait");
    assert_eq!(send("192.0.2.1", events, stand.token("ingest")), Ok((202, None)), "nor another token");
    assert!(
        send("192.0.2.1", "/loupe/log", browser).is_err(),
        "this agent keeps its messages without answer only"
    );
    stand.pass_time(Duration::from_secs(30));
    assert_eq!(send("192.0.2.1", "/loupe/log", browser), Ok((204, None)));

    let wrong: Vec<_> = (0..4).map(|_| send("192.0.2.3", events, "nobodysnobodys").unwrap()).collect();
    assert_eq!(wrong, [(401, None), (401, None), (401, None), (503, Some(30))]);
    let ask = |token: &str| {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("x-forwarded-for", "192.0.2.3")];
        let answer = stand.send("GET", "/api/v1/me", &headers, None).unwrap();
        (answer.status, retry_after(&answer))
    };
    assert_eq!(ask("nobodysnobodys"), (429, Some(30)));
    assert_eq!(ask(stand.token("read")), (200, None), "a token that holds is let in");
    assert_eq!(send("192.0.2.3", events, stand.token("ingest")), Ok((202, None)));

    stand.upkeep();
    let status = Browser::of(&stand, None).get("status");
    // Three posts of pages, one with a wrong token, one call of the API.
    assert_eq!(status["dropped"]["rate_limited"], 5, "{status}");
    stand.stop();
}

#[test]
fn what_is_changed_is_in_the_audit_log_of_who_may_know() {
    let stand = Stand::new(BEGIN);
    let mut admin = Browser::of(&stand, None);
    let mut ann = member(&stand, &mut admin, "ann");
    assert_eq!(admin.api("PUT", "projects/shop/members/ann", &json!({"role": "admin"})).0, 204);
    assert_eq!(admin.api("PUT", "projects/shop/members/ann", &json!({"role": "admin"})).0, 204);
    assert_eq!(ann.api("POST", "projects/shop/tokens", &json!({"scope": "browser"})).0, 201);
    assert_eq!(
        ann.api("PATCH", "projects/shop", &json!({"name": "Shop", "sessions": {"idle_after_seconds": 60}})).0,
        200
    );
    assert_eq!(admin.api("POST", "projects", &json!({"name": "Farm two"})).0, 201);
    assert_eq!(admin.api("POST", "projects", &json!({"name": "Farm two"})).0, 409);
    assert_eq!(admin.api("DELETE", "members/admin", &Value::Null).0, 409, "the last one");
    assert_eq!(admin.api("PATCH", "members/admin", &json!({"is_admin": false})).0, 409);

    let rows = |log: &Value| -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let items = log["items"].as_array().unwrap().iter();
        let row =
            |row: &Value| ["actor", "action", "project", "target"].map(|name| text(&row[name])).join(" ");
        items.map(row).collect()
    };
    // Newest first; the label of a token is not known beforehand.
    let expected = [
        "ann project.change shop name, sessions.idle_after_seconds",
        "ann token.add shop browser kymo_browser",
        "admin role.set shop ann admin",
        "admin role.set shop ann reader",
    ];
    let own = rows(&ann.get("audit"));
    assert!(own.iter().zip(expected).all(|(found, expected)| found.starts_with(expected)), "{own:#?}");
    assert!(own.iter().all(|row| row.contains(" shop ")), "{own:#?}");
    let all = rows(&admin.get("audit?limit=1000"));
    for expected in [
        "admin project.add farm-two farm-two",
        "ann password.set - ann",
        "ann sign_in - -",
        "admin member.add - ann",
        "command line link.make - admin",
        "admin sign_in - -",
    ] {
        assert!(all.iter().any(|row| row == expected), "{expected}: {all:#?}");
    }
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = admin.get(&format!("audit?limit=3&cursor={cursor}"));
        paged.extend(rows(&page));
        let Some(next) = page["next_cursor"].as_str() else { break };
        next.clone_into(&mut cursor);
    }
    assert_eq!(paged, all);
    stand.stop();
}
