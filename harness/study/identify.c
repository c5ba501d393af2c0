/* identify.c - can this grid identify its law? */
#include "fit/design.h"
#include "harness/study/request.h"

enum status fit_plan_verdict(struct str *out, bool *identifiable,
                             const struct grid *g, const char *name,
                             double noise, struct err *err)
{
    const struct design_source source = { NULL, NULL };
    const struct law *law;
    struct table *t = NULL;
    struct fit_spec spec;
    struct design d;
    struct err why = { .status = OK };
    enum status st = law_need(&law,
                              name     ? name
                              : g->law ? g->law
                                       : "qat-delta",
                              err);

    *identifiable = false;
    if (st != OK)
        return st;
    t = fit_planned_runs(g, law_var(law, "gmse") != NULL);
    fit_spec_init(&spec, law, NULL);
    if (design_open(&d, NULL, t, &spec, &source, noise, &why) != OK) {
        str_addf(out, "law %s: NOT identifiable: %s\n", law->name, why.text);
    } else {
        for (size_t i = 0; i < d.m->rows; i++)
            design_make(&d, i);
        design_verdict(out, identifiable, &d);
        design_close(&d);
    }
    fit_spec_release(&spec);
    table_free(t);
    return OK;
}
