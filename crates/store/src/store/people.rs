//! The part of [`Store`] that knows people and programs: members, signing in, tokens, the audit log.
//! What changes any of that is in the log by the same transaction.

pub(crate) mod uses;

use kymo_model::Timestamp;
use sqlx::Connection;

use self::uses::Used;
use crate::catalog::access::Role;
use crate::catalog::access::audit::{self, Action, Actor, AuditEntry};
use crate::catalog::access::members::{self, MemberRow};
use crate::catalog::access::tokens::{self, NewToken, Token};
use crate::catalog::access::ui_sessions::{self, NewUiSession, SignedIn, UiSession};
use crate::catalog::projects::{ProjectPk, Projects};
use crate::error::StoreError;
use crate::store::Store;

/// What is to be changed of a member; the default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberChange {
    /// Whether they administer the server.
    pub is_admin: Option<bool>,
    /// Roles in projects; `None` takes the role away.
    pub roles: Vec<(ProjectPk, Option<Role>)>,
    /// They sign in by one-time links only, and no browser of theirs is signed in.
    pub remove_password: bool,
    /// No browser of theirs is signed in, and no link waits to be used.
    pub end_sessions: bool,
}

/// Members.
impl Store {
    /// Adds a member; the name as it is kept.
    ///
    /// # Errors
    /// [`Conflict`](crate::StoreErrorKind::Conflict) when there is one of that name.
    pub async fn add_member(
        &self,
        name: &str,
        is_admin: bool,
        roles: &[(ProjectPk, Role)],
        by: &Actor,
    ) -> Result<String, StoreError> {
        let (name, now) = (members::folded_name(name)?, self.now());
        let mut writer = self.catalog().writer().await;
        let mut transaction = writer.begin().await?;
        members::insert(&mut transaction, &name, is_admin, now).await?;
        let target = if is_admin { format!("{name} (admin of the server)") } else { name.clone() };
        audit::append(&mut transaction, now, by, Action::MemberAdd, None, Some(&target)).await?;
        let (pk, _) = members::pk_of(&mut transaction, &name).await?;
        for (project, role) in roles {
            members::set_role(&mut transaction, pk, *project, Some(*role)).await?;
            let target = format!("{name} {}", role.as_str());
            audit::append(&mut transaction, now, by, Action::RoleSet, Some(*project), Some(&target)).await?;
        }
        transaction.commit().await?;
        Ok(name)
    }

    /// All members by name.
    pub async fn members(&self) -> Result<Vec<MemberRow>, StoreError> {
        members::all(self.catalog().readers()).await
    }

