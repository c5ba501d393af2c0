#include "harness/proto/metrics_line.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
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
    size_t len = 0;
    char *number;
    bool infinite;

    while (len < n && text[len] && strchr("0123456789+-.eE", text[len]))
        len++;
    number = mem_strndup(text, len);
    infinite = isinf(strtod(number, NULL));
    free(number);
    return infinite ? len : 0;
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
/* clang-format off */
#define NUMBER(name, loss) { #name, offsetof(struct metrics_line, name), loss }
    /* clang-format on */
    NUMBER(step, false),      NUMBER(tokens, false),
    NUMBER(train_loss, true), NUMBER(val_loss, true),
    NUMBER(lr, false),        NUMBER(grad_norm, false),
    NUMBER(wall_s, false),    NUMBER(loss, true),
    NUMBER(loss_se, false),   NUMBER(best_loss, false),
    NUMBER(steps, false),     NUMBER(flops, false),
    NUMBER(tok_per_s, false), NUMBER(n_body, false),
    NUMBER(n_embed, false),   NUMBER(n_head_params, false),
    NUMBER(n_other, false),
#undef NUMBER
};
#define N_NUMBERS (sizeof numbers / sizeof numbers[0])

/* Appended to what is said already, as far as there is room. */
static void note(struct metrics_line *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void note(struct metrics_line *out, const char *fmt, ...)
{
    size_t n = strlen(out->note);
    va_list args;

    if (n > 0 && n < sizeof out->note - 1)
        n += (size_t)snprintf(out->note + n, sizeof out->note - n, "; ");
    if (n >= sizeof out->note - 1)
        return;
    va_start(args, fmt);
    vsnprintf(out->note + n, sizeof out->note - n, fmt, args);
    va_end(args);
}

/* A value as it stands in the line, as far as a message has room. */
#define SHOWN 40 /* characters, of at most four bytes each */
static void show(char out[4 * SHOWN], const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT |
                                       JSON_REAL_PRECISION(10));
    struct str s = { 0 };

    str_add_shown(&s, text ? text : "", SHOWN - 1);
    snprintf(out, 4 * SHOWN, "%s", str_text(&s));
    str_release(&s);
    free(text);
}

static void read_numbers(struct metrics_line *out, const json_t *json)
{
    for (size_t i = 0; i < N_NUMBERS; i++) {
        const json_t *value = json_object_get(json, numbers[i].key);
        int flag;
        const double x = value_of(value, &flag);
        char shown[4 * SHOWN];

        memcpy((char *)out + numbers[i].offset, &x, sizeof x);
        if (numbers[i].loss && flag > out->nonfinite)
            out->nonfinite = flag;
        if (value && isnan(x) && flag == 0 && !json_is_null(value)) {
            show(shown, value);
            note(out, "%s is %s, which is no number", numbers[i].key, shown);
        }
    }
}

static const struct {
    const char *text;
    bool truth;
} truths[] = { { "true", true },   { "yes", true }, { "1", true },
               { "false", false }, { "no", false }, { "0", false },
               { "", false } };
#define N_TRUTHS (sizeof truths / sizeof truths[0])

static enum status read_truth(bool *out, const json_t *json, const char *key,
                              struct err *err)
{
    const json_t *value = json_object_get(json, key);
    const char *text = json_string_value(value);
    char shown[4 * SHOWN];

    *out = json_is_true(value) ||
           (json_is_number(value) && json_number_value(value) != 0);
    for (size_t i = 0; text && i < N_TRUTHS; i++)
        if (strcasecmp(text, truths[i].text) == 0) {
            *out = truths[i].truth;
            return OK;
        }
    if (!text && !json_is_object(value) && !json_is_array(value))
        return OK;
    show(shown, value);
    return err_set(err, ERR_CONFIG, "\"%s\" is %s, neither true nor false", key,
                   shown);
}

/* --- metrics of the trainer's own ----------------------------------------- */

static bool is_ours(const char *key)
{
    static const char *const others[] = { "final", "diverged", "stopped",
                                          "weights_sha256", "reason" };

    for (size_t i = 0; i < N_NUMBERS; i++)
        if (strcmp(numbers[i].key, key) == 0)
            return true;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(others[i], key) == 0)
            return true;
    return false;
}

/* Any name that can be typed and read again: trainers call a metric eval/ppl,
 * acc@1 or lr group 0.  jansson has seen to it that it is UTF-8. */
static bool usable_name(const char *name)
{
    const size_t n = strlen(name);

    if (n == 0 || n >= METRIC_NAME)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return false;
    return true;
}

static void add_extra(struct metrics_line *out, const char *name, double x)
{
    struct metrics_extra *e;

    out->extra =
        mem_grow(out->extra, (size_t)out->n_extra + 1, sizeof *out->extra);
    e = &out->extra[out->n_extra++];
    snprintf(e->name, sizeof e->name, "%s", name);
    e->value = x;
}

