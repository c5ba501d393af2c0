#include "harness/proto/bundle.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define SCHEMA "qlaw/bundle/1"

void bundle_draw_id(char id[BUNDLE_ID])
{
    char token[RECORD_TOKEN];

    record_draw_token(token);
    snprintf(id, BUNDLE_ID, "%.8s", token);
}

/* --- paths -------------------------------------------------------------------- */

char *bundle_path(const char *root, const char *id, const char *suffix)
{
    return mem_printf("%s/bundles/%s%s", root, id, suffix);
}

char *bundle_folder(const char *root, const struct bundle_run *r)
{
    return record_folder_in(root, r->point, r->seed);
}

char *bundle_claim(const char *folder, const char *token)
{
    return mem_printf("%s/claim-%.*s.jsonl", folder, BUNDLE_TOKEN, token);
}

char *bundle_cancel(const char *folder, const char *token)
{
    return mem_printf("%s/cancel-%.*s", folder, BUNDLE_TOKEN, token);
}

/* --- writing ------------------------------------------------------------------ */

void bundle_add_header(struct str *out, const struct bundle_header *h)
{
    char *settings = json_canonical_text(h->settings);

    str_add(out, "{");
    json_add_text(out, "schema", SCHEMA);
    json_add_text(out, "id", h->id);
    json_add_text(out, "grid", h->grid);
    json_add_text(out, "store", h->store);
    json_add_number(out, "limit_s", h->limit_s);
    json_add_number(out, "slots", h->slots);
    json_add_number(out, "threads", h->threads);
    json_add_number(out, "grace_s", h->grace_s);
    json_add_number(out, "timeout_s", h->timeout_s);
    json_add_number(out, "retries", h->retries);
    str_addf(out, ",\"settings\":%s}", settings);
    free(settings);
}

/* Seeds are whole numbers that a double may not hold. */
void bundle_add_run(struct str *out, const struct bundle_run *r,
                    const char *settings)
{
    str_add(out, "{");
    json_add_text(out, "point", r->point);
    str_addf(out, ",\"seed\":%llu,\"data_seed\":%llu",
             (unsigned long long)r->seed, (unsigned long long)r->data_seed);
    json_add_number(out, "attempt", r->attempt);
    json_add_text(out, "token", r->token);
    json_add_number(out, "steps", r->steps);
    json_add_number(out, "tokens", r->tokens);
    json_add_number(out, "est_s", r->est_s);
    json_add_number(out, "failures", r->failures);
    json_add_number(out, "best_step", r->best_step);
    str_addf(out, ",\"settings\":%s}", settings);
}

/* --- reading ------------------------------------------------------------------ */

static void text_of(char *to, size_t size, const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    snprintf(to, size, "%s", text ? text : "");
}

static double number_of(const json_t *json, const char *key)
{
    return json_number_value(json_object_get(json, key));
}

static uint64_t seed_of(const json_t *json, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(json, key));
}

static bool is_hex(const char *text, size_t n)
{
    return strlen(text) == n && strspn(text, "0123456789abcdef") == n;
}

static enum status read_header(struct bundle_header *h, const char *line,
                               const char *path, struct err *err)
{
    json_t *json = NULL;
    const char *schema;
    enum status st = json_parse(&json, line, path, err);

    *h = (struct bundle_header){ .slots = 1 };
    if (st != OK)
        return st;
    schema = json_string_value(json_object_get(json, "schema"));
    if (!schema || strcmp(schema, SCHEMA) != 0)
        st = err_set(err, ERR_CONFIG, "%s: not a bundle of this version", path);
    text_of(h->id, sizeof h->id, json, "id");
    text_of(h->grid, sizeof h->grid, json, "grid");
    text_of(h->store, sizeof h->store, json, "store");
    h->limit_s = number_of(json, "limit_s");
    h->grace_s = number_of(json, "grace_s");
    h->timeout_s = number_of(json, "timeout_s");
    h->retries = (int)number_of(json, "retries");
    h->threads = (int)number_of(json, "threads");
    h->slots = (int)number_of(json, "slots");
    if (h->slots < 1)
        h->slots = 1;
    h->settings = json_incref(json_object_get(json, "settings"));
    json_decref(json);
    return st;
}

