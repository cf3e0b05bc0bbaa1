//! The server as a process, on a folder of its own and a free port.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A server that takes longer to start hangs: the slowest machine needs a tenth.
const START_WITHIN: Duration = Duration::from_mins(1);
/// A condition a test waits for comes true in milliseconds, or never.
const WAIT_AT_MOST: Duration = Duration::from_mins(1);
/// How often such a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The program `kymo` with a data folder. A server that still runs when this is dropped is killed.
pub struct Kymo {
    program: PathBuf,
    folder: TempDir,
    server: Option<Running>,
    /// Made by [`Kymo::with_project`].
    pub ingest_token: String,
    /// Made by [`Kymo::with_project`].
    pub read_token: String,
}

struct Running {
    process: Child,
    url: String,
    sign_in: Option<String>,
}

impl Kymo {
    /// The program at that path, with a new empty folder and no server running yet.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let folder = tempfile::Builder::new().prefix("kymo-").tempdir().expect("a temporary folder");
        Self {
            program: program.into(),
            folder,
            server: None,
            ingest_token: String::new(),
            read_token: String::new(),
        }
    }

    /// The same with a project named `Shop` and its tokens, and the server running.
    pub fn with_project(program: impl Into<PathBuf>) -> Self {
        let mut kymo = Self::new(program);
        kymo.command(&["project", "add", "Shop"]);
        kymo.ingest_token = kymo.command(&["token", "add", "--project", "Shop", "--scope", "ingest"]);
        kymo.read_token = kymo.command(&["token", "add", "--project", "Shop", "--scope", "read"]);
        kymo.start();
        kymo
    }

    /// The same on an address where it can be started again for those who look for it there.
    pub fn on_a_lasting_address(program: impl Into<PathBuf>) -> (Self, String) {
        let mut kymo = Self::with_project(program);
        assert!(kymo.stop().success());
        let address = lasting_address();
        kymo.start_on(&address, &[]);
        (kymo, address)
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where the running server is reached.
    pub fn url(&self) -> &str {
        &self.server.as_ref().expect("the server runs").url
    }

    /// The one-time link the server printed at its first start.
    pub fn sign_in_link(&self) -> &str {
        self.server.as_ref().and_then(|server| server.sign_in.as_deref()).expect("a link was printed")
    }

    /// Process id of the running server.
    pub fn pid(&self) -> u32 {
        self.server.as_ref().expect("the server runs").process.id()
    }

    /// The most memory the running server has had, in bytes (Linux: `VmHWM`).
    pub fn peak_memory_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kib.expect("a line VmHWM") * 1024
    }

    /// Runs `kymo ARGS --data FOLDER` to its end and returns what it printed.
    pub fn command(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "kymo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    /// The same, whatever comes of it.
    pub fn run(&self, args: &[&str]) -> std::process::Output {
        Command::new(&self.program)
            .args(args)
            .arg("--data")
            .arg(self.data())
            .stdin(Stdio::null())
            .output()
            .expect("the program starts")
    }

    /// Starts the server on a free port.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts the server with environment variables.
    pub fn start_with(&mut self, environment: &[(&str, &str)]) {
        self.start_on("127.0.0.1:0", environment);
    }

    /// Starts the server on that address.
    pub fn start_on(&mut self, listen: &str, environment: &[(&str, &str)]) {
        self.start_as(&["--listen", listen], environment);
    }

    /// Starts the server with those arguments of `kymo serve`.
    pub fn start_as(&mut self, args: &[&str], environment: &[(&str, &str)]) {
        assert!(self.server.is_none(), "a server runs already");
        let mut process = Command::new(&self.program)
            .arg("serve")
            .args(args)
            .arg("--data")
            .arg(self.data())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let url = first_line(&lines, &mut process);
        let within = Duration::from_millis(if self.data_is_known() { 0 } else { 2000 });
        let link = |line: String| {
            line.split(' ').next_back().filter(|word| word.contains("/login?")).map(str::to_owned)
        };
        // Other ports may be told of before it.
        let sign_in = std::iter::from_fn(|| lines.recv_timeout(within).ok()).find_map(link);
        std::fs::write(self.folder.path().join("started"), "").expect("a note");
        self.server = Some(Running { process, url, sign_in });
    }

    /// A server was started here before, so that no link is printed.
    fn data_is_known(&self) -> bool {
        self.folder.path().join("started").exists()
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        let mut server = self.server.take().expect("the server runs");
        server.process.kill().expect("ours to kill");
        server.process.wait().expect("ours to wait for");
    }

    /// A polite stop; returns how the server ended.
    pub fn stop(&mut self) -> ExitStatus {
        let mut server = self.server.take().expect("the server runs");
        let sent = Command::new("kill").arg("-TERM").arg(server.process.id().to_string()).status();
        assert!(sent.expect("kill runs").success());
        server.process.wait().expect("ours to wait for")
    }

    /// A server was started and has neither been stopped nor ended by itself.
    pub fn is_alive(&mut self) -> bool {
        let ended = |server: &mut Running| server.process.try_wait().expect("ours to ask").is_some();
        self.server.as_mut().is_some_and(|server| !ended(server))
    }

    /// Waits until the server ends by itself.
    pub fn wait_for_end(&mut self) -> ExitStatus {
        self.server.take().expect("the server runs").process.wait().expect("ours to wait for")
    }

    /// `GET path` with the read token; the answer has to be JSON and a success.
    pub fn get(&self, path: &str) -> Value {
        let mut answer = ureq::get(format!("{}{path}", self.url()))
            .header("authorization", format!("Bearer {}", self.read_token))
            .call()
            .unwrap_or_else(|error| panic!("GET {path}: {error}"));
        serde_json::from_str(&answer.body_mut().read_to_string().expect("text")).expect("JSON")
    }

    /// `kymo sessions --json`: every session, newest start first.
    pub fn sessions(&self) -> Vec<Value> {
        self.lines_of(&["sessions"])
    }

    /// `kymo events SESSION --json`: every event in order.
    pub fn events(&self, session: &Value) -> Vec<Value> {
        self.lines_of(&["events", session["id"].as_str().expect("an id")])
    }

    fn lines_of(&self, args: &[&str]) -> Vec<Value> {
        let output = Command::new(&self.program)
            .args(args)
            .args(["--json", "--server", self.url(), "--token", &self.read_token])
            .output()
            .expect("the program starts");
        assert!(output.status.success(), "kymo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Posts events with the ingest token; the status, or why there was no answer.
    pub fn post_events(&self, body: &Value) -> Result<u16, String> {
        post(self.url(), &self.ingest_token, &body.to_string())
    }
}

/// Posts a body to a server's Exceptionless path; the status, or why there was no answer.
pub fn post(url: &str, token: &str, body: &str) -> Result<u16, String> {
    ureq::post(format!("{url}/api/v2/events"))
        .config()
        .http_status_as_error(false)
        .build()
        .header("authorization", format!("Bearer {token}"))
        .content_type("application/json")
        .send(body)
        .map(|answer| answer.status().as_u16())
        .map_err(|error| error.to_string())
}

/// Waits until `condition` gives something; panics with `what` when it does not.
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(started.elapsed() < WAIT_AT_MOST, "waited in vain for {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// An address whose port lies below those that the system gives away, so that no other test gets it in between.
fn lasting_address() -> String {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 10_000) as u16;
    std::iter::repeat_with(|| first + TAKEN.fetch_add(1, Ordering::Relaxed))
        .map(|port| format!("127.0.0.1:{port}"))
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("some port is free")
}

/// The program `kymo` for tests of other crates: what `KYMO_BIN` says, or what cargo built beside the test. With
/// `cargo test --workspace` that is of the same sources.
pub fn program() -> PathBuf {
    let beside = || {
        let test = std::env::current_exe().expect("a test has a path");
        let folder = test.parent().and_then(Path::parent).expect("in target/PROFILE/deps").to_owned();
        folder.join(format!("kymo{}", std::env::consts::EXE_SUFFIX))
    };
    let path = std::env::var_os("KYMO_BIN").map_or_else(beside, PathBuf::from);
    assert!(path.exists(), "{}: expected the program: `cargo build -p kymo-cli` first", path.display());
    path
}

/// The path of a program that a test needs, from the environment; the set-up says where it is.
pub fn needed(variable: &str) -> PathBuf {
    let value = std::env::var(variable);
    let value =
        value.unwrap_or_else(|_| panic!("{variable} is not set: run the tests with `cargo xtask test`"));
    assert!(Path::new(&value).exists(), "{variable}={value} does not exist");
    value.into()
}

fn first_line(lines: &mpsc::Receiver<String>, process: &mut Child) -> String {
    let line = lines.recv_timeout(START_WITHIN);
    let line = line.unwrap_or_else(|_| panic!("the server did not start: {:?}", process.try_wait()));
    line.strip_prefix("listening on ").unwrap_or_else(|| panic!("unexpected line {line:?}")).to_owned()
}

impl Drop for Kymo {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.kill();
        }
    }
}
