//! Every route of the server, asked by every kind of caller, for a project of its own and for a foreign one: one
//! table, in which a route without a row fails as well.

mod callers;
mod elsewhere;
mod rows;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use kymo_server::Route;
use kymo_testkit::Kymo;
use serde_json::{Value, json};

use self::callers::{Caller, Credential, Site};
use self::rows::{Needs, ROWS, Row};
use crate::KYMO;

/// The project that callers have a role in, and the one they have none in; each has a session of that name.
const OWN: &str = "shop";
const FOREIGN: &str = "farm";
/// The origin whose pages may use the `browser` token.
const ORIGIN: &str = "https://shop.example";
/// The password of every member.
const PASSWORD: &str = "correct horse battery";

/// What an answer says about whether the caller may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    NotSignedIn,
    Forbidden,
    NotFound,
    Other(u16),
}

impl Outcome {
    fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Done,
            401 => Self::NotSignedIn,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            other => Self::Other(other),
        }
    }
}

/// The server under test, and somebody who sets the table again after each guest.
struct Stand {
    kymo: Kymo,
    client: ureq::Agent,
    /// The cookie of an admin of the server who does nothing else.
    butler: String,
    /// Requests so far: each comes from an address of its own, so that no limit is in the way.
    count: AtomicU32,
}

impl Stand {
    fn new() -> Self {
        let mut kymo = Kymo::new(KYMO);
        for project in [OWN, FOREIGN] {
            kymo.command(&["project", "add", project, "--id", project, "--origin", ORIGIN]);
        }
        kymo.command(&["member", "add", "butler", "--admin"]);
        kymo.start_as(&["--listen", "127.0.0.1:0", "--trusted-proxy", "127.0.0.1"], &[]);
        let client = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            // A connection is closed after a body that nobody read.
            .max_idle_connections(0)
            .build()
            .into();
        let mut stand = Self { kymo, client, butler: String::new(), count: AtomicU32::new(0) };
        for project in [OWN, FOREIGN] {
            let token = stand.kymo.command(&["token", "add", "--project", project, "--scope", "ingest"]);
            let event = json!([{"message": "secret", "type": "session", "reference_id": format!("{project}-session"),
                "data": {"@user": {"identity": "ann"}}}]);
            assert_eq!(kymo_testkit::kymo::post(stand.kymo.url(), &token, &event.to_string()), Ok(202));
        }
        let link = stand.kymo.command(&["login", "--member", "butler"]);
        stand.butler = stand.sign_in(&format!("code={}", link.rsplit('=').next().unwrap()));
        stand
    }

