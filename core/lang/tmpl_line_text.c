/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_line_text.c - functions of texts that Loki gives to line_format and
 * label_format: its own, and sprig's. */
#include "config.h"

#include "core/base/str.h"
#include "core/lang/lexer.h"
#include "core/lang/tmpl.h"

/* What is common to most: a text comes of two texts or of one and a number. */
#define FUNCTION(name)                                                         \
    static bool call_##name(struct texec *x, const struct tval *args,          \
                            size_t n, struct tval *ret_v)

/* --- parts --------------------------------------------------------------- */

static bool
in_set(struct slice set, const char *p, size_t n)
{
    return set.n > 0 && memmem(set.p, set.n, p, n) != NULL;
}

static size_t
char_length(struct slice s)
{
    uint32_t cp;
    int n = utf8_decode(s, &cp);
    return n > 0 ? (size_t)n : 1;
}

/* Cuts what consists of the characters of 'set' off the ends. */
static struct slice
cut(struct slice s, struct slice set, bool left, bool right)
{
    while (left && s.n > 0) {
        size_t n = char_length(s);
        if (!in_set(set, s.p, n))
            break;
        s = slice_skip(s, n);
    }
    while (right && s.n > 0) {
        size_t n = 1;
        while (n < s.n && n < 4 && ((unsigned char)s.p[s.n - n] & 0xc0) == 0x80)
            n++;
        if (!in_set(set, s.p + s.n - n, n))
            break;
        s.n -= n;
    }
    return s;
}

#define SPACES SLICE(" \t\n\v\f\r")

FUNCTION(trim_go)
{
    *ret_v = tval_string(cut(args[0].s, args[1].s, true, true));
    return true;
}

FUNCTION(trim_left)
{
    *ret_v = tval_string(cut(args[0].s, args[1].s, true, false));
    return true;
}

FUNCTION(trim_right)
{
    *ret_v = tval_string(cut(args[0].s, args[1].s, false, true));
    return true;
}

FUNCTION(trim_all)
{
    *ret_v = tval_string(cut(args[1].s, args[0].s, true, true));
    return true;
}

FUNCTION(trim)
{
    *ret_v = tval_string(cut(args[0].s, SPACES, true, true));
    return true;
}

static bool
without_prefix(struct slice s, struct slice prefix, struct tval *ret_v)
{
    *ret_v =
        tval_string(slice_starts_with(s, prefix) ? slice_skip(s, prefix.n) : s);
    return true;
}

static bool
without_suffix(struct slice s, struct slice suffix, struct tval *ret_v)
{
    if (slice_ends_with(s, suffix))
        s.n -= suffix.n;
    *ret_v = tval_string(s);
    return true;
}

/* Go's take the text first, sprig's last. */
FUNCTION(trim_prefix_go)
{
    return without_prefix(args[0].s, args[1].s, ret_v);
}

FUNCTION(trim_suffix_go)
{
    return without_suffix(args[0].s, args[1].s, ret_v);
}

FUNCTION(trim_prefix)
{
    return without_prefix(args[1].s, args[0].s, ret_v);
}

FUNCTION(trim_suffix)
{
    return without_suffix(args[1].s, args[0].s, ret_v);
}

static bool
to_int(struct texec *x, const struct tval *v, int64_t *ret)
{
    if (v->kind == TV_INT) {
        *ret = v->i;
        return true;
    }
    return texec_fail(x, "wrong type for value; expected int; got %s",
                      tval_type_name(v));
}

FUNCTION(trunc)
{
    int64_t c = 0;
    struct slice s = args[1].s;
    if (!to_int(x, &args[0], &c))
        return false;
    if (c < 0 && c + (int64_t)s.n > 0)
        s = slice_skip(s, (size_t)(c + (int64_t)s.n));
    else if (c >= 0 && (int64_t)s.n > c)
        s.n = (size_t)c;
    *ret_v = tval_string(s);
    return true;
}

FUNCTION(substr)
{
    int64_t start = 0, end = 0;
    struct slice s = args[2].s;
    if (!to_int(x, &args[0], &start) || !to_int(x, &args[1], &end))
        return false;
    int64_t size = (int64_t)s.n;
    end = end < 0 || end > size ? size : end;
    start = start < 0 ? 0 : MIN(start, size);
    *ret_v = tval_string(start >= end
                             ? SLICE("")
                             : slice_new(s.p + start, (size_t)(end - start)));
    return true;
}

