/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - one POST: what is sent, and what the answer means. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/export_webhook/webhook.h"

#define ANSWER_KEPT 256          /* bytes that may be shown */
#define ANSWER_MAX (1024 * 1024) /* bytes that are read */
#define REDIRECTS_MAX 10L

/* What one request is made of; freed at its end. */
struct parts {
    char *url, *password, *credentials; /* read from files */
    struct curl_slist *headers, *connect_to;
    bool failed;
};

static size_t
on_answer(char *p, size_t size, size_t n, void *arg)
{
    struct request *r = arg;
    n *= size;
    if (r->answer.n < ANSWER_KEPT) {
        size_t room = ANSWER_KEPT - r->answer.n;
        out_put(&r->answer, p, n < room ? n : room);
    }
    r->answer_size += n;
    return r->answer_size > ANSWER_MAX ? 0 : n; /* 0 ends it */
}

bool
request_init(struct request *r)
{
    *r = (struct request){.curl = curl_easy_init()};
    return r->curl != NULL;
}

void
request_fini(struct request *r)
{
    curl_easy_cleanup(r->curl);
    redact_fini(&r->redact);
    out_fini(&r->answer);
    out_fini(&r->reason);
}

/* ---- what is sent */

static void
append(struct parts *p, struct curl_slist **list, const char *text)
{
    struct curl_slist *l = curl_slist_append(*list, text);
    if (l == NULL)
        p->failed = true;
    else
        *list = l;
}

static bool
is_replaced(const struct webhook_options *o, const char *name)
{
    for (size_t i = 0; i < o->headers.n; i++)
        if (o->headers.values[i] != NULL &&
            curl_strequal(o->headers.keys[i], name))
            return true;
    return false;
}

static void
add_header(struct parts *p, const char *name, const char *value, size_t n)
{
    struct out line = {0};
    out_str(&line, name);
    out_str(&line, n > 0 ? ": " : ";"); /* curl's way to send an empty one */
    out_put(&line, value, n);
    out_char(&line, '\0');
    if (out_failed(&line))
        p->failed = true;
    else
        append(p, &p->headers, line.p);
    if (line.p != NULL)
        explicit_bzero(line.p, line.n);
    out_fini(&line);
}

static void
add_headers(struct request *r, struct parts *p, const struct webhook_options *o,
            struct tocsin_text key)
{
    if (!is_replaced(o, "Content-Type"))
        append(p, &p->headers, "Content-Type: application/json");
    append(p, &p->headers, "Expect:"); /* no waiting for a 100 */
    if (!is_replaced(o, "Idempotency-Key"))
        add_header(p, "Idempotency-Key", key.p, key.n);
    for (size_t i = 0; i < o->headers.n; i++) {
        const char *value = o->headers.values[i];
        if (value == NULL)
            continue;
        add_header(p, o->headers.keys[i], value, strlen(value));
        redact_add(&r->redact, value, strlen(value));
    }
}

/* From the option, or from its file.  False: there should be one. */
static bool
get_secret(struct request *r, const char *value, const char *file, char **ret)
{
    const char *error = "out of memory";
    if (value != NULL)
        *ret = strdup(value);
    else if (file != NULL)
        *ret = secret_read(file, &error);
    else
        return true;
    if (*ret == NULL) {
        out_printf(&r->reason, "%s: %s", file != NULL ? file : "a secret",
                   error);
        return false;
    }
    redact_add(&r->redact, *ret, strlen(*ret));
    return true;
}

