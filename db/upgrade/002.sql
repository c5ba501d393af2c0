-- 002.sql - tags, and where deleted grids and runs wait.

CREATE TABLE tag(
  tag    TEXT NOT NULL,
  grid   TEXT,                                -- a grid's name, or
  run_id INTEGER REFERENCES run ON DELETE CASCADE,
  CHECK((grid IS NULL) <> (run_id IS NULL)),
  UNIQUE(tag, grid), UNIQUE(tag, run_id)
) STRICT;

CREATE TABLE deleted(
  deleted_id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK(kind IN ('grid','run','fit')),
  grid TEXT,                                  -- its name; that it went with; NULL: alone
  point_id TEXT, seed INTEGER,                -- of a run
  run_id   INTEGER,                           -- which no other run gets
  state    TEXT,
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  UNIQUE(point_id, seed), UNIQUE(run_id)
) STRICT;

CREATE TABLE deleted_rows(                    -- db/shelf.h
  deleted_id INTEGER NOT NULL REFERENCES deleted ON DELETE CASCADE,
  tbl     TEXT NOT NULL,
  columns TEXT NOT NULL,
  rows    INTEGER NOT NULL,
  body    BLOB NOT NULL,
  PRIMARY KEY(deleted_id, tbl)
) STRICT;
