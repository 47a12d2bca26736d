/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_text.c - Prometheus' functions of texts. */
#include "config.h"

#include "core/base/regex.h"
#include "core/base/str.h"
#include "core/lang/tmpl.h"

#define MATCHES_MAX 10000 /* of one regular expression in one text */

/* --- text ---------------------------------------------------------------- */

/* Ranges of small letters with their capitals below them.  What is beyond
 * Latin, Greek and Cyrillic stays as it is. */
static const struct {
    uint32_t first, last, distance;
} small_letters[] = {
    {'a', 'z', 32},     {0xe0, 0xf6, 32},   {0xf8, 0xfe, 32},
    {0x3b1, 0x3c1, 32}, {0x3c3, 0x3c9, 32}, {0x430, 0x44f, 32},
    {0x450, 0x45f, 80},
};

static uint32_t
letter_case(uint32_t cp, bool upper)
{
    for (size_t i = 0; i < ARRAY_SIZE(small_letters); i++) {
        uint32_t d = small_letters[i].distance;
        uint32_t at = upper ? cp : cp + d;
        if (at >= small_letters[i].first && at <= small_letters[i].last)
            return upper ? cp - d : cp + d;
    }
    /* Here capitals and small letters take turns, the capital even. */
    bool pairs = (cp >= 0x100 && cp <= 0x12f) || (cp >= 0x14a && cp <= 0x177);
    return pairs ? (upper ? cp & ~1u : cp | 1u) : cp;
}

static bool
change_case(struct texec *x, struct slice s, bool upper, struct tval *ret_v)
{
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        char text[4] = "";
        int n = utf8_decode(slice_skip(s, i), &cp);
        size_t used =
            utf8_encode(n > 0 ? letter_case(cp, upper) : 0xfffd, text);
        (void)buf_append(&b, text, used);
        i += n > 0 ? (size_t)n : 1;
    }
    return texec_string(x, &b, ret_v);
}

bool
tmpl_to_upper(struct texec *x, const struct tval *args, size_t n,
              struct tval *ret_v)
{
    (void)n;
    return change_case(x, args[0].s, true, ret_v);
}

bool
tmpl_to_lower(struct texec *x, const struct tval *args, size_t n,
              struct tval *ret_v)
{
    (void)n;
    return change_case(x, args[0].s, false, ret_v);
}

