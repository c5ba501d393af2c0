/* The cache of texts gives what the files hold, or nothing. */
#include "trainer/corpus_cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "tests/check.h"

static char dir[] = "/tmp/qlaw-cache-XXXXXX", *cache, *glob;

static void put(const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", dir, name);
    struct err err;

    check_ok(file_replace(path, text, strlen(text), &err), err);
    free(path);
}

static int shell(const char *command)
{
    char *whole = mem_printf("cd '%s' && %s", dir, command);
    const int rc = system(whole);

    free(whole);
    return rc;
}

static int make(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    cache = mem_printf("%s/cache", dir);
    glob = mem_printf("%s/*.txt", dir);
    setenv("QLAW_CACHE", cache, 1);
    put("a.txt", "one text\n");
    put("b.txt", "and another\n");
    sleep(4); /* until what stat says of them is relied on */
    return 0;
}

static int clear(void **state)
{
    (void)state;
    shell("rm -rf ..?* cache");
    free(cache);
    free(glob);
    return shell("rm -f *.txt") || rmdir(dir);
}

/* Read through the cache; the answer must be that of the files. */
static void check_same(void)
{
    struct corpus got, want;
    struct err err;

    check_ok(corpus_read_cached(&got, glob, CORPUS_AS_IT_IS, 0, &err), err);
    check_ok(corpus_read(&want, glob, CORPUS_AS_IT_IS, 0, &err), err);
    assert_int_equal(got.size, want.size);
    assert_memory_equal(got.bytes, want.bytes, want.size);
    assert_string_equal(got.sha256, want.sha256);
    corpus_release(&got);
    corpus_release(&want);
}

static bool is_kept(void)
{
    struct corpus c;
    struct err err;
    bool kept;

    check_ok(corpus_read_cached(&c, glob, CORPUS_AS_IT_IS, 0, &err), err);
    kept = c.mapped != NULL;
    corpus_release(&c);
    return kept;
}

static void the_second_time_one_file_is_read(void **state)
{
    (void)state;
    assert_false(is_kept());
    assert_true(is_kept());
    check_same();
}

/* What a run changes in its pages is its own. */
static void delimiters_are_cut_out_of_a_copy(void **state)
{
    struct corpus c;
    struct err err;

    (void)state;
    check_ok(corpus_read_cached(&c, glob, CORPUS_AS_IT_IS, 0, &err), err);
    assert_non_null(c.mapped);
    corpus_cut(&c, "one text");
    assert_int_equal(c.bytes[0], 0);
    corpus_release(&c);
    check_same();
}

static void a_prefix_is_another_entry(void **state)
{
    struct corpus c;
    struct err err;

    (void)state;
    check_ok(corpus_read_cached(&c, glob, CORPUS_AS_IT_IS, 3, &err), err);
    assert_int_equal(c.size, 3);
    corpus_release(&c);
    check_same();
}

static void a_damaged_entry_is_made_again(void **state)
{
    static const char *const damage[] = {
        "for f in cache/*; do printf X | dd of=$f bs=1 seek=4100 conv=notrunc "
        "2>/dev/null; done",
        "for f in cache/*; do truncate -s 4100 $f; done",
        "for f in cache/*; do truncate -s 0 $f; done",
        "for f in cache/*; do truncate -s 90000 $f; done",
        "for f in cache/*; do head -c 5000 /dev/zero >$f; done",
    };

    (void)state;
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        is_kept();
        assert_true(is_kept());
        assert_int_equal(shell(damage[i]), 0);
        assert_false(is_kept());
        check_same();
    }
}

/* The same size and the old time of change, put back. */
static void a_changed_file_is_noticed(void **state)
{
    (void)state;
    assert_true(is_kept());
    assert_int_equal(shell("touch -r a.txt keep && printf 'two text\\n' >a.txt "
                           "&& touch -r keep a.txt && rm keep"),
                     0);
    assert_false(is_kept());
    check_same();
    put("c.txt", "a third\n");
    check_same();
    assert_int_equal(shell("rm c.txt"), 0);
    check_same();
}

static void what_just_changed_is_not_kept(void **state)
{
    (void)state;
    put("b.txt", "and one more\n");
    assert_false(is_kept());
    assert_false(is_kept());
    sleep(4);
    check_same(); /* nor taken for what was there before */
    assert_true(is_kept());
}

static void a_cache_that_cannot_be_written_stops_nobody(void **state)
{
    char *file = mem_printf("%s/a.txt/below", dir);

    (void)state;
    setenv("QLAW_CACHE", file, 1);
    check_same();
    assert_false(is_kept());
    setenv("QLAW_CACHE", "off", 1);
    assert_false(is_kept());
    setenv("QLAW_CACHE", cache, 1);
    assert_true(is_kept());
    free(file);
}

/* Sparse files stand for entries that fill the cache; what is not its own is
 * left alone. */
static void the_oldest_give_way(void **state)
{
    (void)state;
    assert_int_equal(
        shell("rm -rf cache && mkdir cache && cd cache && "
              "k=$(printf %063d 0) && for i in 1 2 3; do "
              "truncate -s 500M $k$i; touch -d \"$i hours ago\" $k$i; done; "
              "touch -d '2 hours ago' ${k}4.tmp; truncate -s 2G mine; "
              "touch -d '9 hours ago' mine"),
        0);
    is_kept();
    assert_true(is_kept());
    assert_int_equal(shell("cd cache && k=$(printf %063d 0) && test -e ${k}1 "
                           "&& test -e ${k}2 && test ! -e ${k}3 && "
                           "test ! -e ${k}4.tmp && test -e mine"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_time_one_file_is_read),
        cmocka_unit_test(delimiters_are_cut_out_of_a_copy),
        cmocka_unit_test(a_prefix_is_another_entry),
        cmocka_unit_test(a_damaged_entry_is_made_again),
        cmocka_unit_test(a_changed_file_is_noticed),
        cmocka_unit_test(what_just_changed_is_not_kept),
        cmocka_unit_test(a_cache_that_cannot_be_written_stops_nobody),
        cmocka_unit_test(the_oldest_give_way),
    };

    return cmocka_run_group_tests(tests, make, clear);
}
