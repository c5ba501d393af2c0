/* file.h - files appear whole or not at all.
 *
 * A durable file is written under a temporary name in its own folder, synced,
 * renamed, and the folder is synced; a reader never sees half of it.  After a
 * failed fsync the file is abandoned, never synced again (the kernel may have
 * dropped the dirty pages). */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/* Replace the contents of path. */
enum status file_replace(const char *path, const void *data, size_t size,
                         struct err *err);

/* Append the whole of path to out; more than limit bytes is an error. */
enum status file_read(struct str *out, const char *path, size_t limit,
                      struct err *err);

/* mkdir -p. */
enum status file_make_dirs(const char *path, struct err *err);

/* Sync the folder that holds path, so that a rename or unlink in it lasts. */
enum status file_sync_dir(const char *path, struct err *err);

/* write() until all is out, EINTR included. */
enum status file_write_all(int fd, const void *data, size_t size,
                           const char *path, struct err *err);

/* Seconds of the monotonic clock: for durations and decisions. */
double clock_monotonic(void);

/* UTC as 2026-11-24T09:15:11.123Z: informative only. */
const char *clock_iso(char buf[32]);

#endif
