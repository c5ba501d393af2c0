/* record.h - the records of a run, in its own folder.
 *
 *   runs/HASH-SEED/config.json     every key and the seeds (qlaw train
 * --config) runs/HASH-SEED/metrics.jsonl   what happened, a line each, appended
 * only runs/HASH-SEED/log.txt         output and errors of its attempts
 *   runs/HASH-SEED/checkpoint.*    until the run is done
 *   runs/env/FINGERPRINT.json      what attempts were made on
 *   runs/grids/SHA.json            grids and their points
 *   runs/marks/STORE.json          names, tags, deletions (marks.h)
 *
 * HASH is the first 12 digits of the point's.  The records are the second copy
 * of the database: `qlaw db rebuild` makes it again from them, and a scheduler
 * that starts takes over what its killed predecessor could not write.
 *
 * metrics.jsonl holds, for each attempt, a line of ours, the lines of the
 * trainer as they came (trainer/run.h; a record over several lines is joined,
 * and steps and tokens that the last one lacks are filled in), and when we
 * lived to see it another line of ours:
 *
 *   {"attempt":2,"begin":"2026-11-24T09:15:11.123Z","token":"5d3c...",
 *    "store":"...","point":"...","pid":4711,"start_ticks":123456,
 *    "boot":"...","host":"node7","env":"...","from_step":2000}
 *   {"step":20,...}
 *   {"final":true,...}
 *   {"attempt":2,"end":"...","outcome":"ok","state":"done","exit_code":0,
 *    "wall_s":9.1,"cpu_s":9.0,"max_rss":12345678}
 *
 * store is the database that the attempt belongs to, token a number drawn for
 * the attempt.  A last line that is cut off is no line. */
#ifndef HARNESS_PROTO_RECORD_H
#define HARNESS_PROTO_RECORD_H

#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "harness/os/process.h"
#include "harness/proto/metrics_line.h"
#include "harness/proto/verdict.h"

#define RECORD_TOKEN 33 /* 32 hexadecimal digits and the terminator */

struct attempt_begin {
    int number; /* from 1 */
    char token[RECORD_TOKEN], store[RECORD_TOKEN];
    char point[HASH_ID], env[HASH_HEX];
    struct process process;
    char host[PROCESS_HOST], at[32];
    char slurm_job[32]; /* "88120_7"; "" on this machine */
    int64_t from_step;  /* of the newest checkpoint it found; below 1: none */
};

struct attempt_end {
    enum run_state state; /* of the run, afterwards */
    enum outcome outcome;
    int exit_code, term_signal; /* -1 and 0 when it does not apply */
    double wall_s, cpu_s;
    int64_t max_rss;
    char message[400], at[32];
};

/* 32 random hexadecimal digits. */
void record_draw_token(char token[RECORD_TOKEN]);

/* The folder that holds all runs of a database; that of one run; the caller
 * frees them. */
char *record_root(const char *db_path);
char *record_folder(const char *db_path, const char *point_id, uint64_t seed);

/* What a run's folder is called, and the folder of a root; the caller frees
 * the second. */
#define RECORD_RUN 36
const char *record_run_name(char out[RECORD_RUN], const char *point_id,
                            uint64_t seed);
char *record_folder_in(const char *root, const char *point_id, uint64_t seed);

/* Remove the temporary files in a folder that processes left behind when they
 * were killed (file_temp_is_left). */
void record_sweep(const char *folder);

/* A kernel lock on the whole of a file, for a descriptor that may write; it goes
 * with its holder, however that ends.  Take it, or only look: LOCK_FREE. */
enum record_lock {
    LOCK_FREE, /* ours now, when it was to be taken */
    LOCK_HELD, /* by somebody else */
    LOCK_NONE, /* the file system has none */
};
enum record_lock record_lock(int fd);
enum record_lock record_lock_look(int fd);

/* Who writes the records of a run holds a kernel lock on them, from before its
 * worker starts until the last record is on the disk; it goes with its holder,
 * however that ends.  So two databases, or two hosts, never have two workers in
 * one folder, and nobody takes the worker of a living scheduler for a leftover.
 *
 * The locked descriptor of metrics.jsonl, which create makes where there is
 * none; -1 when it cannot be had, with *held when somebody else has it.  A file
 * system without locks gives it unlocked. */
int record_claim(bool *held, const char *folder, bool create);

/* One line of ours, without a newline; the caller frees it. */
char *record_begin_line(const struct attempt_begin *b);
char *record_end_line(int number, const struct attempt_end *e);

/* What a reader is told, in the order of the file; call-backs may be NULL. */
struct record_reader {
    void (*begin)(void *ctx, const struct attempt_begin *b);
    void (*line)(void *ctx, const struct metrics_line *m);
    void (*end)(void *ctx, int number, const struct attempt_end *e);
    /* An attempt was changed since it was written: nothing of it is told. */
    void (*damaged)(void *ctx, const char *path, int64_t line);
    void *ctx;
};

/* Read FOLDER/metrics.jsonl; lines that are none are passed over.  ERR_IO when
 * it cannot be read. */
enum status record_read(const char *folder, const struct record_reader *r,
                        struct err *err);

/* The same of a file by its path. */
enum status record_read_file(const char *path, const struct record_reader *r,
                             struct err *err);

#endif
