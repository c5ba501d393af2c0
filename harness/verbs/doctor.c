/* doctor.c - is everything here that qlaw needs, and how fast is it? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "base/wrap.h"
#include "harness/bench/bench.h"
#include "harness/os/command.h"
#include "harness/os/env.h"
#include "harness/os/netfs.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

/* One line of the report: what was looked at, what was found, and whether
 * something that is needed is missing. */
struct finding {
    const char *name;
    char text[200];
    bool missing;
};

typedef void look(struct finding *f, const struct env *e);

static void look_cpu(struct finding *f, const struct env *e)
{
    snprintf(f->text, sizeof f->text, "%.80s; %d core%s allowed here",
             e->cpu_model, e->cores, e->cores == 1 ? "" : "s");
}

static void look_kernels(struct finding *f, const struct env *e)
{
    const char *cap = getenv("QLAW_ISA");
    const struct kernels *kn;
    struct err err;

    (void)e;
    if (kernels_select(&kn, cap, &err) != OK) {
        snprintf(f->text, sizeof f->text, "%.180s", err.text);
        f->missing = true;
        return;
    }
    snprintf(f->text, sizeof f->text, "%s%s%s%s", kn->name,
             kernels_cpu() == ISA_REF
                 ? ", the plain reference: right but slow on this CPU"
                 : "",
             cap && *cap ? ", capped by QLAW_ISA=" : "",
             cap && *cap ? cap : "");
}

static void look_speed(struct finding *f, const struct env *e)
{
    const struct kernels *kn;
    double peak, gemm;

    (void)e;
    if (kernels_select(&kn, getenv("QLAW_ISA"), NULL) != OK)
        return;
    peak = bench_peak(kn);
    gemm = bench_gemm(kn, 0, kn->isa == ISA_REF ? 64 : 1024, 128, 128);
    snprintf(f->text, sizeof f->text,
             "%.1f GFLOP/s a slot in a product, %.0f %% of its peak, measured "
             "now",
             gemm, 100 * gemm / peak);
}

static void look_sqlite(struct finding *f, const struct env *e)
{
    (void)e;
    snprintf(f->text, sizeof f->text, "%s", db_library_version());
    if (!db_library_has_strict()) {
        strcat(f->text, ", but 3.37 is needed for STRICT tables");
        f->missing = true;
    }
}

static void look_folder(struct finding *f, const struct env *e)
{
    struct statfs fs;
    const char *name = netfs_name(".");

    (void)e;
    if (statfs(".", &fs) != 0) {
        snprintf(f->text, sizeof f->text, "cannot be examined");
        return;
    }
    snprintf(f->text, sizeof f->text, "%s file system, %s, %.1f GB free%s",
             name ? name : "local",
             access(".", W_OK) == 0 ? "writable" : "NOT writable",
             (double)fs.f_bavail * (double)fs.f_bsize * 1e-9,
             name ? "; one host at a time may write a database here" : "");
}

/* What a program prints first, when it is there and well. */
static bool first_line(char *out, size_t size, const char *program)
{
    char *const argv[] = { (char *)program, (char *)"--version", NULL };
    struct command c;
    const bool ok = command_run(&c, argv, 10, NULL) == OK && c.exit_code == 0 &&
                    c.out.len > 0;

    if (ok)
        snprintf(out, size, "%.*s", (int)strcspn(str_text(&c.out), "\n"),
                 str_text(&c.out));
    command_release(&c);
    return ok;
}

static void look_gnuplot(struct finding *f, const struct env *e)
{
    (void)e;
    if (!first_line(f->text, sizeof f->text, "gnuplot"))
        snprintf(f->text, sizeof f->text,
                 "not found: figures and reports have data and scripts only "
                 "(apt-get install gnuplot-nox)");
}

static void look_slurm(struct finding *f, const struct env *e)
{
    (void)e;
    if (!first_line(f->text, sizeof f->text, "sbatch"))
        snprintf(f->text, sizeof f->text, "not found (fine on one machine)");
}

static const struct {
    const char *name;
    look *look;
} looks[] = {
    { "cpu", look_cpu },       { "kernels", look_kernels },
    { "speed", look_speed },   { "sqlite", look_sqlite },
    { "folder", look_folder }, { "gnuplot", look_gnuplot },
    { "slurm", look_slurm },
};

static enum status run(struct cli *cli, struct err *err)
{
    struct env e;
    struct str json = { 0 };
    const char *missing = NULL;

    env_read(&e);
    str_add(&json, "{");
    json_add_text(&json, "schema", "qlaw/doctor/1");
    json_add_text(&json, "version", e.version);
    json_add_text(&json, "git_commit", e.git_commit);
    json_add_number(&json, "cores", e.cores);
    if (!cli_flag(cli, "json"))
        say("qlaw %s (%s, %s)\n", e.version, e.git_commit, e.compiler);
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        struct finding f = { .name = looks[i].name };

        looks[i].look(&f, &e);
        if (f.missing && !missing)
            missing = f.name;
        json_add_text(&json, f.name, f.text);
        if (!cli_flag(cli, "json"))
            say("  %-9s %s\n", f.name, f.text);
    }
    if (cli_flag(cli, "json"))
        printf("%s}\n", str_text(&json));
    str_release(&json);
    env_release(&e);
    return missing ? err_set(err, ERR_TOOL, "%s: see above", missing) : OK;
}

const struct verb verb_doctor = {
    .name = "doctor",
    .args = "",
    .summary = "is everything here that qlaw needs, and how fast is it?",
    .example = "qlaw doctor",
    .options = options,
    .detail = "Exit 4 when something that is needed is missing.",
    .run = run,
};
