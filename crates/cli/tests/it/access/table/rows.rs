//! Every route, and what it takes to be let in.

/// What a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing at all.
    Nothing,
    /// A code or password that is right, which none of the callers sends.
    GoodForm,
    /// A request that says it comes from the page.
    SameOrigin,
    /// A token that may send, of the project that the path names if it names one. No cookie helps.
    Sending,
    /// A token of scope ingest or admin: a browser's, from wherever, may not. No cookie helps.
    Uploading,
    /// A token that may read, of the project that the path names if it names one. No cookie helps.
    TokenReading,
    /// Anything by which one may read.
    Reading,
    /// That, or a token by which files may be sent.
    ReadingOrUploading,
    /// A cookie.
    Person,
    /// An admin of the server.
    ServerAdmin,
    /// An admin of some project.
    AdminSomewhere,
    /// A role in the project: 0 reader, 1 member, 2 admin. Who has none is told that it is not there.
    Rank(u8),
}

pub(super) struct Row {
    pub(super) method: &'static str,
    /// As the server has it.
    pub(super) path: &'static str,
    pub(super) needs: Needs,
    /// Behind the path.
    pub(super) query: &'static str,
    pub(super) body: &'static str,
    /// The caller is signed out by it.
    pub(super) ends_session: bool,
}

const fn get(path: &'static str, needs: Needs) -> Row {
    Row { method: "GET", path, needs, query: "", body: "", ends_session: false }
}

const fn get_with(path: &'static str, needs: Needs, query: &'static str) -> Row {
    Row { query, ..get(path, needs) }
}

const fn write(method: &'static str, path: &'static str, needs: Needs, body: &'static str) -> Row {
    Row { method, body, ..get(path, needs) }
}