void bundle_header_release(struct bundle_header *h)
{
    json_decref(h->settings);
    h->settings = NULL;
}

/* Names of files are made of point and token, so they must be what they
 * should. */
static bool read_run(struct bundle_run *r, const json_t *json)
{
    text_of(r->point, sizeof r->point, json, "point");
    text_of(r->token, sizeof r->token, json, "token");
    r->seed = seed_of(json, "seed");
    r->data_seed = seed_of(json, "data_seed");
    r->attempt = (int)number_of(json, "attempt");
    r->failures = (int)number_of(json, "failures");
    r->steps = number_of(json, "steps");
    r->tokens = number_of(json, "tokens");
    r->est_s = number_of(json, "est_s");
    r->best_step = number_of(json, "best_step");
    r->settings = json_object_get(json, "settings");
    return is_hex(r->point, HASH_ID - 1) &&
           is_hex(r->token, RECORD_TOKEN - 1) && r->attempt > 0 &&
           json_is_object(r->settings);
}

static enum status read_task(struct bundle_run **runs, int *n, json_t **json,
                             const char *line, const char *path, int task,
                             struct err *err)
{
    enum status st = json_parse(json, line, path, err);

    *n = st == OK ? (int)json_array_size(*json) : 0;
    *runs = mem_array((size_t)*n, sizeof **runs);
    for (int i = 0; i < *n && st == OK; i++)
        if (!read_run(&(*runs)[i], json_array_get(*json, (size_t)i)))
            st = err_set(err, ERR_CONFIG, "%s: task %d: run %d is damaged",
                         path, task, i);
    return st;
}

/* Line number `want` of a file, without its newline; NULL: there is none. */
static char *line_of(FILE *f, int want)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n = -1;

    for (int i = 0; i <= want; i++) {
        n = getline(&line, &cap, f);
        if (n <= 0)
            break;
    }
    if (n > 0 && line[n - 1] == '\n') {
        line[n - 1] = '\0';
        return line;
    }
    free(line);
    return NULL;
}

enum status bundle_read(struct bundle_header *h, struct bundle_run **runs,
                        int *n, json_t **task_json, const char *path, int task,
                        struct err *err)
{
    FILE *f = file_open(path);
    char *line = f ? line_of(f, 0) : NULL;
    enum status st = OK;

    *h = (struct bundle_header){ .slots = 1 };
    if (!f)
        return err_errno(err, ERR_IO, "%s", path);
    st = line ? read_header(h, line, path, err)
              : err_set(err, ERR_CONFIG, "%s: not a bundle", path);
    free(line);
    if (st == OK && task >= 0) {
        line = line_of(f, task);
        st = line ? read_task(runs, n, task_json, line, path, task, err)
                  : err_set(err, ERR_CONFIG, "%s has no task %d", path, task);
        free(line);
    }
    fclose(f);
    return st;
}

void bundle_store(char store[RECORD_TOKEN], const char *root)
{
    char *folder = mem_printf("%s/bundles", root);
    DIR *d = opendir(folder);
    const struct dirent *e;

    *store = '\0';
    while (d && !*store && (e = readdir(d))) {
        char *path = mem_printf("%s/%s", folder, e->d_name);
        struct bundle_header h;

        if (text_has_suffix(path, ".jsonl") &&
            bundle_read(&h, NULL, NULL, NULL, path, -1, NULL) == OK) {
            memcpy(store, h.store, sizeof h.store);
            bundle_header_release(&h);
        }
        free(path);
    }
    if (d)
        closedir(d);
    free(folder);
}
