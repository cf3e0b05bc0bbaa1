//! `kymo serve`

use std::io::{IsTerminal, Write, stderr, stdout};
use std::sync::Arc;

use anyhow::Context;
use kymo_server::{AccessLimits, Options, Server, new_login_url};
use kymo_store::{Folder, Store, SystemClock};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing_subscriber::EnvFilter;

use crate::args::Serve;
use crate::config::{self, Config};

/// Threads that answer requests; scans and segment writing have threads of their own.
const WORKERS: usize = 2;

pub(crate) fn run(args: &Serve) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("KYMO_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    allow_open_files();
    runtime.block_on(serve(&config::load(args)?))
}

/// Each connection is an open file, of which systems grant a process 1,024 unless it asks for what it may have.
fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where that is refused, it goes on with what there is.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

async fn serve(config: &Config) -> anyhow::Result<()> {
    let folder = Folder::open(&config.data)?;
    let store = Store::open(folder, Arc::new(SystemClock)).await?;
    store.set_default_retention(config.retention_days);
    let listen = config.listen;
    let options = Options {
        listen,
        public_hosts: config.public_hosts.clone(),
        stop_within: config.stop_within,
        access: AccessLimits { trusted_proxies: config.trusted_proxies.clone(), ..AccessLimits::default() },
        free_bytes_min: config.free_bytes_min,
        tls: config.tls.clone(),
        live: config.live.clone(),
    };
    let server = Server::bind(Arc::clone(&store), options)
        .await
        .with_context(|| format!("cannot serve on {listen}"))?;
    let stopped = stop_signal()?;
    let mut out = stdout();
    writeln!(out, "listening on {}", server.url())?;
    if !store.has_admin().await? {
        let link = new_login_url(&store, server.url()).await.map_err(anyhow::Error::msg)?;
        writeln!(out, "sign in once with {link}")?;
    }
    if let Some((agents, viewers)) = server.live_addresses() {
        writeln!(out, "live: programs connect to {agents}, terminals to {viewers}")?;
    }
    out.flush()?;
    server.run(stopped).await?;
    Ok(())
}

/// Comes true at an interrupt or a polite kill.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
