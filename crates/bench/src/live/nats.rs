//! The peer: `nats-server` carries the same messages, by its own protocol.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::tally::{Tally, now_ns};
use super::viewers::Scene;
use crate::process::usage;

/// As often as a program writes that is followed: what it publishes goes out in one piece.
const WRITES_EVERY: Duration = Duration::from_millis(15);
const REST_WITHIN: Duration = Duration::from_secs(15);
const READ_BYTES: usize = 64 << 10;

pub(super) struct Nats {
    process: Child,
    address: SocketAddr,
}

impl Nats {
    /// Starts it on a free port, without anything it keeps.
    pub(super) fn start(program: &Path) -> anyhow::Result<Self> {
        let mut process = Command::new(program)
            .args(["--addr", "127.0.0.1", "--port", "-1"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{}: expected nats-server", program.display()))?;
        let mut output = BufReader::new(process.stderr.take().context("piped")?);
        let mut line = String::new();
        let address = loop {
            line.clear();
            if output.read_line(&mut line)? == 0 {
                bail!("nats-server ended before it listened");
            }
            if let Some((_, address)) = line.trim_end().split_once("Listening for client connections on ") {
                break address.parse()?;
            }
        };
        // It is not to wait for somebody who reads.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Ok(Self { process, address })
    }

    /// The messages of a scene: what came, and the CPU seconds that took.
    pub(super) async fn play(&self, scene: Scene) -> anyhow::Result<(Tally, f64)> {
        let (ends, end) = watch::channel(u64::MAX);
        let mut receivers = JoinSet::new();
        for receiver in 0..scene.receivers() {
            let line = self.subscribe(receiver % scene.sessions).await?;
            receivers.spawn(receive(line, end.clone()));
        }
        // Each program has a line of its own.
        let mut publishers = Vec::new();
        for _ in 0..scene.sessions {
            let mut publisher = TcpStream::connect(self.address).await?;
            publisher.set_nodelay(true)?;
            publisher.write_all(b"CONNECT {\"verbose\":false}\r\n").await?;
            publishers.push(publisher);
        }
        let before = usage(self.process.id())?.cpu_seconds;
        let count = publish(&mut publishers, scene).await?;
        let _ = ends.send(count);
        let mut tally = Tally::default();
        while let Some(received) = receivers.join_next().await {
            tally.add(&received??, count);
        }
        Ok((tally, usage(self.process.id())?.cpu_seconds - before))
    }

    async fn subscribe(&self, subject: u64) -> anyhow::Result<TcpStream> {
        let mut line = TcpStream::connect(self.address).await?;
        line.set_nodelay(true)?;
        let ask = format!("CONNECT {{\"verbose\":false}}\r\nSUB log.{subject} 1\r\nPING\r\n");
        line.write_all(ask.as_bytes()).await?;
        let mut said = Vec::new();
        while !said.ends_with(b"PONG\r\n") {
            let mut byte = [0; 1];
            line.read_exact(&mut byte).await?;
            said.push(byte[0]);
        }
        Ok(line)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Number, time and text, as a program that has no templates would send them.
async fn publish(lines: &mut [TcpStream], scene: Scene) -> anyhow::Result<u64> {
    let (started, started_ns) = (Instant::now(), now_ns());
    let most = scene.per_second * scene.time.as_millis() as u64 / 1000;
    let every_ns = 1_000_000_000 / scene.per_second as i64;
    let mut ticks = tokio::time::interval(WRITES_EVERY);
    let mut count = 0;
    let mut bytes = vec![Vec::new(); lines.len()];
    while count < most {
        ticks.tick().await;
        let due = (scene.per_second as f64 * started.elapsed().as_secs_f64()) as u64;
        while count < due.min(most) {
            count += 1;
            let time = started_ns + (count as i64 - 1) * every_ns;
            let text =
                format!("{count} {time} info order {count} took {} us on machine-17", count * 7919 % 1000);
            for (subject, bytes) in bytes.iter_mut().enumerate() {
                bytes.extend_from_slice(format!("PUB log.{subject} {}\r\n{text}\r\n", text.len()).as_bytes());
            }
        }
        for (line, bytes) in lines.iter_mut().zip(&mut bytes) {
            line.write_all(bytes).await?;
            bytes.clear();
        }
    }
    Ok(most)
}

async fn receive(mut line: TcpStream, mut end: watch::Receiver<u64>) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let mut buffer = Vec::new();
    let mut is_over = false;
    while tally.last() < *end.borrow() {
        buffer.reserve(READ_BYTES);
        tokio::select! {
            read = line.read_buf(&mut buffer) => if read? == 0 {
                bail!("nats-server closed the line");
            },
            _ = end.changed(), if !is_over => is_over = true,
            () = tokio::time::sleep(REST_WITHIN), if is_over => break,
        }
        let is_asked = take(&mut buffer, &mut tally)?;
        if is_asked {
            line.write_all(b"PONG\r\n").await?;
        }
    }
    Ok(tally)
}

/// Whole messages out of the buffer; whether a sign of life was asked for.
fn take(buffer: &mut Vec<u8>, tally: &mut Tally) -> anyhow::Result<bool> {
    let now_ns = now_ns();
    let (mut at, mut is_asked) = (0, false);
    while let Some(length) = buffer[at..].iter().position(|byte| *byte == b'\n') {
        let line = std::str::from_utf8(&buffer[at..at + length])?.trim_end();
        let Some(head) = line.strip_prefix("MSG ") else {
            is_asked |= line == "PING";
            at += length + 1;
            continue;
        };
        let size: usize = head.rsplit(' ').next().context("a length")?.parse()?;
        let Some(text) = buffer.get(at + length + 1..at + length + 1 + size + 2) else { break };
        let mut words = std::str::from_utf8(text)?.split(' ');
        let mut number = || words.next().context("a number").and_then(|word| Ok(word.parse::<i64>()?));
        let (sequence, written_ns) = (number()?, number()?);
        tally.arrived(sequence.unsigned_abs(), written_ns, now_ns);
        at += length + 1 + size + 2;
    }
    buffer.drain(..at);
    Ok(is_asked)
}
