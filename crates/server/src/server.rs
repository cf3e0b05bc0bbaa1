//! Binding, routes, and stopping.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use kymo_store::{Readiness, Store, StoreError};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::access::AccessLimits;
use crate::connections::{Tls, TlsError, TlsFiles};
use crate::live::{Listeners, LiveOptions};
use crate::problem::Problem;
use crate::routes::{Route, Routes, get};
use crate::state::AppState;
use crate::{api, assets, connections, control, guard, ingest, login, metrics};

/// Requests that are still answered after a stop was asked for, unless set otherwise.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// Free space on the folder's disk that a ready server has, unless set otherwise: room for the log of the
/// catalog, a tail and a merge.
const FREE_BYTES_MIN: u64 = 256 * 1024 * 1024;

/// How to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Names under which the server may be reached, beside addresses and `localhost`.
    pub public_hosts: Vec<String>,
    /// How much of what is allowed to whom.
    pub access: AccessLimits,
    /// How long a stop waits for requests that are under way.
    pub stop_within: Duration,
    /// Free space on the folder's disk below which the server says that it is not ready.
    pub free_bytes_min: u64,
    /// Certificate and key, to speak TLS and nothing else.
    pub tls: Option<TlsFiles>,
    /// Ports where programs can be followed while they run; `None`: they cannot.
    pub live: Option<LiveOptions>,
}

impl Default for Options {
    /// Port 8390 of this machine only.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8390)),
            public_hosts: Vec::new(),
            access: AccessLimits::default(),
            stop_within: STOP_WITHIN,
            free_bytes_min: FREE_BYTES_MIN,
            tls: None,
            live: None,
        }
    }
}

/// A server that has its port and is not running yet.
pub struct Server {
    listener: TcpListener,
    control: Option<UnixListener>,
    state: AppState,
    url: String,
    stop: watch::Sender<bool>,
    stop_within: Duration,
    tls: Option<Arc<Tls>>,
    live: Option<Listeners>,
}

impl Server {
    /// Takes the port.
    ///
    /// # Errors
    /// The port is taken or not ours to take, or the catalog cannot be read.
    pub async fn bind(store: Arc<Store>, options: Options) -> Result<Self, BindError> {
        let tls = options.tls.map(Tls::load).transpose()?.map(Arc::new);
        let listener = TcpListener::bind(options.listen).await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr()?);
        let control = control::bind(store.folder().root());
        let (stop, stopping) = watch::channel(false);
        let live = options.live.as_ref();
        let limits = (options.access, options.free_bytes_min);
        let state = AppState::new(store, options.public_hosts, limits.0, limits.1, live, stopping);
        state.directory.refresh(&state.store).await?;
        let live = match &state.live {
            Some(live) => Some(live.bind(tls.clone()).await?),
            None => None,
        };
        Ok(Self { listener, control, state, url, stop, stop_within: options.stop_within, tls, live })
    }

    /// Where programs and terminals connect, if what runs can be followed.
    pub fn live_addresses(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.live.as_ref().map(Listeners::addresses)
    }

    /// Where it is reached.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves until `stopped` comes true, then answers what is under way and closes the store.
    ///
    /// # Errors
    /// The listener or the store failed.
    pub async fn run(self, stopped: impl Future<Output = ()> + Send + 'static) -> Result<(), BindError> {
        let Self { listener, control, state, url, stop, stop_within, tls, live } = self;
        let store = Arc::clone(&state.store);
        let control = control.map(|control| tokio::spawn(control::serve(control, state.clone(), url)));
        let mut stopping = state.stopping.clone();
        let watching = tls.clone().map(|tls| tokio::spawn(async move { tls.watch().await }));
        let live = live.map(|live| tokio::spawn(live.serve(Arc::clone(&store), state.stopping.clone())));
        let router = if tls.is_some() {
            router(state).layer(middleware::map_response(guard::secure_cookies))
        } else {
            router(state)
        };
        let serve = connections::serve(listener, tls.as_deref(), router, async move {
            stopped.await;
            // Endless answers (event streams) end now, others when they are done.
            let _ = stop.send(true);
        });
        let late = async {
            // An error means that the sender is gone: stopping as well.
            let _ = stopping.wait_for(|stopping| *stopping).await;
            tokio::time::sleep(stop_within).await;
        };
        tokio::select! {
            () = serve => {}
            () = late => tracing::warn!("some requests did not end in time"),
        }
        for task in control.into_iter().chain(watching) {
            task.abort();
        }
        if let Some(live) = live {
            // It tells everybody when to come back, within two seconds. It only fails by a panic, which was logged.
            let _ = live.await;
        }
        store.close().await?;
        Ok(())
    }
}