/* --- questions ----------------------------------------------------------- */

FUNCTION(contains)
{
    struct slice part = args[0].s, s = args[1].s;
    *ret_v = tval_bool(part.n == 0 || in_set(s, part.p, part.n));
    return true;
}

FUNCTION(has_prefix)
{
    *ret_v = tval_bool(slice_starts_with(args[1].s, args[0].s));
    return true;
}

FUNCTION(has_suffix)
{
    *ret_v = tval_bool(slice_ends_with(args[1].s, args[0].s));
    return true;
}

FUNCTION(default)
{
    *ret_v = tval_truth(&args[1]) ? args[1] : args[0];
    return true;
}

/* --- other texts --------------------------------------------------------- */

static bool
replace(struct texec *x, struct slice s, struct slice from, struct slice to,
        int64_t times, struct tval *ret_v)
{
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    while (times != 0 && from.n > 0 && s.n >= from.n) {
        const char *at = memmem(s.p, s.n, from.p, from.n);
        if (at == NULL)
            break;
        (void)buf_append(&b, s.p, (size_t)(at - s.p));
        (void)buf_append_slice(&b, to);
        s = slice_skip(s, (size_t)(at - s.p) + from.n);
        times -= times > 0;
    }
    while (times != 0 && from.n == 0) { /* between all characters */
        (void)buf_append_slice(&b, to);
        times -= times > 0;
        if (s.n == 0 || buf_error(&b) < 0)
            break;
        size_t n = char_length(s);
        (void)buf_append(&b, s.p, n);
        s = slice_skip(s, n);
    }
    (void)buf_append_slice(&b, s);
    return texec_string(x, &b, ret_v);
}

FUNCTION(replace_go)
{
    int64_t times = 0;
    return to_int(x, &args[3], &times) &&
           replace(x, args[0].s, args[1].s, args[2].s, times, ret_v);
}

FUNCTION(replace)
{
    return replace(x, args[2].s, args[0].s, args[1].s, -1, ret_v);
}

FUNCTION(repeat)
{
    int64_t times = 0;
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    if (!to_int(x, &args[0], &times))
        return false;
    for (; times > 0 && args[1].s.n > 0 && buf_error(&b) == 0; times--)
        (void)buf_append_slice(&b, args[1].s);
    return texec_string(x, &b, ret_v);
}

static bool
indent(struct texec *x, const struct tval *args, bool newline,
       struct tval *ret_v)
{
    int64_t pad = 0;
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    if (!to_int(x, &args[0], &pad))
        return false;
    if (newline)
        (void)buf_putc(&b, '\n');
    struct slice s = args[1].s;
    for (size_t i = 0; i <= s.n && buf_error(&b) == 0; i++) {
        bool start = i == 0 || s.p[i - 1] == '\n';
        for (int64_t k = 0; start && k < pad && buf_error(&b) == 0; k++)
            (void)buf_putc(&b, ' ');
        if (i < s.n)
            (void)buf_putc(&b, s.p[i]);
    }
    return texec_string(x, &b, ret_v);
}

FUNCTION(indent)
{
    return indent(x, args, false, ret_v);
}

FUNCTION(nindent)
{
    return indent(x, args, true, ret_v);
}

/* Cuts at, or fills with blanks up to, a number of characters. */
static bool
align(struct texec *x, const struct tval *args, bool right, struct tval *ret_v)
{
    int64_t width = 0, have = 0;
    struct slice s = args[1].s;
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    if (!to_int(x, &args[0], &width))
        return false;
    for (size_t i = 0; i < s.n; have++)
        i += char_length(slice_skip(s, i));
    for (; have > width && width >= 0; have--) {
        if (right)
            s = slice_skip(s, char_length(s));
        else
            do
                s.n--;
            while (((unsigned char)s.p[s.n] & 0xc0) == 0x80 && s.n > 0);
    }
    if (!right)
        (void)buf_append_slice(&b, s);
    for (; have < width && buf_error(&b) == 0; have++)
        (void)buf_putc(&b, ' ');
    if (right)
        (void)buf_append_slice(&b, s);
    return texec_string(x, &b, ret_v);
}

FUNCTION(align_left)
{
    return align(x, args, false, ret_v);
}

FUNCTION(align_right)
{
    return align(x, args, true, ret_v);
}

FUNCTION(line)
{
    *ret_v = tval_string(x->data->line);
    return true;
}

