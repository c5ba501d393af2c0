/* fit_cli.h - the options of every verb that fits something. */
#ifndef HARNESS_VERBS_FIT_CLI_H
#define HARNESS_VERBS_FIT_CLI_H

#include "harness/cli/cli.h"
#include "harness/study/request.h"

/* The options that choose rows and a fit, without the NULL that ends a
 * table. */
/* clang-format off */
#define FIT_OPTION_ROWS                                                       \
    { "law", 0, "NAME", "a built-in law, see 'qlaw laws' (the grid's)" },     \
    { "formula", 0, "TEXT", "a law of your own: 'loss = E + A/N^alpha'" },    \
    { "paired", 0, NULL, "fit differences from the twins, not losses" },      \
    { "data", 0, "FILE", "a table instead of the database" },                 \
    { "where", 0, "COND", "only these rows: SQL; an expression with --data" }, \
    { "map", 0, "NAME=COLUMN", "the law's NAME is called COLUMN here" },      \
    { "derive", 0, "'X = ...'", "a new column from the others" },             \
    { "best", 0, "COLUMN", "of each cell only the row where it is least" },   \
    { "by", 0, "COLUMN,...", "the columns that make a cell, for --best" },    \
    { "base", 0, "COL=VALUE", "a table's unquantized twins; none: none" },    \
    { "n-def", 0, "WHAT", "N counts body, body+head or total (body)" },       \
    { "space", 0, "SPACE", "log, linear or relative (default: the law's)" },  \
    { "loss", 0, "LOSS", "l2, l1, huber:DELTA, cauchy:SCALE (default l2)" },  \
    { "weight-sigma", 0, "COL", "standard deviation of each row" },           \
    { "start", 0, "A=1,...", "start there too, besides the starts found" },   \
    { "start-only", 0, NULL, "start nowhere but at --start" },                \
    { "bound", 0, "'E>=0'", "keep a parameter on one side of a value" },      \
    { "fix", 0, "A=B", "hold at a value, or tie to another parameter" },      \
    { "group-param", 0, "K:COL", "one K for each value of a column" },        \
    { "cluster", 0, "COLUMN", "rows that belong together, or 'config'" },     \
    { "bootstrap", 0, "N", "refits of resamples (default 1000 if robust)" },  \
    { "profile", 0, NULL, "intervals by profile likelihood" },                \
    { "seed", 0, "N", "of starts and resamples (default 1)" },                \
    { "strict", 0, NULL, "refuse rows that cannot be used" }
/* clang-format on */

/* What a command line gives of the keys of study/options.h, of the grid that it
 * names, or NULL.  ERR_USAGE for what is no number. */
enum status fit_cli_options(struct fit_options *o, const struct cli *cli,
                            const char *grid, struct err *err);

/* The same, and the request that they make. */
enum status fit_cli_request(struct fit_request *rq, const struct cli *cli,
                            const char *grid, struct err *err);

#endif
