-- The catalog, version 7, with figures.sql and uploads.sql. Times are nanoseconds since the epoch (UTC), ids 16 bytes.
-- SQLite dialect; the PostgreSQL one differs in BLOB/BYTEA and WITHOUT ROWID only.

CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE project (
  pk INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  origins TEXT NOT NULL,             -- JSON list
  config_version BIGINT NOT NULL,
  client_settings TEXT NOT NULL,     -- JSON object, for the agents
  session_limits TEXT NOT NULL,      -- JSON object: what the project sets itself of the session rules, seconds, and of uploads
  loose_sequence BIGINT NOT NULL,    -- next sequence of events that belong to no session
  retention_days BIGINT              -- sessions silent for longer are removed; NULL: none are
);

CREATE TABLE token (
  pk INTEGER PRIMARY KEY,
  project_pk BIGINT NOT NULL,
  scope TEXT NOT NULL,               -- ingest, browser, read, admin
  hash BLOB NOT NULL UNIQUE,         -- SHA-256 of the token
  label TEXT NOT NULL,               -- its first characters, to tell tokens apart
  name TEXT,                         -- what people call it
  created_at BIGINT NOT NULL,
  created_by TEXT,                   -- name of the member; NULL: the command line
  expires_at BIGINT,
  last_used_at BIGINT,               -- to the minute
  revoked_at BIGINT
);

-- People who sign in.
CREATE TABLE member (
  pk INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,         -- to sign in with, case-folded
  password TEXT,                     -- argon2id, PHC string; NULL: signs in by one-time link only
  is_admin SMALLINT NOT NULL,        -- of the server, and so of every project
  created_at BIGINT NOT NULL
);

-- Who may do what in which project.
CREATE TABLE membership (
  project_pk BIGINT NOT NULL,
  member_pk BIGINT NOT NULL,
  role TEXT NOT NULL,                -- reader, member, admin
  PRIMARY KEY (project_pk, member_pk)
) WITHOUT ROWID;
CREATE INDEX membership_member ON membership (member_pk);

CREATE TABLE login_link (
  hash BLOB PRIMARY KEY,             -- SHA-256 of the code
  member_pk BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);

CREATE TABLE ui_session (
  pk INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,         -- SHA-256 of the cookie
  member_pk BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL,      -- to the minute
  address TEXT,                      -- where it was opened from
  user_agent TEXT
);
CREATE INDEX ui_session_member ON ui_session (member_pk);

-- Sign-ins, changes of tokens and members, exports, erasures.
CREATE TABLE audit (
  pk INTEGER PRIMARY KEY,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,               -- a member's name, a token's label, or the command line
  action TEXT NOT NULL,              -- such as token.add
  project_pk BIGINT,
  target TEXT,                       -- what it was done to
  address TEXT
);
CREATE INDEX audit_at ON audit (at);

-- Filters that people keep.
CREATE TABLE saved_view (
  id BLOB PRIMARY KEY,
  project_pk BIGINT,                 -- NULL: of no project in particular
  owner TEXT NOT NULL,               -- a member's name
  name TEXT NOT NULL,
  is_shared SMALLINT NOT NULL,       -- others who may see the project see it
  view TEXT NOT NULL,                -- JSON object: what the page's URL holds
  changed_at BIGINT NOT NULL
);

