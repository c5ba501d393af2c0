/* expr_parse.h - between expr.c, expr_primary.c and expr_levels.c: a text that
 * is being read.  A parse gives the index of a node, or -1 when it failed and
 * the sentence is written. */
#ifndef BASE_EXPR_PARSE_H
#define BASE_EXPR_PARSE_H

#include "base/expr.h"
#include "base/expr_node.h"

#define EXPR_MAX_DEPTH 200

/* What a comparison holds besides: a number with a unit of time, and a name
 * that is one. */
struct times {
    const char *number;
    bool named;
};

struct parser {
    const char *text, *p;
    struct times times;
    const struct expr_scope *scope;
    struct expr *out;
    bool *word; /* of each node: is it a word? */
    int cap, depth;
    struct err *err;
};

int parse_fail(struct parser *ps, const char *at, const char *what);
int parse_failf(struct parser *ps, const char *at, char *what); /* takes it */

int parse_add_number(struct parser *ps, double value, bool word);
int parse_add_op(struct parser *ps, enum expr_op op, int a, int b, int c);
int parse_add_slot(struct parser *ps, int slot, bool word);

void parse_space(struct parser *ps);
bool parse_take(struct parser *ps, const char *token);
/* A word of the grammar, in any case, not the beginning of a name. */
bool parse_word(struct parser *ps, const char *word);

/* Refuse a word where a number has to be. */
int parse_need_number(struct parser *ps, const char *at, int node);

/* Refuse a time beside nothing that is one. */
int parse_check_times(struct parser *ps);

int parse_expression(struct parser *ps); /* all of it: "a ? b : c" */
int parse_operators(struct parser *ps);  /* || down to *, and what is below */
int parse_unary(struct parser *ps);      /* signs, powers, names, numbers */

#endif
