//! Small pieces, in any order of fragments, with everything that a sender can do wrong.

use std::io::Write;
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kymo_testkit::kymo::wait_for;
use kymo_testkit::record_requests::header;
use kymo_testkit::{Kymo, Random};
use serde_json::json;
use sha2::{Digest, Sha256, Sha512};

use super::client::Client;
use super::{check, counter, session, session_files};
use crate::KYMO;

/// Cut at every tenth kilobyte.
const PIECE_BYTES: usize = 10 * 1024;

fn yes(status: u16, offset: usize) -> (u16, Option<u64>, Option<String>) {
    (status, Some(offset as u64), Some("?1".into()))
}

fn no(status: u16, offset: usize) -> (u16, Option<u64>, Option<String>) {
    (status, Some(offset as u64), Some("?0".into()))
}

#[test]
fn pieces_in_any_order_of_fragments_come_to_the_same() {
    let kymo = Kymo::with_project(KYMO);
    let client = Client::new(&kymo);
    let (folder, files) = session_files(4);
    let mut random = Random::seeded(20_261_121);
    assert_eq!(client.ask(1).0, 404, "nobody has shown a header");
    let (status, wanted) = client.begin(&files[0][..4096]);
    assert_eq!((status, &wanted["wanted"], &wanted["fragments"]), (200, &json!("all"), &json!([])));
    assert_eq!(session(&kymo)["event_count"], 0, "there is a session before there are events");
    assert_eq!(client.ask(1), no(204, 0));

    let mut offsets = vec![0; files.len()];
    let mut seen = 0;
    while let Some(open) =
        Some((0..files.len()).filter(|at| offsets[*at] < files[*at].len()).collect::<Vec<_>>())
            .filter(|open| !open.is_empty())
    {
        let at = open[random.below(open.len() as u64) as usize];
        let (file, offset, fragment) = (&files[at], offsets[at], at as u64 + 1);
        let end = file.len().min(offset + PIECE_BYTES);
        let is_last = end == file.len();
        match random.below(6) {
            // At the wrong place: told where to go on, and nothing changes.
            0 => {
                assert_eq!(client.append(fragment, offset + 1, &file[offset..end], is_last), no(409, offset));
            }
            // Damaged on its way.
            1 => {
                let digest = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
                let headers = [("content-digest", digest)];
                assert_eq!(
                    client.append_with(fragment, offset, &file[offset..end], is_last, &headers).0,
                    422
                );
                assert_eq!(client.ask(fragment), no(204, offset));
            }
            _ => {
                let expected = if is_last { yes(204, end) } else { no(204, end) };
                assert_eq!(client.append(fragment, offset, &file[offset..end], is_last), expected);
                // Once more: it is there.
                let again = client.append(fragment, offset, &file[offset..end], is_last);
                assert_eq!(again, if is_last { yes(409, end) } else { no(409, end) });
                offsets[at] = end;
                let events = session(&kymo)["event_count"].as_u64().unwrap();
                assert!(events >= seen, "it grows");
                seen = events;
            }
        }
    }
    assert_eq!(client.append(1, files[0].len(), b"", true), yes(204, files[0].len()), "said again");
    check(&kymo, folder.path());
    assert_eq!((counter(&kymo, "stored"), counter(&kymo, "duplicate")), (10_000, 0));
    let (_, wanted) = client.begin(&files[2]);
    assert_eq!(wanted["fragments"].as_array().unwrap().len(), 4);
    assert_eq!(wanted["fragments"][2], json!({"fragment": 3, "offset": files[2].len(), "complete": true}));
}

