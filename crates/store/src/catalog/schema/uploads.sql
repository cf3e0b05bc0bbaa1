-- Files of sessions of processes, fragment by fragment; the bytes lie in the folder `uploads`.

CREATE TABLE upload (
  -- Also names the file. Never given twice: a file may still be on its way out when the next one comes.
  pk INTEGER PRIMARY KEY AUTOINCREMENT,
  project_pk BIGINT NOT NULL,
  session_key TEXT NOT NULL,         -- key_text of the session
  fragment BIGINT NOT NULL,          -- its number, from 1
  byte_count BIGINT NOT NULL,        -- what of the file counts: its events are committed
  frame_at BIGINT NOT NULL,          -- where the last frame begins: reading goes on from there
  next_sequence BIGINT NOT NULL,     -- of the first record that was not read
  is_complete SMALLINT NOT NULL,
  UNIQUE (project_pk, session_key, fragment)
);
