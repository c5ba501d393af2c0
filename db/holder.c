/* holder.c - who holds a database file, for a sentence.
 *
 * Opening the file once more to ask would drop this process's own locks on it
 * when it is closed, so the kernel's list is read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "db/db.h"

/* Where SQLite locks a file, whatever its size. */
#define LOCK_FIRST 0x40000000LL
#define LOCK_LAST  (LOCK_FIRST + 511)

/* "7: POSIX  ADVISORY  READ 4711 08:01:12345 1073741826 1073742335" of another
 * process on that file; 0: it is of something else. */
static long holder_in(const char *line, ino_t inode)
{
    char kind[16];
    long pid;
    unsigned long long ino;
    long long first;

    if (sscanf(line, "%*d: %*s %*s %15s %ld %*x:%*x:%llu %lld", kind, &pid,
               &ino, &first) != 4)
        return 0;
    return ino == inode && first >= LOCK_FIRST && first <= LOCK_LAST &&
                   pid != getpid() && pid > 0
               ? pid
               : 0;
}

static char *describe(long pid)
{
    char path[64], name[64] = "";
    FILE *f;

    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    f = fopen(path, "re");
    if (f && fgets(name, sizeof name, f))
        name[strcspn(name, "\n")] = '\0';
    if (f)
        fclose(f);
    return mem_printf("%s (pid %ld)", *name ? name : "a program", pid);
}

char *db_holder(const char *path)
{
    FILE *f = fopen("/proc/locks", "re");
    char line[256];
    struct stat sb;
    long pid = 0;

    if (stat(path, &sb) == 0)
        while (f && !pid && fgets(line, sizeof line, f))
            pid = holder_in(line, sb.st_ino);
    if (f)
        fclose(f);
    return pid ? describe(pid) : mem_strdup("another program");
}
