/* page.h - a document before it is HTML or Markdown.
 *
 * The report is written once, as headings, paragraphs, tables, figures and
 * blocks of text; page_html and page_markdown turn it into a file.  All words
 * are plain text: markup in them is shown, never followed. */
#ifndef PLOTS_PAGE_H
#define PLOTS_PAGE_H

#include <stdbool.h>

#include "base/str.h"

enum page_kind {
    PAGE_SECTION, /* text: title, name: its id */
    PAGE_PARAGRAPH,
    PAGE_WARNING,
    PAGE_LIST_ITEM,
    PAGE_TABLE,
    PAGE_FIGURE,
    PAGE_BLOCK, /* verbatim text, folded when it is long */
};

enum page_style { PAGE_PLAIN, PAGE_CODE, PAGE_STRONG };

struct page_run { /* of a paragraph */
    enum page_style style;
    char *text;
};

struct page_column {
    char *head;
    bool number; /* set to the right */
};

struct page_part {
    enum page_kind kind;
    char *text; /* title, caption, finding, summary or body's heading */
    char *name; /* id, figure or file name */
    struct page_run *runs;
    int n_runs;
    struct page_column *columns;
    int n_columns;
    char **cells; /* [rows][n_columns] */
    int n_cells;
    char *body;         /* of a block */
    char *light, *dark; /* SVG text of a figure, NULL: not drawn */
    char *folder;       /* where its files lie */
};

struct page {
    char *title, *lead, *made; /* lead: one line below the title */
    int refresh_s; /* the browser reads the page again after this; 0: never */
    struct page_part *parts;
    int n;
};

struct page *page_new(const char *title, const char *lead, const char *made);
void page_free(struct page *d);

void page_section(struct page *d, const char *id, const char *title);

/* Begin a paragraph, warning or list item, then say words into it. */
void page_paragraph(struct page *d);
void page_warning(struct page *d);
void page_item(struct page *d);
void page_say(struct page *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void page_code(struct page *d, const char *text);
void page_strong(struct page *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A table: columns first, then cells row by row. */
void page_table(struct page *d, const char *caption);
void page_column(struct page *d, const char *head, bool number);
void page_cell(struct page *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A figure by what it shows; light and dark are SVG texts or NULL. */
void page_figure(struct page *d, const char *name, const char *finding,
                 const char *folder, const char *light, const char *dark);

/* Text as it is.  file: its name when a reader wants to keep it, or NULL. */
void page_block(struct page *d, const char *summary, const char *file,
                const char *body);

/* The page as one file: nothing in it refers to anything outside. */
void page_html(struct str *out, const struct page *d);

/* GitHub-flavoured; figures are links into the folder beside it. */
void page_markdown(struct str *out, const struct page *d);

#endif
