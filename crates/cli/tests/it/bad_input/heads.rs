//! Heads that are no HTTP, or HTTP that two programs could read differently.
//!
//! What comes before a path is known is refused by the HTTP library, at every door alike. No page can make a
//! browser send any of it.

use super::{MARK_HERE, Rows, Sent};

/// A door, as requests to it are written and answered.
pub(super) struct Door<'door> {
    /// Method and path.
    pub(super) line: &'door str,
    pub(super) token: &'door str,
    pub(super) host: &'door str,
    /// A good body, to be found again.
    pub(super) body: fn(&str) -> String,
    /// The answer to that.
    pub(super) taken: u16,
    /// To none.
    pub(super) empty: u16,
    /// To one that breaks off.
    pub(super) broken: Option<u16>,
    /// To another host's name.
    pub(super) other_host: u16,
}

/// Status, and events stored.
type Expected = (Option<u16>, usize);

const REFUSED: Expected = (Some(400), 0);
const TOO_LARGE: Expected = (Some(431), 0);

impl Door<'_> {
    /// The lines that every head here has; `end` is what ends a line.
    fn head(&self, end: &str) -> String {
        format!(
            "{} HTTP/1.1{end}host: {}{end}authorization: Bearer {}{end}",
            self.line, self.host, self.token
        )
    }

    /// `@body` is the body and `@length` its length.
    fn filled(&self, request: &str, mark: &str) -> Vec<u8> {
        let body = (self.body)(mark);
        request.replace("@length", &body.len().to_string()).replace("@body", &body).into_bytes()
    }

    fn taken(&self) -> Expected {
        (Some(self.taken), 1)
    }
}

pub(super) fn rows(rows: &mut Rows, door: &Door<'_>) {
    lengths(rows, door);
    chunks(rows, door);
    lines(rows, door);
    ends(rows, door);
    sizes(rows, door);
}

/// Where a body ends.
fn lengths(rows: &mut Rows, door: &Door<'_>) {
    let all = [
        ("the length twice, alike", "content-length: @length\r\ncontent-length: @length", door.taken()),
        ("two lengths", "content-length: @length\r\ncontent-length: 5", REFUSED),
        ("two lengths, the other way round", "content-length: 5\r\ncontent-length: @length", REFUSED),
        ("two lengths in a line", "content-length: 5, @length", REFUSED),
        ("a negative length", "content-length: -@length", REFUSED),
        ("a length with a sign", "content-length: +@length", REFUSED),
        ("a hexadecimal length", "content-length: 0x10", REFUSED),
        ("a length of 20 digits", "content-length: 99999999999999999999", REFUSED),
        ("a length with a blank before the colon", "content-length : @length", REFUSED),
    ];
    for (name, lengths, expected) in all {
        let request = format!("{}{lengths}\r\nconnection: close\r\n\r\n@body", door.head("\r\n"));
        rows.bytes(name, |mark| Sent::Bytes(door.filled(&request, mark)), expected);
    }
}

fn chunks(rows: &mut Rows, door: &Door<'_>) {
    let all = [
        ("chunks", "transfer-encoding: chunked", door.taken()),
        ("an encoding nobody knows", "transfer-encoding: xchunked", REFUSED),
        ("chunked and not last", "transfer-encoding: chunked, identity", REFUSED),
        ("chunks and a length", "content-length: 5\r\ntransfer-encoding: chunked", door.taken()),
        ("a length and chunks", "transfer-encoding: chunked\r\ncontent-length: 5", door.taken()),
    ];
    let head = door.head("\r\n");
    for (name, encoding, expected) in all {
        let request = |mark: &str| {
            let body = (door.body)(mark);
            let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
            Sent::Bytes(format!("{head}{encoding}\r\nconnection: close\r\n\r\n{chunk}").into_bytes())
        };
        rows.bytes(name, request, expected);
    }
    for (name, chunk) in
        [("a chunk without a size", "\r\n@body"), ("a chunk of 20 digits", "fffffffffffffffffff\r\n@body")]
    {
        let request = format!("{head}transfer-encoding: chunked\r\nconnection: close\r\n\r\n{chunk}");
        rows.bytes(name, |mark| Sent::Bytes(door.filled(&request, mark)), (door.broken, 0));
    }
    // The hidden request is behind the last one of its connection: it must not come to life.
    let hidden = format!("{head}content-length: @length\r\n\r\n@body");
    let request = format!("{head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}");
    let request = request.replacen("\r\n\r\n", "\r\nconnection: close\r\n\r\n", 1);
    let expected = (Some(door.empty), 0);
    rows.bytes("a request behind chunks", |mark| Sent::Bytes(door.filled(&request, mark)), expected);
}

