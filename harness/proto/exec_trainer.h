/* exec_trainer.h - a trainer of the user's own, in any language.
 *
 *   [trainer]
 *   kind     = exec
 *   command  = python3 train.py --config ${job.config} --width ${model.d_model}
 *   revision = 3
 *
 * The command becomes an argument vector without a shell: words are parted by
 * white space, '...' and "..." keep one together, a backslash takes the next
 * character as it is.  References are filled in after that, so that no value
 * can break a word in two:
 *
 *   ${job.config}     the configuration, a JSON file with every key and seed
 *   ${job.dir}        the run's own folder, where it may keep checkpoints
 *   ${job.seed} ${job.data_seed}
 *   ${job.parent}     with [post]: the folder of the run that this one begins
 *                     with, "" where it is not known
 *   ${job.slot}       which of the runs at once it is, from 0: a device's
 * number
 *   ${SECTION.KEY}    any key, resolved
 *
 * `qlaw train` becomes the trainer, or under a scheduler the process that
 * watches over it (exec_guard.h), so that whoever started it sees one process
 * either way.  The trainer finds in its environment
 *
 *   QLAW_METRICS   append lines here (trainer/run.h has their form)
 *   QLAW_DIR       the run's own folder
 *   QLAW_PARENT    the same as ${job.parent}
 *   QLAW_SLOT      the same as ${job.slot}
 *   QLAW_DEADLINE  seconds since 1970 when its time ends; absent: never
 *
 * and ends with 0 done, 64 this configuration is not supported (never tried
 * again), 65 diverged, 75 state saved, run me again; anything else is a
 * failure, tried again as run.retries says.  On SIGTERM it should save its
 * state and end with 75. */
#ifndef HARNESS_PROTO_EXEC_TRAINER_H
#define HARNESS_PROTO_EXEC_TRAINER_H

#include <stdint.h>

#include "trainer/config.h"

struct exec_job {
    const char *config_path, *dir; /* NULL: not known, as in a check */
    const char *parent;            /* NULL: none is known */
    uint64_t seed, data_seed;
};

/* The argument vector, NULL at its end; free it with words_free.
 * ERR_CONFIG names a reference that is none, a quote without end. */
enum status exec_trainer_argv(char ***argv, const struct config *c,
                              const struct exec_job *job, struct err *err);

/* Can the trainer of c be started at all?  ERR_TOOL when its program, or the
 * script that an interpreter would run, is not there; OK for the built-in one.
 */
enum status exec_trainer_check(const struct config *c, struct err *err);

/* Become the trainer.  metrics NULL: what QLAW_METRICS says, else stdout.
 * Returns only when that is not possible. */
enum status exec_trainer_become(const struct config *c,
                                const struct exec_job *job, const char *metrics,
                                struct err *err);

#endif
