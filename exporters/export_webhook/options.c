/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "exporters/export_webhook/webhook.h"

#define STRING(k, s, m, ...)                                                   \
    {                                                                          \
        .key = k, .type = TOCSIN_OPT_STRING, .offset = offsetof(struct s, m),  \
        __VA_ARGS__                                                            \
    }
#define MEMBERS(table, s)                                                      \
    .members = table, .n_members = sizeof(table) / sizeof((table)[0]),         \
    .members_struct_size = sizeof(struct s)

static const struct tocsin_option basic_auth_options[] = {
    STRING("username", basic_auth, username, .help = "The user's name."),
    STRING("password", basic_auth, password, .flags = TOCSIN_OPT_SECRET,
           .help = "The password."),
    STRING("password_file", basic_auth, password_file,
           .help = "A file with the password, read for each request."),
};

static const struct tocsin_option authorization_options[] = {
    STRING("type", authorization, type, .default_value = "Bearer",
           .help = "The scheme of the Authorization header."),
    STRING("credentials", authorization, credentials,
           .flags = TOCSIN_OPT_SECRET, .help = "What follows the scheme."),
    STRING("credentials_file", authorization, credentials_file,
           .help = "A file with the credentials, read for each request."),
};

static const struct tocsin_option tls_options[] = {
    STRING("ca_file", tls_config, ca_file,
           .help = "Certificates (PEM) that are trusted instead of the "
                   "system's."),
    STRING("cert_file", tls_config, cert_file,
           .help = "A certificate (PEM) that says who we are."),
    STRING("key_file", tls_config, key_file, .help = "Its key (PEM)."),
    STRING("server_name", tls_config, server_name,
           .help = "The name that the server's certificate must have, where "
                   "it is not the URL's."),
    {.key = "insecure_skip_verify",
     .type = TOCSIN_OPT_BOOL,
     .offset = offsetof(struct tls_config, insecure_skip_verify),
     .default_value = "false",
     .help = "Trusts any certificate: for trying things out only."},
};

static const struct tocsin_option http_options[] = {
    {.key = "basic_auth",
     .type = TOCSIN_OPT_GROUP,
     .offset = offsetof(struct http_config, basic_auth),
     MEMBERS(basic_auth_options, basic_auth),
     .help = "Signs in with a name and a password."},
    {.key = "authorization",
     .type = TOCSIN_OPT_GROUP,
     .offset = offsetof(struct http_config, authorization),
     MEMBERS(authorization_options, authorization),
     .help = "Sets the Authorization header."},
    {.key = "tls_config",
     .type = TOCSIN_OPT_GROUP,
     .offset = offsetof(struct http_config, tls_config),
     MEMBERS(tls_options, tls_config),
     .help = "Whom to trust, and who we are."},
    STRING("proxy_url", http_config, proxy_url, .flags = TOCSIN_OPT_SECRET,
           .help = "Goes through this proxy; the environment's is not used."),
    {.key = "follow_redirects",
     .type = TOCSIN_OPT_BOOL,
     .offset = offsetof(struct http_config, follow_redirects),
     .default_value = "false",
     .help = "Follows redirects."},
};

const struct tocsin_option webhook_options[WEBHOOK_OPTIONS] = {
    STRING("url", webhook_options, url, .flags = TOCSIN_OPT_SECRET,
           .help = "Where to POST; only its host is ever shown."),
    STRING("url_file", webhook_options, url_file,
           .help = "A file with the URL, read for each request."),
    {.key = "format",
     .type = TOCSIN_OPT_ENUM,
     .offset = offsetof(struct webhook_options, format),
     .default_value = "alertmanager",
     .choices = "alertmanager|plain",
     .help = "Alertmanager's payload (version 4), or plain JSON with what, "
             "where, since when and why; records are always plain."},
    {.key = "max_alerts",
     .type = TOCSIN_OPT_INT,
     .offset = offsetof(struct webhook_options, max_alerts),
     .default_value = "0",
     .min = 0,
     .max = 1000000,
     .help = "The most alerts in one notification; the rest are only counted. "
             "0: all."},
    {.key = "timeout",
     .type = TOCSIN_OPT_DURATION,
     .offset = offsetof(struct webhook_options, timeout_us),
     .default_value = "10s",
     .min = 1000,
     .max = INT64_C(600000000),
     .help = "How long one attempt may take."},
    {.key = "headers",
     .type = TOCSIN_OPT_MAP,
     .flags = TOCSIN_OPT_SECRET,
     .offset = offsetof(struct webhook_options, headers),
     .help = "More headers; they replace ours."},
    {.key = "http_config",
     .type = TOCSIN_OPT_GROUP,
     .offset = offsetof(struct webhook_options, http_config),
     MEMBERS(http_options, http_config),
     .help = "How to connect."},
};

/* A secret that was not filled in, because only the rest is checked. */
static bool
is_open(const char *s)
{
    return strstr(s, "${") != NULL;
}

const char *
url_problem(const char *url)
{
    const char *problem = NULL;
    char *scheme = NULL, *host = NULL;
    CURLU *u = curl_url();
    if (u == NULL)
        return "out of memory";
    if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        problem = "url is no http:// or https:// URL";
    else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        problem = "url must begin with http:// or https://";
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(u);
    return problem;
}

static const char *
both(const char *a, const char *a_name, const char *b, const char *b_name,
     char *buf, size_t size)
{
    if (a == NULL || b == NULL)
        return NULL;
    (void)snprintf(buf, size, "%s and %s exclude each other", a_name, b_name);
    return buf;
}

static const char *
http_problem(const struct http_config *h, char *buf, size_t size)
{
    if (h == NULL)
        return NULL;
    const struct basic_auth *basic = h->basic_auth;
    const struct authorization *auth = h->authorization;
    const struct tls_config *tls = h->tls_config;
    const char *problem = NULL;
    if (basic != NULL && auth != NULL)
        problem = "basic_auth and authorization exclude each other";
    if (problem == NULL && basic != NULL)
        problem = both(basic->password, "password", basic->password_file,
                       "password_file", buf, size);
    if (problem == NULL && auth != NULL)
        problem = both(auth->credentials, "credentials", auth->credentials_file,
                       "credentials_file", buf, size);
    if (problem == NULL && auth != NULL && auth->credentials == NULL &&
        auth->credentials_file == NULL)
        problem = "authorization needs credentials or credentials_file";
    if (problem == NULL && tls != NULL &&
        (tls->cert_file == NULL) != (tls->key_file == NULL))
        problem = "cert_file and key_file need each other";
    return problem;
}

/* A line end would begin another header. */
static bool
is_header(const char *name, const char *value)
{
    return *name != '\0' && strpbrk(name, "\r\n: \t") == NULL &&
           strpbrk(value, "\r\n") == NULL;
}

const char *
options_problem(const struct webhook_options *o, char *buf, size_t size)
{
    if (o->url == NULL && o->url_file == NULL)
        return "url or url_file is needed";
    const char *problem =
        both(o->url, "url", o->url_file, "url_file", buf, size);
    if (problem == NULL && o->url != NULL && !is_open(o->url))
        problem = url_problem(o->url);
    if (problem == NULL)
        problem = http_problem(o->http_config, buf, size);
    for (size_t i = 0; problem == NULL && i < o->headers.n; i++)
        if (o->headers.values[i] != NULL &&
            !is_header(o->headers.keys[i], o->headers.values[i]))
            problem = "a header's name or value is not well-formed";
    return problem;
}
