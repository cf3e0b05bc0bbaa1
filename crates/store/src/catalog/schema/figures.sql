-- What makes counting sessions quick: follows from the table session, in a new catalog and in one that is migrated.

-- What sessions are counted by over time stands behind, so that their rows need not be read.
CREATE INDEX session_project_started ON session (project_pk, started_at, id, user_id, has_errors) WHERE visible = 1;
CREATE INDEX session_errors ON session (started_at, id) WHERE has_errors = 1 AND visible = 1;
CREATE INDEX session_project_errors ON session (project_pk, started_at, id) WHERE has_errors = 1 AND visible = 1;
-- By hours rather than moments, so that it is rewritten once an hour and not at every commit.
CREATE INDEX session_active ON session (project_pk, active_hour, user_id, started_at, other_users) WHERE visible = 1;

-- Sessions shown, added up by the hour of their last activity. Kept by the triggers below and by nothing else.
CREATE TABLE session_hour (
  project_pk BIGINT NOT NULL,
  active_hour BIGINT NOT NULL,
  sessions BIGINT NOT NULL,
  running BIGINT NOT NULL,
  with_errors BIGINT NOT NULL,
  duration_micros BIGINT NOT NULL,   -- from start to last activity
  PRIMARY KEY (project_pk, active_hour)
) WITHOUT ROWID;
CREATE TRIGGER session_hour_insert AFTER INSERT ON session WHEN new.visible = 1 BEGIN
  INSERT INTO session_hour VALUES (new.project_pk, new.active_hour, 1, new.end_kind = 0, new.has_errors,
    (new.last_activity_at - new.started_at) / 1000)
  ON CONFLICT (project_pk, active_hour) DO UPDATE SET sessions = sessions + 1, running = running + excluded.running,
    with_errors = with_errors + excluded.with_errors, duration_micros = duration_micros + excluded.duration_micros;
END;
CREATE TRIGGER session_hour_delete AFTER DELETE ON session WHEN old.visible = 1 BEGIN
  UPDATE session_hour SET sessions = sessions - 1, running = running - (old.end_kind = 0),
    with_errors = with_errors - old.has_errors,
    duration_micros = duration_micros - (old.last_activity_at - old.started_at) / 1000
  WHERE project_pk = old.project_pk AND active_hour = old.active_hour;
  DELETE FROM session_hour WHERE project_pk = old.project_pk AND active_hour = old.active_hour AND sessions = 0;
END;
CREATE TRIGGER session_hour_within AFTER UPDATE ON session
WHEN old.visible = 1 AND new.visible = 1 AND old.active_hour = new.active_hour AND (old.last_activity_at <> new.last_activity_at
  OR old.started_at <> new.started_at OR old.end_kind <> new.end_kind OR old.has_errors <> new.has_errors) BEGIN
  UPDATE session_hour SET running = running + (new.end_kind = 0) - (old.end_kind = 0),
    with_errors = with_errors + new.has_errors - old.has_errors,
    duration_micros = duration_micros + (new.last_activity_at - new.started_at) / 1000
      - (old.last_activity_at - old.started_at) / 1000
  WHERE project_pk = new.project_pk AND active_hour = new.active_hour;
END;
CREATE TRIGGER session_hour_between AFTER UPDATE ON session
WHEN (old.visible = 1 OR new.visible = 1) AND (old.visible <> new.visible OR old.active_hour <> new.active_hour) BEGIN
  UPDATE session_hour SET sessions = sessions - 1, running = running - (old.end_kind = 0),
    with_errors = with_errors - old.has_errors,
    duration_micros = duration_micros - (old.last_activity_at - old.started_at) / 1000
  WHERE old.visible = 1 AND project_pk = old.project_pk AND active_hour = old.active_hour;
  DELETE FROM session_hour WHERE project_pk = old.project_pk AND active_hour = old.active_hour AND sessions = 0;
  INSERT INTO session_hour SELECT new.project_pk, new.active_hour, 1, new.end_kind = 0, new.has_errors,
    (new.last_activity_at - new.started_at) / 1000 WHERE new.visible = 1
  ON CONFLICT (project_pk, active_hour) DO UPDATE SET sessions = sessions + 1, running = running + excluded.running,
    with_errors = with_errors + excluded.with_errors, duration_micros = duration_micros + excluded.duration_micros;
END;
INSERT INTO session_hour SELECT project_pk, active_hour, COUNT(*), SUM(end_kind = 0), SUM(has_errors),
  CAST(TOTAL((last_activity_at - started_at) / 1000) AS BIGINT) FROM session WHERE visible = 1 GROUP BY project_pk, active_hour;
