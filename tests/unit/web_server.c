/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/web_server.h"

/* Under the mutex, with all that they point to: requests and answers put the
 * test and the server's threads in order, but ThreadSanitizer sees
 * nothing of that. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct web_answer answer;
static unsigned generation; /* of the answer */
static struct web_seen seen;

/* The test's own. */
static struct MHD_Daemon *server;
static struct web_seen told;
static unsigned port;
static char ca_file[] = "/tmp/tocsin-web-XXXXXX";
static char *cert_pem, *key_pem;

static char *
pem_of(BIO *bio)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    char *copy = strndup(p, (size_t)n);
    BIO_free(bio);
    return copy;
}

/* For "localhost", signed by itself. */
static void
make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_set_version(x, 2);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
                                              "DNS:localhost,DNS:other.test");
    X509_add_ext(x, ext, -1);
    X509_EXTENSION_free(ext);
    ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, x);
    cert_pem = pem_of(bio);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    key_pem = pem_of(bio);
    X509_free(x);
    EVP_PKEY_free(key);
    memset(ca_file + strlen(ca_file) - 6, 'X', 6);
    int fd = mkstemp(ca_file);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(write(fd, cert_pem, strlen(cert_pem)), 0);
    close(fd);
}

static void
note_header(struct MHD_Connection *c, const char *name, char *to, size_t size)
{
    const char *v = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
    snprintf(to, size, "%s", v == NULL ? "" : v);
}

static void
note(struct MHD_Connection *c, const char *method, const char *path)
{
    seen.requests++;
    snprintf(seen.method, sizeof seen.method, "%s", method);
    snprintf(seen.path, sizeof seen.path, "%s", path);
    note_header(c, "Content-Type", seen.content_type, sizeof seen.content_type);
    note_header(c, "Idempotency-Key", seen.key, sizeof seen.key);
    note_header(c, "Authorization", seen.authorization,
                sizeof seen.authorization);
    note_header(c, "Host", seen.host, sizeof seen.host);
    note_header(c, "X-Extra", seen.extra, sizeof seen.extra);
    note_header(c, "User-Agent", seen.agent, sizeof seen.agent);
}

static enum MHD_Result
respond(struct MHD_Connection *c, const struct web_answer *a)
{
    size_t n = a->body == NULL ? 0 : strlen(a->body);
    size_t size = a->body_size > n ? a->body_size : n;
    char *body = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        body[i] = a->body[i % n];
    struct MHD_Response *r =
        MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE);
    if (a->retry_after != NULL)
        MHD_add_response_header(r, "Retry-After", a->retry_after);
    if (a->location != NULL)
        MHD_add_response_header(r, "Location", a->location);
    enum MHD_Result result = MHD_queue_response(c, a->status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result
handle(void *cls, struct MHD_Connection *c, const char *path,
       const char *method, const char *version, const char *data, size_t *size,
       void **state)
{
    static int begun;
    pthread_mutex_lock(&mutex);
    if (*state == NULL) {
        *state = &begun;
        seen.body_size = 0;
        pthread_mutex_unlock(&mutex);
        return MHD_YES;
    }
    if (*size > 0) {
        seen.body = realloc(seen.body, seen.body_size + *size + 1);
        memcpy(seen.body + seen.body_size, data, *size);
        seen.body_size += *size;
        seen.body[seen.body_size] = '\0';
        *size = 0;
        pthread_mutex_unlock(&mutex);
        return MHD_YES;
    }
    note(c, method, path);
    unsigned now = generation;
    while (answer.hangs && generation == now)
        pthread_cond_wait(&changed, &mutex);
    enum MHD_Result result = respond(c, &answer);
    pthread_mutex_unlock(&mutex);
    return result;
}

static void
connected(void *cls, struct MHD_Connection *c, void **socket_context,
          enum MHD_ConnectionNotificationCode code)
{
    pthread_mutex_lock(&mutex);
    seen.connections += code == MHD_CONNECTION_NOTIFY_STARTED;
    pthread_mutex_unlock(&mutex);
}

bool
web_start(bool tls)
{
    if (tls && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return false;
    if (tls)
        make_certificate();
    web_say(&(struct web_answer){.status = 200});
    struct sockaddr_in addr = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    unsigned flags =
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION;
    server = MHD_start_daemon(
        flags | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL, handle, NULL,
        MHD_OPTION_SOCK_ADDR, &addr, MHD_OPTION_NOTIFY_CONNECTION, connected,
        NULL, tls ? MHD_OPTION_HTTPS_MEM_KEY : MHD_OPTION_END, key_pem,
        MHD_OPTION_HTTPS_MEM_CERT, cert_pem, MHD_OPTION_END);
    ck_assert_ptr_nonnull(server);
    port = MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port;
    return true;
}

void
web_stop(void)
{
    web_say(&(struct web_answer){.status = 200});
    MHD_stop_daemon(server);
    pthread_mutex_lock(&mutex);
    free(seen.body);
    seen = (struct web_seen){0};
    pthread_mutex_unlock(&mutex);
    free(told.body);
    told = (struct web_seen){0};
    free(cert_pem);
    free(key_pem);
    if (cert_pem != NULL)
        (void)unlink(ca_file);
    cert_pem = key_pem = NULL;
}

static void
text_set(const char **to, const char *from)
{
    free((char *)(uintptr_t)*to);
    *to = from == NULL ? NULL : strdup(from);
}

void
web_say(const struct web_answer *a)
{
    pthread_mutex_lock(&mutex);
    text_set(&answer.retry_after, a->retry_after);
    text_set(&answer.location, a->location);
    text_set(&answer.body, a->body);
    answer.status = a->status;
    answer.body_size = a->body_size;
    answer.hangs = a->hangs;
    generation++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

const struct web_seen *
web_seen(void)
{
    free(told.body);
    pthread_mutex_lock(&mutex);
    told = seen;
    if (seen.body != NULL) {
        told.body = malloc(seen.body_size + 1);
        memcpy(told.body, seen.body, seen.body_size);
        told.body[seen.body_size] = '\0';
    }
    pthread_mutex_unlock(&mutex);
    return &told;
}

unsigned
web_port(void)
{
    return port;
}

const char *
web_ca(void)
{
    return ca_file;
}
