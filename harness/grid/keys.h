/* keys.h - every key a grid file may name.
 *
 * settings.def has the keys of a run, grid/keys.def those of the language
 * itself; x.NAME is the one free namespace (scratch numbers for expressions,
 * kept out of the identity). */
#ifndef HARNESS_GRID_KEYS_H
#define HARNESS_GRID_KEYS_H

#include "harness/grid/ini.h"
#include "trainer/config.h"

/* The rows of grid/keys.def; NULL past the end. */
const struct setting *grid_key_at(int i);
const struct setting *grid_key_find(const char *key);

bool key_is_scratch(const char *key); /* x.NAME */

/* The row of any key (NULL for scratch keys, with *ok set).  Otherwise the
 * sentence suggests the nearest key, or the same name in another section. */
const struct setting *key_find(const char *key, bool *ok, struct err *err);

/* May the key differ between points?  Scratch keys, hashed keys, and those
 * that content hashes stand for: data.path, data.max_bytes, data.val. */
bool key_can_vary(const char *key, const struct setting *s);

/* The keys that name files, meant beside the grid; NULL ends them. */
extern const char *const path_keys[];
bool key_is_path(const char *key);

/* Are its lines those of a shell, each one value as it stands? */
bool key_has_lines(const struct setting *s);

/* Is the value one text, commas and all? */
bool key_is_raw(const struct setting *s);

/* The canonical spelling of one value; the caller frees it.  s NULL: a
 * scratch number.  The sentence begins with the place. */
enum status key_canonical(char **out, const char *key, const struct setting *s,
                          const char *text, struct ini_where where,
                          struct err *err);

/* Is name a section of base values ("model", "grid", "x", ...)?  nearest: the
 * section a misspelt name may have meant (in buf), or NULL. */
#define SECTION_NAME 24
bool section_is_base(const char *name);
const char *section_nearest(char buf[SECTION_NAME], const char *name);

#endif
