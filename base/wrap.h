/* wrap.h - text that fits a terminal.
 *
 * What is printed for people keeps to TEXT_COLUMNS columns, on a terminal and
 * in a pipe, whatever names are in it:
 *
 *   - prose and lists are broken at blanks;
 *   - a word that is longer than a line, such as a path, stands alone on one,
 *     whole, so that it can be copied;
 *   - a name in a cell of a table is cut in its middle, a number never.
 *
 * What programs read is never touched: JSON, CSV, Markdown, LaTeX, grid files,
 * scripts, and the path of a file that was written, which has a line of its
 * own. */
#ifndef BASE_WRAP_H
#define BASE_WRAP_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/str.h"

#define TEXT_COLUMNS 80

/* Columns of UTF-8 text without line breaks: its characters. */
size_t text_columns(const char *text);

/* Append text, its lines that are too long broken at blanks; what goes on
 * starts `hang` columns to the right of where the line starts. */
void str_add_wrapped(struct str *out, const char *text, size_t hang);

/* printf and vfprintf for people: lines are wrapped, what goes on by
 * TEXT_HANG.  say prints each line when it is complete, in however many calls
 * it is said. */
#define TEXT_HANG 2
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void say_line(FILE *to, const char *fmt, va_list ap); /* and ends the line */
void say_text(FILE *to, const char *text);

/* Append text in at most so many columns: "..." stands for the middle of one
 * that is longer, as the ends are what tells names apart.  Unprintable
 * characters become "?" as in str_add_shown. */
void str_add_label(struct str *out, const char *text, size_t columns);

/* The same, filled up with blanks. */
void str_add_cell(struct str *out, const char *text, size_t columns);

#endif
