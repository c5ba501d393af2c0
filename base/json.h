/* json.h - JSON through jansson, with exact numbers.
 *
 * jansson reads, holds and checks; writing is ours, because a canonical text
 * is hashed: keys sorted, no white space, integers as decimal, reals as the
 * shortest decimal that reads back equal. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"

/* Append value as canonical JSON.  Non-finite reals are refused by the
 * reader's side of the contract, so they are written as null. */
void json_canonical(struct str *out, const json_t *value);

/* The same as a string that the caller frees. */
char *json_canonical_text(const json_t *value);

/* Append text as a JSON string literal, quotes included.  JSON is UTF-8, and this
 * writes nothing else: what is not becomes U+FFFD, byte by byte, as a log line
 * of a trainer may be in any encoding or cut in the middle of a character. */
void json_quote(struct str *out, const char *text);

/* Append "key":number with a leading comma unless out ends in an opening
 * bracket; NaN and infinities become null. */
void json_add_number(struct str *out, const char *key, double x);
void json_add_text(struct str *out, const char *key, const char *text);

/* Parse text; name (a file or a source) goes into the error with line and
 * column.  Duplicate keys and trailing text are refused.  The caller owns the
 * result (json_decref). */
enum status json_parse(json_t **out, const char *text, const char *name,
                       struct err *err);

/* The same of what Python and others write: NaN, Infinity and -Infinity are
 * texts of that name, and whole numbers beyond 64 bits are reals. */
enum status json_parse_loose(json_t **out, const char *text, const char *name,
                             struct err *err);

#endif
