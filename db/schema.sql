-- schema.sql - one file holds every grid, run, loss and fit.
--
-- The views at the end are the public interface: they keep their columns
-- within a major version; in a file of an older version they are replaced by
-- these.  Tables may change with user_version: upgrade/NNN.sql leads from one to
-- the next.  Everything here can be asked with the stock sqlite3 shell.
--
-- Conventions: losses in nats per token; times as UTC ISO 8601 text; sizes in
-- bytes; N and D as plain counts.  NULL means not measured: a NaN or infinite
-- loss is never stored as a number, its outcome is.

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
  bytes      INTEGER,
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
  backend TEXT NOT NULL CHECK(backend IN ('local','slurm')),
  host TEXT, pid INTEGER,
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
  created_at TEXT NOT NULL
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

-- What people say of grids and runs, and what they deleted: the rows leave the
-- tables above, so that nothing meets them, and wait here until a vacuum.
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

CREATE TRIGGER run_state AFTER UPDATE OF state ON run
WHEN old.state IS NOT new.state
BEGIN
  INSERT INTO event(run_id, kind, detail)
  VALUES(new.run_id, 'state', old.state||' -> '||new.state||
         coalesce(': '||new.state_reason, ''));
END;

-- Which runs belong to which grid.
CREATE VIEW grid_run AS
SELECT gp.grid_id, r.run_id, r.point_id, r.seed, r.state, gp.ordinal,
       gp.priority, gp.block
FROM grid_point gp JOIN run r USING(point_id)
WHERE EXISTS(SELECT 1 FROM json_each(gp.seeds) WHERE value=r.seed);

-- A run is counted when it and its place in a grid are both there, whichever
-- comes second, and moves when its state does.
CREATE TRIGGER count_run AFTER INSERT ON run
BEGIN
  INSERT INTO grid_count(grid_id, state, runs, flops)
  SELECT x.grid_id, new.state, 1, p.flops_plan
  FROM grid_run x JOIN point p USING(point_id) WHERE x.run_id=new.run_id
  ON CONFLICT(grid_id, state) DO UPDATE
  SET runs=runs+1, flops=flops+excluded.flops;
END;

CREATE TRIGGER count_place AFTER INSERT ON grid_point
BEGIN
  INSERT INTO grid_count(grid_id, state, runs, flops)
  SELECT x.grid_id, x.state, 1, p.flops_plan
  FROM grid_run x JOIN point p USING(point_id)
  WHERE x.grid_id=new.grid_id AND x.point_id=new.point_id
  ON CONFLICT(grid_id, state) DO UPDATE
  SET runs=runs+1, flops=flops+excluded.flops;
END;

CREATE TRIGGER count_state AFTER UPDATE OF state ON run
WHEN old.state IS NOT new.state
BEGIN
  UPDATE grid_count SET runs=runs-1,
    flops=flops-(SELECT flops_plan FROM point WHERE point_id=new.point_id)
  WHERE state=old.state
    AND grid_id IN (SELECT grid_id FROM grid_run WHERE run_id=new.run_id);
  INSERT INTO grid_count(grid_id, state, runs, flops)
  SELECT x.grid_id, new.state, 1, p.flops_plan
  FROM grid_run x JOIN point p USING(point_id) WHERE x.run_id=new.run_id
  ON CONFLICT(grid_id, state) DO UPDATE
  SET runs=runs+1, flops=flops+excluded.flops;
END;

CREATE TRIGGER uncount_run BEFORE DELETE ON run
BEGIN
  UPDATE grid_count SET runs=runs-1,
    flops=flops-(SELECT flops_plan FROM point WHERE point_id=old.point_id)
  WHERE state=old.state
    AND grid_id IN (SELECT grid_id FROM grid_run WHERE run_id=old.run_id);
END;

-- ---------- views: the public, versioned interface -------------------------