fn lines(rows: &mut Rows, door: &Door<'_>) {
    let (head, bare) = (door.head("\r\n"), door.head("\n"));
    let rest = "content-length: @length\r\nconnection: close\r\n\r\n@body";
    let taken = door.taken();
    let unknown = (Some(door.other_host), 0);
    let all = [
        ("bare line feeds", format!("{bare}content-length: @length\nconnection: close\n\n@body"), taken),
        ("bare carriage returns", format!("{}{rest}", door.head("\r")), REFUSED),
        ("a folded line", format!("{head}x: 1\r\n 2\r\n{rest}"), REFUSED),
        ("a line without a name", format!("{head}: 1\r\n{rest}"), REFUSED),
        ("a line without a colon", format!("{head}nothing\r\n{rest}"), REFUSED),
        ("NUL in a name", format!("{head}a\0b: 1\r\n{rest}"), REFUSED),
        ("NUL in a value", format!("{head}a: 1\0 2\r\n{rest}"), REFUSED),
        ("a blank line first", format!("\r\n{head}{rest}"), taken),
        ("no version", format!("{}\r\n\r\n", door.line), REFUSED),
        ("a version nobody has", format!("{}{rest}", head.replace("HTTP/1.1", "HTTP/9.9")), REFUSED),
        ("the beginning of TLS", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}".to_owned(), REFUSED),
        ("NUL in the path", format!("{}{rest}", head.replacen(" HTTP", "%00\0 HTTP", 1)), REFUSED),
        (
            "an address with a host",
            format!("{}{rest}", head.replacen(" /", " http://evil.example/", 1)),
            taken,
        ),
        ("no host", format!("{}{rest}", head.replacen("host", "x-host", 1)), unknown),
        ("another host", format!("{}{rest}", head.replacen("host: ", "host: evil.example:", 1)), unknown),
    ];
    for (name, request, expected) in all {
        rows.bytes(name, |mark| Sent::Bytes(door.filled(&request, mark)), expected);
    }
}

/// What ends too early.
fn ends(rows: &mut Rows, door: &Door<'_>) {
    let head = door.head("\r\n");
    let all = [
        ("no end", head.clone(), None),
        ("nothing", String::new(), None),
        ("half a body", format!("{head}content-length: 999999\r\n\r\n@body"), door.broken),
        ("half a chunk", format!("{head}transfer-encoding: chunked\r\n\r\nffff\r\n@body"), door.broken),
    ];
    for (name, request, status) in all {
        rows.bytes(name, |mark| Sent::Cut(door.filled(&request, mark)), (status, 0));
    }
}

fn sizes(rows: &mut Rows, door: &Door<'_>) {
    let line = format!("{} HTTP/1.1\nauthorization: Bearer {}\n", door.line, door.token);
    let many = |count: usize| {
        let lines: Vec<String> = (0..count).map(|number| format!("x-{number}: {MARK_HERE}\n")).collect();
        lines.concat()
    };
    let query = |bytes: usize| line.replacen(" HTTP", &format!("?x={} HTTP", "y".repeat(bytes)), 1);
    let all = [
        ("80 headers", format!("{line}{}", many(80)), door.taken()),
        ("10,000 headers", format!("{line}{}", many(10_000)), TOO_LARGE),
        ("1,000 times the same header", format!("{line}{}", "cookie: a=b\n".repeat(1000)), TOO_LARGE),
        ("a header of 100 KB", format!("{line}x: {}", "y".repeat(100_000)), door.taken()),
        ("a header of 1 MB", format!("{line}x: {}", "y".repeat(1_000_000)), TOO_LARGE),
        ("a query of 60 KB", query(60_000), door.taken()),
        ("a query of 100 KB", query(100_000), (Some(414), 0)),
        ("a query of 1 MB", query(1_000_000), TOO_LARGE),
    ];
    for (name, head, expected) in all {
        rows.request(name, &head, |mark| (door.body)(mark).into_bytes(), expected);
    }
}
