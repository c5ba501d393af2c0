/* grid_cli.h - the options that every verb with a grid takes. */
#ifndef HARNESS_VERBS_GRID_CLI_H
#define HARNESS_VERBS_GRID_CLI_H

#include "harness/cli/cli.h"
#include "harness/grid/grid.h"

/* Rows for a verb's table of options. */
/* clang-format off */
#define GRID_CLI_OPTIONS                                                      \
    { "set", 's', "KEY=VALUE",                                                \
      "replace a key; also KEY=a,b KEY+=c !KEY; repeatable" },                \
    { "overlay", 'i', "FILE", "read this grid file on top; repeatable" },     \
    { "profile", 0, "LABEL", "apply [profile \"LABEL\"]; repeatable" },       \
    { "only", 0, "EXPR", "start only the points where it is true" },          \
    { "skip", 0, "EXPR", "start none of the points where it is true" }
/* clang-format on */

/* The grid the first argument names, with these options.  Notes go to stderr
 * (unless -q). */
enum status grid_from_cli(struct grid **out, const struct cli *cli,
                          struct err *err);

#endif