const EVENT: &str = r#"{"message": "from the table"}"#;
const SAID: &str = r#"{"email_address": "a@b.test", "description": "said"}"#;

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    get("/livez", Needs::Nothing),
    get("/readyz", Needs::Nothing),
    get("/metrics", Needs::Reading),
    get("/login", Needs::Nothing),
    get("/login.css", Needs::Nothing),
    write("POST", "/login", Needs::GoodForm, "code=wrong"),

    write("POST", "/api/v2/events", Needs::Sending, EVENT),
    write("POST", "/api/v2/projects/{project}/events", Needs::Sending, EVENT),
    get_with("/api/v2/events/submit", Needs::Sending, "?message=m"),
    get_with("/api/v2/events/submit/{type}", Needs::Sending, "?message=m"),
    get_with("/api/v2/projects/{project}/events/submit", Needs::Sending, "?message=m"),
    get_with("/api/v2/projects/{project}/events/submit/{type}", Needs::Sending, "?message=m"),
    get_with("/api/v2/events/session/heartbeat", Needs::Sending, "?id=nobody"),
    get("/api/v2/projects/config", Needs::Sending),
    get("/api/v2/projects/{project}/config", Needs::Sending),
    write("POST", "/api/v2/events/by-ref/{reference}/user-description", Needs::Sending, SAID),
    write("POST", "/api/v2/projects/{project}/events/by-ref/{reference}/user-description", Needs::Sending, SAID),
    get("/api/v2/events/sessions", Needs::TokenReading),
    get("/api/v2/projects/{project}/events/sessions", Needs::TokenReading),
    get("/api/v2/events/sessions/{session}", Needs::TokenReading),
    get("/api/v2/projects/{project}/events/sessions/{session}", Needs::TokenReading),
    get("/api/v2/events/count", Needs::TokenReading),
    get("/api/v2/projects/{project}/events/count", Needs::TokenReading),
    get("/api/v2/events/by-ref/{reference}", Needs::TokenReading),
    get("/api/v2/projects/{project}/events/by-ref/{reference}", Needs::TokenReading),
    get("/api/v2/events/{event}", Needs::TokenReading),
    write("POST", "/loupe/log", Needs::Sending, "null"),
    write("POST", "/in/{token}/loupe/log", Needs::Sending, "null"),

    get("/api/v1/openapi.json", Needs::Nothing),
    get("/api/v1/me", Needs::Reading),
    Row { ends_session: true, ..write("PUT", "/api/v1/me/password", Needs::Person, r#"{"old_password": "{password}", "new_password": "{password}"}"#) },
    get("/api/v1/me/sessions", Needs::Person),
    write("DELETE", "/api/v1/me/sessions/{session}", Needs::Person, ""),
    Row { ends_session: true, ..write("DELETE", "/api/v1/me/sessions", Needs::Person, "") },
    Row { ends_session: true, ..write("POST", "/api/v1/logout", Needs::SameOrigin, "") },

    get("/api/v1/members", Needs::ServerAdmin),
    write("POST", "/api/v1/members", Needs::ServerAdmin, r#"{"name": "new-{number}"}"#),
    get("/api/v1/members/{name}", Needs::ServerAdmin),
    write("PATCH", "/api/v1/members/{name}", Needs::ServerAdmin, r#"{"end_sessions": true}"#),
    write("DELETE", "/api/v1/members/{name}", Needs::ServerAdmin, ""),
    get("/api/v1/audit", Needs::AdminSomewhere),

    get("/api/v1/projects", Needs::Reading),
    write("POST", "/api/v1/projects", Needs::ServerAdmin, r#"{"name": "New {number}"}"#),
    get("/api/v1/projects/{id}", Needs::Rank(2)),
    write("PATCH", "/api/v1/projects/{id}", Needs::Rank(2), r#"{"sessions": {"idle_after_seconds": 299}}"#),
    get("/api/v1/projects/{id}/members", Needs::Rank(2)),
    write("PUT", "/api/v1/projects/{id}/members/{name}", Needs::Rank(2), r#"{"role": "reader"}"#),
    write("DELETE", "/api/v1/projects/{id}/members/{name}", Needs::Rank(2), ""),
    get("/api/v1/projects/{id}/tokens", Needs::Rank(2)),
    write("POST", "/api/v1/projects/{id}/tokens", Needs::Rank(2), r#"{"scope": "read", "name": "new {number}"}"#),
    write("DELETE", "/api/v1/projects/{id}/tokens/{token}", Needs::Rank(2), ""),

    get_with("/api/v1/status", Needs::Rank(0), "?project={project}"),
    get_with("/api/v1/sessions", Needs::Rank(0), "?project={project}"),
    get_with("/api/v1/sessions/summary", Needs::Rank(0), "?project={project}"),
    get_with("/api/v1/sessions/counts", Needs::Rank(0), "?project={project}"),
    get_with("/api/v1/sessions/worth-opening", Needs::Rank(0), "?project={project}"),
    get("/api/v1/sessions/{id}", Needs::Rank(0)),
    get_with("/api/v1/users", Needs::Rank(0), "?project={project}"),
    get_with("/api/v1/users/{key}", Needs::Rank(0), "?project={project}"),
    get("/api/v1/views", Needs::Reading),
    write("PUT", "/api/v1/views/{id}", Needs::Person, r#"{"name": "mine", "view": {}}"#),
    write("DELETE", "/api/v1/views/{id}", Needs::Person, ""),
    write("PUT", "/api/v1/sessions/{id}/pin", Needs::Rank(1), ""),
    write("DELETE", "/api/v1/sessions/{id}/pin", Needs::Rank(1), ""),
    get("/api/v1/sessions/{id}/events", Needs::Rank(0)),
    get("/api/v1/sessions/{id}/density", Needs::Rank(0)),
    get("/api/v1/sessions/{id}/threads", Needs::Rank(0)),
    get("/api/v1/sessions/{id}/metrics", Needs::Rank(0)),
    get_with("/api/v1/sessions/{id}/metrics/points", Needs::Rank(0), "?series=shop.orders"),
    get_with("/api/v1/events", Needs::Rank(0), "?project={project}"),
    get("/api/v1/events/{id}", Needs::Rank(0)),
    get("/api/v1/sessions/{id}/download", Needs::Rank(0)),
    write("POST", "/api/v1/sessions/{id}/request", Needs::Rank(1), ""),
    write("POST", "/api/v1/projects/{id}/import", Needs::Rank(1), "no file"),
    write("POST", "/api/v1/uploads", Needs::Uploading, "no file"),
    write("POST", "/api/v1/uploads/{session}/beat", Needs::Uploading, r#"{"last_sequence": 1}"#),
    write("HEAD", "/api/v1/uploads/{session}/fragments/{fragment}", Needs::Uploading, ""),
    write("PATCH", "/api/v1/uploads/{session}/fragments/{fragment}", Needs::Uploading, "no file"),
    get("/api/v1/live", Needs::ReadingOrUploading),
    get("/api/v1/live/sessions", Needs::Reading),
    get("/api/v1/live/sessions/{id}/events", Needs::Rank(0)),
    write("POST", "/api/v1/live/sessions/{id}/commands", Needs::Rank(1), r#"{"command": "roll"}"#),
    get("/api/v1/filter/fields", Needs::Reading),
    get_with("/api/v1/filter/values", Needs::Rank(0), "?field=version&project={project}"),
    get("/api/v1/changes", Needs::Reading),
    get("/api/v1/stream", Needs::Reading),
];