/* --- encodings ----------------------------------------------------------- */

FUNCTION(url_encode)
{
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    tmpl_escape_query(&b, args[0].s);
    return texec_string(x, &b, ret_v);
}

FUNCTION(url_decode)
{
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    if (!tmpl_unescape_query(&b, args[0].s))
        return texec_fail(x, "invalid URL escape");
    return texec_string(x, &b, ret_v);
}

static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

FUNCTION(b64enc)
{
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    struct slice s = args[0].s;
    for (size_t i = 0; i < s.n; i += 3) {
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (i + k < s.n ? (unsigned char)s.p[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            (void)buf_putc(&b,
                           i + k > s.n ? '=' : base64[v >> (18 - 6 * k) & 63]);
    }
    return texec_string(x, &b, ret_v);
}

/* What is no base64 becomes the error's text, as in Loki. */
FUNCTION(b64dec)
{
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    struct slice s = args[0].s;
    uint32_t v = 0;
    unsigned bits = 0;
    while (s.n > 0 && s.p[s.n - 1] == '=')
        s.n--;
    for (size_t i = 0; i < s.n; i++) {
        const char *at = s.p[i] == '\0' ? NULL : strchr(base64, s.p[i]);
        if (at == NULL || (i + 1 == s.n && s.n % 4 == 1)) {
            buf_reset(&b);
            (void)buf_printf(&b, "illegal base64 data at input byte %zu", i);
            break;
        }
        v = v << 6 | (uint32_t)(at - base64);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            (void)buf_putc(&b, (char)(v >> bits & 0xff));
        }
    }
    return texec_string(x, &b, ret_v);
}

/* --- regular expressions ------------------------------------------------- */

static bool
replace_matches(struct texec *x, const struct tval *args, bool literal,
                struct tval *ret_v)
{
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    int64_t found;
    return tmpl_replace_all(x, args[0].s, args[1].s, &args[2].s, literal, &b,
                            &found) &&
           texec_string(x, &b, ret_v);
}

FUNCTION(regex_replace)
{
    return replace_matches(x, args, false, ret_v);
}

FUNCTION(regex_replace_literal)
{
    return replace_matches(x, args, true, ret_v);
}

FUNCTION(count)
{
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    int64_t found;
    if (!tmpl_replace_all(x, args[0].s, args[1].s, NULL, false, &b, &found))
        return false;
    *ret_v = tval_int(found);
    return true;
}

const struct tmpl_func tmpl_line_texts[] = {
    {"Replace", "sssv", call_replace_go},
    {"ToLower", "s", tmpl_to_lower},
    {"ToUpper", "s", tmpl_to_upper},
    {"Trim", "ss", call_trim_go},
    {"TrimLeft", "ss", call_trim_left},
    {"TrimPrefix", "ss", call_trim_prefix_go},
    {"TrimRight", "ss", call_trim_right},
    {"TrimSpace", "s", call_trim},
    {"TrimSuffix", "ss", call_trim_suffix_go},
    {"__line__", "", call_line},
    {"alignLeft", "vs", call_align_left},
    {"alignRight", "vs", call_align_right},
    {"b64dec", "s", call_b64dec},
    {"b64enc", "s", call_b64enc},
    {"contains", "ss", call_contains},
    {"count", "ss", call_count},
    {"default", "vv", call_default},
    {"hasPrefix", "ss", call_has_prefix},
    {"hasSuffix", "ss", call_has_suffix},
    {"indent", "vs", call_indent},
    {"lower", "s", tmpl_to_lower},
    {"nindent", "vs", call_nindent},
    {"regexReplaceAll", "sss", call_regex_replace},
    {"regexReplaceAllLiteral", "sss", call_regex_replace_literal},
    {"repeat", "vs", call_repeat},
    {"replace", "sss", call_replace},
    {"substr", "vvs", call_substr},
    {"title", "s", tmpl_title},
    {"trim", "s", call_trim},
    {"trimAll", "ss", call_trim_all},
    {"trimPrefix", "ss", call_trim_prefix},
    {"trimSuffix", "ss", call_trim_suffix},
    {"trunc", "vs", call_trunc},
    {"upper", "s", tmpl_to_upper},
    {"urldecode", "s", call_url_decode},
    {"urlencode", "s", call_url_encode},
};
const size_t tmpl_line_text_count = ARRAY_SIZE(tmpl_line_texts);