/* Words, truths and null beside the numbers are a trainer's remarks; numbers
 * that cannot be kept are a loss, and said. */
static void read_extra(struct metrics_line *out, json_t *json)
{
    const char *key;
    json_t *value;
    char shown[4 * SHOWN];

    json_object_foreach(json, key, value)
    {
        int flag;
        const double x = value_of(value, &flag);

        if (is_ours(key) || (isnan(x) && !flag && !json_is_object(value) &&
                             !json_is_array(value)))
            continue;
        show(shown, value);
        if (isnan(x))
            note(out, "%.63s is %s, which is no number", key, shown);
        else if (!usable_name(key))
            note(out,
                 "a metric's name is empty, longer than %d bytes or not "
                 "printable",
                 METRIC_NAME - 1);
        else if (out->n_extra == METRICS_EXTRA)
            note(out, "more than %d metrics", METRICS_EXTRA);
        else
            add_extra(out, key, x);
    }
}

/* --- a line --------------------------------------------------------------- */

static void read_text(char *to, size_t size, const json_t *json,
                      const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    snprintf(to, size, "%s", text ? text : "");
}

/* What a final record without a usable loss has in its place: the value, the
 * names that were perhaps meant, or all of them. */
static void show_instead(struct str *s, json_t *json)
{
    static const char *const wanted[] = { "loss", "" };
    const json_t *value = json_object_get(json, "loss");
    char shown[4 * SHOWN];
    const char *key;
    json_t *other;

    if (value) {
        show(shown, value);
        str_addf(s, "\"loss\" is %s, which is no number", shown);
        return;
    }
    str_add(s, "there is no \"loss\"");
    for (size_t i = 0; i < 2; i++) {
        int n = 0;

        json_object_foreach(json, key, other)
        {
            if (strcasestr(key, wanted[i]) && strcmp(key, "final") != 0 &&
                n++ < 6)
                str_addf(s, "%s\"%.30s\"", n > 1 ? ", " : " but ", key);
        }
        if (n > 0)
            return;
    }
}

static enum status without_loss(json_t *json, struct err *err)
{
    struct str s = { 0 };

    show_instead(&s, json);
    err_set(err, ERR_CONFIG,
            "%s; a final record needs \"loss\":NUMBER, in nats per token",
            str_text(&s));
    str_release(&s);
    return ERR_CONFIG;
}

static enum status parse(json_t **out, bool *twice, const char *text, size_t n,
                         struct err *err)
{
    char *plain = metrics_plain_json(text, n);
    json_error_t e;
    json_t *json =
        json_loads(plain, JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES, &e);
    struct str shown = { 0 };
    char *copy;

    *twice = !json && json_error_code(&e) == json_error_duplicate_key;
    if (*twice)
        json = json_loads(plain, JSON_DECODE_INT_AS_REAL, &e);
    free(plain);
    if (json_is_object(json)) {
        *out = json;
        return OK;
    }
    copy = mem_strndup(text, n);
    str_add_shown(&shown, copy, 60);
    free(copy);
    err_set(err, ERR_CONFIG, "not a line of JSON (%.100s): %s",
            json ? "no object" : e.text, str_text(&shown));
    str_release(&shown);
    json_decref(json);
    return ERR_CONFIG;
}

/* null is how JSON without NaN writes NaN (JavaScript, orjson). */
static enum status check(const struct metrics_line *m, json_t *json,
                         struct err *err)
{
    const json_t *loss = json_object_get(json, "loss");
    int flag;

    if (!m->final && !(m->step >= 0 && m->step < 0x1p53))
        return err_set(err, ERR_CONFIG,
                       "neither \"final\":true nor a number \"step\"");
    value_of(loss, &flag);
    if (m->final && !m->diverged && !m->stopped && isnan(m->loss) && !flag &&
        !json_is_null(loss))
        return without_loss(json, err);
    return OK;
}

enum status metrics_line_read(struct metrics_line *out, const char *text,
                              size_t n, struct err *err)
{
    json_t *json = NULL;
    bool twice;
    enum status st = parse(&json, &twice, text, n, err);

    *out = (struct metrics_line){ 0 };
    if (st != OK)
        return st;
    if (twice)
        note(out, "a key stands twice, the last one counts");
    read_numbers(out, json);
    st = read_truth(&out->final, json, "final", err);
    if (st == OK)
        st = read_truth(&out->diverged, json, "diverged", err);
    if (st == OK)
        st = read_truth(&out->stopped, json, "stopped", err);
    read_text(out->weights_sha256, sizeof out->weights_sha256, json,
              "weights_sha256");
    read_text(out->reason, sizeof out->reason, json, "reason");
    if (st == OK)
        st = check(out, json, err);
    if (st == OK)
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
