#include "harness/memory.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The number after a word in a file of "word number" lines; -1: none. */
static int64_t field(const char *path, const char *word)
{
    FILE *f = fopen(path, "re");
    char line[256], name[64];
    long long value, found = -1;

    while (f && found < 0 && fgets(line, sizeof line, f))
        if (sscanf(line, "%63s %lld", name, &value) == 2 &&
            strcmp(name, word) == 0)
            found = value;
    if (f)
        fclose(f);
    return found;
}

static int64_t read_limit(const char *path)
{
    FILE *f = fopen(path, "re");
    long long value = -1;

    if (f && fscanf(f, "%lld", &value) != 1)
        value = -1; /* "max" */
    if (f)
        fclose(f);
    return value;
}

/* The smallest memory.max from our control group upwards; -1: none. */
static int64_t group_limit(void)
{
    FILE *f = fopen("/proc/self/cgroup", "re");
    char line[PATH_MAX] = "", path[PATH_MAX + 64], *group;
    int64_t least = -1;

    while (f && fgets(line, sizeof line, f) && strncmp(line, "0::", 3) != 0)
        line[0] = '\0';
    if (f)
        fclose(f);
    group = line + 3 * (line[0] != '\0');
    group[strcspn(group, "\n")] = '\0';
    while (*group == '/') {
        int64_t limit;

        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", group);
        limit = read_limit(path);
        if (limit >= 0 && (least < 0 || limit < least))
            least = limit;
        *strrchr(group, '/') = '\0';
    }
    return least;
}

int64_t memory_total(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGE_SIZE);
    const int64_t machine = pages > 0 && size > 0 ? (int64_t)pages * size : 0;
    const int64_t group = group_limit();

    return group >= 0 && (machine == 0 || group < machine) ? group : machine;
}

int64_t memory_kills(void)
{
    return field("/proc/vmstat", "oom_kill");
}
