/* page_html.c - a document as one HTML file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "plots/files.h"
#include "plots/html.h"
#include "plots/page.h"
#include "plots/svg.h"

#define LONG_BLOCK 12           /* lines; longer ones are folded */
#define LARGE_FILE (256 * 1024) /* larger ones are not there twice */

static void element(struct str *out, const char *tag, const char *text)
{
    str_addf(out, "<%s>", tag);
    html_text(out, text);
    str_addf(out, "</%s>", tag);
}

static void add_runs(struct str *out, const struct page_part *p)
{
    static const char *const tag[] = { NULL, "code", "strong" };

    for (int i = 0; i < p->n_runs; i++) {
        if (tag[p->runs[i].style])
            element(out, tag[p->runs[i].style], p->runs[i].text);
        else
            html_text(out, p->runs[i].text);
    }
}

/* Wide tables and long lines scroll by themselves, with the keyboard too. */
static void open_scroll(struct str *out, const char *label)
{
    str_add(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\"");
    html_attribute(out, "aria-label", label && *label ? label : "table");
    str_add(out, ">");
}

static void add_table(struct str *out, const struct page_part *p)
{
    open_scroll(out, p->text);
    str_add(out, "<table>");
    if (p->text && *p->text)
        element(out, "caption", p->text);
    str_add(out, "\n<thead><tr>");
    for (int i = 0; i < p->n_columns; i++) {
        str_addf(out, "<th scope=\"col\"%s>",
                 p->columns[i].number ? " class=\"n\"" : "");
        html_text(out, p->columns[i].head);
        str_add(out, "</th>");
    }
    str_add(out, "</tr></thead>\n<tbody>\n");
    for (int i = 0; i < p->n_cells; i++) {
        const int col = i % p->n_columns;
        const char *tag = col == 0 ? "th" : "td";

        str_addf(out, "%s<%s%s%s>", col ? "" : "<tr>", tag,
                 col ? "" : " scope=\"row\"",
                 p->columns[col].number ? " class=\"n\"" : "");
        html_text(out, p->cells[i]);
        str_addf(out, "</%s>%s", tag, col == p->n_columns - 1 ? "</tr>\n" : "");
    }
    str_add(out, "</tbody></table></div>\n");
}

/* The size that gnuplot wrote, so that the page does not jump. */
static void add_size(struct str *out, const char *svg)
{
    const char *view = strstr(svg, "viewBox=\"0 0 ");
    int w, h;

    if (view && sscanf(view, "viewBox=\"0 0 %d %d\"", &w, &h) == 2)
        str_addf(out, " width=\"%d\" height=\"%d\"", w, h);
}

static void add_image(struct str *out, const struct page_part *p,
                      const char *svg)
{
    str_add(out, "<img");
    html_attribute(out, "alt", p->text);
    add_size(out, svg);
    str_add(out, " src=\"");
    html_data(out, "image/svg+xml", svg, strlen(svg));
    str_add(out, "\">");
}

/* One image that knows both themes, or two. */
static void add_picture(struct str *out, const struct page_part *p)
{
    char *both = p->dark ? svg_for_both(p->light, p->dark) : NULL;

    str_add(out, "<picture>");
    if (p->dark && !both) {
        str_add(out, "<source media=\"(prefers-color-scheme: dark)\" "
                     "srcset=\"");
        html_data(out, "image/svg+xml", p->dark, strlen(p->dark));
        str_add(out, "\">");
    }
    add_image(out, p, both ? both : p->light);
    str_add(out, "</picture>");
    free(both);
}

static void add_figure(struct str *out, const struct page_part *p)
{
    char *id = mem_printf("figure-%s", p->name);

    str_add(out, "<figure");
    html_attribute(out, "id", id);
    str_add(out, ">");
    free(id);
    if (p->light)
        add_picture(out, p);
    str_add(out, "<figcaption>");
    html_text(out, p->text);
    str_add(out, " <span class=\"files\">");
    html_text(out, p->folder);
    str_add(out, "/");
    html_text(out, p->name);
    str_addf(out, "%s</span></figcaption></figure>\n",
             p->light ? ".{dat,gp,svg}" : ".{dat,gp}: not drawn");
}

static void add_block(struct str *out, const struct page_part *p)
{
    int lines = 0;

    for (const char *c = p->body; *c; c++)
        lines += *c == '\n';
    if (lines > LONG_BLOCK) {
        str_add(out, "<details><summary>");
        html_text(out, p->text);
        str_addf(out, " (%d lines)</summary>", lines);
    } else {
        element(out, "p", p->text);
    }
    if (p->name && strlen(p->body) < LARGE_FILE) {
        str_add(out, "<p><a");
        html_attribute(out, "download", p->name);
        str_add(out, " href=\"");
        html_data(out, "text/plain;charset=utf-8", p->body, strlen(p->body));
        str_add(out, "\">");
        html_text(out, p->name);
        str_add(out, "</a></p>");
    }
    open_scroll(out, p->text);
    str_add(out, "<pre>");
    html_pre(out, p->body);
    str_addf(out, "</pre></div>%s\n", lines > LONG_BLOCK ? "</details>" : "");
}