-- What each state of a run counts as.  is_result: nothing more comes of it;
-- is_held: a scheduler or Slurm has the run; is_failure: the view failures tells
-- of it.
CREATE VIEW run_states(state, kind, is_result, is_held, is_failure) AS VALUES
  ('pending',   'waiting',  0, 0, 0),
  ('queued',    'waiting',  0, 1, 0),
  ('running',   'running',  0, 1, 0),
  ('paused',    'waiting',  0, 0, 0),
  ('done',      'done',     1, 0, 0),
  ('diverged',  'diverged', 1, 0, 1),
  ('failed',    'failed',   0, 0, 1),
  ('timeout',   'failed',   0, 0, 1),
  ('cancelled', 'left out', 0, 0, 1),
  ('skipped',   'left out', 0, 0, 0);

-- The number of the next run: those of deleted ones are kept for them.
CREATE VIEW next_run AS
SELECT 1+max(coalesce((SELECT max(run_id) FROM run),0),
             coalesce((SELECT max(run_id) FROM deleted),0)) AS run_id;

-- The newest version of each name.
CREATE VIEW current_grid AS
SELECT max(grid_id) AS grid_id, name FROM grid GROUP BY name;

-- In the views below, grid is the name of the grid whose newest version holds
-- the run, or several names with ", " between; NULL where none does.  The view
-- cells has a row for each grid instead.

-- What the columns of a point say of its quantizer.  G: elements that share a
-- scale; NULL when not quantized or per tensor.  A list of values has bits, but
-- neither E nor M.  stored_bits: of one element with its share of the scale;
-- the one scale of a tensor, and what somebody else's scales take, are not
-- known or not counted.  data_tokens: what there is to train on, without what is
-- held out; NULL where a trainer has data of its own.  post: what is done after
-- training, '' where nothing is; the quantizer is the one of that, then.
CREATE VIEW quantized AS
SELECT point_id, twin_id, is_base, fmt, arm, gran, act_fmt, grad_fmt, gmse,
       trainer, n_body, n_total, n_layer, d_model, tokens, tokens_per_param,
       flops_plan, coalesce(group_size, g_eff) AS G, exp_bits AS E,
       CASE WHEN exp_bits IS NOT NULL OR trainer='import' THEN man_bits END AS M,
       CASE WHEN exp_bits IS NULL AND trainer<>'import' THEN man_bits+1
            ELSE bits END AS bits,
       scale_fmt AS scale,
       CASE WHEN trainer='import' AND NOT is_base THEN NULL
            ELSE CASE WHEN exp_bits IS NULL THEN man_bits+1 ELSE bits END +
                 CASE WHEN scale_fmt IS NULL OR gran='tensor' THEN 0.0
                      ELSE CASE scale_fmt WHEN 'fp32' THEN 32.0
                                          WHEN 'bf16' THEN 16.0
                                          WHEN 'fp16' THEN 16.0
                                          ELSE 8.0 END /
                           coalesce(group_size, g_eff) END
            END AS stored_bits,
       (SELECT nullif(d.n_tokens,0)*
               (1-coalesce((SELECT CASE WHEN max(j.key='val') THEN 0.0
                   ELSE max(CASE j.key WHEN 'val_fraction' THEN j.value END) END
                   FROM json_each(settings,'$.data') j),0.05))
        FROM dataset d WHERE d.dataset_id=point.dataset_id
                         AND trainer='builtin') AS data_tokens,
       coalesce((SELECT j.value FROM json_each(config,'$.post') j
                 WHERE j.key='fit'), '') AS post
FROM point;

-- One row a run.  U: tokens of its data that it has seen; epochs: how often.
CREATE VIEW runs AS
SELECT r.run_id, p.point_id, r.seed, r.state,
       p.n_body AS N, p.tokens AS D, p.G,
       p.E, p.M, p.bits, p.fmt,
       res.loss, res.loss_se, res.wall_s, res.tok_per_s,
       p.n_total, p.n_layer, p.d_model, p.tokens_per_param,
       p.flops_plan AS flops, p.act_fmt, p.grad_fmt, p.gmse, p.trainer,
       r.attempts, r.state_reason, p.gran, p.arm, p.is_base,
       p.scale, p.stored_bits,
       (SELECT group_concat(name, ', ') FROM (SELECT c.name
        FROM grid_run x JOIN current_grid c USING(grid_id)
        WHERE x.run_id=r.run_id ORDER BY 1)) AS grid,
       min(p.tokens, p.data_tokens) AS U, p.tokens/p.data_tokens AS epochs,
       p.post
