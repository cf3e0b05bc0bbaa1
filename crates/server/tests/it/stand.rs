//! A server in this process: a temporary folder, a free port, a clock that the test moves, two
//! projects, and a plain HTTP client.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use kymo_model::Timestamp;
use kymo_server::{AccessLimits, Command, Options, Reply, Server, perform};
use kymo_store::{Clock, Folder, Store, SystemClock};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// An answer of the server takes milliseconds; one that takes longer never comes.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// Id of the project that everything is sent to, unless a test says otherwise.
pub(crate) const PROJECT: &str = "shop";
/// Id of the other project.
pub(crate) const OTHER_PROJECT: &str = "farm";
/// The page that may use the `browser` token.
pub(crate) const ORIGIN: &str = "http://shop.example";

/// A clock that stands still until it is moved.
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.0.load(Ordering::SeqCst))
    }
}

/// A running server.
pub(crate) struct Stand {
    runtime: Runtime,
    clock: Arc<HandClock>,
    store: Arc<Store>,
    url: String,
    tokens: BTreeMap<&'static str, String>,
    client: ureq::Agent,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    /// Removed when the server is gone.
    _folder: TempDir,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, text)| text.as_str())
    }
}

impl Stand {
    /// A server whose clock shows `now`, with two projects: tokens `ingest`, `browser`, `read` and
    /// `admin` of the one, `other` (ingest) and `other-read` of the other.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self::with_access(now, AccessLimits::default())
    }

    /// The same with other limits.
    pub(crate) fn with_access(now: Timestamp, access: AccessLimits) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let folder = tempfile::Builder::new().prefix("kymo-").tempdir().expect("a temporary folder");
        let clock = Arc::new(HandClock(AtomicI64::new(now.as_unix_nanos())));
        let (store, server, tokens) = runtime.block_on(async {
            let data = Folder::open(&folder.path().join("data")).expect("a new folder");
            let store = Store::open(data, Arc::clone(&clock) as Arc<dyn Clock>).await.expect("it opens");
            let tokens = projects_and_tokens(&store).await;
            let listen = SocketAddr::from(([127, 0, 0, 1], 0));
            let options = Options { listen, access, ..Options::default() };
            let server = Server::bind(Arc::clone(&store), options).await.expect("a free port");
            (store, server, tokens)
        });
        let url = server.url().to_owned();
        let (stop, stopped) = oneshot::channel();
        let served = runtime.spawn(async move {
            server.run(async { drop(stopped.await) }).await.expect("it serves");
        });
        let client = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .timeout_global(Some(ANSWER_WITHIN))
            .build()
            .into();
        Self { runtime, clock, store, url, tokens, client, stop, served, _folder: folder }
    }

    /// Moves the clock.
    pub(crate) fn pass_time(&self, span: Duration) {
        self.clock.0.fetch_add(span.as_nanos() as i64, Ordering::SeqCst);
    }

    /// Ends what is idle by the clock.
    pub(crate) fn upkeep(&self) {
        self.runtime.block_on(self.store.upkeep()).expect("the upkeep");
    }

    /// Writes what is in the tail into segments.
    pub(crate) fn flush(&self) {
        self.runtime.block_on(self.store.flush()).expect("the flush");
    }

    /// What the command line does, beside the running server; tokens and projects that are made so are not
    /// known to it.
    pub(crate) fn perform(&self, command: Command) -> Result<Reply, String> {
        self.runtime.block_on(perform(&self.store, command))
    }

    /// The secret of a token by its name.
    pub(crate) fn token(&self, name: &str) -> &str {
        self.tokens.get(name).unwrap_or_else(|| panic!("there is no token {name:?}"))
    }

    /// Where the server is reached.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Sends a request as it is and reads the whole answer.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer, String> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let wrong = |error: &dyn std::fmt::Display| format!("{method} {path}: {error}");
        let answer = match body {
            Some(body) => self.client.run(request.body(body).map_err(|error| wrong(&error))?),
            None => self.client.run(request.body(()).map_err(|error| wrong(&error))?),
        };
        let mut answer = answer.map_err(|error| wrong(&error))?;
        let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Ok(Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: answer.body_mut().read_to_string().map_err(|error| wrong(&error))?,
        })
    }

    /// Asks with a token by its name, or `""` for none.
    pub(crate) fn get(&self, path: &str, token: &str) -> Answer {
        let bearer = if token.is_empty() { String::new() } else { format!("Bearer {}", self.token(token)) };
        let headers = [("authorization", bearer.as_str())];
        let headers = if token.is_empty() { &headers[..0] } else { &headers[..] };
        self.send("GET", path, headers, None).expect("an answer")
    }

    /// Signs the first member in; the cookie as a header.
    pub(crate) fn sign_in(&self) -> String {
        let reply = self
            .runtime
            .block_on(perform(&self.store, Command::LoginCode { member: None, remove_password: false }))
            .expect("a code");
        let Reply::Code { code, .. } = reply else { panic!("no code") };
        let same_origin = [("sec-fetch-site", "same-origin")];
        let form = format!("code={code}").into_bytes();
        let answer = self.send("POST", "/login", &same_origin, Some(form)).expect("an answer");
        let cookie = answer.header("set-cookie").expect("a cookie");
        cookie.split(';').next().expect("its value").to_owned()
    }

    /// Stops the server and waits until it has closed its folder.
    pub(crate) fn stop(self) {
        drop(self.client);
        self.stop.send(()).expect("the server runs");
        self.runtime.block_on(self.served).expect("it did not panic");
    }
}

async fn projects_and_tokens(store: &Store) -> BTreeMap<&'static str, String> {
    for (id, origins) in [(PROJECT, vec![ORIGIN.to_owned()]), (OTHER_PROJECT, Vec::new())] {
        let command = Command::ProjectAdd { name: id.to_owned(), id: Some(id.to_owned()), origins };
        perform(store, command).await.expect("a project");
    }
    let mut tokens = BTreeMap::new();
    for (name, project, scope) in [
        ("ingest", PROJECT, "ingest"),
        ("browser", PROJECT, "browser"),
        ("read", PROJECT, "read"),
        ("admin", PROJECT, "admin"),
        ("other", OTHER_PROJECT, "ingest"),
        ("other-read", OTHER_PROJECT, "read"),
    ] {
        let command = Command::TokenAdd {
            project: project.to_owned(),
            scope: scope.to_owned(),
            key: None,
            name: None,
            expires_in_seconds: None,
        };
        let Ok(Reply::Lines { mut lines }) = perform(store, command).await else { panic!("no token") };
        tokens.insert(name, lines.pop().expect("a token"));
    }
    tokens
}

#[test]
fn the_clock_is_the_tests_own() {
    let begin = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);
    let stand = Stand::new(begin);
    assert_eq!(stand.store.now(), begin);
    stand.pass_time(Duration::from_hours(1));
    assert_eq!(stand.store.now(), begin.plus(Duration::from_hours(1)));
    assert_ne!(stand.store.now(), SystemClock.now());
    assert_eq!(stand.send("GET", "/livez", &[], None).map(|answer| answer.status), Ok(200));
    stand.stop();
}
