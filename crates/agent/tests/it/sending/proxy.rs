//! Through a proxy that the environment names.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use kymo_testkit::kymo::wait_for;

use super::World;
use super::player::Player;

/// A proxy that knows `CONNECT` and wants a password. What it was asked comes out of the channel.
fn start() -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let told = told.clone();
            std::thread::spawn(move || carry(client, &told));
        }
    });
    (port, asked)
}

fn carry(mut client: TcpStream, told: &mpsc::Sender<String>) -> Option<()> {
    let mut lines = BufReader::new(client.try_clone().ok()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head).ok()? > 0 {}
    told.send(head.clone()).ok()?;
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    // `user:secret`.
    if !head.to_ascii_lowercase().contains("proxy-authorization: basic dxnlcjpzzwnyzxq=") {
        return client
            .write_all(b"HTTP/1.1 407 No\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n")
            .ok();
    }
    // Where the name leads only this proxy knows.
    let server = TcpStream::connect(target.replace("kymo.example", "127.0.0.1")).ok()?;
    client.write_all(b"HTTP/1.1 200 Go on\r\n\r\n").ok()?;
    let (mut up, mut down) = (server.try_clone().ok()?, client);
    let mut back = server;
    std::thread::spawn(move || std::io::copy(&mut back, &mut down));
    std::io::copy(&mut lines.by_ref(), &mut up).ok()?;
    up.shutdown(std::net::Shutdown::Write).ok()
}

#[test]
fn a_proxy_of_the_environment_is_used_with_its_password() {
    let mut world = World::new();
    // Under a name that only the proxy knows.
    assert!(world.kymo.stop().success());
    let listen = world.address.clone();
    world.kymo.start_as(&["--listen", &listen, "--public-host", "kymo.example"], &[]);
    let (port, asked) = start();
    let server = world.address.replace("127.0.0.1", "kymo.example");
    let settings = world.settings_to(&format!("http://{server}"));
    let proxy = |password: &str| [("http_proxy", format!("http://user:{password}@127.0.0.1:{port}"))];
    let wrong = Player::start_with(world.path(), &settings, 64 * 1024, &proxy("none"));
    let text = wait_for("a failure", || world.status().last_failure);
    assert!(text.contains(&format!("through 127.0.0.1:{port}: expected an answer")), "{text}");
    assert!(!text.contains("none@") && !text.contains("user"), "{text}");
    wrong.close();
    let mut player = Player::start_with(world.path(), &settings, 64 * 1024, &proxy("secret"));
    player.tell("log 300");
    player.tell("close");
    wait_for("the fragment", || (world.stored() >= 300).then_some(()));
    player.close();
    let first = asked.recv().unwrap();
    assert!(first.starts_with(&format!("CONNECT {server} HTTP/1.1\r\n")), "{first}");
    world.send(&world.settings());
    world.check();
}
