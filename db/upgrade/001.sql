-- 001.sql - the tables and indexes of version 1, as they were.
--
-- What an older file must look like is this with the upgrades up to its
-- version.  Once a program has made files with one of these, it stays as it is.
-- Each runs in one transaction with the change of user_version, foreign keys
-- off, triggers and views away: those of schema.sql are made afterwards, and the
-- result must be schema.sql's, word for word.

CREATE TABLE meta(
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE env(                             -- one row per distinct build and host
  env_id       INTEGER PRIMARY KEY,
  fingerprint  TEXT NOT NULL UNIQUE,          -- SHA-256 over the columns below
  qlaw_version TEXT NOT NULL,
  git_commit   TEXT,
  git_dirty    INTEGER NOT NULL DEFAULT 0 CHECK(git_dirty IN (0,1)),
  git_diff     TEXT,                          -- text of `git diff HEAD` when dirty
  compiler     TEXT NOT NULL, cflags TEXT NOT NULL,
  cpu_model    TEXT NOT NULL, isa TEXT NOT NULL, cores INTEGER NOT NULL,
  kernel       TEXT NOT NULL, libc TEXT NOT NULL,
  libs_json    TEXT NOT NULL CHECK(json_valid(libs_json))
) STRICT;

CREATE TABLE dataset(
  dataset_id INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,                   -- paths as the grid names them
  sha256     TEXT NOT NULL,                   -- of the bytes that are used
  tokenizer  TEXT NOT NULL,
  vocab      INTEGER NOT NULL,
  n_tokens   INTEGER NOT NULL,
  source_url TEXT, bytes INTEGER, fetched_at TEXT,
  UNIQUE(name, sha256, tokenizer)
) STRICT;

CREATE TABLE grid(                            -- the highest grid_id of a name is current
  grid_id    INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,
  ini_text   TEXT NOT NULL,                   -- merged text, includes inlined
  ini_sha256 TEXT NOT NULL,
  argv       TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  UNIQUE(name, ini_sha256)
) STRICT;

CREATE TABLE point(                           -- one distinct configuration, seed excluded
  point_id   TEXT PRIMARY KEY CHECK(length(point_id)=16),
  config     TEXT NOT NULL CHECK(json_valid(config)),  -- canonical JSON, hashed keys
  twin_id    TEXT NOT NULL,                   -- the same without quant.*
  is_base    INTEGER NOT NULL DEFAULT 0 CHECK(is_base IN (0,1)), -- the unquantized twin
  dataset_id INTEGER NOT NULL REFERENCES dataset,
  trainer    TEXT NOT NULL DEFAULT 'builtin', trainer_rev TEXT NOT NULL DEFAULT '1',
  -- the columns people group by, copied from config
  n_layer INTEGER NOT NULL, d_model INTEGER NOT NULL,
  n_embed INTEGER NOT NULL,                   -- token embedding
  n_head_params INTEGER NOT NULL,             -- output projection (0 when tied)
  n_body  INTEGER NOT NULL,                   -- attention and MLP matrices
  n_other INTEGER NOT NULL,                   -- norms
  tokens  INTEGER NOT NULL,
  fmt     TEXT NOT NULL,                      -- element format: intN, eXmY, or fp32
  exp_bits INTEGER, man_bits INTEGER,         -- intN: 0 and N-1
  group_size INTEGER,                         -- NULL: per row, per tensor, or none
  act_fmt TEXT, grad_fmt TEXT,                -- NULL: left in high precision
  scale_fmt TEXT, rounding TEXT,
  gmse    REAL,                               -- mean squared error on N(0,1)
  fp_tokens INTEGER NOT NULL DEFAULT 0,       -- tokens in high precision before QAT
  flops_plan REAL NOT NULL, mem_plan INTEGER NOT NULL,
  gran    TEXT CHECK(gran IN ('group','row','tensor')), -- NULL: not quantized
  g_eff   REAL,       -- elements that share a scale: the group, or the mean input width
  arm     TEXT NOT NULL DEFAULT '',           -- what is quantized, for people
  settings TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(settings)), -- every key not at its
                                              -- default, as written: repeats the run
  n_total INTEGER GENERATED ALWAYS AS (n_embed+n_head_params+n_body+n_other) VIRTUAL,
  bits    INTEGER GENERATED ALWAYS AS (1+exp_bits+man_bits) VIRTUAL,
  tokens_per_param REAL GENERATED ALWAYS AS (CAST(tokens AS REAL)/n_body) VIRTUAL
) STRICT;
CREATE INDEX point_ndg ON point(n_body, tokens, group_size);
CREATE INDEX point_fmt ON point(exp_bits, man_bits);
CREATE INDEX point_twin ON point(twin_id, fmt);
CREATE UNIQUE INDEX point_base ON point(twin_id) WHERE is_base=1;

