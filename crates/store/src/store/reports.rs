//! The part of [`Store`] that adds sessions up: users, counts over time; and the views people keep of them.

use kymo_filter::SessionField;
use kymo_model::{SessionId, Timestamp};

use crate::catalog::error_types;
use crate::catalog::projects::Projects;
use crate::catalog::saved_views::{self, SavedView};
use crate::catalog::sessions::figures::{self, SessionCount};
use crate::catalog::sessions::{self, SessionFilter, SessionSort};
use crate::catalog::users::{self, UserCursor, UserSummary};
use crate::catalog::values::{self, FieldValue, ValueScope};
use crate::error::StoreError;
use crate::store::Store;
use crate::worth::{self, WorthOpening};

/// Most buckets that sessions are counted in: a pixel each on a wide screen.
pub const COUNT_BUCKETS_MAX: u32 = 512;

impl Store {
    /// Users of the sessions that match, last seen first.
    pub async fn users(
        &self,
        filter: &SessionFilter,
        after: Option<&UserCursor>,
        limit: u32,
    ) -> Result<Vec<UserSummary>, StoreError> {
        let condition = self.condition(filter).await?;
        users::list(self.catalog().readers(), filter, condition.as_ref(), after, limit).await
    }

    /// The user of that id, or of that name if it has no id, over the sessions that match.
    pub async fn user(&self, filter: &SessionFilter, key: &str) -> Result<UserSummary, StoreError> {
        let condition = self.condition(filter).await?;
        let found = users::one(self.catalog().readers(), filter, condition.as_ref(), key).await?;
        found.ok_or_else(|| StoreError::not_found(format!("there is no user {key}")))
    }

    /// Sessions that match by the time of their start, counted in equal buckets between two moments, at most
    /// [`COUNT_BUCKETS_MAX`]; buckets that hold nothing are left out.
    pub async fn session_counts_over_time(
        &self,
        filter: &SessionFilter,
        from: Timestamp,
        to: Timestamp,
        buckets: u32,
    ) -> Result<Vec<SessionCount>, StoreError> {
        let (condition, buckets) = (self.condition(filter).await?, buckets.clamp(1, COUNT_BUCKETS_MAX));
        figures::counts(self.catalog().readers(), filter, condition.as_ref(), from, to, buckets).await
    }

    /// Values that sessions have in a field and that begin with `prefix`, then those of which a word does, in any
    /// case; of each the most frequent first. Looks at the newest 10,000 sessions; a field of which nothing can be listed has none.
    pub async fn field_values(
        &self,
        scope: &ValueScope,
        field: &SessionField,
        prefix: &str,
        limit: u32,
    ) -> Result<Vec<FieldValue>, StoreError> {
        values::of_field(self.catalog().readers(), scope, field, prefix, limit).await
    }

    /// Sessions worth opening of those that were active in `[from, to)` and match, at most one for each rule, in
    /// the order of the rules. Looks at the newest 5000 with errors since seven days before.
    pub async fn worth_opening(
        &self,
        filter: &SessionFilter,
        from: Timestamp,
    ) -> Result<Vec<WorthOpening>, StoreError> {
        let history = from.minus(worth::HISTORY);
        let filter = SessionFilter {
            from: Some(history),
            with_errors: Some(true),
            sort: SessionSort::Started,
            ascending: false,
            ..filter.clone()
        };
        let condition = self.condition(&filter).await?;
        let readers = self.catalog().readers();
        let rows = sessions::list(readers, &filter, condition.as_ref(), None, worth::ROWS_MAX).await?;
        let new_types = error_types::first_seen(readers, &filter.projects, from).await?;
        Ok(worth::choose(rows, &new_types, from))
    }

    /// Views of that person, and shared ones of these projects.
    pub async fn saved_views(&self, owner: &str, projects: &Projects) -> Result<Vec<SavedView>, StoreError> {
        saved_views::list(self.catalog().readers(), owner, projects).await
    }

    /// Makes a view or replaces it, if it is the owner's.
    pub async fn put_view(&self, view: &SavedView) -> Result<(), StoreError> {
        let mut writer = self.catalog().writer().await;
        let known = saved_views::one(&mut writer, view.id).await?;
        if known.is_some_and(|known| known.owner != view.owner) {
            return Err(StoreError::not_found("there is no such view of yours"));
        }
        saved_views::put(&mut writer, view).await
    }

    /// Removes a view of that owner; one that is not there is removed already.
    pub async fn delete_view(&self, owner: &str, id: SessionId) -> Result<(), StoreError> {
        let mut writer = self.catalog().writer().await;
        match saved_views::one(&mut writer, id).await? {
            Some(known) if known.owner == owner => saved_views::delete(&mut writer, id).await,
            Some(_) => Err(StoreError::not_found("there is no such view of yours")),
            None => Ok(()),
        }
    }
}