#[test]
fn what_cannot_be_is_refused_and_counted() {
    let kymo = Kymo::with_project(KYMO);
    let client = Client::new(&kymo);
    let (_, files) = session_files(2);
    assert_eq!(client.begin(b"no session file").0, 422);
    assert_eq!(client.begin(&vec![0; 300 * 1024]).0, 413);
    assert_eq!(client.begin(&files[0]).0, 200);
    let piece = &files[0][..5000];
    assert_eq!(client.append(2, 0, piece, false).0, 422, "another fragment");
    assert_eq!(client.ask(2), no(204, 0));
    assert_eq!(client.append(1, 0, &vec![7; 400 * 1024], false).0, 422, "no session file");
    assert_eq!(client.append(1, 0, &vec![7; 10 * 1024], false).0, 422, "nor the beginning of one");
    assert_eq!(client.append(1, 0, &files[0][..20], true).0, 422, "half a header and nothing more");
    assert_eq!(client.append(0, 0, piece, false).0, 400);
    assert_eq!(client.append(10_001, 0, piece, false).0, 400);
    assert_eq!(client.append(1, 0, &vec![0; (1 << 20) + 1], false).0, 413);
    assert_eq!(client.append_with(1, 0, piece, false, &[("content-type", "text/plain")]).0, 415);
    assert_eq!(client.append_with(1, 0, piece, false, &[("content-digest", "sha-256=x")]).0, 400);
    let wrong = [("repr-digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")];
    assert_eq!(client.append_with(1, 0, &files[0], true, &wrong).0, 422, "all of it is something else");
    assert_eq!(client.ask(1), no(204, 0));
    assert_eq!(session(&kymo)["event_count"], 0);
    assert_eq!((counter(&kymo, "stored"), counter(&kymo, "too_large")), (0, 2));
    assert!(counter(&kymo, "unsupported") >= 6);
}

/// Sends the head of a request for the rest of the fragment, and so many bytes of its body; then the line is cut.
fn cut_off(kymo: &Kymo, fragment: usize, offset: usize, rest: &[u8]) {
    let address = kymo.url().strip_prefix("http://").unwrap();
    let mut line = TcpStream::connect(address).unwrap();
    let head = format!(
        "PATCH /api/v1/uploads/{}/fragments/{fragment} HTTP/1.1\r\nHost: {address}\r\n\
         Authorization: Bearer {}\r\nContent-Type: application/partial-upload\r\nUpload-Offset: {offset}\r\n\
         Upload-Complete: ?1\r\nContent-Length: {}\r\n\r\n",
        header().session,
        kymo.ingest_token,
        rest.len()
    );
    line.write_all(head.as_bytes()).unwrap();
    line.write_all(&rest[..rest.len().min(PIECE_BYTES)]).unwrap();
}

#[test]
fn connections_cut_at_every_tenth_kilobyte_lose_nothing() {
    let kymo = Kymo::with_project(KYMO);
    let client = Client::new(&kymo);
    let (folder, files) = session_files(2);
    assert_eq!(client.begin(&files[0]).0, 200);
    for (fragment, file) in (1..).zip(&files) {
        let mut offset = 0;
        while file.len() - offset > PIECE_BYTES {
            cut_off(&kymo, fragment, offset, &file[offset..]);
            // What came of the piece is stored, soon.
            offset = wait_for("what was cut off", || {
                Some(client.ask(fragment as u64).1.unwrap() as usize).filter(|found| *found > offset)
            });
        }
        assert_eq!(client.append(fragment as u64, offset, &file[offset..], true), yes(204, file.len()));
    }
    check(&kymo, folder.path());
    assert_eq!(counter(&kymo, "stored"), 10_000);
}

fn digest_of(name: &str, bytes: &[u8]) -> String {
    match name {
        "sha-512" => format!("sha-512=:{}:", STANDARD.encode(Sha512::digest(bytes))),
        _ => format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes))),
    }
}

#[test]
fn digests_of_both_kinds_are_checked_over_all_pieces() {
    let kymo = Kymo::with_project(KYMO);
    let client = Client::new(&kymo);
    let (folder, files) = session_files(2);
    assert_eq!(client.begin(&files[0]).0, 200);
    for (fragment, (file, name)) in (1..).zip(files.iter().zip(["sha-512", "sha-256"])) {
        let half = file.len() / 2;
        let content = digest_of(name, &file[..half]);
        let headers = [("content-digest", content.as_str())];
        assert_eq!(client.append_with(fragment, 0, &file[1..=half], false, &headers).0, 422);
        assert_eq!(client.append_with(fragment, 0, &file[..half], false, &headers), no(204, half));
        let (whole, rest) = (digest_of(name, file), digest_of(name, &file[half..]));
        // The digest of the last piece is not that of the whole.
        let wrong = [("repr-digest", rest.as_str())];
        assert_eq!(client.append_with(fragment, half, &file[half..], true, &wrong).0, 422);
        assert_eq!(client.ask(fragment), no(204, half));
        let right = [("repr-digest", whole.as_str()), ("content-digest", rest.as_str())];
        assert_eq!(client.append_with(fragment, half, &file[half..], true, &right), yes(204, file.len()));
    }
    check(&kymo, folder.path());
}

