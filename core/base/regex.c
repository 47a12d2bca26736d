/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <pthread.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/base/check.h"
#include "core/base/regex_priv.h"
#include "core/base/str.h"

#define REGEX_MAGIC 0x9d41c7e5u
#define REGEX_BYTES_MAX ((size_t)1 << 20)
#define SUBJECT_BYTES_MAX ((size_t)64 << 20) /* of one that is mended */
#define SCRATCH_KEPT_BYTES ((size_t)64 << 10)
#define JIT_STACK_MIN ((size_t)32 << 10)
#define JIT_STACK_MAX ((size_t)512 << 10)

struct regex {
    uint32_t magic;
    enum regex_mode mode;
    struct slice pattern;
    struct regex_plan plan;
    pcre2_code *code; /* NULL if the plan does without */
    size_t groups;
    const char **names; /* of groups 1 … */
    struct arena arena; /* all of the above but the code */
};

/* --- what belongs to a thread --------------------------------------------- */

struct regex_thread {
    pcre2_general_context *general;
    pcre2_match_context *context;
    pcre2_match_data *data;
    pcre2_jit_stack *stack;
    struct buf scratch; /* a subject with its invalid bytes replaced */
};

static pthread_once_t thread_once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;
static bool thread_key_valid;

static void *
pcre_alloc(size_t n, void *ctx)
{
    return mem_alloc(n);
}

static void
pcre_release(void *p, void *ctx)
{
    mem_free(p);
}

static void
regex_thread_free(struct regex_thread *t)
{
    if (t == NULL)
        return;
    pcre2_jit_stack_free(t->stack);
    pcre2_match_data_free(t->data);
    pcre2_match_context_free(t->context);
    pcre2_general_context_free(t->general);
    buf_fini(&t->scratch);
    mem_free(t);
}
DEFINE_AUTO(regex_thread, regex_thread_free)

static void
thread_exits(void *p)
{
    regex_thread_free((struct regex_thread *)p);
}

static void
thread_key_make(void)
{
    thread_key_valid = pthread_key_create(&thread_key, thread_exits) == 0;
}

static struct regex_thread *
regex_thread_new(void)
{
    AUTO(regex_thread) *t = mem_new(struct regex_thread);
    if (t == NULL)
        return NULL;
    buf_init(&t->scratch, SUBJECT_BYTES_MAX);
    t->general = pcre2_general_context_create(pcre_alloc, pcre_release, NULL);
    if (t->general == NULL)
        return NULL;
    t->context = pcre2_match_context_create(t->general);
    t->data = pcre2_match_data_create(REGEX_GROUPS_MAX + 1, t->general);
    t->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, t->general);
    if (t->context == NULL || t->data == NULL || t->stack == NULL)
        return NULL;
    (void)pcre2_set_match_limit(t->context, REGEX_MATCH_LIMIT);
    (void)pcre2_set_depth_limit(t->context, REGEX_MATCH_LIMIT);
    (void)pcre2_set_heap_limit(t->context, REGEX_HEAP_LIMIT_KIB);
    pcre2_jit_stack_assign(t->context, NULL, t->stack);
    return TAKE(t);
}

/* The calling thread's, made at first use; NULL for want of memory. */
static struct regex_thread *
regex_thread_get(void)
{
    if (pthread_once(&thread_once, thread_key_make) != 0 || !thread_key_valid)
        return NULL;
    struct regex_thread *t =
        (struct regex_thread *)pthread_getspecific(thread_key);
    if (t != NULL)
        return t;
    t = regex_thread_new();
    if (t != NULL && pthread_setspecific(thread_key, t) != 0) {
        regex_thread_free(t);
        t = NULL;
    }
    return t;
}

/* --- compiling ------------------------------------------------------------ */

void
regex_free(struct regex *re)
{
    if (re == NULL)
        return;
    CHECK_OBJ(re, REGEX_MAGIC);
    re->magic = 0;
    pcre2_code_free(re->code);
    arena_fini(&re->arena);
    mem_free(re);
}

static int
pcre_failed(const struct regex *re, const struct regex_pcre *text, int code,
            size_t offset, struct err *err)
{
    if (code == PCRE2_ERROR_HEAP_FAILED)
        return err_set(err, -ENOMEM, "out of memory");
    char message[128];
    (void)pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message);
    size_t at = re->pattern.n;
    if ((offset + 1) * sizeof(uint16_t) <= text->origin.n) {
        uint16_t origin;
        memcpy(&origin, text->origin.p + offset * sizeof origin, sizeof origin);
        at = origin;
    }
    return err_set_at(err, -EINVAL, NULL, 0, err_column(re->pattern, at), "%s",
                      message);
}

