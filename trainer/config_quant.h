/* config_quant.h - what each layer's quantizers are, looked up once (internal
 * to config).
 *
 * A grid asks for thousands of configurations, each with a row for every
 * layer; layers whose texts are the same share one. */
#ifndef TRAINER_CONFIG_QUANT_H
#define TRAINER_CONFIG_QUANT_H

#include "trainer/config.h"
#include "trainer/selector.h"

struct quant_table;

/* Read the keys of a section of c.  ERR_CONFIG names the key and the layer. */
enum status quant_table_new(struct quant_table **out, const struct config *c,
                            enum quant_section section, struct err *err);

/* A new one without the weights of the blocks. */
struct quant_table *quant_table_inputs(const struct quant_table *t);
struct quant_table *quant_table_share(struct quant_table *t);
void quant_table_drop(struct quant_table *t); /* the last one frees */

/* Can the shapes of c be cut as the table says? */
enum status quant_table_check(const struct quant_table *t,
                              const struct config *c, struct err *err);

/* Read them unless that is done, and check the shapes: the last step of
 * config_resolve.  That of [post] is there for a post-training run only. */
enum status config_settle_quant(struct config *c, struct err *err);

/* The number of the row of a layer: equal numbers mean equal quantizers. */
int quant_table_index(const struct quant_table *t, int layer,
                      enum layer_kind kind);
const struct layer_quant *quant_table_row(const struct quant_table *t,
                                          int index);

/* The table of a configuration, or NULL until it is resolved. */
const struct quant_table *config_quant_table(const struct config *c,
                                             enum quant_section section);

#endif
