/* sheet.h - a small report: names and values, as lines or as one JSON object.
 */
#ifndef HARNESS_CLI_SHEET_H
#define HARNESS_CLI_SHEET_H

#include "base/str.h"
#include "harness/cli/cli.h"

struct sheet {
    bool json;
    struct str s;
};

/* JSON when --json was given; it then begins with the name of its schema. */
void sheet_open(struct sheet *t, const struct cli *cli, const char *schema);
void sheet_number(struct sheet *t, const char *name, double x);
void sheet_text(struct sheet *t, const char *name, const char *text);

/* Print it. */
void sheet_close(struct sheet *t);

#endif