    /// Changes a member, all of it or on an error nothing.
    ///
    /// # Errors
    /// [`NotFound`](crate::StoreErrorKind::NotFound), or [`Conflict`](crate::StoreErrorKind::Conflict) when
    /// nobody would administer the server any more.
    pub async fn change_member(
        &self,
        name: &str,
        change: &MemberChange,
        by: &Actor,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut writer = self.catalog().writer().await;
        let mut transaction = writer.begin().await?;
        let (pk, name) = members::pk_of(&mut transaction, name).await?;
        if let Some(is_admin) = change.is_admin
            && is_admin != members::is_admin(&mut transaction, pk).await?
        {
            if !is_admin {
                members::check_not_last_admin(&mut transaction, pk).await?;
            }
            members::set_admin(&mut transaction, pk, is_admin).await?;
            let what = if is_admin { "is" } else { "is no more" };
            let target = format!("{name} {what} admin of the server");
            audit::append(&mut transaction, now, by, Action::MemberChange, None, Some(&target)).await?;
        }
        for (project, role) in &change.roles {
            if members::set_role(&mut transaction, pk, *project, *role).await? {
                let (action, target) = match role {
                    Some(role) => (Action::RoleSet, format!("{name} {}", role.as_str())),
                    None => (Action::RoleRemove, name.clone()),
                };
                audit::append(&mut transaction, now, by, action, Some(*project), Some(&target)).await?;
            }
        }
        if change.remove_password {
            members::set_password(&mut transaction, pk, None).await?;
            audit::append(&mut transaction, now, by, Action::PasswordRemove, None, Some(&name)).await?;
        }
        if change.remove_password || change.end_sessions {
            ui_sessions::delete_links(&mut transaction, pk).await?;
            if ui_sessions::delete_but(&mut transaction, pk, None).await? > 0 {
                audit::append(&mut transaction, now, by, Action::SessionEnd, None, Some(&name)).await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Removes a member with all that is theirs alone.
    ///
    /// # Errors
    /// As [`change_member`](Self::change_member).
    pub async fn remove_member(&self, name: &str, by: &Actor) -> Result<(), StoreError> {
        let mut writer = self.catalog().writer().await;
        let mut transaction = writer.begin().await?;
        let (pk, name) = members::pk_of(&mut transaction, name).await?;
        members::check_not_last_admin(&mut transaction, pk).await?;
        members::delete(&mut transaction, pk, &name).await?;
        audit::append(&mut transaction, self.now(), by, Action::MemberRemove, None, Some(&name)).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The name as it is kept, the member's number and the hash of their password; `None`: nobody is
    /// called that.
    pub async fn password_of(&self, name: &str) -> Result<Option<(String, i64, Option<String>)>, StoreError> {
        let Ok(name) = members::folded_name(name) else { return Ok(None) };
        let found = members::password_of(self.catalog().readers(), &name).await?;
        Ok(found.map(|(pk, hash)| (name, pk, hash)))
    }

    /// Sets a member's password by its hash. Every browser of theirs is signed out but the one of session
    /// `kept`, which goes on under another secret. Links that wait are gone.
    pub async fn set_password(
        &self,
        name: &str,
        hash: &str,
        kept: Option<(i64, &str)>,
        by: &Actor,
    ) -> Result<(), StoreError> {
        let mut writer = self.catalog().writer().await;
        let mut transaction = writer.begin().await?;
        let (pk, name) = members::pk_of(&mut transaction, name).await?;
        members::set_password(&mut transaction, pk, Some(hash)).await?;
        ui_sessions::delete_but(&mut transaction, pk, kept.map(|(session, _)| session)).await?;
        ui_sessions::delete_links(&mut transaction, pk).await?;
        if let Some((session, secret)) = kept {
            ui_sessions::rotate(&mut transaction, session, &Self::hash_secret(secret)).await?;
        }
        audit::append(&mut transaction, self.now(), by, Action::PasswordSet, None, Some(&name)).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Signing in.
impl Store {
    /// Keeps a one-time code with which that member signs in; `None`: the first member, who is made if not
    /// there.
    pub async fn add_login_code(
        &self,
        code: &str,
        member: Option<&str>,
        expires_at: Timestamp,
        by: &Actor,
    ) -> Result<(), StoreError> {
        let (hash, now) = (Self::hash_secret(code), self.now());
        let mut writer = self.catalog().writer().await;
        let mut transaction = writer.begin().await?;
        let (pk, name) = match member {
            Some(name) => members::pk_of(&mut transaction, name).await?,
            None => members::first_member(&mut transaction, now).await?,
        };
        ui_sessions::insert_link(&mut transaction, &hash, pk, now, expires_at).await?;
        audit::append(&mut transaction, now, by, Action::LinkMake, None, Some(&name)).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Whether somebody administers the server: not in a new folder.
    pub async fn has_admin(&self) -> Result<bool, StoreError> {
        members::has_admin(self.catalog().readers()).await
    }

    /// Uses a one-time code up; number and name of the member it was for, or `None` if it does not hold
    /// (any more).
    pub async fn use_login_code(&self, code: &str) -> Result<Option<(i64, String)>, StoreError> {
        let now = self.now();
        ui_sessions::use_link(&mut *self.catalog().writer().await, &Self::hash_secret(code), now).await
    }

    /// Keeps a browser's session; the one it had before, whose secret is `replaced`, is over.
    pub async fn add_ui_session(
        &self,
        secret: &str,
        session: &NewUiSession,
        replaced: Option<&str>,
        by: &Actor,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut writer = self.catalog().writer().await;
        let mut transaction = writer.begin().await?;
        if let Some(replaced) = replaced {
            ui_sessions::delete(&mut transaction, &Self::hash_secret(replaced)).await?;
        }
        ui_sessions::insert(&mut transaction, &Self::hash_secret(secret), session, now).await?;
        audit::append(&mut transaction, now, by, Action::SignIn, None, None).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Ends a browser's session; nothing happens if there is none.
    pub async fn end_ui_session(&self, secret: &str, address: Option<String>) -> Result<(), StoreError> {
        let mut writer = self.catalog().writer().await;
        let mut transaction = writer.begin().await?;
        if let Some(name) = ui_sessions::delete(&mut transaction, &Self::hash_secret(secret)).await? {
            let by = Actor::member(&name, address);
            audit::append(&mut transaction, self.now(), &by, Action::SignOut, None, None).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Ends one session of that member; nothing happens if it is not there.
    pub async fn end_ui_session_of(&self, member: i64, session: i64, by: &Actor) -> Result<(), StoreError> {
        let mut writer = self.catalog().writer().await;
        let mut transaction = writer.begin().await?;
        if ui_sessions::delete_one(&mut transaction, member, session).await? {
            audit::append(&mut transaction, self.now(), by, Action::SessionEnd, None, None).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Ends every session of that member but one.
    pub async fn end_other_ui_sessions(&self, member: i64, kept: i64, by: &Actor) -> Result<(), StoreError> {
        let mut writer = self.catalog().writer().await;
        let mut transaction = writer.begin().await?;
        if ui_sessions::delete_but(&mut transaction, member, Some(kept)).await? > 0 {
            audit::append(&mut transaction, self.now(), by, Action::SessionEnd, None, None).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Sessions of that member that hold, last used first.
    pub async fn ui_sessions(&self, member: i64) -> Result<Vec<UiSession>, StoreError> {
        ui_sessions::of_member(self.catalog().readers(), member, self.now()).await
    }

    /// Whose session of a browser that is, by the hash of its secret; `None` if it does not hold (any
    /// more). It counts as a use.
    pub async fn signed_in(&self, hash: &[u8; 32]) -> Result<Option<SignedIn>, StoreError> {
        let now = self.now();
        let found = ui_sessions::signed_in(self.catalog().readers(), hash, now).await?;
        if let Some(signed_in) = &found {
            self.uses().note(Used::UiSession(signed_in.session), now);
        }
        Ok(found)
    }
}

/// Tokens, and the audit log.
impl Store {
    /// Keeps a token's hash; its number.
    ///
    /// # Errors
    /// [`Conflict`](crate::StoreErrorKind::Conflict) when the project has one of that name, or the secret is
    /// a token already.
    pub async fn add_token(&self, token: &NewToken<'_>, by: &Actor) -> Result<i64, StoreError> {
        let now = self.now();
        let mut writer = self.catalog().writer().await;
        let mut transaction = writer.begin().await?;
        let hash = Self::hash_secret(token.secret);
        let pk = tokens::insert(&mut transaction, token, &hash, now).await?;
        let target = format!("{} {} {}", token.scope.as_str(), token.label, token.name.unwrap_or_default());
        let project = Some(token.project);
        audit::append(&mut transaction, now, by, Action::TokenAdd, project, Some(target.trim())).await?;
        transaction.commit().await?;
        Ok(pk)
    }

    /// A token stops to hold.
    pub async fn revoke_token(&self, secret: &str, by: &Actor) -> Result<(), StoreError> {
        let now = self.now();
        let mut writer = self.catalog().writer().await;
        let mut transaction = writer.begin().await?;
        let (project, label) = tokens::revoke(&mut transaction, &Self::hash_secret(secret), now).await?;
        audit::append(&mut transaction, now, by, Action::TokenRevoke, Some(project), Some(&label)).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The same by project and number; nothing happens if it was revoked before.
    pub async fn revoke_token_of(&self, project: ProjectPk, pk: i64, by: &Actor) -> Result<(), StoreError> {
        let now = self.now();
        let mut writer = self.catalog().writer().await;
        let mut transaction = writer.begin().await?;
        if let Some(label) = tokens::revoke_pk(&mut transaction, project, pk, now).await? {
            audit::append(&mut transaction, now, by, Action::TokenRevoke, Some(project), Some(&label))
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Every token that was not revoked, by the hash of its secret ([`hash_secret`](Self::hash_secret)).
    /// Some may have expired.
    pub async fn tokens(&self) -> Result<Vec<([u8; 32], Token)>, StoreError> {
        tokens::all(self.catalog().readers()).await
    }

    /// Those of one project, newest first.
    pub async fn tokens_of(&self, project: ProjectPk) -> Result<Vec<Token>, StoreError> {
        tokens::of_project(self.catalog().readers(), project).await
    }

    /// A token was used. Cheap: the next upkeep writes it.
    pub fn note_token_use(&self, pk: i64) {
        self.uses().note(Used::Token(pk), self.now());
    }

    /// Writes a row of the audit log: for what is done elsewhere.
    pub async fn record(
        &self,
        by: &Actor,
        action: Action,
        project: Option<ProjectPk>,
        target: Option<&str>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        audit::append(&mut *self.catalog().writer().await, now, by, action, project, target).await
    }

    /// A page of the audit log, newest first; rows of no project only if all are meant. `before`: the last
    /// row of the page before.
    pub async fn audit(
        &self,
        projects: &Projects,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        audit::page(self.catalog().readers(), projects, before, limit).await
    }
}
