#include "harness/os/env.h"

#include <curl/curl.h>
#include <gnu/libc-version.h>
#include <gsl/gsl_version.h>
#include <jansson.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <zstd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "db/env.h"
#include "harness/os/build_info.h"
#include "harness/os/cgroup.h"
#include "kernels/kernels.h"

static void read_cpu_model(char *out, size_t size)
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[256];

    snprintf(out, size, "unknown");
    while (f && fgets(line, sizeof line, f))
        if (text_has_prefix(line, "model name") && strchr(line, ':')) {
            snprintf(out, size, "%.120s", text_trim(strchr(line, ':') + 1));
            break;
        }
    if (f)
        fclose(f);
}

int env_cores(void)
{
    cpu_set_t set;
    const int quota =
        (int)ceil(cgroup_cores("/proc/self/cgroup", "/sys/fs/cgroup"));
    int cores = 1;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        cores = CPU_COUNT(&set);
    return quota > 0 && quota < cores ? quota : cores;
}

static char *libraries(void)
{
    struct str s = { 0 };

    str_add(&s, "{");
    json_add_text(&s, "curl", curl_version_info(CURLVERSION_NOW)->version);
    json_add_text(&s, "gsl", gsl_version);
    json_add_text(&s, "jansson", jansson_version_str());
    json_add_text(&s, "sqlite", db_library_version());
    json_add_text(&s, "zstd", ZSTD_versionString());
    str_add(&s, "}");
    return str_steal(&s);
}

void env_read(struct env *e)
{
    const struct kernels *kn = NULL;
    struct utsname u;
    char *all;

    *e = (struct env){
        .version = QLAW_VERSION,
        .git_commit = QLAW_COMMIT,
        .git_dirty = strstr(QLAW_COMMIT, "-dirty") != NULL,
        .compiler = QLAW_COMPILER,
        .cflags = QLAW_CFLAGS,
        .libc = gnu_get_libc_version(),
        .cores = env_cores(),
        .libs_json = libraries(),
    };
    read_cpu_model(e->cpu_model, sizeof e->cpu_model);
    if (uname(&u) == 0)
        snprintf(e->kernel, sizeof e->kernel, "%.40s %.60s", u.sysname,
                 u.release);
    e->isa = kernels_select(&kn, getenv("QLAW_ISA"), NULL) == OK ? kn->name
                                                                 : "unknown";
    all = mem_printf("%s|%s|%s|%s|%s|%s|%d|%s|%s|%s", e->version, e->git_commit,
                     e->compiler, e->cflags, e->cpu_model, e->isa, e->cores,
                     e->kernel, e->libc, e->libs_json);
    hash_bytes(e->fingerprint, all, strlen(all));
    free(all);
}

char *env_json(const struct env *e)
{
    struct str s = { 0 };

    str_add(&s, "{");
    json_add_text(&s, "fingerprint", e->fingerprint);
    json_add_text(&s, "qlaw_version", e->version);
    json_add_text(&s, "git_commit", e->git_commit);
    json_add_number(&s, "git_dirty", e->git_dirty);
    json_add_text(&s, "compiler", e->compiler);
    json_add_text(&s, "cflags", e->cflags);
    json_add_text(&s, "cpu_model", e->cpu_model);
    json_add_text(&s, "isa", e->isa);
    json_add_number(&s, "cores", e->cores);
    json_add_text(&s, "kernel", e->kernel);
    json_add_text(&s, "libc", e->libc);
    str_addf(&s, ",\"libs\":%s}", e->libs_json);
    return str_steal(&s);
}

void env_release(struct env *e)
{
    free(e->libs_json);
}

enum status env_store(int64_t *env_id, const struct env *e, struct db *db,
                      struct err *err)
{
    const struct db_env row = {
        .fingerprint = e->fingerprint,
        .qlaw_version = e->version,
        .git_commit = e->git_commit,
        .git_dirty = e->git_dirty,
        .compiler = e->compiler,
        .cflags = e->cflags,
        .cpu_model = e->cpu_model,
        .isa = e->isa,
        .cores = e->cores,
        .kernel = e->kernel,
        .libc = e->libc,
        .libs_json = e->libs_json,
    };

    return db_env_put(env_id, db, &row, err);
}