    /// Status, cookie that is set, body.
    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, Option<String>, String) {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let [_, high, middle, low] = number.to_be_bytes();
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.kymo.url()))
            .header("x-forwarded-for", format!("10.{high}.{middle}.{low}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match body {
            "" => self.client.run(request.body(()).unwrap()),
            body => self
                .client
                .run(request.header("content-type", "application/json").body(body.to_owned()).unwrap()),
        };
        let mut answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let cookie = answer.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
        // A stream of changes has no end.
        let is_stream = path.ends_with("/changes");
        let text =
            if is_stream { String::new() } else { answer.body_mut().read_to_string().unwrap_or_default() };
        (answer.status().as_u16(), cookie, text)
    }

    /// Signs in; the cookie as a request has it.
    fn sign_in(&self, form: &str) -> String {
        let (status, cookie, text) = self.send("POST", "/login", &[("sec-fetch-site", "same-origin")], form);
        assert_eq!(status, 303, "{form}: {text}");
        cookie.expect("a cookie")
    }

    fn sign_in_as(&self, member: &str) -> String {
        self.sign_in(&format!("name={member}&password={}", PASSWORD.replace(' ', "+")))
    }

    /// As the butler; the answer has to be JSON if there is one.
    fn serve(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let headers = [("cookie", self.butler.as_str()), ("sec-fetch-site", "same-origin")];
        let (status, _, text) = self.send(method, path, &headers, &body.to_string());
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// The path with names in place of the braces.
    fn path(&self, row: &Row, caller: &Caller, project: &str) -> String {
        let mut path = row.path.replace("/projects/{id}", &format!("/projects/{project}"));
        if path.contains("/members/{name}") {
            // Removed by whoever may; 409 if still there.
            let (status, _) = self.serve("POST", "/api/v1/members", &json!({"name": "guest"}));
            assert!([201, 409].contains(&status), "{status}");
        }
        if path.contains("/tokens/{token}") {
            let made =
                self.serve("POST", &format!("/api/v1/projects/{project}/tokens"), &json!({"scope": "read"}));
            path = path.replace("{token}", made.1["token"]["id"].as_str().expect("an id"));
        }
        if path == "/api/v1/events/{id}" {
            let (_, events) =
                self.serve("GET", &format!("/api/v1/sessions/{project}-session/events"), &json!(null));
            path = path.replace("{id}", events["items"][0]["id"].as_str().expect("an id"));
        }
        let session = format!("/sessions/{project}-session");
        let token = match &caller.credential {
            Credential::Token(secret) => secret.as_str(),
            Credential::Nothing | Credential::Cookie { .. } => "nobodysnobodys",
        };
        path.replace("/sessions/{id}", &session)
            // A view of each caller's own.
            .replace(
                "/views/{id}",
                &format!("/views/00000000-0000-8000-8000-{:012x}", number_of(&caller.name)),
            )
            .replace("{key}", "ann")
            .replace("/events/{event}", &format!("/events/{project}-session"))
            .replace("{session}", "0")
            .replace("{fragment}", "1")
            .replace("{name}", "guest")
            .replace("{project}", project)
            .replace("{type}", "log")
            .replace("{reference}", "reference-1")
            .replace("/in/{token}", &format!("/in/{token}"))
            + &row.query.replace("{project}", project)
    }

    fn ask(&self, row: &Row, caller: &Caller, project: &str) -> Outcome {
        let path = self.path(row, caller, project);
        let mut headers = Vec::new();
        let authorization;
        match &caller.credential {
            Credential::Nothing => {}
            Credential::Token(_) if path.starts_with("/in/") => {}
            Credential::Token(secret) => {
                authorization = format!("Bearer {secret}");
                headers.push(("authorization", authorization.as_str()));
            }
            Credential::Cookie { cookie, .. } => headers.push(("cookie", cookie.as_str())),
        }
        headers.extend(caller.beside.as_deref().map(|cookie| ("cookie", cookie)));
        match caller.site {
            Site::Silent => {}
            Site::Same => headers.push(("sec-fetch-site", "same-origin")),
            Site::Cross => {
                headers.extend([("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")]);
            }
            Site::Listed => headers.push(("origin", ORIGIN)),
        }
        let number = self.count.load(Ordering::Relaxed).to_string();
        let body = row.body.replace("{number}", &number).replace("{password}", PASSWORD);
        match self.send(row.method, &path, &headers, &body) {
            // Let in, and then told that this is no handshake.
            (400, _, text) if text.contains("expected a WebSocket handshake") => Outcome::Done,
            // Let in, and then told that it sent no file, or that there is none.
            (400 | 415 | 422, ..) if row.needs == Needs::Uploading => Outcome::Done,
            // That it is no program's session, or no file of one.
            (422, ..) if row.path.ends_with("/request") || row.path.ends_with("/import") => Outcome::Done,
            (404, _, text) if text.contains("no file came for this session") => Outcome::Done,
            (404, _, text) if text.contains("the session has no series") => Outcome::Done,
            (404, _, text) if text.contains("does not run now, or not where") => Outcome::Done,
            (status, ..) => Outcome::of(status),
        }
    }
}

/// A number for a name, different for those of the table.
fn number_of(name: &str) -> u64 {
    name.bytes().fold(0, |number, byte| (number * 31 + u64::from(byte)) & 0xffff_ffff_ffff)
}

