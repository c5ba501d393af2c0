/* trainer.c - the whole contract with qlaw, in C, with nothing to install.
 *
 *   cc -O2 -o bigram trainer.c -lm
 *
 *   [trainer]
 *   kind    = exec
 *   command = ./bigram ${data.path} ${train.tokens} ${train.lr} ${job.seed}
 *
 * It really trains: the 256 x 256 logits of the next byte given the last, by
 * stochastic gradient descent on all but the last twentieth of a text, which
 * is what the loss is measured on.  Its only model size is 65,536. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define V     256
#define STEPS 100

static float logit[V][V];
static volatile sig_atomic_t stop;

static void on_stop(int sig)
{
    (void)sig;
    stop = 1; /* a handler only sets a flag */
}

/* -log p(b | a); with lr > 0 one step down its gradient, p - onehot(b). */
static double visit(int a, int b, double lr)
{
    double p[V], sum = 0;

    for (int i = 0; i < V; i++)
        sum += p[i] = exp(logit[a][i]);
    for (int i = 0; lr > 0 && i < V; i++)
        logit[a][i] -= (float)(lr * (p[i] / sum - (i == b)));
    return log(sum / p[b]);
}

static int state(const char *mode, long *step)
{
    char path[4096];
    FILE *f;
    int ok;

    snprintf(path, sizeof path, "%s/state%s", getenv("QLAW_DIR"),
             *mode == 'w' ? ".new" : "");
    f = fopen(path, mode);
    if (!f)
        return 0;
    ok = *mode == 'w' ? fwrite(step, sizeof *step, 1, f) == 1 &&
                            fwrite(logit, sizeof logit, 1, f) == 1
                      : fread(step, sizeof *step, 1, f) == 1 &&
                            fread(logit, sizeof logit, 1, f) == 1;
    ok = fclose(f) == 0 && ok;
    if (ok && *mode == 'w') { /* whole or not at all */
        char final[4096];

        snprintf(final, sizeof final, "%s/state", getenv("QLAW_DIR"));
        ok = rename(path, final) == 0;
    }
    return ok;
}

int main(int argc, char **argv)
{
    static unsigned char text[1 << 26];
    FILE *in = argc == 5 ? fopen(argv[1], "rb") : NULL;
    FILE *out = fopen(getenv("QLAW_METRICS"), "a");
    const long n = in ? (long)fread(text, 1, sizeof text, in) : 0;
    const long held = n / 20, room = n - held - 1;
    const long tokens = argc == 5 ? (long)atof(argv[2]) : 0;
    unsigned long long dice = argc == 5 ? strtoull(argv[4], NULL, 10) : 0;
    double sum = 0, squares = 0;
    long step = 0;

    if (room < 1 || !out)
        return 2; /* a failure; the reason is in the log */
    signal(SIGTERM, on_stop);
    signal(SIGUSR1, on_stop);
    if (!state("r", &step))
        step = 0;
    for (; step < STEPS; step++) {
        double loss = 0;

        if (stop)
            return state("w", &step) ? 75 : 1; /* saved; run me again */
        for (long i = 0; i < tokens / STEPS; i++) {
            long at;

            /* a random place that depends on the seed and the position only */
            dice = (unsigned long long)step << 32 | (unsigned long long)i;
            dice = (dice + strtoull(argv[4], NULL, 10)) * 0x9E3779B97F4A7C15u;
            dice = (dice ^ dice >> 31) * 0xBF58476D1CE4E5B9u;
            at = (long)((dice ^ dice >> 27) % (unsigned long long)room);
            loss += visit(text[at], text[at + 1], atof(argv[3]));
        }
        loss /= (double)(tokens / STEPS);
        if (!isfinite(loss))
            return 65; /* diverged: a result */
        fprintf(out, "{\"step\":%ld,\"tokens\":%ld,\"train_loss\":%.9g}\n",
                step + 1, (step + 1) * (tokens / STEPS), loss);
        fflush(out);
    }
    for (long i = n - held; i < n; i++) {
        const double loss = visit(text[i - 1], text[i], 0);

        sum += loss;
        squares += loss * loss;
    }
    fprintf(out,
            "{\"final\":true,\"loss\":%.17g,\"loss_se\":%.3g,\"tokens\":%ld,"
            "\"n_body\":%d,\"n_embed\":0,\"n_head_params\":0,\"n_other\":0,"
            "\"flops\":%.6g}\n",
            sum / (double)held,
            sqrt((squares - sum * sum / (double)held) / (double)held /
                 (double)held),
            tokens, V * V, 6.0 * V * (double)tokens);
    return fclose(out) == 0 ? 0 : 1;
}
