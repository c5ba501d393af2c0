/* file.h - files appear whole or not at all.
 *
 * A durable file is written under a temporary name in its own folder, synced,
 * renamed, and the folder is synced; a reader never sees half of it.  After a
 * failed fsync the file is abandoned, never synced again (the kernel may have
 * dropped the dirty pages). */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"

/* Open a plain file to read; NULL with errno for one that is not there, and for
 * a FIFO, a device or a folder in its place, on which a reader would hang. */
FILE *file_open(const char *path);

/* A name beside path for what is being written, "PATH.HOST.PID.N.tmp": HOST
 * stands for the host, its boot and its space of process numbers, so that no
 * two writers on one folder ever choose the same.  The caller frees it. */
char *file_temp_name(const char *path);

/* Make such a file, empty: it is ours, with the rights that the umask leaves.
 * *name is the caller's to free, also after a failure. */
enum status file_temp_make(char **name, const char *path, struct err *err);

/* A folder for us alone, of a name that nobody can guess, in $TMPDIR or /tmp.
 * Signals that end a program wait from here until it is removed with all that
 * is in it. */
struct file_folder {
    char *path;
    sigset_t before;
};
enum status file_folder_make(struct file_folder *f, const char *what,
                             struct err *err);
void file_folder_remove(struct file_folder *f);

/* Was a file of that name left behind by a writer that was killed?  One of this
 * host whose process is gone; one of another host, or of earlier versions
 * (PATH.PID.tmp), when nobody wrote to it for a day: absence here says nothing
 * of processes there. */
bool file_temp_is_left(const char *folder, const char *name);

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
