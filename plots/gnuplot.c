#include "plots/gnuplot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/launch.h"
#include "plots/tool.h"

#define PACKAGE "gnuplot-nox"
#define LIMIT_S 60.0

/* gnuplot's own variables could name files to run or change the picture. */
static const char *const drop[] = {
    "GNUTERM=", "GNUPLOT_",    "GNUHELP=",    "GNUFITLOG=",
    "FIT_LOG=", "FIT_SCRIPT=", "GDFONTPATH=", NULL,
};

/* --- finding it ----------------------------------------------------------- */

static enum status ask(struct gnuplot *g, struct err *err)
{
    char *argv[] = { "gnuplot", "-d", "-e",
                     "print GPVAL_VERSION; print GPVAL_TERMINALS", NULL };
    struct str output = { 0 };
    const char *end = "";
    enum status st = tool_run(&output, "gnuplot", g->path, argv, NULL, drop,
                              g->limit_s, err);

    if (st == OK &&
        (!text_read_number(&g->version, str_text(&output), &end, false) ||
         g->version < 5.2))
        st = err_set(err, ERR_TOOL,
                     "gnuplot at %s is not version 5.2 or newer "
                     "(Debian: package " PACKAGE ")",
                     g->path);
    if (st == OK) {
        g->terminals = mem_printf(" %s ", end);
        for (char *c = g->terminals; *c; c++)
            *c = *c == '\n' ? ' ' : *c;
    }
    str_release(&output);
    return st;
}

enum status gnuplot_find(struct gnuplot *g, struct err *err)
{
    const char *given = getenv("QLAW_GNUPLOT");

    *g = (struct gnuplot){ .limit_s = LIMIT_S };
    g->path =
        given && *given ? mem_strdup(given) : launch_find("gnuplot", false);
    if (!g->path)
        return err_set(err, ERR_TOOL,
                       "gnuplot is not installed (Debian: "
                       "package " PACKAGE ")");
    return ask(g, err);
}

void gnuplot_release(struct gnuplot *g)
{
    free(g->path);
    free(g->terminals);
    *g = (struct gnuplot){ .path = NULL };
}

bool gnuplot_has(const struct gnuplot *g, const char *term)
{
    static const struct {
        const char *name, *terminal;
    } known[] = {
        { "svg", " svg " },
        { "png", " pngcairo " },
        { "pdf", " pdfcairo " },
        { "dumb", " dumb " },
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, term) == 0)
            return g->terminals && strstr(g->terminals, known[i].terminal);
    return false;
}

/* --- drawing -------------------------------------------------------------- */

static enum status start_job(struct tool *t, const struct gnuplot *g,
                             const char *folder, struct gnuplot_job *job)
{
    char *script = mem_printf("%s.gp", job->name);
    char *data = mem_printf("%s.dat", job->name);
    char *part = mem_printf("%s.part", job->out);
    char *argv[] = {
        "gnuplot",          "-d", "-c", script, data, part, (char *)job->term,
        (char *)job->theme, NULL
    };

    job->status = tool_start(t, "gnuplot", g->path, argv, folder, drop,
                             g->limit_s, &job->err);
    free(script);
    free(data);
    free(part);
    return job->status;
}

/* A picture that is there and looks complete takes its name. */
static enum status keep(const char *folder, const struct gnuplot_job *job,
                        struct err *err)
{
    char *path = mem_printf("%s/%s", folder, job->out);
    char *part = mem_printf("%s.part", path);
    struct str text = { 0 };
    struct stat s;
    enum status st = OK;

    if (lstat(part, &s) != 0 || !S_ISREG(s.st_mode) || s.st_size == 0)
        st = err_set(err, ERR_TOOL, "gnuplot drew nothing for %s", job->out);
    if (st == OK && strcmp(job->term, "svg") == 0) {
        st = file_read(&text, part, 64u << 20, err);
        if (st == OK && !strstr(str_text(&text), "</svg>"))
            st = err_set(err, ERR_TOOL, "gnuplot left %s unfinished", job->out);
    }
    if (st == OK && rename(part, path) != 0)
        st = err_errno(err, ERR_IO, "%s", path);
    if (st != OK)
        unlink(part);
    str_release(&text);
    free(part);
    free(path);
    return st;
}

static void finish_job(struct tool *t, const char *folder,
                       struct gnuplot_job *job)
{
    struct err why = { 0 };

    job->status = tool_verdict(t, &why);
    if (job->status == OK)
        job->status = keep(folder, job, &why);
    else {
        char *part = mem_printf("%s/%s.part", folder, job->out);

        unlink(part);
        free(part);
    }
    if (job->status != OK)
        err_set(&job->err, job->status, "figure %s: %s", job->name, why.text);
    str_release(&t->output);
}

void gnuplot_draw(const struct gnuplot *g, const char *folder,
                  struct gnuplot_job *jobs, int n, int side)
{
    struct tool *t = mem_array((size_t)n + 1, sizeof *t);
    int begun = 0, running = 0;

    while (begun < n || running > 0) {
        while (begun < n && running < side) {
            running += start_job(&t[begun], g, folder, &jobs[begun]) == OK;
            begun++;
        }
        tool_wait(t, begun);
        for (int i = 0; i < begun; i++)
            if (t[i].pid && tool_ended(&t[i])) {
                finish_job(&t[i], folder, &jobs[i]);
                running--;
            }
    }
    free(t);
}

enum status gnuplot_read_dumb(struct str *out, const char *path,
                              struct err *err)
{
    const size_t before = out->len;
    const enum status st = file_read(out, path, 1 << 20, err);
    size_t n = before;

    for (size_t i = before; i < out->len; i++)
        if (out->data[i] != '\f')
            out->data[n++] = out->data[i];
    out->len = n;
    if (out->data)
        out->data[n] = '\0';
    return st;
}
