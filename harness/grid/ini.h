/* ini.h - a grid file as sections, keys and pieces of values.
 *
 *   file     = { blank | comment | section } ;
 *   section  = "[" name [ space '"' label '"' ] "]" eol { entry } ;
 *   entry    = key "=" value eol { space value eol } ;   (indented: goes on)
 *   comment  = ( "#" | ";" ) text ;   (at line start or after white space)
 *
 * Lines are split into name and value by libinih; this file adds what a
 * person needs to find a mistake: the file, line and column of every piece,
 * also inside continuations.  Nothing is known here about what keys mean, but
 * for those whose lines are lines of a shell (ini_is_verbatim): they are kept
 * as they stand, with commas, semicolons, brackets, quotes and signs of
 * equality. What begins as a comment is one there too.
 *
 * The text must be UTF-8 (a byte order mark is skipped); lines may be up to
 * INI_LINE_MAX bytes, files up to INI_FILE_MAX. */
#ifndef HARNESS_GRID_INI_H
#define HARNESS_GRID_INI_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

#define INI_LABEL_MAX 40
#define INI_LINE_MAX  65536
#define INI_FILE_MAX  (16u << 20)

/* A place a person can open.  line 0: file is a part of the command line. */
struct ini_where {
    const char *file;
    int line, column; /* from 1 */
};

/* The part of a value that stands on one physical line, without comment and
 * surrounding white space; never empty. */
struct ini_piece {
    char *text;
    struct ini_where where;
};

struct ini_entry {
    char *key;
    struct ini_where where;
    struct ini_piece *pieces; /* none: "key =" */
    int n_pieces;
};

struct ini_section {
    char *name, *label; /* label NULL: none */
    struct ini_where where;
    struct ini_entry *entries;
    int n_entries;
};

struct ini {
    char *path;
    struct ini_section *sections;
    int n_sections;
};

/* Is key of [section] one whose lines are kept as they stand? */
bool ini_is_verbatim(const char *section, const char *key);

/* Read a file, or a text that goes by the name path in messages.  The caller
 * owns *out (ini_free); ini_where.file points into it. */
enum status ini_read(struct ini **out, const char *path, struct err *err);
enum status ini_read_text(struct ini **out, const char *path, const char *text,
                          size_t size, struct err *err);
void ini_free(struct ini *ini);

/* ERR_CONFIG with "file:line: " in front of the sentence, or "argument: " for
 * the command line. */
enum status ini_fail(struct err *err, struct ini_where where, const char *fmt,
                     ...) __attribute__((format(printf, 3, 4)));

/* The same prefix before a sentence that is already there. */
void ini_prefix(struct err *err, struct ini_where where);

/* A path that a file names is meant beside that file; on the command line it
 * is meant from the working folder.  The caller frees it. */
char *ini_beside(struct ini_where where, const char *path);

/* The whole value with single spaces between the pieces; the caller frees it.
 * ini_locate says where a column (from 1) of that text stands. */
char *ini_value(const struct ini_entry *entry);
struct ini_where ini_locate(const struct ini_entry *entry, int column);

#endif
