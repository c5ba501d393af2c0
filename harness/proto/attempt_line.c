/* attempt_line.c - the lines of an attempt: taken, joined, passed over. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/proto/attempt.h"

/* A trainer reports its curve, not more: some points a step would be a
 * mistake, and fill the disk. */
#define LINES_PER_STEP 4
#define LINES_FREE     10000
#define ODD_LINES      1000

static enum attempt_line refuse(struct attempt *a, const char *complaint)
{
    snprintf(a->complaint, sizeof a->complaint, "%s", complaint);
    return LINE_REFUSED;
}

static void note(struct attempt *a, long line, const char *what)
{
    if (*a->note == '\0')
        snprintf(a->note, sizeof a->note, "line %ld: %s", line, what);
}

static enum attempt_line odd(struct attempt *a, long number, const char *line,
                             size_t n, const char *why)
{
    char text[100];

    note(a, number, why);
    if (++a->odd_lines < ODD_LINES)
        return LINE_ODD;
    snprintf(text, sizeof text, "%d lines are no records, as '%.*s'", ODD_LINES,
             n < 40 ? (int)n : 40, line);
    return refuse(a, text);
}

/* Was it to be the final record? */
static bool means_final(const char *line, size_t n)
{
    while (n > 0 && isspace((unsigned char)*line))
        line++, n--;
    return n > 0 && *line == '{' && memmem(line, n, "final", 5);
}

/* Of all lines that cannot be used, the one that was to be the final record
 * says why a run ends without one. */
static enum attempt_line unusable(struct attempt *a, long number,
                                  const char *line, size_t n, const char *why)
{
    const bool final = means_final(line, n);

    if (*a->unread == '\0' || final)
        snprintf(a->unread, sizeof a->unread, "line %ld of its records: %s",
                 number, why);
    a->unread_final |= final;
    return odd(a, number, line, n, why);
}

/* --- records over several lines ------------------------------------------- */

/* How many brackets of a text are still open. */
static int open_brackets(const char *text, size_t n)
{
    bool quoted = false;
    int open = 0;

    for (size_t i = 0; i < n; i++) {
        if (quoted && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && strchr("{[", text[i]) && text[i])
            open++;
        else if (!quoted && strchr("}]", text[i]) && text[i])
            open--;
    }
    return open;
}

static bool opens(const char *line, size_t n)
{
    while (n > 0 && isspace((unsigned char)*line))
        line++, n--;
    return n > 0 && *line == '{' && open_brackets(line, n) > 0;
}

static bool is_whole_record(const char *line, size_t n)
{
    struct metrics_line m;

    if (metrics_line_read(&m, line, n, NULL) != OK)
        return false;
    metrics_line_release(&m);
    return true;
}

/* A record that began and was not ended, because another one came. */
void attempt_close_lines(struct attempt *a)
{
    if (a->open.len == 0)
        return;
    unusable(a, a->open_at, str_text(&a->open), a->open.len,
             "a record begins and does not end");
    str_clear(&a->open);
}

/* Is there more to come?  Otherwise a->open, when it is not empty, is the
 * record.  Between the tokens of JSON a blank is as good as a line's end, and
 * inside of strings no line can end. */
static bool join(struct attempt *a, const char *line, size_t n)
{
    if (a->open.len > 0 && is_whole_record(line, n))
        attempt_close_lines(a);
    if (a->open.len == 0 && !opens(line, n))
        return false;
    if (a->open.len == 0)
        a->open_at = a->read;
    else
        str_add_char(&a->open, ' ');
    str_add_n(&a->open, line, n);
    if (a->open.len > SCHED_LINE) {
        attempt_close_lines(a);
        return true;
    }
    return open_brackets(str_text(&a->open), a->open.len) > 0;
}

/* --- what a final record leaves open -------------------------------------- */

/* D is a variable of every law: a run that saw other tokens than it was asked
 * for is another run.  The last step may be a part of one. */