static int
pcre_compile_with(struct regex *re, const struct regex_pcre *text,
                  pcre2_general_context *general, struct err *err)
{
    pcre2_compile_context *context = pcre2_compile_context_create(general);
    if (context == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    (void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    uint32_t options = PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOLLAR_ENDONLY |
                       PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C;
    if (re->mode == REGEX_FULL)
        options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOTALL;
    int code;
    PCRE2_SIZE offset;
    re->code =
        pcre2_compile((PCRE2_SPTR)(text->text.p == NULL ? "" : text->text.p),
                      text->text.n, options, &code, &offset, context);
    pcre2_compile_context_free(context);
    if (re->code == NULL)
        return pcre_failed(re, text, code, offset, err);
    /* Without JIT (no executable memory) matching is slower, not different. */
    (void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
    return 0;
}

static int
pcre_compile(struct regex *re, const struct regex_pcre *text, struct err *err)
{
    pcre2_general_context *general =
        pcre2_general_context_create(pcre_alloc, pcre_release, NULL);
    if (general == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    int r = pcre_compile_with(re, text, general, err);
    pcre2_general_context_free(general);
    return r;
}

/* An entry of PCRE2's table: the group's number in two bytes, its name. */
static int
read_names(struct regex *re)
{
    uint32_t count = 0, size = 0;
    PCRE2_SPTR table = NULL;
    re->names = arena_new_array(&re->arena, const char *, re->groups + 1);
    if (re->names == NULL)
        return -ENOMEM;
    if (re->code == NULL)
        return 0;
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_NAMECOUNT, &count);
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < count; i++, table += size) {
        size_t group = (size_t)table[0] << 8 | table[1];
        if (group == 0 || group > re->groups)
            continue;
        re->names[group] = arena_strdup(&re->arena, (const char *)table + 2);
        if (re->names[group] == NULL)
            return -ENOMEM;
    }
    return 0;
}

static int
regex_compile(struct regex *re, struct slice pattern, struct regex_pcre *text,
              struct err *err)
{
    int r = regex_translate(pattern, text, err);
    if (r < 0)
        return r;
    r = arena_slice_dup(&re->arena, pattern, &re->pattern);
    if (r == 0)
        r = regex_plan(re->pattern, re->mode, &re->arena, &re->plan);
    if (r < 0)
        return r;
    re->groups = text->groups;
    /* A search says where it matched; only PCRE2 knows that. */
    bool needed = re->plan.n == 0 || re->groups > 0 || re->mode == REGEX_SEARCH;
    if (needed) {
        r = pcre_compile(re, text, err);
        if (r < 0)
            return r;
    }
    return read_names(re);
}

int
regex_new(struct slice pattern, enum regex_mode mode, struct regex **ret_re,
          struct err *err)
{
    AUTO(regex) *re = mem_new(struct regex);
    if (re == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    re->magic = REGEX_MAGIC;
    re->mode = mode;
    arena_init(&re->arena, 256, REGEX_BYTES_MAX);

    struct regex_pcre text = {
        .text = BUF_INIT(REGEX_BYTES_MAX),
        .origin = BUF_INIT(REGEX_BYTES_MAX),
    };
    int r = regex_compile(re, pattern, &text, err);
    buf_fini(&text.text);
    buf_fini(&text.origin);
    if (r == -ENOMEM)
        return err_set(err, r, "out of memory");
    if (r < 0)
        return r;
    *ret_re = TAKE(re);
    return 0;
}

/* --- matching ------------------------------------------------------------- */

/* Bytes of the first character of the subject, and of what stands for it in
 * the mended one. */
static size_t
mended_char(struct slice s, size_t *ret_mended)
{
    uint32_t cp;
    int n = utf8_decode(s, &cp);
    *ret_mended = n < 0 ? 3 : (size_t)n;
    return n < 0 ? 1 : (size_t)n;
}

static int
mend_utf8(struct buf *b, struct slice s)
{
    buf_reset(b);
    while (s.n > 0) {
        size_t mended, n = mended_char(s, &mended);
        if (n == mended)
            (void)buf_append(b, s.p, n);
        else
            (void)buf_append(b, "\xef\xbf\xbd", 3); /* U+FFFD */
        s = slice_skip(s, n);
    }
    return buf_error(b);
}

/* The offset in 's' for one in its mended form. */
static size_t
unmended_offset(struct slice s, size_t offset)
{
    size_t at = 0;
    for (size_t passed = 0; passed < offset && at < s.n;) {
        size_t mended;
        at += mended_char(slice_skip(s, at), &mended);
        passed += mended;
    }
    return at;
}

/* The offset in the mended form of 's' for one in 's'. */
static size_t
mended_offset(struct slice s, size_t offset)
{
    size_t passed = 0;
    for (size_t at = 0; at < offset && at < s.n;) {
        size_t mended;
        at += mended_char(slice_skip(s, at), &mended);
        passed += mended;
    }
    return passed;
}

static enum match
pcre_run(const struct regex *re, struct regex_thread *t, struct slice s,
         size_t from)
{
    int r = pcre2_match(re->code, (PCRE2_SPTR)(s.p == NULL ? "" : s.p), s.n,
                        from, PCRE2_NO_UTF_CHECK, t->data, t->context);
    if (r >= 0)
        return MATCH;
    return r == PCRE2_ERROR_NOMATCH ? NO_MATCH : UNKNOWN;
}

static void
read_groups(const struct regex *re, struct regex_thread *t, struct slice s,
            bool mended, size_t n, struct slice *ret_groups)
{
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(t->data);
    for (size_t i = 0; i < n; i++) {
        ret_groups[i] = (struct slice){NULL, 0};
        if (i > re->groups || offsets[2 * i] == PCRE2_UNSET)
            continue;
        size_t start = offsets[2 * i], end = offsets[2 * i + 1];
        if (mended) {
            start = unmended_offset(s, start);
            end = unmended_offset(s, end);
        }
        ret_groups[i] = slice_new(s.p == NULL ? "" : s.p + start, end - start);
    }
}

static enum match
pcre_match(const struct regex *re, struct slice s, size_t from, size_t n,
           struct slice *ret_groups)
{
    struct regex_thread *t = regex_thread_get();
    if (t == NULL)
        return UNKNOWN;
    bool mended = !utf8_valid(s);
    if (mended && mend_utf8(&t->scratch, s) < 0)
        return UNKNOWN;
    if (mended)
        from = mended_offset(s, from);
    enum match m = pcre_run(re, t, mended ? buf_slice(&t->scratch) : s, from);
    if (m == MATCH && n > 0)
        read_groups(re, t, s, mended, n, ret_groups);
    if (t->scratch.cap > SCRATCH_KEPT_BYTES)
        buf_fini(&t->scratch);
    return m;
}

enum match
regex_match(const struct regex *re, struct slice s)
{
    if (re->plan.n > 0)
        return regex_plan_match(&re->plan, s) ? MATCH : NO_MATCH;
    if (!slice_starts_with(s, re->plan.prefix))
        return NO_MATCH;
    return pcre_match(re, s, 0, 0, NULL);
}

enum match
regex_captures_from(const struct regex *re, struct slice s, size_t from,
                    size_t n, struct slice *ret_groups)
{
    if (re->code != NULL)
        return pcre_match(re, s, from, n, ret_groups);
    /* Without PCRE2: a full match without groups. */
    if (from > 0 || !regex_plan_match(&re->plan, s))
        return NO_MATCH;
    for (size_t i = 0; i < n; i++)
        ret_groups[i] = (struct slice){NULL, 0};
    if (n > 0)
        ret_groups[0] = s.p == NULL ? SLICE("") : s;
    return MATCH;
}

enum match
regex_captures(const struct regex *re, struct slice s, size_t n,
               struct slice *ret_groups)
{
    return regex_captures_from(re, s, 0, n, ret_groups);
}

size_t
regex_group_count(const struct regex *re)
{
    return re->groups;
}

const char *
regex_group_name(const struct regex *re, size_t group)
{
    return group <= re->groups ? re->names[group] : NULL;
}

bool
regex_literals(const struct regex *re, const struct slice **ret_texts,
               size_t *ret_n)
{
    if (re->plan.texts == NULL)
        return false;
    *ret_texts = re->plan.texts;
    *ret_n = re->plan.n_texts;
    return true;
}

struct slice
regex_prefix(const struct regex *re)
{
    return re->plan.prefix;
}

struct slice
regex_pattern(const struct regex *re)
{
    return re->pattern;
}

void
regex_quote(struct buf *b, struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c != '\0' && strchr("\\.+*?()|[]{}^$", c) != NULL)
            (void)buf_putc(b, '\\');
        (void)buf_putc(b, c);
    }
}
