//! Connections: accepted, bounded in number and time, and hung up on where an answer would do harm.

mod tls;

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

pub(crate) use self::tls::Tls;
pub use self::tls::{TlsError, TlsFiles};
use crate::access::Peer;

/// Time a client has for sending a request's head. Agents take milliseconds; a connection that is
/// kept open between requests is closed after this as well, and opened again by the next request.
const HEAD_WITHIN: Duration = Duration::from_mins(2);
/// Time a client has for a TLS handshake: two exchanges, and agents on slow lines.
pub(crate) const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Wait after a failed accept: it fails when the process has no file descriptor left, and they
/// come back when connections end.
pub(crate) const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Mark on a response that is not to be sent: the connection is closed instead. Some agents drop
/// what they sent on any answer but success, and keep it when there is none.
#[derive(Clone, Copy, Debug)]
struct HangUp;

/// The connection is closed without an answer.
pub(crate) fn hang_up() -> Response {
    let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
    response.extensions_mut().insert(HangUp);
    response
}

/// The reason hyper is given for closing.
#[derive(Debug)]
struct HungUp;

impl std::fmt::Display for HungUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("hung up without an answer")
    }
}

impl std::error::Error for HungUp {}

/// Serves until `stopped` comes true, then until all requests under way are answered.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<&Tls>,
    router: Router,
    stopped: impl Future<Output = ()>,
) {
    let under_way = GracefulShutdown::new();
    let mut stopped = std::pin::pin!(stopped);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => (stream, Peer(peer.ip())),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                    continue;
                }
            },
            () = &mut stopped => break,
        };
        // Answers are small and written at once: waiting for more to send only delays them.
        let _ = stream.set_nodelay(true);
        take(stream, peer, tls, router.clone(), under_way.watcher());
    }
    drop(listener);
    under_way.shutdown().await;
}

fn take(stream: TcpStream, peer: Peer, tls: Option<&Tls>, router: Router, under_way: Watcher) {
    let Some(acceptor) = tls.map(Tls::acceptor) else {
        tokio::spawn(converse(stream, peer, router, under_way));
        return;
    };
    tokio::spawn(async move {
        match tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => converse(stream, peer, router, under_way).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    });
}

/// Answers the requests of one connection.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    router: Router,
    under_way: Watcher,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let router = router.clone();
        async move { answer(router, request).await }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    // Upgrades are for the page's WebSocket.
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    if let Err(error) = under_way.watch(connection).await {
        tracing::debug!(%error, "a connection broke off");
    }
}

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response, HungUp> {
    let answered: Result<Response, Infallible> = router.oneshot(request.map(Body::new)).await;
    let Ok(response) = answered;
    if response.extensions().get::<HangUp>().is_some() { Err(HungUp) } else { Ok(response) }
}
