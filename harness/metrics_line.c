#include "harness/metrics_line.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

/* --- what is not quite JSON -------------------------------------------------- */

static const struct {
    const char *text;
    int flag;
} words[] = { { "infinity", 2 }, { "inf", 2 }, { "nan", 1 } };
#define N_WORDS (sizeof words / sizeof words[0])

/* The characters of "-Infinity" or the like at text, 0 when there is none. */
static size_t word_length(const char *text, size_t n)
{
    const size_t sign = n > 0 && (*text == '-' || *text == '+');

    for (size_t i = 0; i < N_WORDS; i++) {
        const size_t len = sign + strlen(words[i].text);

        if (n >= len &&
            strncasecmp(text + sign, words[i].text, len - sign) == 0 &&
            (n == len || !isalnum((unsigned char)text[len])))
            return len;
    }
    return 0;
}

/* The same for a number that no double holds. */
static size_t overflow_length(const char *text, size_t n)
{
    char number[64];
    size_t len = 0;

    while (len < n && len < sizeof number - 1 && text[len] &&
           strchr("0123456789+-.eE", text[len]))
        len++;
    memcpy(number, text, len);
    number[len] = '\0';
    return isinf(strtod(number, NULL)) ? len : 0;
}

/* A word or number at text that JSON does not have becomes the string as;
 * returns how many characters of text it was. */
static size_t odd_length(const char *text, size_t n, const char **as,
                         size_t *as_len)
{
    size_t len = word_length(text, n);

    *as = text;
    *as_len = len;
    if (len == 0 && (isdigit((unsigned char)*text) || *text == '-')) {
        len = overflow_length(text, n);
        *as = "inf";
        *as_len = 3;
    }
    return len;
}

char *metrics_plain_json(const char *text, size_t n)
{
    struct str s = { 0 };
    bool quoted = false, escaped = false, inside = false; /* of a word */

    for (size_t i = 0; i < n; i++) {
        const char *as = NULL;
        size_t len = 0, as_len = 0;

        if (text[i] == '"' && !escaped)
            quoted = !quoted;
        escaped = text[i] == '\\' && !escaped;
        if (!quoted && !inside)
            len = odd_length(text + i, n - i, &as, &as_len);
        inside = !quoted && (isalnum((unsigned char)text[i]) ||
                             (text[i] && strchr("+-._", text[i])));
        if (len == 0) {
            str_add_char(&s, text[i]);
            continue;
        }
        str_add_char(&s, '"');
        str_add_n(&s, as, as_len);
        str_add_char(&s, '"');
        i += len - 1;
    }
    return str_steal(&s);
}

/* --- values ------------------------------------------------------------------- */

static double value_of(const json_t *value, int *flag)
{
    const char *text = json_string_value(value);

    *flag = 0;
    if (json_is_number(value))
        return json_number_value(value);
    if (text) {
        text += *text == '-' || *text == '+';
        for (size_t i = 0; i < N_WORDS; i++)
            if (strcasecmp(text, words[i].text) == 0)
                *flag = words[i].flag;
    }
    return NAN;
}

static const struct {
    const char *key;
    size_t offset;
    bool loss;
} numbers[] = {
#define NUMBER(name, loss) { #name, offsetof(struct metrics_line, name), loss }
    NUMBER(step, false),       NUMBER(tokens, false),
    NUMBER(train_loss, true),  NUMBER(val_loss, true),
    NUMBER(lr, false),         NUMBER(grad_norm, false),
    NUMBER(wall_s, false),     NUMBER(loss, true),
    NUMBER(loss_se, false),    NUMBER(best_loss, false),
    NUMBER(steps, false),      NUMBER(flops, false),
    NUMBER(tok_per_s, false),  NUMBER(n_body, false),
    NUMBER(n_embed, false),    NUMBER(n_head_params, false),
    NUMBER(n_other, false),
#undef NUMBER
};
#define N_NUMBERS (sizeof numbers / sizeof numbers[0])

static void read_numbers(struct metrics_line *out, const json_t *json)
{
    for (size_t i = 0; i < N_NUMBERS; i++) {
        int flag;
        const double x =
            value_of(json_object_get(json, numbers[i].key), &flag);

        memcpy((char *)out + numbers[i].offset, &x, sizeof x);
        if (numbers[i].loss && flag > out->nonfinite)
            out->nonfinite = flag;
    }
}

static bool is_ours(const char *key)
{
    for (size_t i = 0; i < N_NUMBERS; i++)
        if (strcmp(numbers[i].key, key) == 0)
            return true;
    return false;
}

static bool plain_name(const char *name)
{
    const size_t n = strlen(name);

    if (n == 0 || n >= METRIC_NAME || !isalnum((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
            return false;
    return true;
}

static void read_extra(struct metrics_line *out, json_t *json)
{
    const char *key;
    json_t *value;

    json_object_foreach(json, key, value)
    {
        const double x = json_is_number(value) ? json_number_value(value)
                                               : (double)NAN;
        struct metrics_extra *e;

        if (isnan(x) || is_ours(key) || !plain_name(key) ||
            out->n_extra == METRICS_EXTRA)
            continue;
        out->extra = mem_grow(out->extra, (size_t)out->n_extra + 1,
                              sizeof *out->extra);
        e = &out->extra[out->n_extra++];
        snprintf(e->name, sizeof e->name, "%s", key);
        e->value = x;
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
    char *plain = metrics_plain_json(text, n);
    json_error_t e;
    json_t *json = json_loads(plain, JSON_REJECT_DUPLICATES, &e);
    enum status st = OK;

    *out = (struct metrics_line){ 0 };
    free(plain);
    if (!json_is_object(json)) {
        json_decref(json);
        return err_set(err, ERR_CONFIG, "not a line of JSON: %.*s",
                       n < 60 ? (int)n : 60, text);
    }
    read_numbers(out, json);
    out->final = json_is_true(json_object_get(json, "final"));
    out->diverged = json_is_true(json_object_get(json, "diverged"));
    out->stopped = json_is_true(json_object_get(json, "stopped"));
    read_text(out->weights_sha256, sizeof out->weights_sha256, json,
              "weights_sha256");
    read_text(out->reason, sizeof out->reason, json, "reason");
    if (!out->final && !(out->step >= 0 && out->step < 0x1p53))
        st = err_set(err, ERR_CONFIG, "a curve point without a step: %.*s",
                     n < 60 ? (int)n : 60, text);
    else
        read_extra(out, json);
    json_decref(json);
    return st;
}

void metrics_line_release(struct metrics_line *line)
{
    free(line->extra);
    line->extra = NULL;
    line->n_extra = 0;
}
