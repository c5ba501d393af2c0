#include "trainer/corpus_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

#define MAGIC   "qlawtxt2"
#define START   4096 /* of the bytes */
#define SETTLED 2    /* seconds after which a change shows in the times */
#define LEFT_S  3600 /* after which a file half written is nobody's */

struct header {
    char magic[8];
    uint64_t size, check;
    uint32_t tokens;
    char sha256[HASH_HEX];
};

/* --- where --------------------------------------------------------------- */

/* The folder, for the caller to free; NULL: no cache. */
static char *folder(void)
{
    const char *named = getenv("QLAW_CACHE");
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

    if (named && *named)
        return strcmp(named, "off") == 0 ? NULL : mem_strdup(named);
    if (xdg && *xdg == '/')
        return mem_printf("%s/qlaw/texts", xdg);
    return home && *home == '/' ? mem_printf("%s/.cache/qlaw/texts", home)
                                : NULL;
}

/* What stat says of the files; false: not to be relied on. */
static bool make_key(char key[HASH_HEX], const struct corpus_files *files,
                     enum corpus_as as, int64_t max_bytes)
{
    const time_t now = time(NULL);
    struct str text = { 0 };
    bool settled = true;

    str_addf(&text, "%s %d %lld\n", MAGIC, (int)as, (long long)max_bytes);
    for (size_t i = 0; i < files->n && settled; i++) {
        struct stat sb;
        char *full = realpath(files->path[i], NULL);

        settled = full && stat(full, &sb) == 0 && S_ISREG(sb.st_mode) &&
                  sb.st_ctime + SETTLED < now && sb.st_mtime + SETTLED < now;
        if (settled)
            str_addf(&text, "%s\n%llu %llu %lld %lld.%09ld %lld.%09ld\n", full,
                     (unsigned long long)sb.st_dev,
                     (unsigned long long)sb.st_ino, (long long)sb.st_size,
                     (long long)sb.st_mtim.tv_sec, sb.st_mtim.tv_nsec,
                     (long long)sb.st_ctim.tv_sec, sb.st_ctim.tv_nsec);
        free(full);
    }
    hash_bytes(key, str_text(&text), text.len);
    str_release(&text);
    return settled;
}

/* The entry of these files, for the caller to free; NULL: none is kept. */
static char *entry_path(const char *paths, enum corpus_as as, int64_t max_bytes)
{
    struct corpus_files files;
    char key[HASH_HEX], *in = folder(), *path = NULL;

    if (in && corpus_files_find(&files, paths, NULL) == OK) {
        if (make_key(key, &files, as, max_bytes))
            path = mem_printf("%s/%s", in, key);
        corpus_files_release(&files);
    }
    free(in);
    return path;
}

/* --- reading ------------------------------------------------------------- */

/* Against disks and cut-short files, not against people. */
static uint64_t check_sum(const unsigned char *bytes, size_t n)
{
    uint64_t h = n, word = 0;

    for (; n >= sizeof word; n -= sizeof word, bytes += sizeof word) {
        memcpy(&word, bytes, sizeof word);
        h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 29;
    }
    word = 0;
    memcpy(&word, bytes, n);
    h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 32;
}

/* Is what was mapped a whole entry?  Then out has it. */
static bool take(struct corpus *out, void *mapped, size_t size)
{
    const struct header *h = mapped;
    unsigned char *bytes = (unsigned char *)mapped + START;

    if (size < START || memcmp(h->magic, MAGIC, sizeof h->magic) != 0 ||
        h->size != size - START || h->sha256[HASH_HEX - 1] != '\0' ||
        check_sum(bytes, h->size) != h->check)
        return false;
    *out = (struct corpus){ .bytes = bytes,
                            .size = h->size,
                            .tokens = h->tokens,
                            .mapped = mapped,
                            .mapped_size = size };
    memcpy(out->sha256, h->sha256, HASH_HEX);
    return true;
}

/* Pages are private, because delimiters are cut out of them. */
static bool load(struct corpus *out, const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat sb = { 0 };
    void *mapped = MAP_FAILED;
    bool good;

    if (fd < 0)
        return false;
    if (fstat(fd, &sb) == 0 && sb.st_size > START)
        mapped = mmap(NULL, (size_t)sb.st_size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_POPULATE, fd, 0);
    good = mapped != MAP_FAILED && take(out, mapped, (size_t)sb.st_size);
    if (mapped != MAP_FAILED && !good)
        munmap(mapped, (size_t)sb.st_size);
    if (good && sb.st_mtime + LEFT_S < time(NULL))
        futimens(fd, NULL); /* in use: the last to give way */
    close(fd);
    if (!good)
        unlink(path);
    return good;
}