/// What has to come of it.
fn expected(row: &Row, caller: &Caller, project: &str) -> Outcome {
    let names_project = row.path.contains("{project}") && project == FOREIGN;
    match row.needs {
        Needs::Nothing => return Outcome::Done,
        Needs::SameOrigin if caller.site == Site::Same => return Outcome::Done,
        Needs::GoodForm | Needs::SameOrigin => return Outcome::Forbidden,
        Needs::Sending => {
            return match caller.scope {
                None => Outcome::NotSignedIn,
                Some(_) if names_project => Outcome::NotFound,
                Some("ingest" | "admin") => Outcome::Done,
                Some("browser") if caller.site == Site::Listed => Outcome::Done,
                Some(_) if row.path.ends_with("/loupe/log") => Outcome::NotSignedIn,
                Some(_) => Outcome::Forbidden,
            };
        }
        Needs::Uploading => {
            return match caller.scope {
                None => Outcome::NotSignedIn,
                Some("ingest" | "admin") => Outcome::Done,
                Some(_) => Outcome::Forbidden,
            };
        }
        Needs::ReadingOrUploading if caller.scope == Some("ingest") => return Outcome::Done,
        Needs::TokenReading => {
            return match caller.scope {
                None => Outcome::NotSignedIn,
                Some("ingest" | "browser") => Outcome::Forbidden,
                Some(_) if project == FOREIGN && row.path.contains("{event}") => Outcome::NotFound,
                Some(_) if names_project => Outcome::NotFound,
                Some(_) => Outcome::Done,
            };
        }
        _ => {}
    }
    if caller.scope.is_none() && caller.member().is_none() {
        return Outcome::NotSignedIn;
    }
    let is_sender = matches!(caller.scope, Some("ingest" | "browser"));
    // A WebSocket would be open to any page that may send the cookie.
    let is_write = row.method != "GET" || row.path.ends_with("/stream");
    let is_forged = caller.member().is_some() && is_write && caller.site != Site::Same;
    if is_sender || is_forged {
        return Outcome::Forbidden;
    }
    let done_if = |may: bool| if may { Outcome::Done } else { Outcome::Forbidden };
    match row.needs {
        Needs::Person => done_if(caller.member().is_some()),
        Needs::ServerAdmin => done_if(caller.is_server_admin()),
        Needs::AdminSomewhere => done_if(caller.rank() >= Some(2)),
        Needs::Rank(least) => match caller.rank() {
            _ if project == FOREIGN && !caller.is_server_admin() => Outcome::NotFound,
            rank => done_if(rank >= Some(least)),
        },
        _ => Outcome::Done,
    }
}

#[test]
fn every_route_has_a_row() {
    let routes: Vec<Route> = kymo_server::routes();
    let routes: BTreeSet<(&str, &str)> =
        routes.iter().map(|route| (route.method, route.path.as_ref())).collect();
    let rows: BTreeSet<(&str, &str)> = ROWS.iter().map(|row| (row.method, row.path)).collect();
    assert_eq!(rows.len(), ROWS.len(), "a row stands there twice");
    let missing: Vec<_> = routes.difference(&rows).collect();
    let gone: Vec<_> = rows.difference(&routes).collect();
    assert!(missing.is_empty(), "who may use these? say so in rows.rs: {missing:?}");
    assert!(gone.is_empty(), "there are no such routes: {gone:?}");
}

#[test]
fn every_route_lets_in_whom_it_should_and_nobody_else() {
    let stand = Stand::new();
    let mut callers = callers::all(&stand);
    let mut wrong = Vec::new();
    let mut cells = 0;
    for row in ROWS.iter().filter(|row| !row.path.ends_with("/loupe/log")) {
        for caller in &mut callers {
            for project in [OWN, FOREIGN] {
                cells += 1;
                let (found, wanted) = (stand.ask(row, caller, project), expected(row, caller, project));
                if found != wanted {
                    wrong.push(format!(
                        "{} {} as {} in {project}: expected {wanted:?}, found {found:?}",
                        row.method, row.path, caller.name
                    ));
                }
                if row.ends_session {
                    caller.sign_in_again(&stand);
                }
            }
        }
    }
    wrong.extend(loupe(&stand, &callers, &mut cells));
    println!("{cells} cells");
    assert!(wrong.is_empty(), "{} of {cells} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Posts of pages that are refused are held for seconds: all at once, then.
fn loupe(stand: &Stand, callers: &[Caller], cells: &mut usize) -> Vec<String> {
    let rows: Vec<&Row> = ROWS.iter().filter(|row| row.path.ends_with("/loupe/log")).collect();
    let asked: Vec<(&Row, &Caller)> =
        rows.iter().flat_map(|row| callers.iter().map(move |caller| (*row, caller))).collect();
    *cells += asked.len();
    std::thread::scope(|scope| {
        let asking = asked.iter().map(|(row, caller)| scope.spawn(move || stand.ask(row, caller, OWN)));
        let asking: Vec<_> = asking.collect();
        let answers = asking.into_iter().map(|answer| answer.join().expect("an answer"));
        let wrong = answers.zip(&asked).filter_map(|(found, (row, caller))| {
            let wanted = expected(row, caller, OWN);
            (found != wanted).then(|| {
                format!(
                    "{} {} as {}: expected {wanted:?}, found {found:?}",
                    row.method, row.path, caller.name
                )
            })
        });
        wrong.collect()
    })
}
