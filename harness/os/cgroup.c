#include "harness/os/cgroup.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* One kind of limit: of a group's folder, HUGE_VAL where there is none. */
struct kind {
    const char *controller; /* as version 1 calls it */
    double (*of_v2)(const char *folder), (*of_v1)(const char *folder);
};

/* The first numbers of a file of a folder; how many there are. */
static int read_numbers(double n[2], const char *folder, const char *name)
{
    char *path = mem_printf("%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    const int got = f ? fscanf(f, "%lf %lf", &n[0], &n[1]) : 0;

    if (f)
        fclose(f);
    free(path);
    return got;
}

/* "150000 100000", or "max 100000". */
static double cores_v2(const char *folder)
{
    double n[2];

    return read_numbers(n, folder, "cpu.max") == 2 && n[1] > 0 ? n[0] / n[1]
                                                               : HUGE_VAL;
}

/* A quota of -1 is none. */
static double cores_v1(const char *folder)
{
    double quota[2], period[2];

    return read_numbers(quota, folder, "cpu.cfs_quota_us") >= 1 &&
                   read_numbers(period, folder, "cpu.cfs_period_us") >= 1 &&
                   quota[0] > 0 && period[0] > 0
               ? quota[0] / period[0]
               : HUGE_VAL;
}

static double memory_v2(const char *folder)
{
    double n[2];

    return read_numbers(n, folder, "memory.max") >= 1 ? n[0] : HUGE_VAL;
}

static double memory_v1(const char *folder)
{
    double n[2];

    return read_numbers(n, folder, "memory.limit_in_bytes") >= 1 ? n[0]
                                                                 : HUGE_VAL;
}

static const struct kind cpu = { "cpu", cores_v2, cores_v1 };
static const struct kind memory = { "memory", memory_v2, memory_v1 };

/* From a group up to the root of its hierarchy. */
static double least_upwards(const char *hierarchy, char *group,
                            double (*limit_of)(const char *folder))
{
    double least = HUGE_VAL;

    for (;;) {
        char *folder = mem_printf("%s%s", hierarchy, group);
        char *slash = strrchr(group, '/');

        least = fmin(least, limit_of(folder));
        free(folder);
        if (!slash)
            return least;
        *slash = '\0';
    }
}

static bool has_word(const char *list, const char *word)
{
    char *all = mem_printf(",%s,", list), *one = mem_printf(",%s,", word);
    const bool has = strstr(all, one) != NULL;

    free(all);
    free(one);
    return has;
}

/* Version 1 mounts a hierarchy under the names of its controllers; a link may
 * have just the one. */
static double least_v1(const struct kind *k, const char *root,
                       const char *controllers, const char *group)
{
    const char *const names[] = { controllers, k->controller };
    double least = HUGE_VAL;

    for (int i = 0; i < 2; i++) {
        char *hierarchy = mem_printf("%s/%s", root, names[i]);
        char *copy = mem_strdup(group);

        least = fmin(least, least_upwards(hierarchy, copy, k->of_v1));
        free(copy);
        free(hierarchy);
    }
    return least;
}

/* A line "N:CONTROLLERS:/PATH", taken apart in place. */
static double least_of_line(char *line, const struct kind *k, const char *root)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;

    if (!group)
        return HUGE_VAL;
    *group++ = '\0';
    controllers++;
    group[strcspn(group, "\n")] = '\0';
    if (!*controllers)
        return least_upwards(root, group, k->of_v2);
    return has_word(controllers, k->controller)
               ? least_v1(k, root, controllers, group)
               : HUGE_VAL;
}

static double least(const struct kind *k, const char *self, const char *root)
{
    FILE *f = fopen(self, "re");
    char line[PATH_MAX + 256];
    double all = k->of_v2(root); /* also where self cannot be read */

    while (f && fgets(line, sizeof line, f))
        all = fmin(all, least_of_line(line, k, root));
    if (f)
        fclose(f);
    return all;
}

double cgroup_cores(const char *self, const char *root)
{
    const double cores = least(&cpu, self, root);

    return isfinite(cores) ? cores : 0;
}

int64_t cgroup_memory(const char *self, const char *root)
{
    const double bytes = least(&memory, self, root);

    return bytes < 0x1p62 ? (int64_t)bytes : -1;
}
