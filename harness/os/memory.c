#include "harness/os/memory.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/os/cgroup.h"

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

int64_t memory_total(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGE_SIZE);
    const int64_t machine = pages > 0 && size > 0 ? (int64_t)pages * size : 0;
    const int64_t group = cgroup_memory("/proc/self/cgroup", "/sys/fs/cgroup");

    return group >= 0 && (machine == 0 || group < machine) ? group : machine;
}

int64_t memory_kills(void)
{
    return field("/proc/vmstat", "oom_kill");
}