/* What goes round consecutive parts of a kind: list items have a list. */
static void add_part(struct str *out, const struct page *d, int i)
{
    const struct page_part *p = &d->parts[i];
    const bool first = i == 0 || d->parts[i - 1].kind != p->kind;
    const bool last = i + 1 == d->n || d->parts[i + 1].kind != p->kind;

    switch (p->kind) {
    case PAGE_SECTION:
        str_addf(out, "%s<section", i ? "</section>\n" : "");
        html_attribute(out, "id", p->name);
        str_add(out, ">\n");
        element(out, "h2", p->text);
        str_add(out, "\n");
        break;
    case PAGE_PARAGRAPH:
    case PAGE_WARNING:
        str_add(out, p->kind == PAGE_WARNING
                         ? "<p class=\"warning\" role=\"note\">"
                         : "<p>");
        add_runs(out, p);
        str_add(out, "</p>\n");
        break;
    case PAGE_LIST_ITEM:
        str_add(out, first ? "<ul>\n<li>" : "<li>");
        add_runs(out, p);
        str_add(out, last ? "</li>\n</ul>\n" : "</li>\n");
        break;
    case PAGE_TABLE:
        add_table(out, p);
        break;
    case PAGE_FIGURE:
        add_figure(out, p);
        break;
    case PAGE_BLOCK:
        add_block(out, p);
        break;
    }
}

static void add_contents(struct str *out, const struct page *d)
{
    str_add(out, "<nav aria-label=\"Contents\"><ul>\n");
    for (int i = 0; i < d->n; i++)
        if (d->parts[i].kind == PAGE_SECTION) {
            str_add(out, "<li><a href=\"");
            html_fragment(out, d->parts[i].name);
            str_add(out, "\">");
            html_text(out, d->parts[i].text);
            str_add(out, "</a></li>\n");
        }
    str_add(out, "</ul></nav>\n");
}

/* The digest by which the policy knows our one script: no other runs, whatever
 * a label or a message of a trainer holds. */
static void add_digest(struct str *out, const char *script)
{
    char hex[HASH_HEX];
    unsigned char raw[32];

    hash_bytes(hex, script, strlen(script));
    for (size_t i = 0; i < sizeof raw; i++) {
        const char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

        raw[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    html_base64(out, raw, sizeof raw);
}

/* The policy forbids every fetch, so that even a mistake of ours could not make
 * the page ask for anything. */
static void add_policy(struct str *out, const char *script)
{
    str_add(out, "<meta http-equiv=\"Content-Security-Policy\" content=\""
                 "default-src 'none'; img-src data:; style-src "
                 "'unsafe-inline'; script-src 'sha256-");
    add_digest(out, script);
    str_add(out, "'; base-uri 'none'; form-action 'none'\">\n");
}

void page_html(struct str *out, const struct page *d)
{
    const char *script = plot_text_find("report.js");

    str_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
                 "<meta charset=\"utf-8\">\n");
    add_policy(out, script);
    str_add(out, "<meta name=\"viewport\" content=\"width=device-width, "
                 "initial-scale=1\">\n"
                 "<meta name=\"color-scheme\" content=\"light dark\">\n"
                 "<link rel=\"icon\" href=\"data:,\">\n");
    if (d->refresh_s)
        str_addf(out, "<meta http-equiv=\"refresh\" content=\"%d\">\n",
                 d->refresh_s);
    str_add(out, "<title>");
    html_text(out, d->title);
    str_add(out, "</title>\n<style>\n");
    str_add(out, plot_text_find("report.css"));
    str_add(out, "</style>\n</head>\n<body>\n<header>\n");
    element(out, "h1", d->title);
    if (*d->lead) {
        str_add(out, "\n<p class=\"lead\">");
        html_text(out, d->lead);
        str_add(out, "</p>");
    }
    str_add(out, "\n</header>\n");
    add_contents(out, d);
    str_add(out, "<main>\n");
    for (int i = 0; i < d->n; i++)
        add_part(out, d, i);
    str_addf(out, "%s</main>\n<footer><p>", d->n ? "</section>\n" : "");
    html_text(out, d->made);
    str_addf(out, "</p></footer>\n<script>%s</script>\n</body>\n</html>\n",
             script);
}