FROM run r JOIN quantized p USING(point_id) LEFT JOIN result res USING(run_id);

-- Seeds folded: mean, standard deviation and standard error (two passes).
CREATE VIEW points AS
WITH m AS (SELECT point_id, count(*) k, avg(loss) mu FROM runs
           WHERE state='done' GROUP BY point_id)
SELECT p.point_id, p.n_body AS N, p.tokens AS D,
       p.G, p.E, p.M,
       p.bits, p.fmt, m.k AS seeds, m.mu AS loss,
       CASE WHEN m.k>1 THEN sqrt(sum((r.loss-m.mu)*(r.loss-m.mu))/(m.k-1)) END AS sd,
       CASE WHEN m.k>1 THEN sqrt(sum((r.loss-m.mu)*(r.loss-m.mu))/(m.k-1)/m.k) END AS se,
       sum(r.wall_s) AS wall_s, p.gran, p.arm, p.is_base,
       p.scale, p.stored_bits,
       (SELECT group_concat(name, ', ') FROM (SELECT c.name
        FROM grid_point x JOIN current_grid c USING(grid_id)
        WHERE x.point_id=p.point_id ORDER BY 1)) AS grid,
       min(p.tokens, p.data_tokens) AS U, p.tokens/p.data_tokens AS epochs,
       p.post
FROM quantized p JOIN m USING(point_id)
JOIN runs r ON r.point_id=p.point_id AND r.state='done'
GROUP BY p.point_id;

-- Per seed: loss above the unquantized twin with the same seed.
CREATE VIEW deltas AS
SELECT q.run_id, q.point_id, q.seed, p.n_body AS N, p.tokens AS D,
       p.G,
       p.E, p.M, p.bits, p.fmt,
       qr.loss, br.loss AS base_loss, qr.loss-br.loss AS delta, p.gran, p.arm,
       p.scale, p.stored_bits,
       (SELECT group_concat(name, ', ') FROM (SELECT c.name
        FROM grid_run x JOIN current_grid c USING(grid_id)
        WHERE x.run_id=q.run_id ORDER BY 1)) AS grid, p.post
FROM run q JOIN quantized p ON p.point_id=q.point_id
JOIN result qr ON qr.run_id=q.run_id
JOIN point bp ON bp.twin_id=p.twin_id AND bp.is_base=1
JOIN run b ON b.point_id=bp.point_id AND b.seed=q.seed AND b.state='done'
JOIN result br ON br.run_id=b.run_id
WHERE q.state='done' AND p.is_base=0;

-- The same, folded over seeds.
CREATE VIEW degradation AS
WITH m AS (SELECT point_id, count(*) k, avg(delta) mu, avg(loss) l
           FROM deltas GROUP BY point_id)
SELECT d.point_id, d.N, d.D, d.G, d.E, d.M, d.bits, d.fmt, m.k AS seeds,
       m.l AS loss, m.mu AS delta,
       CASE WHEN m.k>1 THEN sqrt(sum((d.delta-m.mu)*(d.delta-m.mu))/(m.k-1)/m.k) END AS delta_se,
       d.gran, d.arm, d.scale, d.stored_bits,
       (SELECT group_concat(name, ', ') FROM (SELECT c.name
        FROM grid_point x JOIN current_grid c USING(grid_id)
        WHERE x.point_id=d.point_id ORDER BY 1)) AS grid, d.post
FROM deltas d JOIN m USING(point_id) GROUP BY d.point_id;

