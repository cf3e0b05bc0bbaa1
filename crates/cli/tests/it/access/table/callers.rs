//! Who asks.

use kymo_testkit::kymo::wait_for;
use serde_json::json;

use super::{OWN, PASSWORD, Stand};

/// Where a request says that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// It does not say.
    Silent,
    /// The server's own page.
    Same,
    /// A page of another site.
    Cross,
    /// A page that may use the `browser` token.
    Listed,
}

pub(super) enum Credential {
    Nothing,
    Token(String),
    Cookie { member: &'static str, cookie: String },
}

pub(super) struct Caller {
    pub(super) name: String,
    pub(super) credential: Credential,
    pub(super) site: Site,
    /// Of a token that holds.
    pub(super) scope: Option<&'static str>,
    /// The cookie of an admin of the server, sent beside a token: it is no help.
    pub(super) beside: Option<String>,
}

impl Caller {
    fn token(name: &str, secret: String, scope: Option<&'static str>) -> Self {
        Self {
            name: format!("token {name}"),
            credential: Credential::Token(secret),
            site: Site::Silent,
            scope,
            beside: None,
        }
    }

    pub(super) fn member(&self) -> Option<&'static str> {
        match self.credential {
            Credential::Cookie { member, .. } => Some(member),
            Credential::Nothing | Credential::Token(_) => None,
        }
    }

    pub(super) fn is_server_admin(&self) -> bool {
        self.member() == Some("root")
    }

    /// In its own project: 0 may read, 1 is a member, 2 an admin.
    pub(super) fn rank(&self) -> Option<u8> {
        match (self.member(), self.scope) {
            (Some("reader"), _) | (None, Some("read")) => Some(0),
            (Some("member"), _) => Some(1),
            (Some("admin" | "root"), _) | (None, Some("admin")) => Some(2),
            _ => None,
        }
    }

    /// After something that ends the session.
    pub(super) fn sign_in_again(&mut self, stand: &Stand) {
        if let Credential::Cookie { member, cookie } = &mut self.credential {
            *cookie = stand.sign_in_as(member);
        }
    }
}

/// Every kind of caller.
pub(super) fn all(stand: &Stand) -> Vec<Caller> {
    let mut callers = vec![Caller {
        name: "nobody".into(),
        credential: Credential::Nothing,
        site: Site::Silent,
        scope: None,
        beside: None,
    }];
    callers.extend(tokens(stand));
    for (member, arguments) in [
        ("reader", vec!["--role", "shop=reader"]),
        ("member", vec!["--role", "shop=member"]),
        ("admin", vec!["--role", "shop=admin"]),
        ("root", vec!["--admin"]),
    ] {
        let link = stand.kymo.command(&[&["member", "add", member], &*arguments].concat());
        let cookie = stand.sign_in(&format!("code={}", link.rsplit('=').next().unwrap()));
        let password = json!({"new_password": PASSWORD}).to_string();
        let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
        assert_eq!(stand.send("PUT", "/api/v1/me/password", &headers, &password).0, 204);
        for (how, site) in [
            ("from the page", Site::Same),
            ("from another site", Site::Cross),
            ("from nowhere", Site::Silent),
        ] {
            let cookie = stand.sign_in_as(member);
            let credential = Credential::Cookie { member, cookie };
            callers.push(Caller {
                name: format!("{member} by cookie {how}"),
                credential,
                site,
                scope: None,
                beside: None,
            });
        }
    }
    callers
}

fn tokens(stand: &Stand) -> Vec<Caller> {
    let add = |scope: &str, more: &[&str]| {
        stand.kymo.command(&[&["token", "add", "--project", OWN, "--scope", scope], more].concat())
    };
    let mut callers = vec![Caller::token("that nobody made", "kymo_admin_nobodysnobodys".into(), None)];
    for scope in ["ingest", "browser", "read", "admin"] {
        callers.push(Caller::token(scope, add(scope, &[]), Some(scope)));
    }
    let listed = Caller {
        site: Site::Listed,
        ..Caller::token("browser, its origin", add("browser", &[]), Some("browser"))
    };
    callers.push(listed);
    let revoked = add("admin", &[]);
    stand.kymo.command(&["token", "revoke", &revoked]);
    callers.push(Caller::token("that was revoked", revoked, None));
    let expired = add("admin", &["--expires", "1s"]);
    wait_for("the end of the token", || {
        let headers = [("authorization", format!("Bearer {expired}"))];
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        (stand.send("GET", "/api/v1/me", &headers, "").0 == 401).then_some(())
    });
    callers.push(Caller::token("that expired", expired, None));
    for (name, secret, scope) in [
        ("that nobody made, beside an admin's cookie", "kymo_admin_nobodysnobodys".to_owned(), None),
        ("ingest, beside an admin's cookie", add("ingest", &[]), Some("ingest")),
    ] {
        callers.push(Caller { beside: Some(stand.butler.clone()), ..Caller::token(name, secret, scope) });
    }
    callers
}