static bool
set_auth(struct request *r, struct parts *p, const struct http_config *h)
{
    if (h->basic_auth != NULL) {
        const struct basic_auth *b = h->basic_auth;
        if (!get_secret(r, b->password, b->password_file, &p->password))
            return false;
        curl_easy_setopt(r->curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(r->curl, CURLOPT_USERNAME,
                         b->username == NULL ? "" : b->username);
        curl_easy_setopt(r->curl, CURLOPT_PASSWORD,
                         p->password == NULL ? "" : p->password);
    }
    if (h->authorization != NULL) {
        const struct authorization *a = h->authorization;
        if (!get_secret(r, a->credentials, a->credentials_file,
                        &p->credentials))
            return false;
        struct out value = {0};
        out_printf(&value, "%s %s", a->type == NULL ? "Bearer" : a->type,
                   p->credentials == NULL ? "" : p->credentials);
        p->failed |= out_failed(&value);
        add_header(p, "Authorization", value.p == NULL ? "" : value.p, value.n);
        out_fini(&value);
    }
    return true;
}

/* curl checks the certificate for the URL's host: the name goes there, and
 * the connection to where it would have gone. */
static void
set_server_name(struct request *r, struct parts *p, const char *name)
{
    char *host = NULL, *port = NULL, *url = NULL, *written = NULL;
    CURLU *u = curl_url();
    struct out to = {0}, head = {0};
    if (u != NULL && curl_url_set(u, CURLUPART_URL, p->url, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ==
            CURLUE_OK &&
        curl_url_set(u, CURLUPART_HOST, name, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_URL, &url, 0) == CURLUE_OK) {
        out_printf(&to, "::%s:%s", host, port);
        out_char(&to, '\0');
        out_str(&head, host);
        if (curl_url_get(u, CURLUPART_PORT, &written, 0) == CURLUE_OK)
            out_printf(&head, ":%s", written);
        if (!out_failed(&to))
            append(p, &p->connect_to, to.p);
        if (!out_failed(&head))
            add_header(p, "Host", head.p, head.n);
        curl_easy_setopt(r->curl, CURLOPT_URL, url);
        curl_easy_setopt(r->curl, CURLOPT_CONNECT_TO, p->connect_to);
    } else {
        p->failed = true;
    }
    p->failed |= out_failed(&to) || out_failed(&head);
    out_fini(&to);
    out_fini(&head);
    curl_free(host);
    curl_free(port);
    curl_free(url);
    curl_free(written);
    curl_url_cleanup(u);
}

static void
set_tls(struct request *r, struct parts *p, const struct tls_config *t)
{
    if (t->ca_file != NULL)
        curl_easy_setopt(r->curl, CURLOPT_CAINFO, t->ca_file);
    if (t->cert_file != NULL) {
        curl_easy_setopt(r->curl, CURLOPT_SSLCERT, t->cert_file);
        curl_easy_setopt(r->curl, CURLOPT_SSLKEY, t->key_file);
    }
    if (t->insecure_skip_verify) {
        curl_easy_setopt(r->curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(r->curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (t->server_name != NULL)
        set_server_name(r, p, t->server_name);
}

static bool
set_http(struct request *r, struct parts *p, const struct http_config *h)
{
    if (h->follow_redirects) {
        curl_easy_setopt(r->curl, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(r->curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
        curl_easy_setopt(r->curl, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
    }
    if (h->proxy_url != NULL) {
        curl_easy_setopt(r->curl, CURLOPT_PROXY, h->proxy_url);
        redact_add_url(&r->redact, h->proxy_url);
    }
    if (h->tls_config != NULL)
        set_tls(r, p, h->tls_config);
    return set_auth(r, p, h);
}

static bool
set_url(struct request *r, struct parts *p, const struct webhook_options *o)
{
    if (!get_secret(r, o->url, o->url_file, &p->url))
        return false;
    const char *problem = url_problem(p->url);
    if (problem != NULL) {
        out_printf(&r->reason, "%s", problem);
        return false;
    }
    redact_add_url(&r->redact, p->url);
    curl_easy_setopt(r->curl, CURLOPT_URL, p->url);
    return true;
}

static void
set_always(struct request *r, struct tocsin_text body, int64_t timeout_ms)
{
    CURL *c = r->curl;
    curl_easy_reset(c); /* connections stay */
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_PROXY, ""); /* none of the environment's */
    curl_easy_setopt(c, CURLOPT_USERAGENT, "tocsin/" PACKAGE_VERSION);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c, CURLOPT_POST, 1L);
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.p);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, r->error);
    r->error[0] = '\0';
    r->answer_size = 0;
    out_reset(&r->answer);
    out_reset(&r->reason);
    redact_reset(&r->redact);
}

/* ---- what the answer means */

/* Waiting may help, or somebody who mends a password. */
static bool
is_worth_retrying(long status)
{
    return status >= 500 || status == 401 || status == 403 || status == 407 ||
           status == 408 || status == 425 || status == 429;
}

static int
judge(struct request *r, CURLcode code, int64_t *ret_retry_after_us)
{
    long status = 0;
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    bool cut_off = code == CURLE_WRITE_ERROR && r->answer_size > ANSWER_MAX;
    if (code != CURLE_OK && !cut_off) {
        out_printf(&r->reason, "%s",
                   r->error[0] != '\0' ? r->error : curl_easy_strerror(code));
        return TOCSIN_RETRY;
    }
    if (status >= 200 && status < 300)
        return TOCSIN_DELIVERED;
    out_printf(&r->reason, "answer %ld", status);
    if (status >= 300 && status < 400)
        out_str(&r->reason, " (a redirect, which is not followed)");
    if (r->answer.n > 0) {
        out_str(&r->reason, ": ");
        out_text(&r->reason, out_taken(&r->answer));
    }
    if (status == 413)
        return TOCSIN_TOO_LARGE;
    if (!is_worth_retrying(status))
        return TOCSIN_REJECTED;
    curl_off_t seconds = 0;
    if (curl_easy_getinfo(r->curl, CURLINFO_RETRY_AFTER, &seconds) ==
            CURLE_OK &&
        seconds > 0 && seconds < 1000000000)
        *ret_retry_after_us = (int64_t)seconds * 1000000;
    return TOCSIN_RETRY;
}

/* "POST scheme://host: " in front, and no secret behind it. */
static void
finish_reason(struct request *r, const struct parts *p)
{
    struct out whole = {0};
    redact_hide(&r->redact, &r->reason);
    out_str(&whole, "POST ");
    if (p->url != NULL)
        url_show(p->url, &whole);
    else
        out_str(&whole, "to the URL");
    out_str(&whole, ": ");
    out_text(&whole, out_taken(&r->reason));
    out_char(&whole, '\0');
    out_fini(&r->reason);
    r->reason = whole;
}

static void
free_secret(char *s)
{
    if (s != NULL)
        explicit_bzero(s, strlen(s));
    free(s);
}

int
request_post(struct request *r, const struct webhook_options *o,
             struct tocsin_text body, struct tocsin_text key,
             int64_t timeout_ms, int64_t *ret_retry_after_us)
{
    struct parts p = {0};
    int status = TOCSIN_RETRY;
    set_always(r, body, timeout_ms);
    bool ready = set_url(r, &p, o);
    add_headers(r, &p, o, key);
    if (ready && o->http_config != NULL)
        ready = set_http(r, &p, o->http_config);
    curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, p.headers);
    if (ready && p.failed)
        out_str(&r->reason, "out of memory");
    else if (ready)
        status = judge(r, curl_easy_perform(r->curl), ret_retry_after_us);
    if (status != TOCSIN_DELIVERED)
        finish_reason(r, &p);
    curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(r->curl, CURLOPT_CONNECT_TO, NULL);
    curl_slist_free_all(p.headers);
    curl_slist_free_all(p.connect_to);
    free_secret(p.url);
    free_secret(p.password);
    free_secret(p.credentials);
    return status;
}
