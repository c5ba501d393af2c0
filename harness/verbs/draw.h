/* draw.h - a picture into its files, in the words of plot: shared by the verbs
 * that draw. */
#ifndef HARNESS_VERBS_DRAW_H
#define HARNESS_VERBS_DRAW_H

#include "harness/cli/cli.h"
#include "plots/picture.h"

/* Rows of a table of options; draw_read understands them. */
#define DRAW_OPTIONS                                                           \
    { "term", 0, "TERM",                                                       \
      "svg, png, pdf, or dumb for a terminal (default svg)" },                 \
        { "theme", 0, "THEME", "light or dark (default light)" },              \
        { "width", 0, "MM",                                                    \
          "for a paper: as wide as its column, in millimetres" },              \
        { "font-size", 0, "PT", "with --width: of its letters (default 8)" },  \
        { "font", 0, "NAME", "with --width: the family of its letters" },      \
    {                                                                          \
        "out", 0, "DIR", "folder of the files (default figures)"               \
    }

struct draw {
    const char *folder, *term, *theme;
    struct picture_paper paper;
};

enum status draw_read(struct draw *out, const struct cli *cli, struct err *err);

/* Write NAME.dat and NAME.gp, draw the picture, say where it lies (as JSON where
 * json says so) or show it on a terminal, and note what it shows.  Frees p.
 * ERR_TOOL: gnuplot is missing or failed; the two files are there. */
enum status draw_picture(struct picture *p, const char *name,
                         const struct draw *how, bool json,
                         const struct cli *cli, struct err *err);

#endif