/// The server could not start or went down.
#[derive(Debug)]
pub enum BindError {
    /// The port.
    Listen(std::io::Error),
    /// The certificate or its key.
    Tls(TlsError),
    /// The data folder.
    Store(StoreError),
}

impl std::fmt::Display for BindError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listen(_) => f.write_str("the port could not be listened on"),
            Self::Tls(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen(source) => Some(source),
            Self::Tls(error) => error.source(),
            Self::Store(error) => error.source(),
        }
    }
}

impl From<std::io::Error> for BindError {
    fn from(source: std::io::Error) -> Self {
        Self::Listen(source)
    }
}

impl From<TlsError> for BindError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<StoreError> for BindError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn router(state: AppState) -> Router {
    let known = all_routes().into_router();
    known
        .clone()
        .fallback(move |State(state): State<AppState>, request: Request| {
            let known = known.clone();
            async move { unknown(known.with_state(state), request).await }
        })
        .layer(axum::Extension(state.clone()))
        .layer(middleware::from_fn_with_state(state.clone(), guard::host))
        .layer(middleware::from_fn(guard::headers))
        .with_state(state)
}

/// Every route of the server, for a test that holds them against who may use each. What has none is the
/// page's.
pub fn routes() -> Vec<Route> {
    all_routes().into_list()
}

fn all_routes() -> Routes {
    Routes::new()
        .merge(ingest::routes())
        .merge(api::routes())
        .route("/login", get(login::page).post(login::sign_in))
        .route("/login.css", get(login::style))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::metrics))
}

/// A path that no route has: agents' spellings of the foreign paths are tried again as we spell
/// them, everything else is the page's.
async fn unknown(known: Router, mut request: Request) -> Response {
    if let Some(path) = ingest::canonical_path(request.uri().path()) {
        let query = request.uri().query().map_or_else(String::new, |query| format!("?{query}"));
        if let Ok(uri) = format!("{path}{query}").parse::<Uri>() {
            *request.uri_mut() = uri;
            return known.oneshot(request).await.into_response();
        }
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        // Never the page and its 200: an agent with a mistyped address would think it had sent.
        return Problem::not_found(format!("nothing is taken at {}", request.uri().path())).into_response();
    }
    let headers: HeaderMap = request.headers().clone();
    assets::serve(request.uri(), &headers)
}

/// `GET /readyz`: whether it makes sense to send something here; if not, which check failed and nothing else.
async fn ready(State(state): State<AppState>) -> Result<&'static str, Problem> {
    match not_ready(&state, state.store.readiness().await) {
        Some(check) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, check)),
        None => Ok("ok"),
    }
}

/// The check that fails, if one does.
pub(crate) fn not_ready(state: &AppState, readiness: Readiness) -> Option<&'static str> {
    if *state.stopping.borrow() {
        Some("stopping")
    } else if !readiness.is_writable {
        Some("catalog: it cannot be written")
    } else if readiness.free_bytes.is_some_and(|free| free < state.free_bytes_min) {
        Some("disk: too little space is free")
    } else if readiness.is_queue_full {
        Some("queue: it is full")
    } else {
        None
    }
}
