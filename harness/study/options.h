/* options.h - what is asked of a fit: which rows, which law, and how.
 *
 * The verbs read these values from their command lines (verbs/fit_cli.h).  A
 * stored fit keeps them as a JSON object, with the keys of options.c and nothing
 * that was not given:
 *
 *   {"schema":"qlaw/fit-request/1","grid":"quick","law":"qat-delta",
 *    "start":["A=1","E=2"],"seed":3,"paired":true}
 *
 * What a verb calls its options may change; these keys do not.  Fits of before
 * hold the words of a command line instead ("argv"), which are read, too. */
#ifndef HARNESS_STUDY_OPTIONS_H
#define HARNESS_STUDY_OPTIONS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "base/texts.h"

struct fit_options {
    char *grid; /* NULL: every run, or data */
    char *data; /* a table instead of the database */
    char *law;
    struct texts formula;
    struct texts where; /* all of them hold */
    struct texts map, derive;
    char *best, *by, *base;
    char *n_def;
    char *space, *loss, *weight_sigma;
    struct texts start, bound, fix, group_param;
    char *cluster;
    double bootstrap, seed; /* NAN: not given */
    bool paired, start_only, profile, strict;

    /* Of one call, and not kept: */
    struct texts compare; /* laws and formulas, with commas between */
    char *isoflop;        /* the column of budgets */
    char *envelope;       /* the column of runs */
    bool profiles;        /* the figure of budgets' profiles is wanted */
    bool of_either;       /* a --map may be about another table than data */
};

void fit_options_init(struct fit_options *o);
void fit_options_release(struct fit_options *o);

/* The i-th key with its place, for whoever walks over them; false past the
 * end. */
enum fit_option_kind { FIT_TEXT, FIT_LIST, FIT_FLAG, FIT_NUMBER };
struct fit_option {
    const char *key;
    enum fit_option_kind kind;
    size_t offset;   /* of its member */
    double min, max; /* of a number */
};
const struct fit_option *fit_option_at(int i);

/* Give a value to a key: of a text the last one counts, a list grows, a flag has
 * no value.  ERR_USAGE as "--KEY: ..." for what is no number in range. */
enum status fit_options_set(struct fit_options *o, const struct fit_option *row,
                            const char *value, struct err *err);

/* The object that a stored fit keeps. */
void fit_options_json(struct str *out, const struct fit_options *o);

/* And back; ERR_DB names the key that is not as it is written here.  o is to be
 * released in any case. */
enum status fit_options_from_json(struct fit_options *o, const json_t *from,
                                  struct err *err);

/* The command that asks the same, as a shell reads it. */
void fit_options_command(struct str *out, const struct fit_options *o);

#endif
