#include "harness/run/notify.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "base/str.h"

#define PATIENCE_S 10L

static size_t swallow(char *data, size_t size, size_t n, void *ctx)
{
    (void)data;
    (void)ctx;
    return size * n;
}

const char *notify_address(void)
{
    static char *address;
    const char *given = getenv("QLAW_WEBHOOK");

    if (given && *given) {
        free(address);
        address = mem_strdup(given);
    }
    unsetenv("QLAW_WEBHOOK");
    return address;
}

enum status notify_post(const char *url, const char *json, struct err *err)
{
    struct curl_slist *headers =
        curl_slist_append(NULL, "Content-Type: application/json");
    CURL *c = curl_easy_init();
    CURLcode code = CURLE_FAILED_INIT;
    long answer = 0;

    if (c) {
        curl_easy_setopt(c, CURLOPT_URL, url);
        curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, json);
        curl_easy_setopt(c, CURLOPT_TIMEOUT, PATIENCE_S);
        curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, swallow);
        code = curl_easy_perform(c);
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &answer);
    }
    curl_easy_cleanup(c);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return err_set(err, ERR_IO, "$QLAW_WEBHOOK: %s",
                       curl_easy_strerror(code));
    if (answer < 200 || answer > 299)
        return err_set(err, ERR_IO, "$QLAW_WEBHOOK: the server answers %ld",
                       answer);
    return OK;
}