/* --- writing ------------------------------------------------------------- */

/* The folder may be one that a person named: nothing else of it is touched. */
static bool is_entry(const char *name)
{
    const size_t n = strspn(name, "0123456789abcdef");

    return n == HASH_HEX - 1 && (name[n] == '\0' || name[n] == '.');
}

struct oldest {
    char *path;
    time_t when;
    int64_t sum; /* bytes of all entries */
};

/* What a process that was killed has left is removed at once. */
static void look_at_entry(struct oldest *o, const char *in, const char *name)
{
    char *path = mem_printf("%s/%s", in, name);
    struct stat sb;

    if (stat(path, &sb) == 0) {
        o->sum += sb.st_size;
        if (strchr(name, '.') && sb.st_mtime + LEFT_S < time(NULL)) {
            unlink(path);
        } else if (!o->path || sb.st_mtime < o->when) {
            free(o->path);
            o->path = mem_strdup(path);
            o->when = sb.st_mtime;
        }
    }
    free(path);
}

/* Remove the oldest until bytes more fit. */
static void make_room(const char *in, int64_t bytes)
{
    bool again = true;

    while (again) {
        struct oldest o = { .sum = bytes };
        const struct dirent *e;
        DIR *dir = opendir(in);

        while (dir && (e = readdir(dir)))
            if (is_entry(e->d_name))
                look_at_entry(&o, in, e->d_name);
        if (dir)
            closedir(dir);
        again = o.path && o.sum > CORPUS_CACHE_BYTES && unlink(o.path) == 0;
        free(o.path);
    }
}

static bool write_entry(int fd, const struct corpus *c, const char *path)
{
    char start[START] = { 0 };
    struct header h = { .size = c->size,
                        .tokens = c->tokens,
                        .check = check_sum(c->bytes, c->size) };

    memcpy(h.magic, MAGIC, sizeof h.magic);
    memcpy(h.sha256, c->sha256, HASH_HEX);
    memcpy(start, &h, sizeof h);
    return file_write_all(fd, start, START, path, NULL) == OK &&
           file_write_all(fd, c->bytes, c->size, path, NULL) == OK;
}

/* A cache that cannot be written is no cache; the run goes on. */
static void store(const struct corpus *c, const char *path)
{
    const char *name = strrchr(path, '/');
    char *in = mem_strndup(path, (size_t)(name - path));
    char *temporary = mem_printf("%s.XXXXXX", path);
    int fd = -1;

    if ((int64_t)c->size <= CORPUS_CACHE_BYTES / 2 &&
        file_make_dirs(in, NULL) == OK) {
        make_room(in, (int64_t)c->size + START);
        fd = mkstemp(temporary);
    }
    if (fd >= 0) {
        const bool whole = write_entry(fd, c, temporary);

        if (close(fd) != 0 || !whole || rename(temporary, path) != 0)
            unlink(temporary);
    }
    free(temporary);
    free(in);
}

/* A single plain file is as quick to read as its copy. */
static bool worth_it(const struct corpus *c, const char *paths)
{
    struct stat sb;

    return stat(paths, &sb) != 0 || (size_t)sb.st_size != c->size;
}

/* The files must be after reading what they were before. */
static enum status read_and_store(struct corpus *out, const char *path,
                                  const char *paths, enum corpus_as as,
                                  int64_t max_bytes, struct err *err)
{
    const enum status st = corpus_read(out, paths, as, max_bytes, err);
    char *now = NULL;

    if (st == OK && path && worth_it(out, paths))
        now = entry_path(paths, as, max_bytes);
    if (now && strcmp(now, path) == 0)
        store(out, path);
    free(now);
    return st;
}

enum status corpus_read_cached(struct corpus *out, const char *paths,
                               enum corpus_as as, int64_t max_bytes,
                               struct err *err)
{
    char *path = entry_path(paths, as, max_bytes);
    enum status st = OK;

    if (!path || !load(out, path))
        st = read_and_store(out, path, paths, as, max_bytes, err);
    free(path);
    return st;
}

enum status corpus_read_fresh(struct corpus *out, const char *paths,
                              enum corpus_as as, int64_t max_bytes,
                              struct err *err)
{
    char *path = entry_path(paths, as, max_bytes);
    const enum status st = read_and_store(out, path, paths, as, max_bytes, err);

    free(path);
    return st;
}
