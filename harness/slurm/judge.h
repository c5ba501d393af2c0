/* judge.h - is a claim over, and how did it end?
 *
 * The records answer both, when they have an end.  When they have none:
 *
 *   Whoever writes records holds a kernel lock on them.  While it is held the
 *   task is alive, whatever anybody says.
 *   A task that a queue lists is alive.  A queue that does not answer, answers
 *   oddly or belongs to another cluster says nothing.
 *   A task is over when Slurm names its end (slurm/view.h).
 *   That a list has not got it is an end only with the lock free, and after it
 *   was missed for MISSED_S; PROVED_S when something else speaks for it: it had
 *   begun, or its own cluster, which is known by the name of the job, has the
 *   job without it.
 *   Where locks may not reach from host to host (netfs.h), or there are none,
 *   a free one proves nothing: an end that Slurm names counts once what was
 *   written elsewhere must have been seen here, one that it does not name once
 *   nobody wrote to the records for QUIET_S; workers touch them each minute.
 *
 * Who is mistaken all the same loses nothing: what is over is fenced, so that no
 * worker begins it later (spool_fence, spool_is_over), and a file that somebody
 * could still write to stays where it is and is looked at again. */
#ifndef HARNESS_SLURM_JUDGE_H
#define HARNESS_SLURM_JUDGE_H

#include "harness/slurm/spool.h"
#include "harness/slurm/view.h"

#define MISSED_S 60
#define PROVED_S 5
#define QUIET_S  3600
#define TOUCH_S  60 /* between touches of a worker */

enum fate { FATE_ALIVE, FATE_UNSURE, FATE_OVER };

/* remote: runs/ is on a network file system.  The spool was looked
 * at, then read. */
enum fate slurm_fate(const struct spool *s, enum claim_place place,
                     bool remote);

/* Is a free lock on the spool proof that nobody writes to it? */
bool slurm_lock_tells(const struct spool *s, bool remote);

/* How a task that is gone and left no end has ended; state is Slurm's word. */
enum status slurm_judge(struct attempt_end *e, const struct spool *s,
                        const char *state, struct db *db, struct err *err);

#endif
