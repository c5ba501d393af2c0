/* dat.h - the data file of a figure.
 *
 * Tab-separated, with named blocks that gnuplot finds by `index`:
 *
 *   # delta-vs-N: what the figure shows           comments: what, from where
 *
 *
 *   # points                                      two empty lines, the name
 *   # panel  series  N [parameters]  delta [nats] the columns with units
 *   1  2  6144  0.21
 *
 * Texts are cells like numbers, so that nothing from outside stands in a
 * script.  gnuplot reads escapes in such cells: a backslash is written \\, a
 * quote \042 (a bare one would end the cell), a space at the start \040,
 * which also stands for an empty text, because an empty cell is no cell.
 * gnuplot cannot show a line break in a label: label.h writes it out.  Its SVG
 * leaves > as it is, but XML forbids ]]> in a text: that is written ]]\x3e. */
#ifndef PLOTS_DAT_H
#define PLOTS_DAT_H

#include "base/str.h"

/* A comment of one or more lines. */
void dat_comment(struct str *out, const char *text);

/* Begin a block; columns is its header, tab-separated. */
void dat_block(struct str *out, const char *name, const char *columns);

/* Append a cell, with a tab before it unless it begins a line. */
void dat_number(struct str *out, double x); /* NaN is a cell too */
void dat_text(struct str *out, const char *text);
void dat_end_line(struct str *out);

/* The same text as a tic label, in which gnuplot reads % as a format. */
void dat_tic(struct str *out, const char *text);

#endif
