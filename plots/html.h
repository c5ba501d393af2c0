/* html.h - text into HTML, each kind of place with its own escape.
 *
 * Whatever comes from outside passes one of these; there is no other way into
 * a page.  Text is made visible first (label.h), so that no mark turns the
 * line around it. */
#ifndef PLOTS_HTML_H
#define PLOTS_HTML_H

#include "base/str.h"

/* Between tags, and inside a quoted attribute. */
void html_text(struct str *out, const char *text);

/* ' name="value"', with a space before it. */
void html_attribute(struct str *out, const char *name, const char *value);

/* Inside <pre>: line breaks and tabs stay. */
void html_pre(struct str *out, const char *text);

/* A link into the page or to a file beside it: percent-encoded, so that it has
 * no scheme and no host whatever the text is.  "#" is put before a fragment. */
void html_fragment(struct str *out, const char *id);
void html_path(struct str *out, const char *path);

/* Bytes as base64 (RFC 4648), and as data:TYPE;base64,... */
void html_base64(struct str *out, const void *data, size_t size);
void html_data(struct str *out, const char *type, const void *data,
               size_t size);

#endif
