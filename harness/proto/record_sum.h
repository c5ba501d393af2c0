/* record_sum.h - records that know whether they were changed.
 *
 * The end record of an attempt carries the CRC-32 of every line from its begin
 * record on, its own text included up to the sum:
 *
 *   {"attempt":1,"end":"...","outcome":"ok",...,"sum":"1c291ca3"}
 *
 * so that one damaged byte anywhere in an attempt is found, and its numbers are
 * not taken for results.  Records of earlier versions have none, nor has an
 * attempt whose scheduler was killed.  Files of one object (grids, machines)
 * carry a sum in the same way. */
#ifndef HARNESS_PROTO_RECORD_SUM_H
#define HARNESS_PROTO_RECORD_SUM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The sum of what came before and n bytes more. */
uint32_t record_sum(uint32_t sum, const char *text, size_t n);

/* An object "{...}" with the sum of what came before it and of itself; takes
 * over line, and the caller frees what comes back. */
char *record_seal(uint32_t before, char *line);

enum record_seal { SEAL_NONE, SEAL_FITS, SEAL_BROKEN };

/* Does an object, n bytes without a line end, fit its seal? */
enum record_seal record_check(uint32_t before, const char *line, size_t n);

/* Attempts of a file of records, in the order of their begin records: changed
 * since they were written?  *orphan is the number of a line that ends an
 * attempt whose begin record is not there, or 0.  The caller frees the list;
 * the file is read from its start and left at its end. */
bool *record_scan(int *n, int64_t *orphan, FILE *f);

#endif