CREATE TABLE grid_point(
  grid_id  INTEGER NOT NULL REFERENCES grid ON DELETE CASCADE,
  point_id TEXT NOT NULL REFERENCES point,
  ordinal  INTEGER NOT NULL, block TEXT NOT NULL,
  priority INTEGER NOT NULL DEFAULT 0,
  seeds    TEXT NOT NULL DEFAULT '[1]' CHECK(json_valid(seeds)), -- of this grid
  PRIMARY KEY(grid_id, point_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX grid_point_point ON grid_point(point_id);

CREATE TABLE grid_count(                      -- runs of a grid by state; kept by triggers
  grid_id INTEGER NOT NULL REFERENCES grid ON DELETE CASCADE,
  state   TEXT NOT NULL,
  runs    INTEGER NOT NULL,
  flops   REAL NOT NULL,                      -- planned
  PRIMARY KEY(grid_id, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE run(                             -- point x seed
  run_id   INTEGER PRIMARY KEY,
  point_id TEXT NOT NULL REFERENCES point,
  seed     INTEGER NOT NULL, data_seed INTEGER NOT NULL,
  state    TEXT NOT NULL DEFAULT 'pending' CHECK(state IN
           ('pending','queued','running','paused','done','diverged','failed',
            'timeout','cancelled','skipped')),
  state_reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  UNIQUE(point_id, seed)
) STRICT;
CREATE INDEX run_open ON run(state) WHERE state NOT IN ('done');

CREATE TABLE attempt(
  attempt_id INTEGER PRIMARY KEY,
  run_id  INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  number  INTEGER NOT NULL,
  env_id  INTEGER REFERENCES env,
  backend TEXT NOT NULL CHECK(backend IN ('local','slurm','exec')),
  host TEXT, pid INTEGER, cores TEXT,
  boot_id TEXT, start_ticks INTEGER,          -- with pid: which process it was
  token   TEXT,                               -- drawn for this attempt; its records carry it
  slurm_job TEXT, slurm_task INTEGER, slurm_state TEXT,
  started_at TEXT NOT NULL, heartbeat_at TEXT, ended_at TEXT,
  from_step INTEGER NOT NULL DEFAULT 0,       -- > 0: resumed from a checkpoint
  outcome TEXT CHECK(outcome IN ('ok','diverged','error','signal','timeout',
          'oom','preempted','lost','cancelled')),
  exit_code INTEGER, term_signal INTEGER, message TEXT,
  cpu_s REAL, wall_s REAL, max_rss INTEGER, log_path TEXT,
  UNIQUE(run_id, number)
) STRICT;

CREATE TABLE curve(
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  step   INTEGER NOT NULL, tokens INTEGER NOT NULL,
  train_loss REAL, val_loss REAL,             -- NULL: not measured at this step
  nonfinite  INTEGER NOT NULL DEFAULT 0,      -- 1 NaN, 2 infinite
  lr REAL, grad_norm REAL, wall_s REAL,
  PRIMARY KEY(run_id, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE metric(                          -- anything else a trainer reports
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  name TEXT NOT NULL, step INTEGER NOT NULL, value REAL NOT NULL,
  PRIMARY KEY(run_id, name, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE result(
  run_id INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
  loss    REAL NOT NULL,                      -- final validation loss
  loss_se REAL,                               -- standard error over sequences
  train_loss REAL, best_loss REAL,
  steps INTEGER NOT NULL, tokens INTEGER NOT NULL,
  flops REAL, wall_s REAL, tok_per_s REAL,
  weights_sha256 TEXT
) STRICT;

CREATE TABLE fit(
  fit_id INTEGER PRIMARY KEY, name TEXT NOT NULL, law TEXT NOT NULL,
  expr   TEXT NOT NULL,                       -- the formula
  n_def  TEXT NOT NULL,                       -- which parameters count as N
  selection TEXT NOT NULL,                    -- what chose the rows
  loss_fn TEXT NOT NULL, huber_delta REAL,
  n_starts INTEGER NOT NULL, rng_seed INTEGER NOT NULL,
  n_points INTEGER NOT NULL, n_params INTEGER NOT NULL,
  rmse REAL, r2 REAL, aic REAL, bic REAL,
  holdout TEXT, holdout_rmse REAL,
  converged INTEGER NOT NULL, status TEXT NOT NULL,
  data_sha256 TEXT NOT NULL,                  -- of the rows that were fitted
  env_id INTEGER REFERENCES env, created_at TEXT NOT NULL
) STRICT;

CREATE TABLE fit_param(
  fit_id INTEGER NOT NULL REFERENCES fit ON DELETE CASCADE, name TEXT NOT NULL,
  value REAL NOT NULL, se REAL, lo95 REAL, hi95 REAL,
  at_bound INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(fit_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE fit_point(
  fit_id INTEGER NOT NULL REFERENCES fit ON DELETE CASCADE,
  run_id INTEGER NOT NULL REFERENCES run,
  role   TEXT NOT NULL CHECK(role IN ('train','holdout','excluded')),
  observed REAL NOT NULL, predicted REAL NOT NULL,
  weight REAL NOT NULL DEFAULT 1, why TEXT,
  PRIMARY KEY(fit_id, run_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifact(
  run_id INTEGER REFERENCES run ON DELETE CASCADE, kind TEXT NOT NULL,
  path   TEXT NOT NULL, sha256 TEXT, bytes INTEGER, created_at TEXT NOT NULL,
  PRIMARY KEY(path)
) STRICT, WITHOUT ROWID;

CREATE TABLE event(
  event_id INTEGER PRIMARY KEY,
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  run_id INTEGER REFERENCES run ON DELETE CASCADE,
  kind TEXT NOT NULL, detail TEXT
) STRICT;
CREATE INDEX event_run ON event(run_id, event_id);

CREATE TABLE request(                         -- wishes to the scheduler that holds the lock
  request_id INTEGER PRIMARY KEY,
  at     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  wish   TEXT NOT NULL CHECK(wish IN ('cancel','pause','retry'))
) STRICT;
