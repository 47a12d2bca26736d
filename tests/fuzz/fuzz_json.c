/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json.c - <tocsin/json.h> against jansson, against itself without SIMD,
 * and inner documents walked in place against the same unescaped first. */
#include "config.h"

#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <tocsin/json.h>

#include "tests/fuzz/fuzz_json.h"
#include "tests/lib/json_dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                            \
    do {                                                                       \
        if (!(cond)) {                                                         \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);         \
            abort();                                                           \
        }                                                                      \
    } while (0)

/* ------------------------------------------------------------ in strings */

/* Where the string at r walks in place as a document, unescaping it first must
 * give the same; a string that is complete never wants more. */
static void
check_inner(const struct tocsin_json *outer)
{
    struct tocsin_json string = *outer, before = *outer, inner;
    struct tocsin_json_text v;
    char *in_place = NULL, *unescaped = NULL;
    if (tocsin_json_read(&string, &v) < 0)
        return;
    int result = tocsin_json_enter_text(&before, &inner);
    if (result >= 0)
        result = json_dump_text(&inner, &in_place);
    if (result >= 0)
        result = tocsin_json_leave_text(&before, &inner);
    CHECK(result != TOCSIN_JSON_MORE);
    if (result >= 0) {
        struct tocsin_json r;
        char *copy = malloc(v.n + 1);
        CHECK(copy != NULL && before.p == string.p);
        const size_t n = tocsin_json_unescape_all(copy, &v, outer->level);
        CHECK(n != TOCSIN_JSON_NO_SIZE);
        tocsin_json_init(&r, copy, n);
        CHECK(json_dump_text(&r, &unescaped) >= 0);
        CHECK(tocsin_json_finish(&r) >= 0);
        CHECK(strcmp(in_place, unescaped) == 0);
        free(copy);
    }
    free(in_place);
    free(unescaped);
}

/* Every string of a value, those in inner documents too. */
static int
check_strings(struct tocsin_json *r)
{
    struct tocsin_json_text name;
    const int type = tocsin_json_peek(r);
    if (type == TOCSIN_JSON_STRING) {
        struct tocsin_json inner;
        check_inner(r);
        if (tocsin_json_enter_text(r, &inner) >= 0)
            (void)check_strings(&inner);
    }
    if (type != '{' && type != '[')
        return type < 0 ? type : tocsin_json_skip(r);
    int more = tocsin_json_enter(r, (char)type);
    while (more >= 0 && (more = type == '{' ? tocsin_json_next_key(r, &name)
                                            : tocsin_json_next_element(r)) > 0)
        more = check_strings(r);
    return more;
}

/* --------------------------------------------------------------- jansson */

static int compare(struct tocsin_json *r, json_t *want);

static void
compare_string(const struct tocsin_json *r, const struct tocsin_json_text *v,
               const char *want, size_t want_n)
{
    char *copy = malloc(v->n + 1);
    CHECK(copy != NULL);
    const size_t n = tocsin_json_unescape_all(copy, v, r->level);
    CHECK(n == want_n && memcmp(copy, want, n) == 0);
    free(copy);
}

static void
compare_number(const struct tocsin_json_text *v, json_t *want)
{
    int64_t i;
    double d;
    if (json_is_integer(want)) {
        CHECK(tocsin_json_int64(v->p, v->n, &i) == 0);
        CHECK(i == json_integer_value(want));
    } else {
        CHECK(json_is_real(want));
        CHECK(tocsin_json_int64(v->p, v->n, &i) < 0);
        CHECK(tocsin_json_double(v->p, v->n, &d) == 0);
        const double w = json_real_value(want);
        CHECK(memcmp(&d, &w, sizeof d) == 0);
    }
}

static int
compare_container(struct tocsin_json *r, char type, json_t *want)
{
    size_t n = 0;
    struct tocsin_json_text name;
    int more = tocsin_json_enter(r, type);
    while (more >= 0) {
        json_t *member;
        more = type == '{' ? tocsin_json_next_key(r, &name)
                           : tocsin_json_next_element(r);
        if (more <= 0)
            break;
        if (type == '{') {
            char *key = malloc(name.n + 1);
            CHECK(key != NULL);
            const size_t key_n = tocsin_json_unescape_all(key, &name, r->level);
            member = json_object_getn(want, key, key_n);
            free(key);
        } else {
            member = json_array_get(want, n);
        }
        CHECK(member != NULL);
        n++;
        more = compare(r, member);
    }
    CHECK(n == (type == '{' ? json_object_size(want) : json_array_size(want)));
    return more;
}

