-- From version 5 to 6, before figures.sql.

DROP INDEX session_project_started;
ALTER TABLE session ADD COLUMN active_hour BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN has_errors SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN other_users SMALLINT NOT NULL DEFAULT 0;
UPDATE session SET active_hour = last_activity_at / 3600000000000, has_errors = error_count > 0,
  other_users = CASE json_array_length(users) WHEN 0 THEN 0 WHEN 1 THEN json_extract(users, '$[0].id') IS NULL ELSE 1 END;
