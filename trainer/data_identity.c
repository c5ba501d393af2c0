#include "trainer/data_identity.h"

#include <string.h>

#include "trainer/corpus_cache.h"
#include "trainer/data.h"

/* Bytes are 256 tokens, and some more may stand for other things. */
#define TEXT_VOCAB 1024

/* Set key to the content hash of a corpus when it is empty, else compare. */
static enum status identify(struct config *c, const char *key,
                            const struct corpus *corpus, struct err *err)
{
    const char *want = config_get(c, key);

    if (!*want)
        return config_set(c, key, corpus->sha256, err);
    if (strcmp(want, corpus->sha256) == 0)
        return OK;
    return err_set(err, ERR_CONFIG, "%s = %s, but the files hash to %s", key,
                   want, corpus->sha256);
}

static int64_t tokens_in(const struct corpus *corpus)
{
    return (int64_t)(corpus->tokens ? corpus->size / 2 : corpus->size);
}

static void look_at_tokens(struct data_facts *facts,
                           const struct corpus *corpus)
{
    const unsigned char *b = corpus->bytes;
    int max = facts->max_token;

    if (corpus->tokens)
        for (size_t i = 0; i + 1 < corpus->size; i += 2) {
            const int id = b[i] | b[i + 1] << 8;

            max = id > max ? id : max;
        }
    else
        for (size_t i = 0; i < corpus->size; i++)
            max = b[i] > max ? b[i] : max;
    facts->max_token = max;
}

static enum status check_text(struct data_facts *facts, struct config *c,
                              const struct corpus *corpus, const char *key,
                              struct err *err)
{
    const int seq = (int)config_model_seq_len(c);

    look_at_tokens(facts, corpus);
    if (tokens_in(corpus) < 2 * (seq + 1))
        return data_too_small(tokens_in(corpus), seq, err);
    return key ? identify(c, key, corpus, err) : OK;
}

static enum status check_set(struct data_facts *facts, struct config *c,
                             const struct data_source *source,
                             const struct corpus *train, enum corpus_as as,
                             struct err *err)
{
    struct corpus corpus;
    enum status st;

    if (!*config_get(c, source->path))
        return OK;
    st = corpus_read_fresh(&corpus, config_get(c, source->path),
                           as == CORPUS_FOREIGN ? as : data_as_train(train), 0,
                           err);
    if (st == OK && as != CORPUS_FOREIGN)
        st = data_like_train(&corpus, train, err);
    if (st == OK)
        st = check_text(facts, c, &corpus, source->sha256, err);
    if (st != OK)
        err_prefix(err, "%s: ", source->path);
    corpus_release(&corpus);
    return st;
}

enum status data_identify(struct config *c, struct data_facts *facts,
                          struct err *err)
{
    const enum corpus_as as = data_as(c);
    struct corpus corpus;
    enum status st = corpus_read_fresh(&corpus, config_data_path(c), as,
                                       config_data_max_bytes(c), err);

    *facts = (struct data_facts){ .bytes = (int64_t)corpus.size };
    if (st != OK)
        return st;
    facts->tokens = tokens_in(&corpus);
    if (!corpus.tokens)
        facts->within = corpus_count_cuts(&facts->cuts, &facts->near_cuts,
                                          &corpus, config_data_delimiter(c));
    st = check_text(facts, c, &corpus, "data.sha256", err);
    if (st == OK && corpus.tokens && as != CORPUS_FOREIGN)
        st = config_set(c, "data.kind", "u16", err);
    for (int set = 0; set < DATA_SETS && st == OK; set++)
        st = check_set(facts, c, &data_sources[set], &corpus, as, err);
    corpus_release(&corpus);
    return st;
}

enum status data_fits(const struct config *c, const struct data_facts *facts,
                      struct err *err)
{
    const int vocab = (int)config_model_vocab(c);

    if (data_as(c) == CORPUS_FOREIGN)
        return OK;
    if (facts->max_token >= vocab)
        return err_set(err, ERR_CONFIG,
                       "the data hold token %d, but model.vocab = %d",
                       facts->max_token, vocab);
    if (vocab >= TEXT_VOCAB && strcmp(config_data_kind(c), "text") == 0)
        return err_set(err, ERR_CONFIG,
                       "model.vocab = %d, but the data are read as text, a "
                       "token a byte: 256 are enough; if the files hold 16-bit "
                       "ids, say data.kind = u16 or name them .u16",
                       vocab);
    return OK;
}
