-- 003.sql - what no program ever wrote goes.

DROP TABLE artifact;
ALTER TABLE env DROP COLUMN git_diff;
ALTER TABLE dataset DROP COLUMN source_url;
ALTER TABLE dataset DROP COLUMN fetched_at;
ALTER TABLE point DROP COLUMN fp_tokens;
ALTER TABLE fit DROP COLUMN env_id;

-- Without cores, and without a third backend.
ALTER TABLE attempt RENAME TO old_attempt;
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
INSERT INTO attempt SELECT attempt_id, run_id, number, env_id,
  iif(backend='exec', 'local', backend), host, pid, boot_id, start_ticks, token,
  slurm_job, slurm_task, slurm_state, started_at, heartbeat_at, ended_at,
  from_step, outcome, exit_code, term_signal, message, cpu_s, wall_s, max_rss,
  log_path FROM old_attempt;
DROP TABLE old_attempt;