#[test]
fn a_fragment_has_a_limit_and_what_cannot_be_read_is_looked_at_once() {
    const PIECE: usize = 1 << 20;
    let kymo = Kymo::with_project(KYMO);
    let client = Client::new(&kymo);
    let (_, files) = session_files(1);
    assert_eq!(client.begin(&files[0]).0, 200);
    let mut offset = 4096;
    assert_eq!(client.append(1, 0, &files[0][..offset], false), no(204, offset));
    let garbage = vec![0x55; PIECE];
    while offset + PIECE <= 64 << 20 {
        assert_eq!(client.append(1, offset, &garbage, false), no(204, offset + PIECE));
        offset += PIECE;
    }
    assert_eq!(client.append(1, offset, &garbage, false).0, 413);
    assert_eq!(client.ask(1), no(204, offset));
    assert_eq!((counter(&kymo, "unreadable"), counter(&kymo, "too_large")), (1, 1));
}

#[test]
fn what_finds_no_room_is_told_when_to_come_again() {
    let kymo = Kymo::with_project(KYMO);
    let client = Client::new(&kymo);
    let (_, files) = session_files(1);
    assert_eq!(client.begin(&files[0]).0, 200);
    // Bodies that do not come to an end take up what there is, and small ones what those leave of it.
    let mut held: Vec<TcpStream> = (0..60).map(|_| hold_body(&kymo, 1 << 20)).collect();
    // As another fragment than it is: where there is room yet, it is refused for that, and nothing of it is stored.
    let after = wait_for("a refusal", || {
        let (status, after) = client.append_told(9, 0, &files[0], false);
        if status == 503 {
            return Some(after);
        }
        held.push(hold_body(&kymo, 32 << 10));
        None
    });
    assert!(after.is_some());
    drop(held);
    wait_for("room", || {
        let offset = client.ask(1).1.unwrap() as usize;
        (client.append(1, offset, &files[0][offset..], true).0 == 204).then_some(())
    });
    assert_eq!(session(&kymo)["event_count"], 10_000);
}

/// Sends all of a body but its last byte.
fn hold_body(kymo: &Kymo, bytes: usize) -> TcpStream {
    let address = kymo.url().strip_prefix("http://").unwrap();
    let mut line = TcpStream::connect(address).unwrap();
    let head = format!(
        "PATCH /api/v1/uploads/{}/fragments/2 HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/partial-upload\r\nUpload-Offset: 0\r\nUpload-Complete: ?0\r\n\
         Content-Length: {bytes}\r\n\r\n",
        header().session,
        kymo.ingest_token,
    );
    line.write_all(head.as_bytes()).unwrap();
    // Whoever is refused finds the line closed.
    let _ = line.write_all(&vec![0; bytes - 1]);
    line
}

#[test]
fn numbers_that_come_again_in_new_bytes_are_counted() {
    let kymo = Kymo::with_project(KYMO);
    let client = Client::new(&kymo);
    let (folder, files) = session_files(1);
    let mut splitter = kymo_format::Splitter::new();
    splitter.feed(&files[0]);
    let content = splitter.finish()[0].content_bytes as usize;
    let once = &files[0][..content];
    let magic = kymo_format::MAGIC.len();
    assert_eq!(client.begin(once).0, 200);
    assert_eq!(client.append(1, 0, once, false), no(204, content));
    assert_eq!(client.append(1, content, &once[magic..], true), yes(204, 2 * content - magic));
    check(&kymo, folder.path());
    assert_eq!((counter(&kymo, "stored"), counter(&kymo, "duplicate")), (10_000, 10_000));
}