/* The first letter of each word; "don't" is one word, "a-b" are two. */
bool
tmpl_title(struct texec *x, const struct tval *args, size_t n,
           struct tval *ret_v)
{
    (void)n;
    const struct slice s = args[0].s;
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    bool in_word = false;
    for (size_t i = 0; i < s.n;) {
        uint32_t cp = 0xfffd;
        char text[4] = "";
        int len = utf8_decode(slice_skip(s, i), &cp);
        bool letter =
            (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z') || cp >= 0x80;
        bool joins =
            (cp >= '0' && cp <= '9') || cp == '\'' || cp == '.' || cp == ':';
        if (letter && !in_word)
            cp = letter_case(cp, true);
        in_word = letter || cp == '_' || (in_word && joins);
        size_t used = utf8_encode(cp, text);
        (void)buf_append(&b, text, used);
        i += len > 0 ? (size_t)len : 1;
    }
    return texec_string(x, &b, ret_v);
}

static bool
call_safe_html(struct texec *x, const struct tval *args, size_t n,
               struct tval *ret_v)
{
    (void)x;
    (void)n;
    *ret_v = args[0];
    return true;
}

/* --- regular expressions ------------------------------------------------- */

static struct regex *
compile(struct texec *x, struct slice pattern)
{
    struct regex *re = NULL;
    struct err err = ERR_INIT;
    if (regex_new(pattern, REGEX_SEARCH, &re, &err) < 0) {
        (void)texec_fail(x, "error parsing regexp: %s",
                         err.message[0] != '\0' ? err.message
                                                : "out of memory");
        return NULL;
    }
    return re;
}

static bool
call_match(struct texec *x, const struct tval *args, size_t n,
           struct tval *ret_v)
{
    (void)n;
    AUTO(regex) *re = compile(x, args[0].s);
    if (re == NULL)
        return false;
    enum match m = regex_match(re, args[1].s);
    if (m == UNKNOWN)
        return texec_fail(x, "regular expression takes too many steps");
    *ret_v = tval_bool(m == MATCH);
    return true;
}

static struct slice
group_named(const struct regex *re, const struct slice *groups, size_t n,
            struct slice name)
{
    uint64_t number;
    if (str_parse_u64(name, &number) == 0)
        return number < n ? groups[number] : (struct slice){NULL, 0};
    for (size_t i = 1; i < n; i++) {
        const char *group = regex_group_name(re, i);
        if (group != NULL && slice_eq_str(name, group))
            return groups[i];
    }
    return (struct slice){NULL, 0};
}

/* "$1", "${name}", "$$", as Go's Expand; "$1x" is the group "1x". */
static void
expand(struct buf *b, const struct regex *re, struct slice template,
       const struct slice *groups, size_t n)
{
    for (size_t i = 0; i < template.n;) {
        if (template.p[i] != '$') {
            (void)buf_putc(b, template.p[i++]);
            continue;
        }
        i++;
        if (i < template.n && template.p[i] == '$') {
            (void)buf_putc(b, template.p[i++]);
            continue;
        }
        bool brace = i < template.n && template.p[i] == '{';
        size_t start = i + brace, end = start;
        while (end < template.n &&
               (template.p[end] == '_' ||
                (template.p[end] >= '0' && template.p[end] <= '9') ||
                (str_lower(template.p[end]) >= 'a' &&
                 str_lower(template.p[end]) <= 'z')))
            end++;
        bool closed = end < template.n && template.p[end] == '}';
        if (end == start || (brace && !closed)) {
            (void)buf_putc(b, '$'); /* malformed: as it stands */
            continue;
        }
        struct slice name = slice_new(template.p + start, end - start);
        (void)buf_append_slice(b, group_named(re, groups, n, name));
        i = end + brace;
    }
}

/* Behind an empty match the next character is copied; its bytes, or 1. */
static size_t
character_at(struct slice s, size_t pos)
{
    uint32_t cp;
    int len = utf8_decode(slice_skip(s, pos), &cp);
    return len > 0 ? (size_t)len : 1;
}

bool
tmpl_replace_all(struct texec *x, struct slice pattern, struct slice s,
                 const struct slice *repl, bool literal, struct buf *b,
                 int64_t *ret_count)
{
    AUTO(regex) *re = compile(x, pattern);
    if (re == NULL)
        return false;
    struct slice groups[REGEX_GROUPS_MAX + 1];
    const size_t count = regex_group_count(re) + 1;
    size_t pos = 0, last_end = SIZE_MAX;
    int64_t found = 0;
    if (s.p == NULL)
        s = SLICE("");
    for (int i = 0; pos <= s.n; i++) {
        if (i == MATCHES_MAX)
            return texec_fail(x, "more than %d matches", MATCHES_MAX);
        enum match m = regex_captures_from(re, s, pos, count, groups);
        if (m == UNKNOWN)
            return texec_fail(x, "regular expression takes too many steps");
        if (m == NO_MATCH)
            break;
        size_t start = (size_t)(groups[0].p - s.p), end = start + groups[0].n;
        (void)buf_append(b, s.p + pos, start - pos);
        /* No empty match right behind a match. */
        if (end > start || start != last_end) {
            found++;
            if (literal)
                (void)buf_append_slice(b, *repl);
            else if (repl != NULL)
                expand(b, re, *repl, groups, count);
        }
        last_end = end;
        pos = end;
        if (groups[0].n == 0) {
            size_t step = character_at(s, pos);
            if (pos < s.n)
                (void)buf_append(b, s.p + pos, step);
            pos += step;
        }
    }
    if (pos < s.n)
        (void)buf_append(b, s.p + pos, s.n - pos);
    *ret_count = found;
    return true;
}

static bool
call_re_replace_all(struct texec *x, const struct tval *args, size_t n,
                    struct tval *ret_v)
{
    (void)n;
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    int64_t found;
    return tmpl_replace_all(x, args[0].s, args[2].s, &args[1].s, false, &b,
                            &found) &&
           texec_string(x, &b, ret_v);
}

const struct tmpl_func tmpl_texts[] = {
    {"match", "ss", call_match},
    {"reReplaceAll", "sss", call_re_replace_all},
    {"safeHtml", "s", call_safe_html},
    {"title", "s", tmpl_title},
    {"toLower", "s", tmpl_to_lower},
    {"toUpper", "s", tmpl_to_upper},
};
const size_t tmpl_text_count = ARRAY_SIZE(tmpl_texts);
