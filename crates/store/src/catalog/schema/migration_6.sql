-- From version 6 to 7, before uploads.sql.

ALTER TABLE session ADD COLUMN process TEXT;