-- One row for each grid and point, by the seeds of that grid alone: another
-- grid that adds seeds to a point changes nothing here.  delta and delta_sd are
-- of the seeds whose twin is finished too (pairs).
CREATE VIEW cells AS
WITH x AS (
  SELECT c.name AS grid, gr.point_id, q.loss, q.loss-br.loss AS delta
  FROM current_grid c JOIN grid_run gr USING(grid_id)
  JOIN result q ON q.run_id=gr.run_id JOIN point p ON p.point_id=gr.point_id
  LEFT JOIN point bp ON bp.twin_id=p.twin_id AND bp.is_base=1 AND p.is_base=0
  LEFT JOIN run b ON b.point_id=bp.point_id AND b.seed=gr.seed
                  AND b.state='done'
  LEFT JOIN result br ON br.run_id=b.run_id
  WHERE gr.state='done'),
m AS (SELECT grid, point_id, count(*) AS seeds, avg(loss) AS loss,
             count(delta) AS pairs, avg(delta) AS delta
      FROM x GROUP BY grid, point_id)
SELECT m.grid, m.point_id, p.n_body AS N, p.tokens AS D,
       p.G, p.E, p.M, p.bits, p.fmt, p.arm, p.gran, p.is_base,
       p.scale, p.stored_bits, m.seeds, m.loss,
       CASE WHEN m.seeds>1 THEN sqrt(sum((x.loss-m.loss)*(x.loss-m.loss))
            /(m.seeds-1)) END AS sd,
       m.pairs, m.delta,
       CASE WHEN m.pairs>1 THEN sqrt(sum((x.delta-m.delta)*(x.delta-m.delta))
            /(m.pairs-1)) END AS delta_sd
FROM m JOIN x USING(grid, point_id) JOIN quantized p USING(point_id)
GROUP BY m.grid, m.point_id;

-- Best exponent/mantissa split for each N, D, G and bit budget, in training.
CREATE VIEW best_split AS
SELECT N, D, G, bits, E, M, fmt, loss, delta, delta_se, scale, stored_bits
FROM (
  SELECT d.*, row_number() OVER (PARTITION BY N,D,G,bits ORDER BY delta) AS rk
  FROM degradation d WHERE d.post='')
WHERE rk=1;

-- One row a post-training run: what rounding its parent cost, as that one process
-- measured it on the same sequences.  parent_id: its training, where this file has
-- it.  Ppost: bits of a weight after training, nominally; bits_w: as stored.
-- Trainings are listed first, so that the many children of one twin need not be
-- looked through for each of them.
CREATE VIEW posts AS
WITH b AS MATERIALIZED (
  SELECT point_id, twin_id,
         coalesce((SELECT j.value FROM json_each(config) j
                   WHERE j.key='quant'), '') AS quant
  FROM point WHERE NOT EXISTS(SELECT 1 FROM json_each(config) j
                              WHERE j.key='post')),
c AS (
  SELECT point_id,
         coalesce((SELECT j.value FROM json_each(config) j
                   WHERE j.key='quant'), '') AS quant,
         coalesce((SELECT j.value FROM json_each(config,'$.post') j
                   WHERE j.key='draw'), 1) AS draw,
         (SELECT max(j.key='x') AND NOT max(j.key='w')
          FROM json_each(config,'$.post') j) AS no_weights
  FROM point)
SELECT r.run_id, r.point_id, b.point_id AS parent_id,
       r.seed, r.state, p.n_body AS N, p.tokens AS D, p.post AS fit,
       CASE WHEN NOT c.no_weights THEN p.fmt END AS w_fmt,
       CASE WHEN c.no_weights THEN 16 ELSE p.bits END AS Ppost, p.G,
       p.act_fmt AS x_fmt, m.calib_tokens, c.draw,
       m.bits_w, m.bits_all, m.bits_x, res.loss, m.parent_loss, m.delta,
       m.delta_se, m.kl, m.kl25, p.arm,
       (SELECT group_concat(name, ', ') FROM (SELECT c.name
        FROM grid_run x JOIN current_grid c USING(grid_id)
        WHERE x.run_id=r.run_id ORDER BY 1)) AS grid