-- Sessions that retention leaves alone.
CREATE TABLE session_pin (
  session_id BLOB PRIMARY KEY,
  pinned_at BIGINT NOT NULL,
  pinned_by TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE session (
  id BLOB PRIMARY KEY,
  project_pk BIGINT NOT NULL,
  kind TEXT NOT NULL,
  key_kind SMALLINT NOT NULL,        -- what key_text is: 0 an identity, 1 an id of the agent, 2 a tab's agent id, 3 a process's id
  key_hash BLOB NOT NULL,
  key_text TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  last_activity_at BIGINT NOT NULL,
  last_observed_at BIGINT NOT NULL,
  end_kind SMALLINT NOT NULL,        -- 0 running, 1 timed out, 2 end event, 3 close call, 4 silent; by its file 5 normal,
                                     -- 6 crashed, 7 killed, 8 lost power, 9 unknown, 10 timed out
  end_at BIGINT NOT NULL,            -- date of the end event or of the end in the file, arrival of the close call, else 0
  visible SMALLINT NOT NULL,
  start_event_at BIGINT,
  event_count BIGINT NOT NULL,
  error_count BIGINT NOT NULL,
  dropped TEXT NOT NULL,             -- JSON object: what came for it and was not stored, by reason
  next_sequence BIGINT NOT NULL,
  user_id TEXT,                      -- the last one seen
  user_name TEXT,
  user_words TEXT NOT NULL,          -- words of the ids and names of all, case-folded, a line for each
  users TEXT NOT NULL,               -- JSON
  properties TEXT NOT NULL,          -- JSON
  clock_skew BIGINT NOT NULL,
  kymogram BLOB NOT NULL,
  visit_id TEXT,                     -- of a browser tab
  tab TEXT,                          -- JSON: page loads and numbers of a browser tab
  active_hour BIGINT NOT NULL,       -- of last_activity_at, hours since 1970
  has_errors SMALLINT NOT NULL,      -- error_count > 0
  other_users SMALLINT NOT NULL,     -- there are users that user_id does not tell
  process TEXT                       -- JSON: stored numbers of a process, what its files say
);
CREATE INDEX session_started ON session (started_at, id) WHERE visible = 1;
CREATE INDEX session_key ON session (project_pk, key_hash, last_activity_at);
CREATE INDEX session_external ON session (key_text) WHERE key_kind <> 0;
CREATE INDEX session_visit ON session (visit_id) WHERE visit_id IS NOT NULL;
CREATE INDEX session_running ON session (project_pk) WHERE end_kind = 0;
-- What is not shown is looked for by retention alone.
CREATE INDEX session_hidden ON session (project_pk, started_at) WHERE visible = 0;

-- Page loads whose events are stored under an id of their own, with the session they are in. Beside
-- these, a session has what is stored under its own id.
CREATE TABLE session_stream (
  stream_id BLOB PRIMARY KEY,
  session_id BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_stream_session ON session_stream (session_id);

-- Heartbeats and close calls whose session is not known yet.
CREATE TABLE mark (
  project_pk BIGINT NOT NULL,
  id TEXT NOT NULL,
  received_at BIGINT NOT NULL,
  is_close SMALLINT NOT NULL,
  PRIMARY KEY (project_pk, id)
);

-- What users said about events, by the id that the agent gave the event, which may not have come yet.
CREATE TABLE user_description (
  project_pk BIGINT NOT NULL,
  reference_id TEXT NOT NULL,
  email TEXT,
  description TEXT,
  data TEXT,                         -- JSON object
  received_at BIGINT NOT NULL,
  PRIMARY KEY (project_pk, reference_id)
);

-- De-duplication keys. A bucket is one window (24 h) of arrival: looked up in the current and the
-- one before, removed whole when older.
CREATE TABLE seen (
  bucket BIGINT NOT NULL,
  project_pk BIGINT NOT NULL,
  fingerprint BLOB NOT NULL,
  PRIMARY KEY (bucket, project_pk, fingerprint)
) WITHOUT ROWID;

-- Events not yet in a segment: zstd-compressed Arrow IPC streams of the event columns.
CREATE TABLE tail (
  pk INTEGER PRIMARY KEY,
  project_pk BIGINT NOT NULL,
  observed_at BIGINT NOT NULL,
  row_count BIGINT NOT NULL,
  batch BLOB NOT NULL
);

CREATE TABLE segment (
  pk INTEGER PRIMARY KEY,            -- also names the file
  project_pk BIGINT NOT NULL,
  schema_version BIGINT NOT NULL,
  row_count BIGINT NOT NULL,
  live_count BIGINT NOT NULL,        -- rows that session_segment leads to; the others are of removed sessions
  byte_count BIGINT NOT NULL,
  observed_first BIGINT NOT NULL,
  observed_last BIGINT NOT NULL
);

-- Which rows of which segment a session's events are. Zero id: events without a session.
CREATE TABLE session_segment (
  session_id BLOB NOT NULL,
  segment_pk BIGINT NOT NULL,
  row_first BIGINT NOT NULL,
  row_count BIGINT NOT NULL,
  PRIMARY KEY (session_id, segment_pk)
) WITHOUT ROWID;
CREATE INDEX session_segment_segment ON session_segment (segment_pk);

-- Error types and where each was seen first. They stay when the session is removed: what was seen is not new again.
CREATE TABLE error_type (
  project_pk BIGINT NOT NULL,
  type TEXT NOT NULL,                -- of the outermost exception
  first_seen_at BIGINT NOT NULL,     -- arrival
  session_id BLOB NOT NULL,
  PRIMARY KEY (project_pk, type)
) WITHOUT ROWID;

-- What came in and what became of it.
CREATE TABLE counter (
  project_pk BIGINT NOT NULL,
  name TEXT NOT NULL,
  value BIGINT NOT NULL,
  PRIMARY KEY (project_pk, name)
);
