//! The ports of the relay: accepting, TLS, and how many may come in before they said who they are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kymo_relay::{Io, Relay};
use kymo_store::Store;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::{Live, Ports};
use crate::connections::{ACCEPT_AGAIN_AFTER, HANDSHAKE_WITHIN, Tls};

/// Programs that a stop tells to come back in a second: a registration takes some 0.2 ms, with TLS 1 ms.
const COME_BACK_PER_SECOND: u64 = 1500;
/// How long a stop waits for everybody to be told.
const TOLD_WITHIN: Duration = Duration::from_secs(2);
/// How often it looks whether they are.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Connections beside those that are counted by role: data connections, and those who have not said who they are.
const SPARE_CONNECTIONS: u64 = 1000;

/// Ports that are taken and not served yet.
pub(crate) struct Listeners {
    live: Arc<Live>,
    agents: TcpListener,
    viewers: TcpListener,
    ports: Ports,
    tls: Option<Arc<Tls>>,
}

/// Which of the two.
#[derive(Clone, Copy)]
enum Port {
    Agents,
    Viewers,
}

impl Live {
    /// Takes the ports.
    pub(crate) async fn bind(self: &Arc<Self>, tls: Option<Arc<Tls>>) -> std::io::Result<Listeners> {
        let agents = TcpListener::bind(self.options.listen_agents).await?;
        let viewers = TcpListener::bind(self.options.listen_viewers).await?;
        let ports =
            Ports { agents: agents.local_addr()?, viewers: viewers.local_addr()?, has_tls: tls.is_some() };
        // It is bound once.
        let _ = self.bound.set(ports);
        Ok(Listeners { live: Arc::clone(self), agents, viewers, ports, tls })
    }
}

impl Listeners {
    /// Of programs and of terminals.
    pub(crate) fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.ports.agents, self.ports.viewers)
    }

    /// Serves until the server stops, then tells everybody when to come back.
    pub(crate) async fn serve(self, store: Arc<Store>, mut stopping: watch::Receiver<bool>) {
        let Self { live, agents, viewers, tls, .. } = self;
        let options = &live.options;
        let relay = &live.relay;
        let agents = accept(agents, Port::Agents, relay, tls.clone(), 2 * options.agents_max);
        let viewers = accept(viewers, Port::Viewers, relay, tls, options.viewers_max);
        tokio::select! {
            () = agents => {}
            () = viewers => {}
            () = live.known.beat(relay, &store) => {}
            // An error means that the sender is gone: stopping as well.
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
        let spread = Duration::from_millis(relay.counted().agents * 1000 / COME_BACK_PER_SECOND);
        relay.stop(spread);
        let told = async {
            loop {
                let counted = relay.counted();
                if counted.agents + counted.viewers == 0 {
                    return;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        // Who does not take the word finds the line closed.
        let _ = tokio::time::timeout(TOLD_WITHIN, told).await;
    }
}

/// Accepts for ever.
async fn accept(listener: TcpListener, port: Port, relay: &Relay, tls: Option<Arc<Tls>>, most: u64) {
    let room = usize::try_from(most + SPARE_CONNECTIONS).unwrap_or(Semaphore::MAX_PERMITS);
    let room = Arc::new(Semaphore::new(room.min(Semaphore::MAX_PERMITS)));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a live connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            relay.turned_away();
            continue;
        };
        // Messages are small and written at once: waiting for more to send only delays them.
        let _ = stream.set_nodelay(true);
        take(stream, peer, port, relay.clone(), tls.as_deref(), permit);
    }
}

fn take(
    stream: TcpStream,
    peer: SocketAddr,
    port: Port,
    relay: Relay,
    tls: Option<&Tls>,
    permit: OwnedSemaphorePermit,
) {
    let Some(acceptor) = tls.map(Tls::acceptor) else {
        tokio::spawn(async move {
            converse(stream, peer, port, &relay).await;
            drop(permit);
        });
        return;
    };
    tokio::spawn(async move {
        match tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => converse(stream, peer, port, &relay).await,
            Ok(Err(error)) => {
                relay.turned_away();
                tracing::debug!(%error, "a TLS handshake of a live connection failed");
            }
            Err(_) => relay.turned_away(),
        }
        drop(permit);
    });
}

async fn converse(io: impl Io + 'static, peer: SocketAddr, port: Port, relay: &Relay) {
    match port {
        Port::Agents => relay.agent_connection(io, Some(peer.ip())).await,
        Port::Viewers => relay.viewer_connection(io).await,
    }
}
