#include "harness/point_id.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

char *point_canonical(const struct config *c, bool with_quant)
{
    json_t *identity = config_identity(c, with_quant);
    char *text = json_canonical_text(identity);

    json_decref(identity);
    return text;
}

void point_id(char id[POINT_ID], const struct config *c, bool with_quant)
{
    char *text = point_canonical(c, with_quant), hex[HASH_HEX];

    hash_bytes(hex, text, strlen(text));
    memcpy(id, hex, POINT_ID - 1);
    id[POINT_ID - 1] = '\0';
    free(text);
}

struct config *point_twin_config(const struct config *c)
{
    struct config *twin = config_new();

    for (int i = 0; setting_at(i); i++) {
        const char *key = setting_at(i)->key;

        if (!text_has_prefix(key, "quant."))
            config_set(twin, key, config_get(c, key), NULL);
    }
    return twin;
}
