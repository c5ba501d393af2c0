/* completion.h - teaching a shell the command line.
 *
 * The scripts are made from the tables that the program parses with, so that
 * they cannot know less or more than it does. */
#ifndef HARNESS_VERBS_SHELLS_COMPLETION_H
#define HARNESS_VERBS_SHELLS_COMPLETION_H

#include "base/str.h"
#include "harness/cli/cli.h"

/* What a word may be completed from, in any combination. */
enum complete {
    COMPLETE_FILES = 1,
    COMPLETE_INI = 2, /* grid files */
    COMPLETE_FOLDERS = 4,
    COMPLETE_WORDS = 8,   /* those that come with it */
    COMPLETE_GRIDS = 16,  /* names of grids in the database */
    COMPLETE_KEYS = 32,   /* of settings, with "=" */
    COMPLETE_QUERIES = 64 /* named questions of qlaw query */
};

/* What the value of an option (v NULL: a global one), or an argument of a verb,
 * may be; 0 when nothing is known.  words are separated by spaces and are made
 * of letters, digits and +-_.=:/ only. */
unsigned completion_of_option(struct str *words, const struct verb *v,
                              const struct cli_option *o);
unsigned completion_of_args(struct str *words, const struct verb *v);

/* Every key that -s takes, each with "=", separated by spaces. */
void completion_keys(struct str *out);

void completion_bash(struct str *out);
void completion_zsh(struct str *out);
void completion_fish(struct str *out);

#endif
