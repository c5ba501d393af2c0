/* str.h - growable strings and the small text helpers everybody needs. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A growable, always terminated string.  Starts empty as { 0 }; str_text of an
 * empty one is "".  Out of memory ends the program: a tool that cannot hold a
 * line of text cannot do anything useful any more. */
struct str {
    char *data;
    size_t len, cap;
};

void str_release(struct str *s);
void str_clear(struct str *s);
void str_add(struct str *s, const char *text);
void str_add_n(struct str *s, const char *text, size_t n);
void str_add_char(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* With every double quote twice, as between the quotes of CSV (RFC 4180). */
void str_add_doubled(struct str *s, const char *text);
/* At most columns characters of text from elsewhere, for a terminal: control
 * characters (line ends among them) and bytes that are no UTF-8 become "?",
 * and "..." ends what was cut.  Each character counts as one column. */
void str_add_shown(struct str *s, const char *text, size_t columns);
const char *str_text(const struct str *s);

/* Hand the text to the caller, who frees it; s is empty again. */
char *str_steal(struct str *s);

/* malloc family that ends the program when memory is out (exit 9). */
void *mem_alloc(size_t size);           /* zeroed */
void *mem_array(size_t n, size_t size); /* zeroed, product checked */
void *mem_grow(void *p, size_t n, size_t size);
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t n);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One code point; *size is the number of bytes read, at least 1 unless text is
 * empty.  TEXT_NOT_UTF8 for a byte that is none. */
#define TEXT_NOT_UTF8 UINT32_MAX
uint32_t text_decode(const char *text, size_t *size);

/* A character that a terminal obeys instead of showing it: a control character
 * of ASCII or of C1, or one of Unicode that ends a line or turns the direction
 * of writing (UAX 9), by which a text can be shown as another. */
bool text_is_control(uint32_t c);

/* Cut white space off both ends in place; returns the new start. */
char *text_trim(char *text);
bool text_has_prefix(const char *text, const char *prefix);
bool text_has_suffix(const char *text, const char *suffix);

/* The candidate nearest to word (edit distance with transpositions, at most
 * a third of the word's length and never more than 3), or NULL. */
const char *text_nearest(const char *word, const char *const *candidates,
                         size_t n);

/* Shortest decimal text that reads back to exactly x ("0.1", "3", "1e-05");
 * "nan", "inf", "-inf" for the others.  buf holds at least 32 bytes. */
const char *text_number(char buf[32], double x);

/* x with n significant digits and an SI suffix (k M G T): "55.3k". */
const char *text_si(char buf[32], double x, int digits);

/* Seconds as a person says them: "0.8 s", "3 min 26 s", "2 h 05 min". */
const char *text_duration(char buf[32], double seconds);

/* Read one number with an optional suffix: k M G T (powers of 1000), Ki Mi Gi
 * Ti (powers of 1024), and s m h d (seconds) when durations is true.  *end is
 * the first character not read; returns false when there is no number or the
 * value is not finite.  Independent of the locale. */
bool text_read_number(double *out, const char *text, const char **end,
                      bool durations);

/* A number of the option --NAME in a range; ERR_USAGE says what is wrong. */
enum status text_number_in(double *out, const char *name, const char *text,
                           bool durations, double min, double max,
                           struct err *err);

#endif