FROM quantized p JOIN c ON c.point_id=p.point_id
JOIN run r ON r.point_id=p.point_id LEFT JOIN result res USING(run_id)
LEFT JOIN b ON b.twin_id=p.twin_id AND b.quant=c.quant
LEFT JOIN (SELECT run_id,
  max(CASE name WHEN 'calib_tokens' THEN value END) AS calib_tokens,
  max(CASE name WHEN 'bits_w' THEN value END) AS bits_w,
  max(CASE name WHEN 'bits_all' THEN value END) AS bits_all,
  max(CASE name WHEN 'bits_x' THEN value END) AS bits_x,
  max(CASE name WHEN 'parent_loss' THEN value END) AS parent_loss,
  max(CASE name WHEN 'delta' THEN value END) AS delta,
  max(CASE name WHEN 'delta_se' THEN value END) AS delta_se,
  max(CASE name WHEN 'kl' THEN value END) AS kl,
  max(CASE name WHEN 'kl25' THEN value END) AS kl25
  FROM metric GROUP BY run_id) m USING(run_id)
WHERE p.post<>'';

CREATE VIEW failures AS
SELECT r.run_id, r.state, a.outcome, a.exit_code, a.term_signal,
       a.number AS attempt, a.host, a.slurm_job,
       coalesce(a.message, r.state_reason) AS message,
       p.fmt, p.n_body AS N, p.tokens AS D,
       p.G, r.seed, a.log_path, p.arm,
       (SELECT group_concat(name, ', ') FROM (SELECT c.name
        FROM grid_run x JOIN current_grid c USING(grid_id)
        WHERE x.run_id=r.run_id ORDER BY 1)) AS grid,
       min(p.tokens, p.data_tokens) AS U, p.tokens/p.data_tokens AS epochs
FROM run r JOIN quantized p USING(point_id)
LEFT JOIN attempt a ON a.run_id=r.run_id
  AND a.number=(SELECT max(number) FROM attempt x WHERE x.run_id=r.run_id)
WHERE r.state IN (SELECT state FROM run_states WHERE is_failure);

CREATE VIEW curves AS
SELECT c.run_id, c.step, c.tokens, c.train_loss, c.val_loss, c.grad_norm,
       c.wall_s, p.n_body AS N, p.tokens AS D,
       p.G, p.fmt, r.seed, c.lr, p.arm,
       (SELECT group_concat(name, ', ') FROM (SELECT c.name
        FROM grid_run x JOIN current_grid c USING(grid_id)
        WHERE x.run_id=c.run_id ORDER BY 1)) AS grid
FROM curve c JOIN run r USING(run_id) JOIN quantized p
     USING(point_id);

-- The current grid of each name.
CREATE VIEW progress AS
SELECT g.name AS grid, sum(c.runs) AS runs,
       sum(c.runs*(c.state='done')) AS done,
       sum(c.runs*(c.state='running')) AS running,
       sum(c.runs*(c.state IN(SELECT state FROM run_states
                              WHERE kind='waiting'))) AS waiting,
       sum(c.runs*(c.state='diverged')) AS diverged,
       sum(c.runs*(c.state IN(SELECT state FROM run_states
                              WHERE kind='failed'))) AS failed,
       round(100.0*sum(c.flops*(c.state IN(SELECT state FROM run_states
                                           WHERE is_result)))/sum(c.flops),1)
         AS pct_flops,
       sum(c.runs*(c.state IN(SELECT state FROM run_states
                              WHERE kind='left out'))) AS left_out,
       sum(c.flops) AS flops, g.grid_id
FROM grid g JOIN grid_count c USING(grid_id)
WHERE g.grid_id=(SELECT max(h.grid_id) FROM grid h WHERE h.name=g.name)
GROUP BY g.grid_id;

CREATE VIEW fits AS
SELECT f.fit_id, f.name, f.law, f.n_def, f.n_points, f.rmse, f.r2, f.bic,
       f.holdout_rmse, f.converged,
       (SELECT group_concat(name||'='||printf('%.4g',value),'  ')
        FROM fit_param q WHERE q.fit_id=f.fit_id) AS params, f.created_at
FROM fit f;
