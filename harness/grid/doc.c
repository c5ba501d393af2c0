/* doc.c - the merged document: its life, and looking things up. */
#include "harness/grid/doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void doc_note(struct doc *d, const char *fmt, ...)
{
    char text[600];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    d->notes = mem_grow(d->notes, (size_t)d->n_notes + 1, sizeof *d->notes);
    d->notes[d->n_notes++] = mem_strdup(text);
}

/* --- release ------------------------------------------------------------- */

void doc_values_release(struct doc_values *v)
{
    free(v->key);
    value_release(&v->list);
    *v = (struct doc_values){ 0 };
}

void doc_axis_release(struct doc_axis *a)
{
    for (int i = 0; i < a->n_keys; i++)
        free(a->keys[i]);
    free(a->keys);
    free(a->settings);
    free(a->label);
    value_release(&a->values);
    *a = (struct doc_axis){ 0 };
}

void doc_block_release(struct doc_block *b)
{
    for (int i = 0; i < b->n_keys; i++)
        doc_values_release(&b->keys[i]);
    doc_axis_release(&b->zip);
    free(b->keys);
    free(b->label);
    *b = (struct doc_block){ 0 };
}

void doc_rule_release(struct doc_rule *r)
{
    free(r->key);
    free(r->text);
    *r = (struct doc_rule){ 0 };
}

void doc_free(struct doc *d)
{
    if (!d)
        return;
    for (int i = 0; i < d->n_base; i++)
        doc_values_release(&d->base[i]);
    for (int i = 0; i < d->n_axes; i++)
        doc_axis_release(&d->axes[i]);
    for (int i = 0; i < d->n_blocks; i++)
        doc_block_release(&d->blocks[i]);
    for (int i = 0; i < d->n_derives; i++)
        doc_rule_release(&d->derives[i]);
    for (int i = 0; i < d->n_filters; i++)
        doc_rule_release(&d->filters[i]);
    for (int i = 0; i < d->n_choices; i++)
        doc_rule_release(&d->choices[i]);
    for (int i = 0; i < d->n_formats; i++) {
        free(d->formats[i].name);
        free(d->formats[i].text);
    }
    for (int i = 0; i < d->n_files; i++)
        ini_free(d->files[i]);
    for (int i = 0; i < d->n_notes; i++)
        free(d->notes[i]);
    free(d->base);
    free(d->axes);
    free(d->blocks);
    free(d->derives);
    free(d->filters);
    free(d->choices);
    free(d->files);
    free(d->formats);
    free(d->profiles);
    free(d->notes);
    free(d->path);
    free(d);
}

/* --- look-up ------------------------------------------------------------- */

const struct doc_values *doc_find(const struct doc *d, const char *key)
{
    for (int i = 0; i < d->n_base; i++)
        if (strcmp(d->base[i].key, key) == 0)
            return &d->base[i];
    return NULL;
}

const char *doc_text(const struct doc *d, const char *key)
{
    const struct doc_values *v = doc_find(d, key);

    return v && v->list.n ? v->list.items[0].text : NULL;
}

double doc_number(const struct doc *d, const char *key)
{
    const char *text = doc_text(d, key);

    return strtod(text ? text : grid_key_find(key)->fallback, NULL);
}

bool doc_bool(const struct doc *d, const char *key)
{
    const char *text = doc_text(d, key);

    if (!text)
        text = grid_key_find(key)->fallback;
    return strcmp(text, "true") == 0 || strcmp(text, "yes") == 0;
}

int doc_axis_column(const struct doc_axis *a, const char *key)
{
    for (int i = 0; i < a->n_keys; i++)
        if (strcmp(a->keys[i], key) == 0)
            return i;
    return -1;
}

struct doc_axis *doc_axis_of(const struct doc *d, const char *key)
{
    for (int i = 0; i < d->n_axes; i++)
        if (doc_axis_column(&d->axes[i], key) >= 0)
            return &d->axes[i];
    return NULL;
}

struct doc_values *doc_block_line(const struct doc_block *b, const char *key)
{
    for (int i = 0; i < b->n_keys; i++)
        if (strcmp(b->keys[i].key, key) == 0)
            return &b->keys[i];
    return NULL;
}

bool doc_block_sets(const struct doc_block *b, const char *key)
{
    return doc_block_line(b, key) || doc_axis_column(&b->zip, key) >= 0;
}
