/* manual.c - expands a manual page's source to scdoc(5).
 *
 *   manual PAGE.scd >PAGE.full.scd
 *   manual --verb NAME >qlaw-NAME.1.full.scd     from the verb's help alone
 *
 * What the program knows is not written twice: a line of the source that
 * starts with % stands for rows of a table.
 *
 *   %verb NAME          title, NAME and SYNOPSIS of qlaw-NAME(1)
 *   %detail NAME        the paragraph of the verb's help
 *   %options NAME       OPTIONS; also names the global ones
 *   %globals            the global options
 *   %verbs              every verb with its summary
 *   %exit CODE...       EXIT STATUS with these codes; all when none is given
 *   %keys SECTION...    the keys of these sections
 *   %formats, %presets, %scales, %laws, %figures
 *   %columns VIEW       the columns of a view of the database */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/db.h"
#include "fit/law.h"
#include "harness/figures/plot.h"
#include "harness/grid/keys.h"
#include "harness/verbs/verbs.h"
#include "kernels/num.h"

/* Text of a table, with what scdoc would take for markup escaped. */
static void put(const char *text)
{
    for (; *text; text++) {
        if (strchr("\\*_[]|`", *text))
            putchar('\\');
        putchar(*text == '\n' ? ' ' : *text);
    }
}

static void put_bold(const char *text)
{
    putchar('*');
    put(text);
    putchar('*');
}

/* A sentence: capital letter, full stop. */
static void put_sentence(const char *text)
{
    const char first[2] = {
        *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text, '\0'
    };

    put(first);
    put(text + 1);
    puts(strchr(".?!", text[strlen(text) - 1]) ? "" : ".");
}

/* Words that one may choose from ("svg, png or pdf") stay as one types them. */
static void put_meaning(const char *text)
{
    const size_t n = strcspn(text, " ");

    if ((n > 0 && text[n - 1] == ',') || text_has_prefix(text + n, " or ")) {
        put(text);
        puts(".");
    } else {
        put_sentence(text);
    }
}

/* --- verbs and options ------------------------------------------------------ */

static bool fail(const char *what, const char *name)
{
    fprintf(stderr, "manual: no %s '%s'\n", what, name);
    return false;
}

static bool put_verb(char *name)
{
    const struct verb *v = verb_find(name);

    if (!v)
        return fail("verb", name);
    printf("qlaw-%s(1)\n\n# NAME\n\nqlaw-%s - ", v->name, v->name);
    put(v->summary);
    printf("\n\n# SYNOPSIS\n\n*qlaw %s*", v->name);
    if (v->options)
        printf(" [_options_]");
    if (*v->args) {
        putchar(' ');
        put(v->args);
    }
    printf("\n\n");
    return true;
}

static bool put_detail(char *name)
{
    const struct verb *v = verb_find(name);

    if (!v)
        return fail("verb", name);
    if (v->detail) {
        put(v->detail);
        printf("\n\n");
    }
    return true;
}

static void put_option(const struct cli_option *o)
{
    if (o->letter)
        printf("*-%c*, ", o->letter);
    printf("*--%s*", o->name);
    if (o->value) {
        printf(" _");
        put(o->value);
        printf("_");
    }
    printf("\n\t");
    put_meaning(o->help);
    putchar('\n');
}

static bool put_options(char *name)
{
    const struct verb *v = verb_find(name);

    if (!v)
        return fail("verb", name);
    printf("# OPTIONS\n\n");
    for (const struct cli_option *o = v->options; o && o->name; o++)
        put_option(o);
    printf("The global options *--db*, *-q*, *-v*, *--color* and *--help* are "
           "described in\n*qlaw*(1).\n\n");
    return true;
}

static bool put_globals(char *rest)
{
    (void)rest;
    for (const struct cli_option *o = cli_globals(); o->name; o++)
        put_option(o);
    return true;
}

static bool put_verbs(char *rest)
{
    (void)rest;
    for (int i = 0; verb_at(i); i++) {
        printf("*qlaw-%s*(1)\n\t", verb_at(i)->name);
        put_sentence(verb_at(i)->summary);
        putchar('\n');
    }
    return true;
}

static bool put_code(int code)
{
    static const struct {
        int code;
        const char *text;
    } codes[] = {
#define CODE_ROW(name, code, text) { code, text },
        STATUS_LIST(CODE_ROW)
#undef CODE_ROW
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].code != code)
            continue;
        printf("*%d*\n\t", code);
        put_sentence(codes[i].text);
        putchar('\n');
        return true;
    }
    return false;
}

static bool put_exit(char *rest)
{
    printf("# EXIT STATUS\n\n");
    if (!*rest)
        for (int code = 0; code < 256; code++)
            put_code(code);
    for (char *word = strtok(rest, " "); word; word = strtok(NULL, " "))
        if (!put_code(atoi(word)))
            return fail("exit code", word);
    return true;
}

/* --- keys --------------------------------------------------------------------- */

static void put_key(const struct setting *s)
{
    static const char *const types[] = {
        [SETTING_INT] = "whole number", [SETTING_REAL] = "number",
        [SETTING_BOOL] = "yes or no",   [SETTING_WORD] = "word",
        [SETTING_TEXT] = "text",        [SETTING_DURATION] = "duration",
        [SETTING_QUANT] = "quantizer",
    };

    char *choices = setting_choices(s), *help = setting_help(s);

    put_bold(s->key);
    printf(" (%s", s->list ? "list of " : "");
    put(*choices ? choices : types[s->type]);
    if (s->max > s->min)
        printf(", %g .. %g", s->min, s->max);
    if (*s->unit)
        printf(" %s", s->unit);
    if (*s->fallback) {
        printf("; default ");
        put(s->fallback);
    }
    printf(")\n\t");
    put_sentence(help);
    putchar('\n');
    free(choices);
    free(help);
}