static bool tokens_agree(struct attempt *a, const struct metrics_line *m)
{
    char text[160];

    if (m->diverged || m->stopped || a->tokens <= 0 || a->steps <= 0)
        return true;
    if (fabs(m->tokens - a->tokens) <= a->tokens / a->steps)
        return true;
    snprintf(text, sizeof text,
             "it trained on %.0f tokens, %.0f were asked for", m->tokens,
             a->tokens);
    refuse(a, text);
    return false;
}

static void fill(struct str *s, const char *name, double *value, double x)
{
    char text[32];

    if (!isnan(*value) || isnan(x))
        return;
    *value = x;
    str_addf(s, ",\"%s\":%s", name, text_number(text, x));
}

/* Steps and tokens that a trainer does not count are those of its last point
 * or, of a run that came to its end, the planned ones.  They go into the
 * record, so that whoever reads it again knows them too. */
static void fill_in(struct str *s, const struct attempt *a,
                    struct metrics_line *m, const char *line, size_t n)
{
    const bool ended = !m->diverged && !m->stopped;

    while (n > 0 && line[n - 1] != '}')
        n--;
    str_add_n(s, line, n - 1);
    if (isnan(m->steps))
        fill(s, "steps", &m->steps,
             !isnan(m->step)         ? m->step
             : !a->first             ? a->step
             : ended && a->steps > 0 ? a->steps
                                     : 0);
    if (ended && a->tokens > 0)
        fill(s, "tokens", &m->tokens, a->tokens);
    str_add(s, "}");
}

/* --- a line --------------------------------------------------------------- */

static enum attempt_line take_final(struct attempt *a, struct metrics_line *m,
                                    const char *line, size_t n)
{
    struct str s = { 0 };

    fill_in(&s, a, m, line, n);
    if (!tokens_agree(a, m)) {
        metrics_line_release(m);
        str_release(&s);
        return LINE_REFUSED;
    }
    attempt_record(a, s.data, s.len);
    str_release(&s);
    a->final = *m;
    a->final.extra = NULL; /* the caller's, who frees it */
    a->final.n_extra = 0;
    return LINE_FINAL;
}

/* Points whose steps do not grow would be duplicates in the curve. */
static enum attempt_line take_point(struct attempt *a, struct metrics_line *m,
                                    long number, const char *line, size_t n)
{
    char text[80];

    if (!a->first && m->step <= a->step) {
        snprintf(text, sizeof text, "step %.0f comes after step %.0f", m->step,
                 a->step);
        metrics_line_release(m);
        return odd(a, number, line, n, text);
    }
    attempt_record(a, line, n);
    a->first = false;
    a->step = m->step;
    a->loss = isnan(m->train_loss) ? a->loss : m->train_loss;
    return LINE_POINT;
}

static enum attempt_line take(struct attempt *a, struct metrics_line *m,
                              long number, const char *line, size_t n)
{
    struct err err;

    if (a->final.final)
        return odd(a, number, line, n, "it comes after the final record");
    if (text_has_prefix(line, "{\"attempt\":"))
        return unusable(a, number, line, n,
                        "it begins with \"attempt\", as the scheduler's do");
    if (metrics_line_read(m, line, n, &err) != OK)
        return unusable(a, number, line, n, err.text);
    if (*m->note)
        note(a, number, m->note);
    if (++a->lines > LINES_FREE + LINES_PER_STEP * a->steps) {
        metrics_line_release(m);
        return refuse(a, "it reports without end");
    }
    return m->final ? take_final(a, m, line, n)
                    : take_point(a, m, number, line, n);
}

enum attempt_line attempt_line(struct attempt *a, struct metrics_line *m,
                               const char *line, size_t n, bool whole)
{
    struct str joined;
    enum attempt_line is;

    if (!whole)
        return refuse(a, "a line is longer than 65536 bytes");
    a->read++;
    if (n == 0 || join(a, line, n))
        return LINE_ODD;
    if (a->open.len == 0)
        return take(a, m, a->read, line, n);
    joined = a->open;
    a->open = (struct str){ 0 };
    is = take(a, m, a->open_at, str_text(&joined), joined.len);
    str_release(&joined);
    return is;
}
