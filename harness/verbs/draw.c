#include "harness/verbs/draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/label.h"
#include "base/out.h"
#include "plots/files.h"
#include "plots/gnuplot.h"

static void print_json(const char *folder, const struct gnuplot_job *job,
                       const char *finding)
{
    const struct {
        const char *key, *name, *dot;
    } files[] = { { "picture", job->out, "" },
                  { "data", job->name, ".dat" },
                  { "script", job->name, ".gp" } };
    struct str out = { 0 };

    str_add(&out, "{");
    json_add_text(&out, "schema", "qlaw/plot/1");
    json_add_text(&out, "figure", job->name);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *path = mem_printf("%s/%s%s", folder, files[i].name, files[i].dot);

        json_add_text(&out, files[i].key, path);
        free(path);
    }
    json_add_text(&out, "finding", finding);
    str_add(&out, "}");
    puts(str_text(&out));
    str_release(&out);
}

/* On a terminal the picture itself is wanted, otherwise where it lies. */
static enum status show(const char *folder, const struct gnuplot_job *job,
                        struct err *err)
{
    char *path = mem_printf("%s/%s", folder, job->out);
    struct str text = { 0 };
    enum status st = OK;

    if (strcmp(job->term, "dumb") == 0) {
        st = gnuplot_read_dumb(&text, path, err);
        fputs(str_text(&text), stdout);
    } else {
        out_path(path);
    }
    str_release(&text);
    free(path);
    return st;
}

/* Without gnuplot the data and the script are left for later. */
static enum status draw_file(const char *name, const char *folder,
                             const char *term, const char *theme,
                             const char *finding, bool json, struct err *err)
{
    char *out = mem_printf("%s%s.%s", name,
                           strcmp(theme, "dark") == 0 ? "-dark" : "", term);
    struct gnuplot_job job = {
        .name = name, .out = out, .term = term, .theme = theme
    };
    struct gnuplot g;
    enum status st = gnuplot_find(&g, err);

    if (st == OK && !gnuplot_has(&g, term))
        st = err_set(err, ERR_TOOL, "this gnuplot cannot draw %s", term);
    if (st == OK) {
        gnuplot_draw(&g, folder, &job, 1, 1);
        st = job.status;
        if (st != OK)
            *err = job.err;
        else if (json)
            print_json(folder, &job, finding);
        else
            st = show(folder, &job, err);
    }
    if (st == ERR_TOOL) {
        char *why = mem_strdup(err->text);

        err_set(err, st, "%s; %s/%s.gp and .dat are written", why, folder,
                name);
        free(why);
    }
    gnuplot_release(&g);
    free(out);
    return st;
}

static enum status check_words(const char *term, const char *theme,
                               struct err *err)
{
    static const char *const terms[] = { "svg", "png", "pdf", "dumb" };

    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++)
        if (strcmp(terms[i], term) == 0) {
            if (strcmp(theme, "light") == 0 || strcmp(theme, "dark") == 0)
                return OK;
            return err_set(err, ERR_USAGE, "--theme: '%s' is not light or dark",
                           theme);
        }
    return err_set(err, ERR_USAGE, "--term: '%s' is not svg, png, pdf or dumb",
                   term);
}

/* Letters of a name that every terminal and gnuplot read as one. */
static bool is_font(const char *name)
{
    return *name && strlen(name) <= PICTURE_FONT &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789 -") == strlen(name);
}

/* The page that the picture is for. */
static enum status read_paper(struct picture_paper *p, const struct cli *cli,
                              struct err *err)
{
    const char *font = cli_value(cli, "font", "");
    enum status st;

    *p = (struct picture_paper){ .width_mm = 0 };
    st = cli_number(&p->width_mm, cli, "width", 0, 40, 600, err);
    if (st == OK)
        st = cli_number(&p->font_pt, cli, "font-size", 0, 4, 30, err);
    if (st == OK && *font && !is_font(font))
        st = err_set(err, ERR_USAGE,
                     "--font: '%.40s' is not the name of a family (letters, "
                     "digits, blanks)",
                     font);
    if (st == OK && p->width_mm == 0 && (*font || p->font_pt > 0))
        st = err_set(err, ERR_USAGE, "--font and --font-size go with --width");
    if (st != OK)
        return st;
    if (p->width_mm > 0 && p->font_pt == 0)
        p->font_pt = 8;
    strcpy(p->font, font);
    return OK;
}

enum status draw_read(struct draw *out, const struct cli *cli, struct err *err)
{
    enum status st;

    *out = (struct draw){
        .folder = cli_value(cli, "out", "figures"),
        .term = cli_value(cli, "term", "svg"),
        .theme = cli_value(cli, "theme", "light"),
    };
    st = check_words(out->term, out->theme, err);
    return st == OK ? read_paper(&out->paper, cli, err) : st;
}

enum status draw_picture(struct picture *p, const char *name,
                         const struct draw *how, bool json,
                         const struct cli *cli, struct err *err)
{
    char *finding = label_visible(p->finding);
    enum status st = file_make_dirs(how->folder, err);

    p->paper = how->paper;
    if (st == OK)
        st = plot_write(p, name, how->folder, err);
    if (st == OK)
        st = draw_file(name, how->folder, how->term, how->theme, p->finding,
                       json, err);
    cli_note(cli, "%s", finding);
    free(finding);
    picture_free(p);
    return st;
}