static bool put_keys(char *rest)
{
    for (char *word = strtok(rest, " "); word; word = strtok(NULL, " ")) {
        char *prefix = mem_printf("%s.", word);
        int n = 0;

        for (int i = 0; setting_at(i); i++)
            if (text_has_prefix(setting_at(i)->key, prefix) && ++n)
                put_key(setting_at(i));
        for (int i = 0; grid_key_at(i); i++)
            if (text_has_prefix(grid_key_at(i)->key, prefix) && ++n)
                put_key(grid_key_at(i));
        free(prefix);
        if (n == 0)
            return fail("section", word);
    }
    return true;
}

/* --- other tables -------------------------------------------------------------- */

static bool put_formats(char *rest)
{
    struct num_format f;

    (void)rest;
    for (int i = 0; num_at(&f, i); i++) {
        put_bold(f.name);
        printf("\n\t%d bits, largest %.6g, step at zero %.4g. ", f.bits,
               (double)f.max, (double)f.step_zero);
        put_sentence(f.source);
        putchar('\n');
    }
    return true;
}

static bool put_presets(char *rest)
{
    const struct quant_preset *p;

    (void)rest;
    for (int i = 0; (p = quant_preset_at(i)); i++) {
        put_bold(p->name);
        printf("\n\t");
        put(p->text);
        printf(" (");
        put(p->source);
        printf(")\n\n");
    }
    return true;
}

/* The words of [quant] KEY. */
static bool put_words(char *key)
{
    const enum quant_field field = quant_field_find(key);
    const struct quant_word *w;

    if (field == QUANT_FIELDS)
        return fail("key quant", key);
    for (int i = 0; (w = quant_word_at(field, i)); i++) {
        struct str form = { 0 };

        quant_word_form(&form, w);
        put_bold(str_text(&form));
        printf("\n\t");
        put_sentence(w->help);
        putchar('\n');
        str_release(&form);
    }
    return true;
}

/* "FORMAT[/gN|/row|/tensor]..." */
static bool put_syntax(char *rest)
{
    (void)rest;
    printf("FORMAT");
    for (int f = 0; f < QUANT_FIELDS; f++) {
        char *part = quant_syntax((enum quant_field)f);

        printf("%s", part);
        free(part);
    }
    putchar('\n');
    return true;
}

static bool put_laws(char *rest)
{
    (void)rest;
    for (int i = 0; law_at(i); i++) {
        put_bold(law_at(i)->name);
        printf("\n\t");
        put(law_at(i)->formula);
        printf("\n\n");
    }
    return true;
}

static bool put_figures(char *rest)
{
    (void)rest;
    for (int i = 0; plot_figure_at(i); i++) {
        put_bold(plot_figure_at(i)->name);
        printf("\n\t");
        put_sentence(plot_figure_at(i)->what);
        putchar('\n');
    }
    return true;
}

/* Asked from SQLite, so that what the page lists is what there is. */
static bool put_columns(char *view)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int n = 0;

    if (sqlite3_open(":memory:", &db) == SQLITE_OK &&
        sqlite3_exec(db, db_schema, NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "select name from pragma_table_info(?1)", -1,
                           &stmt, NULL) == SQLITE_OK &&
        sqlite3_bind_text(stmt, 1, view, -1, SQLITE_STATIC) == SQLITE_OK)
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            printf("%s", n++ ? ", " : "\t");
            put_bold((const char *)sqlite3_column_text(stmt, 0));
        }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    printf(".\n\n");
    return n > 0 || fail("view", view);
}

/* --- the page --------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool (*put)(char *rest);
} tables[] = {
    { "verb", put_verb },       { "detail", put_detail },
    { "options", put_options }, { "globals", put_globals },
    { "verbs", put_verbs },     { "exit", put_exit },
    { "keys", put_keys },       { "formats", put_formats },
    { "presets", put_presets }, { "words", put_words },
    { "syntax", put_syntax },   { "laws", put_laws },
    { "figures", put_figures }, { "columns", put_columns },
};

static bool expand(char *line)
{
    const size_t n = strcspn(line, " ");
    char *rest = line + n;

    if (*rest)
        *rest++ = '\0';
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (strcmp(tables[i].name, line) == 0)
            return tables[i].put(rest);
    return fail("table", line);
}

static bool expand_file(const char *path)
{
    FILE *in = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    bool ok = in || fail("file", path);

    while (ok && getline(&line, &room, in) > 0) {
        if (line[0] == '%') {
            line[strcspn(line, "\n")] = '\0';
            ok = expand(line + 1);
        } else {
            fputs(line, stdout);
        }
    }
    free(line);
    if (in)
        fclose(in);
    return ok;
}

static bool make_from_help(char *verb)
{
    if (!put_verb(verb))
        return false;
    printf("# DESCRIPTION\n\n");
    put_detail(verb);
    put_options(verb);
    printf("# SEE ALSO\n\n*qlaw*(1)\n");
    return true;
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return expand_file(argv[1]) ? 0 : 1;
    if (argc == 3 && strcmp(argv[1], "--verb") == 0)
        return make_from_help(argv[2]) ? 0 : 1;
    fprintf(stderr, "usage: manual PAGE.scd | --verb NAME\n");
    return 2;
}
