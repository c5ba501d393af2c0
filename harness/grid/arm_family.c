/* arm_family.c - which arms differ in nothing but their group. */
#include <stdlib.h>
#include <string.h>

#include "harness/grid/arm.h"

/* The preset of that name as a quantizer; false: there is none. */
static bool find_preset(struct quant_spec *out, const char *name, size_t len)
{
    for (int i = 0; quant_preset_at(i); i++) {
        const struct quant_preset *p = quant_preset_at(i);

        if (strlen(p->name) == len && memcmp(p->name, name, len) == 0)
            return quant_parse(out, p->name, NULL, NULL) == OK;
    }
    return false;
}

/* "W:mxfp4+A:mxfp8" with elements instead of presets; *lead is the first.
 * False where some is no preset. */
static bool add_elements(struct str *s, struct quant_spec *lead,
                         const char *word, size_t len)
{
    const char *end = word + len;
    int n = 0;

    while (word < end) {
        const size_t part = strcspn(word, "+ ");
        const size_t name = strcspn(word, ":");
        struct quant_spec spec;

        if (name >= part ||
            !find_preset(&spec, word + name + 1, part - name - 1))
            return false;
        if (n == 0)
            *lead = spec;
        str_add(s, n++ ? "+" : "");
        str_add_n(s, word, name + 1);
        str_add(s, spec.elem.name);
        word += part + (word[part] == '+');
    }
    return n > 0;
}

/* Where an arm begins to say the quantizer that its group is of: behind how it
 * was trained, if anything follows that. */
static size_t training_length(const char *arm)
{
    static const char word[] = "PTQ ";
    const char *post = strstr(arm, word);

    return post ? (size_t)(post - arm) + strlen(word) : 0;
}

/* What a quantizer says when its presets are spelled out; the text itself where
 * there are none. */
static char *spelled_out(const char *arm)
{
    const size_t first = strcspn(arm, " ");
    struct str s = { 0 };
    struct quant_spec lead;
    size_t rest = first;

    if (find_preset(&lead, arm, first) && arm[first] == ' ') {
        rest = first + 1 + strcspn(arm + first + 1, " ");
        str_add(&s, lead.elem.name);
        str_add_n(&s, arm + first, rest - first);
    } else if (!add_elements(&s, &lead, arm, first)) {
        str_release(&s);
        return mem_strdup(arm);
    }
    arm_add_parts(&s, &lead);
    str_add(&s, arm + rest);
    return str_steal(&s);
}

static bool says_group(const char *word, size_t n)
{
    return (n > 1 && word[0] == 'g' &&
            strspn(word + 1, "0123456789") == n - 1) ||
           (n == 3 && memcmp(word, "row", 3) == 0) ||
           (n == 6 && memcmp(word, "tensor", 6) == 0);
}

char *arm_family(const char *arm)
{
    const size_t training = training_length(arm);
    char *plain = spelled_out(arm + training);
    struct str s = { 0 };

    str_add_n(&s, arm, training);
    for (const char *word = plain; *word;) {
        const size_t n = strcspn(word, " ");

        if (!says_group(word, n)) {
            str_add(&s, s.len > training ? " " : "");
            str_add_n(&s, word, n);
        }
        word += n;
        word += strspn(word, " ");
    }
    free(plain);
    return str_steal(&s);
}

/* The arm that all rows of a family are, if it is a preset; else NULL. */
static const char *only_preset(const char *const *arm, char *const *family,
                               size_t n, size_t of)
{
    const char *quantizer = arm[of] + training_length(arm[of]);
    char *plain;
    bool preset;

    for (size_t i = 0; i < n; i++)
        if (strcmp(family[i], family[of]) == 0 && strcmp(arm[i], arm[of]) != 0)
            return NULL;
    plain = spelled_out(quantizer);
    preset = strcmp(plain, quantizer) != 0;
    free(plain);
    return preset ? arm[of] : NULL;
}

char **arm_families(const char *const *arm, size_t n)
{
    char **family = mem_array(n + 1, sizeof *family);
    const char **better = mem_array(n + 1, sizeof *better);

    for (size_t i = 0; i < n; i++)
        family[i] = arm_family(arm[i]);
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;

        while (strcmp(arm[k], arm[i]) != 0)
            k++;
        better[i] = k < i ? better[k] : only_preset(arm, family, n, i);
    }
    for (size_t i = 0; i < n; i++)
        if (better[i]) {
            free(family[i]);
            family[i] = mem_strdup(better[i]);
        }
    free(better);
    return family;
}
