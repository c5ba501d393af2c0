/* exec_guard.h - a process between a scheduler and a trainer of the user's own.
 *
 * Our own trainer notices that its scheduler is gone, and starts no others.  A
 * foreign one may do neither, so this process stays before it: it takes in what
 * the trainer leaves behind, whatever session that has made for itself, and ends
 * it with the trainer; and when the scheduler ends, all of them end.  It ends as
 * the trainer did, by the same code or signal.
 *
 * What is killed together with the guard itself, after run.grace, is only what
 * is still in its process group. */
#ifndef HARNESS_PROTO_EXEC_GUARD_H
#define HARNESS_PROTO_EXEC_GUARD_H

#include "base/err.h"

/* Run program with argv until it has ended; life_fd ends with the scheduler.
 * Returns only when it cannot be started. */
enum status exec_guard(const char *program, char *const *argv, int life_fd,
                       struct err *err);

#endif
