/* texts.h - a list of texts that grows. */
#ifndef BASE_TEXTS_H
#define BASE_TEXTS_H

struct texts {
    char **text; /* [n], owned */
    int n;
};

void texts_add(struct texts *list, const char *text); /* a copy of it */
void texts_release(struct texts *list);

/* The last of them, NULL of none. */
const char *texts_last(const struct texts *list);

/* All of them with a text between; the caller frees it.  NULL of none. */
char *texts_join(const struct texts *list, const char *between);

#endif
