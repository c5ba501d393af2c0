/* odd.h - characters that look like others, named so that they can be found.
 *
 * Text that people paste brings blanks, signs, quotes and digits that are not
 * those of a keyboard.  Nothing here reads them as what they look like; what
 * cannot be read is said with the character that is to blame. */
#ifndef BASE_ODD_H
#define BASE_ODD_H

#include <stddef.h>

/* " (character 3 is U+2212, a minus sign that is no '-')" for the first
 * character of text outside ASCII, or one that cannot be seen; "" when there
 * is none.  The caller frees it. */
char *text_odd(const char *text);

/* Bytes of a blank at the start of text, whatever kind of blank (also one of no
 * width and a byte order mark); 0 when there is none. */
size_t text_blank(const char *text);

/* Cut blanks of every kind off both ends in place; the new start. */
char *text_trim_blanks(char *text);

#endif
