/* out.h - what goes to standard output and standard error.
 *
 * Names, labels, corpora, tables, messages of trainers and the names of files
 * are texts of others, and a terminal obeys some characters.  So whatever is
 * printed passes one gate, at the two streams themselves, where no printf can
 * be forgotten:
 *
 *   - control characters (ASCII's and C1) but line end and tab, characters that
 *     turn the direction of writing, and bytes that are not UTF-8 become "?";
 *   - in JSON they are \u escapes, which say the same and do nothing;
 *   - what qlaw itself tells the terminal goes by out_control;
 *   - the path of a file that was written goes by out_path: a program that
 *     reads it gets its very bytes.
 *
 * Files keep their texts.  And a write that fails is remembered, so that the one
 * exit of main can tell: a report that nobody could read is not success. */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

/* Put the gate before stdout and stderr.  Standard descriptors that are closed
 * are opened on /dev/null first: the next file must not get their numbers and,
 * with them, sentences that are meant for a person. */
void out_open(void);

/* From here on stdout is JSON. */
void out_json(void);

/* A sequence of qlaw's own for the terminal behind stdout or stderr. */
void out_control(FILE *to, const char *sequence);

/* A line of stdout that holds a path. */
void out_path(const char *path);

/* Nothing written to stdout arrives any more: whoever goes on printing, or
 * computes what is to be printed, may stop.  A reader of a pipe who has gone
 * is noticed before anything is written. */
bool out_is_lost(void);

/* Write what is left.  Where something was lost, st that was success becomes
 * ERR_IO; a reader who has gone, as in `| head`, knows that, and is told
 * nothing: err stays empty. */
enum status out_close(enum status st, struct err *err);

#endif
