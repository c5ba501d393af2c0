#include "tests/fit/fitted.h"

#include <gsl/gsl_errno.h>
#include <string.h>

#include "base/str.h"

/* Spec texts must outlive the fit: options are string literals. */
static enum status apply(struct fitted *x, const char *option)
{
    const char *value = strchr(option, '=');
    struct fit_spec *s = &x->spec;

    value = value ? value + 1 : "";
    if (text_has_prefix(option, "loss="))
        return fit_loss_parse(&s->loss, value, &x->err);
    if (text_has_prefix(option, "space="))
        return fit_space_parse(&s->space, value, &x->err);
    if (text_has_prefix(option, "where="))
        return table_filter(x->table, value, &x->err);
    if (text_has_prefix(option, "derive="))
        return table_derive(x->table, value, &x->err);
    if (text_has_prefix(option, "fix="))
        return fit_spec_fix(s, value, &x->err);
    if (text_has_prefix(option, "start="))
        return fit_spec_start(s, value, &x->err);
    if (text_has_prefix(option, "bound="))
        return fit_spec_bound(s, value, &x->err);
    if (text_has_prefix(option, "group="))
        return fit_spec_group(s, value, &x->err);
    if (text_has_prefix(option, "sigma="))
        s->sigma = value;
    else if (text_has_prefix(option, "cluster="))
        s->cluster = value;
    else if (text_has_prefix(option, "bootstrap="))
        s->bootstrap = atoi(value);
    else if (text_has_prefix(option, "seed="))
        s->seed = (uint64_t)atoi(value);
    else if (strcmp(option, "start-only") == 0)
        s->start_only = true;
    else if (strcmp(option, "profile") == 0)
        s->profile = true;
    else if (strcmp(option, "strict") == 0)
        s->strict = true;
    else
        fail_msg("unknown option %s", option);
    return OK;
}

static void run(struct fitted *x, const char *law_or_formula,
                const char *const *options)
{
    const struct law *law = law_find(law_or_formula);

    gsl_set_error_handler_off();
    fit_spec_init(&x->spec, law, law_or_formula);
    for (int i = 0; options[i] && x->status == OK; i++)
        x->status = apply(x, options[i]);
    if (x->status == OK)
        x->status = fit_model_new(&x->model, x->table, &x->spec, &x->err);
    if (x->status == OK)
        x->status = fit_run(&x->fit, x->model, x->table, &x->spec, &x->err);
}

void fitted_text(struct fitted *x, const char *csv, const char *law_or_formula,
                 const char *const *options)
{
    *x = (struct fitted){ .status = OK };
    x->status = table_parse(&x->table, csv, "test.csv", &x->err);
    if (x->status == OK)
        run(x, law_or_formula, options);
}

void fitted_shared(struct fitted *x, const char *file,
                   const char *law_or_formula, const char *const *options)
{
    char *path = mem_printf("%s/%s", check_shared(), file);

    *x = (struct fitted){ .status = OK };
    x->status = table_read(&x->table, path, &x->err);
    check_ok(x->status, x->err);
    free(path);
    run(x, law_or_formula, options);
}

void fitted_release(struct fitted *x)
{
    if (x->model)
        fit_release(&x->fit);
    fit_model_free(x->model);
    fit_spec_release(&x->spec);
    table_free(x->table);
    *x = (struct fitted){ .status = OK };
}

const struct fit_estimate *fitted_get(const struct fitted *x, const char *name)
{
    const int i = model_find_param(x->model, name);

    if (i < 0)
        fail_msg("no parameter %s", name);
    return &x->fit.est[i];
}
