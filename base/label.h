/* label.h - a text from outside, as it may be shown.
 *
 * Names, descriptions and messages come from grid files, trainers and other
 * people's databases.  What would act instead of being read is written out:
 * control characters as \n, \t or \x1b, bytes that are not UTF-8 as \xff,
 * marks that turn or hide text (bidirectional controls, line separators,
 * U+FEFF) as \u202e.  Everything else stays as it is; escaping for a language
 * (HTML, a gnuplot data file) comes after this. */
#ifndef BASE_LABEL_H
#define BASE_LABEL_H

#include <stdint.h>

#include "base/str.h"

/* Append text made visible. */
void label_add(struct str *out, const char *text);

/* The same, cut to max characters, of which the last is then an ellipsis. */
void label_add_cut(struct str *out, const char *text, size_t max);

/* The same as new strings, which the caller frees. */
char *label_visible(const char *text);
char *label_cut(const char *text, size_t max);

/* Characters (code points) of valid UTF-8. */
size_t label_length(const char *text);

#endif
