/* gnuplot.h - the process that draws.
 *
 * gnuplot has no safe mode (its maintainers say so): back-quotes in scripts
 * run commands, a file name that starts with < or | does too, and start-up
 * files are executed.  So scripts are ours alone; everything from outside
 * travels in data files (dat.h); the process is started with -d, an argument
 * vector and no shell, in the folder of the figures, with file names that we
 * made; its environment is emptied of gnuplot's own variables; and it is
 * killed with its whole group when it takes too long. */
#ifndef PLOTS_GNUPLOT_H
#define PLOTS_GNUPLOT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct gnuplot {
    char *path;      /* of the program */
    double version;  /* 5.4 */
    char *terminals; /* names, each between spaces */
    double limit_s;  /* for one picture */
};

/* Look for gnuplot in PATH (or where QLAW_GNUPLOT says), and ask it once for
 * its version and terminals.  ERR_TOOL names the package when it is missing,
 * silent or older than 5.2, which had no arrays. */
enum status gnuplot_find(struct gnuplot *g, struct err *err);
void gnuplot_release(struct gnuplot *g);

/* What scripts call svg, png, pdf and dumb is in this gnuplot. */
bool gnuplot_has(const struct gnuplot *g, const char *term);

/* One picture: "gnuplot -d -c NAME.gp NAME.dat OUT TERM THEME". */
struct gnuplot_job {
    const char *name, *out, *term, *theme;
    enum status status; /* afterwards, with its sentence */
    struct err err;
};

/* Draw n pictures in folder, at most `side` processes side by side.  Each
 * picture appears under its name whole or not at all. */
void gnuplot_draw(const struct gnuplot *g, const char *folder,
                  struct gnuplot_job *jobs, int n, int side);

/* A picture of characters that gnuplot drew, appended to out, without the form
 * feed that it begins a page with. */
enum status gnuplot_read_dumb(struct str *out, const char *path,
                              struct err *err);

#endif
