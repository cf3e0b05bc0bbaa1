//! A service with many users: each request is a span of `tracing`, each visitor has a session, requests are counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use kymo::{EndReason, Severity, UserSession, Users};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Visitors that are here.
type Visitors = Arc<Mutex<HashMap<String, UserSession>>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The whole of Kymo's setup.
    let session = kymo::builder("Examples", "axum-service")
        .version(env!("CARGO_PKG_VERSION"))
        .users(Users::Many)
        .start();
    tracing_subscriber::registry().with(kymo::tracing_layer()).init();
    kymo::install_metrics()?;

    let visitors = Visitors::default();
    let app = Router::new()
        .route("/cart/{user}", get(cart))
        .route("/leave/{user}", post(leave))
        .layer(middleware::from_fn(request))
        .with_state(Arc::clone(&visitors));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    // Until standard input is closed.
    let closed = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    axum::serve(listener, app).with_graceful_shutdown(async { drop(closed.await) }).await?;
    visitors.lock().unwrap_or_else(PoisonError::into_inner).clear();
    session.end(EndReason::Normal, None);
    Ok(())
}

/// Around every request: a span with its path and what came of it.
async fn request(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", path, status = tracing::field::Empty);
    let response = tracing::Instrument::instrument(next.run(request), span.clone()).await;
    let status = response.status();
    span.record("status", status.as_u16());
    span.in_scope(|| tracing::info!("answered"));
    metrics::counter!("http.server.requests", "status" => status.as_u16().to_string()).increment(1);
    response
}

async fn cart(State(visitors): State<Visitors>, Path(user): Path<String>) -> Result<String, StatusCode> {
    if user.starts_with("nobody") {
        let error = std::io::Error::other(format!("{user} is unknown"));
        tracing::error!(error = &error as &dyn std::error::Error, "no cart");
        return Err(StatusCode::NOT_FOUND);
    }
    let mut visitors = visitors.lock().unwrap_or_else(PoisonError::into_inner);
    let visit = visitors.entry(user.clone()).or_insert_with(|| kymo::user_session(&user, None));
    visit.event(Severity::INFO, "the cart was shown").category("shop.cart").record();
    tracing::info!(user, items = 3, "shown");
    Ok(format!("the cart of {user}\n"))
}

async fn leave(State(visitors): State<Visitors>, Path(user): Path<String>) -> StatusCode {
    let visit = visitors.lock().unwrap_or_else(PoisonError::into_inner).remove(&user);
    match visit {
        Some(visit) => {
            visit.end(EndReason::Normal, Some("signed out"));
            StatusCode::NO_CONTENT
        }
        None => StatusCode::NOT_FOUND,
    }
}
