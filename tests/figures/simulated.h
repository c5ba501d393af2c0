/* simulated.h - grids made from a law that is known, for counting how often
 * what is said of a grid holds.
 *
 * Three sizes, four numbers of tokens, three groups; families of formats, of
 * which the first two cost the same.  Runs of one twin and seed share the
 * twin's luck, and the noise, as large as half a cost, may be larger where
 * models see few tokens, as it is. */
#ifndef TESTS_SIMULATED_H
#define TESTS_SIMULATED_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/study/measured.h"

#define GROUPS   3
#define FAMILIES 3
#define SIZES    3
#define LENGTHS  4

extern const double simulated_sizes[SIZES];
extern const double simulated_lengths[LENGTHS];
extern const double simulated_groups[GROUPS];

/* How a simulated grid is made. */
struct plan {
    const char *name;
    int seeds[2];  /* of even and odd twins */
    bool missing;  /* a twin and a cell are not there */
    double uneven; /* noise falls with the tokens to this power */
};

#define N_PLANS 7
extern const struct plan simulated_plans[N_PLANS];

/* k D^gD log2(G)^gG / N^gN, with the k of a family. */
#define TRUE_GN 0.25
#define TRUE_GD 0.5
#define TRUE_GG 0.9
double true_k(int family);
double true_cost(int family, double n, double d, double g);

/* Whether twin (i, k) of the plan has this arm. */
bool is_there(const struct plan *p, int i, int k, int family, int group);

/* Families 0 .. families-1 of the plan; the key is the grid's luck. */
void simulate(struct measured *m, const struct plan *p, int families,
              uint64_t key);

#endif
