/* words.h - a line as words, as a shell parts them.
 *
 * White space parts words; '...' and "..." keep one together, and a backslash
 * takes the next character as it is, but between single quotes. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include "base/str.h"

/* The next word from *text on, appended to word; *text steps over it.  False
 * when there is none.  *open is the quote that is not closed, or 0. */
bool words_next(struct str *word, const char **text, char *open);

/* All of them as a list with NULL at its end, which the caller gives back to
 * words_free; NULL when a quote, *open, is not closed. */
char **words_split(const char *text, char *open);
void words_free(char **words);

/* Append a word as a POSIX shell reads it back: in quotes where it has to be. */
void words_add_quoted(struct str *out, const char *word);

#endif
