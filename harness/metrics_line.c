#include "harness/metrics_line.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const struct {
    const char *text;
    int flag;
} tokens[] = { { "-Infinity", 2 }, { "Infinity", 2 }, { "NaN", 1 } };

/* Replace the three tokens outside strings by null. */
static char *plain_json(const char *text, size_t n, int *nonfinite)
{
    struct str s = { 0 };
    bool quoted = false, escaped = false;

    for (size_t i = 0; i < n; i++) {
        size_t skip = 0;

        if (text[i] == '"' && !escaped)
            quoted = !quoted;
        escaped = text[i] == '\\' && !escaped;
        for (size_t k = 0; !quoted && k < 3 && !skip; k++) {
            const size_t len = strlen(tokens[k].text);

            if (n - i >= len && memcmp(text + i, tokens[k].text, len) == 0) {
                skip = len;
                *nonfinite = tokens[k].flag;
            }
        }
        if (skip) {
            str_add(&s, "null");
            i += skip - 1;
        } else {
            str_add_char(&s, text[i]);
        }
    }
    return str_steal(&s);
}

static const struct {
    const char *key;
    size_t offset;
} numbers[] = {
#define NUMBER(name) { #name, offsetof(struct metrics_line, name) }
    NUMBER(step),      NUMBER(tokens),  NUMBER(train_loss),
    NUMBER(val_loss),  NUMBER(lr),      NUMBER(grad_norm),
    NUMBER(wall_s),    NUMBER(loss),    NUMBER(loss_se),
    NUMBER(best_loss), NUMBER(steps),   NUMBER(flops),
    NUMBER(tok_per_s), NUMBER(n_body),  NUMBER(n_embed),
    NUMBER(n_head_params), NUMBER(n_other),
#undef NUMBER
};

static void read_numbers(struct metrics_line *out, const json_t *json)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const json_t *value = json_object_get(json, numbers[i].key);
        const double x = json_is_number(value) ? json_number_value(value)
                                               : (double)NAN;

        memcpy((char *)out + numbers[i].offset, &x, sizeof x);
    }
}

static void read_text(char *to, size_t size, const json_t *json,
                      const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    snprintf(to, size, "%s", text ? text : "");
}

enum status metrics_line_read(struct metrics_line *out, const char *text,
                              size_t n, struct err *err)
{
    char *plain;
    json_error_t e;
    json_t *json;
    enum status st = OK;

    *out = (struct metrics_line){ 0 };
    plain = plain_json(text, n, &out->nonfinite);
    json = json_loads(plain, JSON_REJECT_DUPLICATES, &e);
    free(plain);
    if (!json_is_object(json)) {
        json_decref(json);
        return err_set(err, ERR_CONFIG, "not a line of JSON: %.60s", text);
    }
    read_numbers(out, json);
    out->final = json_is_true(json_object_get(json, "final"));
    out->diverged = json_is_true(json_object_get(json, "diverged"));
    read_text(out->weights_sha256, sizeof out->weights_sha256, json,
              "weights_sha256");
    read_text(out->reason, sizeof out->reason, json, "reason");
    if (!out->final && !(out->step >= 0 && out->step < 0x1p53))
        st = err_set(err, ERR_CONFIG, "a curve point without a step: %.60s",
                     text);
    json_decref(json);
    return st;
}
