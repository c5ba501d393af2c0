/* exact.h - elementary functions with the same bits everywhere.
 *
 * glibc's double exp, log, pow, sin and cos give other bits on CPUs with and
 * without FMA.  These use only + - * / and sqrt, which IEEE 754 rounds one way,
 * and are compiled without contraction.  Errors stay below 4 ulp (tested); they
 * are slow and serve tables, schedules and initial weights, not inner loops. */
#ifndef BASE_EXACT_H
#define BASE_EXACT_H

double exact_ln(double x);            /* x > 0, finite */
double exact_exp(double x);           /* |x| < 700 */
double exact_pow(double x, double y); /* x > 0 */

/* cos and sin of 2 pi turns, |turns| < 2^40; relative to 1 the error is below
 * 4e-16. */
double exact_cos_turns(double turns);
double exact_sin_turns(double turns);

#endif
