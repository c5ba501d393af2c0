/* attempt.h - one attempt at a run: its folder, its records, its facts.
 *
 * The life of an attempt: prepare (folder and config.json, which may happen
 * long before), begin, lines, end.  What is recorded is on the disk before the
 * caller hears of it; sync makes it last.
 *
 * A line that cannot be used is passed over, never without a word: unread says
 * which and why, and is the reason of a run that ends without a final record;
 * note says what was passed over in a run that is done.  A record over several
 * lines, as json.dumps(..., indent=1) writes it, is one line. */
#ifndef HARNESS_PROTO_ATTEMPT_H
#define HARNESS_PROTO_ATTEMPT_H

#include "base/str.h"
#include "harness/os/scheduler.h"
#include "harness/proto/metrics_line.h"
#include "harness/proto/record.h"
#include "trainer/config.h"

struct attempt {
    char *folder, *config_path, *log_path;
    char *records_path; /* NULL: metrics.jsonl in its folder; owned */
    int fd;             /* of metrics.jsonl, -1: none */
    uint32_t sum;       /* of the lines recorded (record_sum.h) */
    off_t log_start;    /* where its part of the log begins */
    struct attempt_begin begin;
    double steps;              /* of the whole run, as planned */
    double tokens;             /* the same; 0: not checked */
    double step, loss;         /* of the last line; loss may be NaN */
    long lines, odd_lines;     /* taken; not understood */
    bool first;                /* no point has come yet */
    bool full;                 /* the disk took no more */
    struct metrics_line final; /* final.final: it came */
    char complaint[160];       /* why lines were refused, "" otherwise */
    long read;                 /* lines as the trainer wrote them */
    struct str open;           /* a record that does not end yet */
    long open_at;              /* its first line */
    char unread[400];          /* the line that tells most of those not used */
    bool unread_final;         /* it was to be the final record */
    char note[300];            /* what was passed over, the first of it */
};

/* Folder and configuration of a run, written when they are not there. */
enum status attempt_prepare(const char *folder, const struct config *c,
                            uint64_t seed, uint64_t data_seed, struct err *err);

/* folder is taken over; begin holds everything but process. */
struct attempt *attempt_new(char *folder, double steps,
                            const struct attempt_begin *begin);
void attempt_free(struct attempt *a);

/* The process has started. */
void attempt_begin(struct attempt *a, pid_t pid);

enum attempt_line {
    LINE_POINT, /* *m is filled; release it */
    LINE_FINAL,
    LINE_ODD,     /* not understood; passed over */
    LINE_REFUSED, /* enough: end the process, complaint says why */
};
enum attempt_line attempt_line(struct attempt *a, struct metrics_line *m,
                               const char *line, size_t n, bool whole);

/* No line will come: a record that is still open is none. */
void attempt_close_lines(struct attempt *a);

/* Append one line to metrics.jsonl. */
void attempt_record(struct attempt *a, const char *line, size_t n);

/* Has its log grown beyond what a log is for?  complaint says so then. */
bool attempt_log_overflows(struct attempt *a);

/* Record the end as the caller has judged it. */
void attempt_end(struct attempt *a, const struct attempt_end *e);
void attempt_sync(struct attempt *a); /* nothing more is recorded */

/* What the process left to judge by; no line will come. */
struct attempt_facts attempt_facts(struct attempt *a,
                                   const struct sched_exit *e,
                                   double best_step_before);

/* A sentence on the end for people: the reason of a divergence, the signal,
 * the last line of the log. */
void attempt_explain(char *out, size_t size, const struct attempt *a,
                     const struct sched_exit *e, const struct verdict *v);

#endif
