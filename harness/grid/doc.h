/* doc.h - what the files and the command line say, merged.
 *
 * A file with what it includes, each overlay, each profile and each `-s` is a
 * layer.  Within a layer a key is said once.  A later layer's value replaces
 * what earlier layers say about the key, wherever that is: its base value, its
 * axis, its formula, its line in blocks.  The one thing it cannot replace is a
 * column of a zipped axis, and that is an error.
 *
 * The merged document can be printed as a grid file of its own, which is what
 * the database keeps. */
#ifndef HARNESS_GRID_DOC_H
#define HARNESS_GRID_DOC_H

#include "harness/grid/grid.h"
#include "harness/grid/keys.h"
#include "harness/grid/value.h"

/* The values of one key at one place, canonical, generators expanded. */
struct doc_values {
    char *key;
    const struct setting *setting; /* NULL: scratch key */
    struct value_list list;
    struct ini_where where;
    struct ini_entry *entry; /* where they were read */
    int layer;
};

struct doc_axis {
    char *label;           /* of a [sweep] line: its key */
    bool sweep, from_base; /* a [sweep] line; a list in a base section */
    char **keys;
    const struct setting **settings;
    int n_keys, n_rows;
    struct value_list values; /* row by row */
    struct ini_where where;
    int layer;
};

struct doc_block {
    char *label;
    struct doc_values *keys;
    int n_keys, repeat, priority;
    struct doc_axis zip; /* its keys and values lines; no keys: it has none */
    struct ini_where where;
    int layer;
};

/* A formula: of a derived key, of a filter, of the number of seeds. */
struct doc_rule {
    char *key; /* derived key, "exclude" or "keep" */
    char *text;
    struct ini_entry *entry; /* NULL: from the command line */
    struct ini_where where;
    int layer;
};

struct doc_profile {
    const struct ini_section *section;
};

/* A table of codes, [format "nf4"]. */
struct doc_format {
    char *name, *text; /* "nf4", "nf4:-1:...:1" */
    struct ini_where where;
};

struct doc {
    char *path;         /* the grid file */
    struct ini **files; /* kept: places point into them */
    int n_files;
    struct doc_values *base;
    int n_base;
    struct doc_axis *axes;
    int n_axes;
    struct doc_block *blocks;
    int n_blocks;
    struct doc_rule *derives, *filters;
    int n_derives, n_filters;
    struct doc_rule *choices; /* --only ("keep") and --skip: not part of the */
    int n_choices;            /* text, because the grid stays what it is */
    struct doc_profile *profiles;
    int n_profiles;
    struct doc_format *formats;
    int n_formats;
    char **notes;
    int n_notes;
    int layer, last_layer; /* being read; the newest */
};

/* Read path, overlays, profiles and -s in this order. */
enum status doc_read(struct doc **out, const char *path,
                     const struct grid_options *options, struct err *err);
void doc_free(struct doc *d);

/* The base value of a key as text, or NULL when nobody sets it. */
const struct doc_values *doc_find(const struct doc *d, const char *key);
const char *doc_text(const struct doc *d, const char *key);
double doc_number(const struct doc *d, const char *key); /* or the default */
bool doc_bool(const struct doc *d, const char *key);

/* The merged document as a grid file; the caller frees it. */
char *doc_print(const struct doc *d);

void doc_note(struct doc *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

int doc_axis_column(const struct doc_axis *a, const char *key); /* -1: none */
struct doc_axis *doc_axis_of(const struct doc *d, const char *key);
struct doc_values *doc_block_line(const struct doc_block *b, const char *key);
/* By a line of its own or among the keys that move together. */
bool doc_block_sets(const struct doc_block *b, const char *key);

/* A quantizer's text with the name of a format of the document replaced by
 * the format itself, and back; the caller frees them. */
char *doc_with_values(const struct doc *d, const char *text);
char *doc_without_values(const struct doc *d, const char *text);

/* --- between grid/read.c and grid/merge.c -------------------------------- */

enum doc_kind { DOC_BASE, DOC_SWEEP };

/* Make values of an entry: split, expand, check.  axis: the items are
 * alternatives even for a key that takes a list. */
enum status doc_values_read(struct doc *d, struct doc_values *out,
                            const char *key, const struct setting *s,
                            const struct ini_entry *entry, bool axis,
                            struct err *err);
enum status doc_read_format(struct doc *d, const struct ini_section *s,
                            struct err *err);
enum status doc_axis_read(struct doc *d, struct doc_axis *out,
                          const struct ini_section *s, struct err *err);
/* The lines keys and values of an axis or a block; no keys when it has neither
 * line. */
enum status doc_zip_read(struct doc *d, struct doc_axis *out,
                         const struct ini_section *s, struct err *err);
void doc_values_release(struct doc_values *v);
void doc_axis_release(struct doc_axis *a);
void doc_block_release(struct doc_block *b);
void doc_rule_release(struct doc_rule *r);

/* Merge; what is passed is taken over, also on failure. */
enum status doc_assign(struct doc *d, struct doc_values *v, enum doc_kind kind,
                       struct err *err);
enum status doc_add_axis(struct doc *d, struct doc_axis *axis, struct err *err);
enum status doc_add_block(struct doc *d, struct doc_block *block,
                          struct err *err);
enum status doc_add_derive(struct doc *d, struct doc_rule *rule,
                           struct err *err);
void doc_add_filter(struct doc *d, struct doc_rule *rule);
void doc_add_choice(struct doc *d, struct doc_rule *rule);

/* -s 'key+=a,b' and -s '!key'. */
enum status doc_append(struct doc *d, struct doc_values *v, struct err *err);
enum status doc_remove(struct doc *d, const char *key, struct ini_where where,
                       struct err *err);

/* What only shows when everything is read: a derived key that is also an
 * axis or in a block. */
enum status doc_check(const struct doc *d, struct err *err);

#endif
