/* SPDX-License-Identifier: Apache-2.0 */
/* webhook.h - what the files of export_webhook share. */
#ifndef TOCSIN_EXPORT_WEBHOOK_H
#define TOCSIN_EXPORT_WEBHOOK_H
#include <curl/curl.h>
#include <stdbool.h>

#include <tocsin/plugin.h>

#include "plugins/lib/out.h"

/* ---- options.c */

enum { FORMAT_ALERTMANAGER, FORMAT_PLAIN };

struct basic_auth {
    const char *username, *password, *password_file;
};

struct authorization {
    const char *type, *credentials, *credentials_file;
};

struct tls_config {
    const char *ca_file, *cert_file, *key_file, *server_name;
    int32_t insecure_skip_verify;
};

struct http_config {
    const struct basic_auth *basic_auth;
    const struct authorization *authorization;
    const struct tls_config *tls_config;
    const char *proxy_url;
    int32_t follow_redirects;
};

struct webhook_options {
    const char *url, *url_file;
    int32_t format;
    int64_t max_alerts, timeout_us;
    struct tocsin_map headers;
    const struct http_config *http_config;
};

#define WEBHOOK_OPTIONS 7
extern const struct tocsin_option webhook_options[WEBHOOK_OPTIONS];

/* What is wrong with the options, or NULL.  'buf' may hold the text. */
const char *options_problem(const struct webhook_options *o, char *buf,
                            size_t size);
/* What is wrong with a URL, or NULL. */
const char *url_problem(const char *url);

/* ---- redact.c */

/* What must not be seen in reasons and logs. */
struct redact {
    char **texts;
    size_t n;
    bool failed;
};

void redact_fini(struct redact *s);
void redact_reset(struct redact *s);
void redact_add(struct redact *s, const char *text, size_t n);
/* A URL's user, password, path, query, and longer pieces of these. */
void redact_add_url(struct redact *s, const char *url);
/* Puts "…" in their place, and '?' in that of control characters. */
void redact_hide(const struct redact *s, struct out *text);
/* The first line of a file, trimmed; freed by the caller.  NULL with *error. */
char *secret_read(const char *path, const char **error);
/* scheme://host:port of a URL, all that may be shown of it. */
void url_show(const char *url, struct out *o);

/* ---- request.c */

struct request {
    CURL *curl;
    struct redact redact; /* of the request at hand */
    struct out answer;    /* the first bytes of the answer's body */
    size_t answer_size;   /* all of it so far */
    struct out reason;    /* why the last one failed */
    char error[CURL_ERROR_SIZE];
};

bool request_init(struct request *r);
void request_fini(struct request *r);
/* Sends one.  Returns what deliver() returns, with 'reason' filled unless it
 * is TOCSIN_DELIVERED. */
int request_post(struct request *r, const struct webhook_options *o,
                 struct tocsin_text body, struct tocsin_text key,
                 int64_t timeout_ms, int64_t *ret_retry_after_us);

/* ---- alertmanager.c */

/* Alertmanager's payload, version 4.  'max_alerts' 0: all. */
void alertmanager_payload(struct out *o, const struct tocsin_notification *n,
                          size_t max_alerts);

#endif
