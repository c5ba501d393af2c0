/* model_rows.h - parts of fit_model_new, for model.c only. */
#ifndef FIT_MODEL_ROWS_H
#define FIT_MODEL_ROWS_H

#include "fit/model.h"

/* Response, variables and standard deviations of the usable rows. */
enum status model_read_rows(struct model *m, const struct table *t,
                            const struct fit_spec *spec, struct err *err);

/* The values of a column that parameter slot is told apart by, sorted; fills
 * the slot's group.  The caller frees the values. */
enum status model_group_rows(char ***values, int *n, struct model *m, int slot,
                             const struct table *t, const char *column,
                             struct err *err);

/* Leave out rows on which the law has no finite value. */
enum status model_drop_infinite(struct model *m, const struct fit_spec *spec,
                                struct err *err);

/* Hold values of grouped parameters that no row depends on, and refuse a law
 * of which some parameter is invisible altogether. */
void model_hold_unseen(struct model *m);
enum status model_check_seen(const struct model *m, struct err *err);

/* model_params.c: one parameter more for a slot (value: of its column); all of
 * them; whether --group-param names any; ties, bounds and what is held. */
void model_add_param(struct model *m, int slot, const char *value);
enum status model_make_params(struct model *m, const struct table *t,
                              const struct fit_spec *spec, struct err *err);
enum status model_check_groups(const struct model *m,
                               const struct fit_spec *spec, struct err *err);
enum status model_settle_params(struct model *m, const struct fit_spec *spec,
                                struct err *err);

#endif
