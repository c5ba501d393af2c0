/* files.h - what the program carries to draw with, and a figure's files. */
#ifndef PLOTS_FILES_H
#define PLOTS_FILES_H

#include "base/err.h"
#include "plots/picture.h"

/* A file that the program carries: scripts and style sheets of plots/. */
struct plot_text {
    const char *name, *text;
};
extern const struct plot_text plot_texts[]; /* ends with a NULL name */
const char *plot_text_find(const char *name);

/* Write NAME.dat, NAME.gp and what it loads into an existing folder. */
enum status plot_write(struct picture *p, const char *name, const char *folder,
                       struct err *err);

#endif