static int
compare(struct tocsin_json *r, json_t *want)
{
    struct tocsin_json_text v;
    const int type = tocsin_json_peek(r);
    CHECK(type >= 0);
    if (type == '{' || type == '[') {
        CHECK(type == '{' ? json_is_object(want) : json_is_array(want));
        return compare_container(r, (char)type, want);
    }
    CHECK(tocsin_json_read(r, &v) >= 0);
    if (type == TOCSIN_JSON_STRING)
        compare_string(r, &v, json_string_value(want),
                       json_string_length(want));
    else if (type == TOCSIN_JSON_NUMBER)
        compare_number(&v, want);
    else
        CHECK(type == TOCSIN_JSON_NULL   ? json_is_null(want)
              : type == TOCSIN_JSON_TRUE ? json_is_true(want)
                                         : json_is_false(want));
    return 0;
}

/* Both take the text, or neither does, but for what jansson is known to refuse
 * and what we do: numbers that fit no type of its, NUL in keys; depth. */
static void
check_jansson(const char *p, size_t n, int result, const char *reason)
{
    json_error_t error;
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    if (memchr(p, '\0', n) != NULL) { /* jansson may take it for the end */
        CHECK(result < 0);
        return;
    }
    json_t *want = json_loadb(p, n, flags, &error);
    if (want == NULL) {
        const enum json_error_code code = json_error_code(&error);
        if (code != json_error_numeric_overflow &&
            code != json_error_null_byte_in_key &&
            code != json_error_null_character)
            CHECK(result < 0);
        return;
    }
    if (result < 0)
        CHECK(reason != NULL && strcmp(reason, "too deep") == 0);
    json_decref(want);
    /* Of a repeated key jansson keeps the last. */
    want = json_loadb(p, n, flags | JSON_REJECT_DUPLICATES, &error);
    if (want != NULL && result >= 0) {
        struct tocsin_json r;
        tocsin_json_init(&r, p, n);
        CHECK(compare(&r, want) >= 0);
    }
    json_decref(want);
}

/* --------------------------------------------------------------- numbers */

/* What jansson finds too large, strtod() reads. */
static void
check_doubles(const char *p, size_t n)
{
    struct tocsin_json r;
    struct tocsin_json_text v;
    tocsin_json_init(&r, p, n);
    if (tocsin_json_read(&r, &v) < 0 || v.type != TOCSIN_JSON_NUMBER)
        return;
    char *text = strndup(v.p, v.n);
    CHECK(text != NULL);
    double got = 0;
    const double want = strtod(text, NULL);
    const int result = tocsin_json_double(v.p, v.n, &got);
    if (isfinite(want))
        CHECK(result == 0 && memcmp(&got, &want, sizeof got) == 0);
    else
        CHECK(result < 0);
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data;
    struct tocsin_json r;
    char *dumped = NULL, *portable = NULL;

    tocsin_json_init(&r, p, size);
    int result = json_dump_text(&r, &dumped);
    if (result >= 0)
        result = tocsin_json_finish(&r);
    CHECK(r.p >= r.begin && r.p <= r.end);
    CHECK(result >= 0 || r.error != NULL);

    struct tocsin_json skip;
    tocsin_json_init(&skip, p, size);
    int skipped = tocsin_json_skip(&skip);
    if (skipped >= 0)
        skipped = tocsin_json_finish(&skip);
    CHECK(skipped == result && skip.p == r.p);

    size_t at;
    CHECK(fuzz_json_portable(p, size, &portable, &at) == result);
    CHECK(at == (size_t)(r.p - r.begin));
    CHECK(strcmp(dumped, portable) == 0);
    free(dumped);
    free(portable);

    tocsin_json_init(&r, p, size);
    (void)check_strings(&r);
    check_jansson(p, size, result, skip.error);
    check_doubles(p, size);
    return 0;
}
