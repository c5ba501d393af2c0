#include "harness/cli/sheet.h"

#include <stdio.h>

#include "base/json.h"
#include "base/wrap.h"

void sheet_open(struct sheet *t, const struct cli *cli, const char *schema)
{
    *t = (struct sheet){ .json = cli_flag(cli, "json") };
    if (!t->json)
        return;
    str_add(&t->s, "{");
    json_add_text(&t->s, "schema", schema);
}

void sheet_number(struct sheet *t, const char *name, double x)
{
    char buf[32];

    if (t->json)
        json_add_number(&t->s, name, x);
    else
        str_addf(&t->s, "%-12s %s\n", name, text_number(buf, x));
}

void sheet_text(struct sheet *t, const char *name, const char *text)
{
    if (t->json)
        json_add_text(&t->s, name, text);
    else
        str_addf(&t->s, "%-12s %s\n", name, text);
}

void sheet_close(struct sheet *t)
{
    if (t->json)
        printf("%s}\n", str_text(&t->s));
    else
        say_text(stdout, str_text(&t->s));
    str_release(&t->s);
}
