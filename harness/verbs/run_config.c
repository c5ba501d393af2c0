#include "harness/verbs/run_config.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "harness/grid/point_id.h"
#include "harness/proto/record.h"

#define CONFIG_LIMIT (16 << 20)

enum status run_config_read(struct config **c, json_t **json, const char *path,
                            struct err *err)
{
    struct str text = { 0 };
    const bool from_stdin = strcmp(path, "-") == 0;
    enum status st =
        file_read(&text, from_stdin ? "/dev/stdin" : path, CONFIG_LIMIT, err);

    if (st == OK)
        st = json_parse(json, str_text(&text), path, err);
    if (st == OK)
        st = config_from_json(c, *json, path, err);
    str_release(&text);
    return st;
}

uint64_t run_config_seed(const json_t *json, const char *key, double given,
                         uint64_t fallback)
{
    const json_t *value = json_object_get(json, key);

    if (given >= 0)
        return (uint64_t)given;
    return json_is_integer(value) ? (uint64_t)json_integer_value(value)
                                  : fallback;
}

uint64_t run_config_order(const struct config *c, uint64_t seed)
{
    char id[HASH_ID];

    if (strcmp(config_data_order(c), "point") != 0)
        return seed;
    point_id(id, c, IDENTITY_PARENT);
    return point_own_order(id, seed);
}

enum status run_config_open(struct config **c, uint64_t *seed,
                            uint64_t *data_seed, const char *path,
                            struct err *err)
{
    json_t *json = NULL;
    enum status st;

    *c = NULL;
    st = run_config_read(c, &json, path, err);
    if (st == OK)
        st = config_resolve(*c, err);
    if (st == OK) {
        *seed = run_config_seed(json, "seed", -1, 1);
        *data_seed =
            run_config_seed(json, "data_seed", -1, run_config_order(*c, *seed));
    }
    json_decref(json);
    return st;
}

char *run_config_parent(const char *folder, const struct config *c,
                        uint64_t seed)
{
    char id[HASH_ID], name[RECORD_RUN], *copy = mem_strdup(folder), *path;

    point_id(id, c, IDENTITY_PARENT);
    path = mem_printf("%s/%s", dirname(copy), record_run_name(name, id, seed));
    free(copy);
    return path;
}
