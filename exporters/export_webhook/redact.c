/* SPDX-License-Identifier: Apache-2.0 */
/* redact.c - what of a request must not be seen, and how it is not. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exporters/export_webhook/webhook.h"

#define FILE_MAX 65536
#define PIECE_MIN 6 /* shorter pieces of a path are words, not secrets */

static const char hidden[] = "…";

void
redact_reset(struct redact *s)
{
    for (size_t i = 0; i < s->n; i++) {
        explicit_bzero(s->texts[i], strlen(s->texts[i]));
        free(s->texts[i]);
    }
    s->n = 0;
    s->failed = false;
}

void
redact_fini(struct redact *s)
{
    redact_reset(s);
    free(s->texts);
    s->texts = NULL;
}

void
redact_add(struct redact *s, const char *text, size_t n)
{
    if (n == 0)
        return;
    char **texts = realloc(s->texts, (s->n + 1) * sizeof *texts);
    if (texts != NULL)
        s->texts = texts;
    char *copy = texts == NULL ? NULL : strndup(text, n);
    if (copy == NULL) {
        s->failed = true; /* nothing is shown then */
        return;
    }
    s->texts[s->n++] = copy;
}

/* The whole, and its pieces. */
static void
add_pieces(struct redact *s, const char *text)
{
    size_t n = strlen(text);
    if (n >= PIECE_MIN)
        redact_add(s, text, n);
    while (*text != '\0') {
        size_t piece = strcspn(text, "/?&=:");
        if (piece >= PIECE_MIN)
            redact_add(s, text, piece);
        text += piece;
        text += *text != '\0';
    }
}

void
redact_add_url(struct redact *s, const char *url)
{
    static const CURLUPart parts[] = {CURLUPART_USER, CURLUPART_PASSWORD,
                                      CURLUPART_PATH, CURLUPART_QUERY};
    /* As it was written, and decoded. */
    static const unsigned flags[] = {0, CURLU_URLDECODE};
    CURLU *u = curl_url();
    if (u == NULL || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK) {
        curl_url_cleanup(u);
        s->failed = true;
        return;
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (size_t k = 0; k < sizeof flags / sizeof flags[0]; k++) {
            char *part = NULL;
            if (curl_url_get(u, parts[i], &part, flags[k]) == CURLUE_OK)
                add_pieces(s, part);
            curl_free(part);
        }
    }
    curl_url_cleanup(u);
}

static void
hide_one(const char *secret, struct out *text)
{
    struct out result = {.max = text->max};
    const char *p = text->p, *end = text->p + text->n;
    size_t n = strlen(secret);
    for (;;) {
        const char *hit = memmem(p, (size_t)(end - p), secret, n);
        if (hit == NULL)
            break;
        out_put(&result, p, (size_t)(hit - p));
        out_str(&result, hidden);
        p = hit + n;
    }
    out_put(&result, p, (size_t)(end - p));
    bool failed = out_failed(&result);
    out_fini(text);
    *text = result;
    if (failed)
        out_reset(text);
}

void
redact_hide(const struct redact *s, struct out *text)
{
    if (s->failed) {
        out_reset(text);
        return;
    }
    for (size_t i = 0; i < s->n && text->n > 0; i++)
        hide_one(s->texts[i], text);
    for (size_t i = 0; i < text->n; i++)
        if ((unsigned char)text->p[i] < 0x20 || text->p[i] == 0x7f)
            text->p[i] = '?';
}

char *
secret_read(const char *path, const char **error)
{
    char *text = calloc(1, FILE_MAX + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 || text == NULL ? -1 : read(fd, text, FILE_MAX);
    int saved = errno;
    if (fd >= 0)
        (void)close(fd);
    if (n < 0) {
        free(text);
        *error = strerror(saved);
        return NULL;
    }
    while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL)
        text[--n] = '\0';
    size_t lead = strspn(text, " \t\r\n");
    memmove(text, text + lead, (size_t)n + 1 - lead);
    if (*text == '\0' || strpbrk(text, "\r\n") != NULL) {
        *error = *text == '\0' ? "it is empty" : "it has more than one line";
        free(text);
        return NULL;
    }
    return text;
}

void
url_show(const char *url, struct out *o)
{
    char *scheme = NULL, *host = NULL, *port = NULL;
    CURLU *u = curl_url();
    if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        out_printf(o, "%s://%s", scheme, host);
        if (curl_url_get(u, CURLUPART_PORT, &port, 0) == CURLUE_OK)
            out_printf(o, ":%s", port);
    } else {
        out_str(o, "the URL");
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
}
