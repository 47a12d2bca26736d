/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - a strict pull reader for JSON (RFC 8259), for decoders.
 *
 * It walks the bytes and builds nothing: no tree, no allocation, no copy.  All
 * of it is inline, so that a plugin needs no library.
 *
 *     struct tocsin_json r;
 *     struct tocsin_json_text key, v;
 *     tocsin_json_init(&r, p, n);
 *     int more = tocsin_json_enter(&r, '{');
 *     while (more >= 0 && (more = tocsin_json_next_key(&r, &key)) > 0)
 *         more = tocsin_json_read(&r, &v);
 *     if (more < 0 || tocsin_json_finish(&r) < 0)
 *         …                          r.error says why, r.p - r.begin where
 *
 * Strict: nothing but white space behind a document, numbers as the grammar
 * has them, well-formed UTF-8, paired surrogates, no control characters in
 * strings, at most TOCSIN_JSON_DEPTH containers in each other.  Keys may
 * repeat, as RFC 8259 allows: what that means is the caller's choice.
 *
 * Text inside text.  A string may hold a JSON document of its own, and that
 * again.  Such a document is walked where it stands: a reader at level 1 takes
 * \" for the quote of the inner document, one at level 2 takes \\\" and so on.
 *
 *     {"properties":"{\"authType\":\"{\\\"type\\\":\\\"sas\\\"}\"}"}
 *      0              1              2
 *
 * A value in an inner document is a slice of the outermost bytes.  One with
 * 'escaped' set is unescaped once for each level, and once for itself:
 * tocsin_json_unescape_all(dst, &v, r.level).  An inner document that hides its
 * structure behind other escapes (\u0022 for a quote, \n between tokens) can't
 * be walked in place: TOCSIN_JSON_HIDDEN.  Then unescape the whole string and
 * read what results at level 0; that is also what decides where an inner
 * document seems wrong.
 *
 * Partial input: TOCSIN_JSON_MORE says that the text is good so far and ends
 * too early.  A number that ends where the text ends may go on behind it; only
 * inside a container is that told as MORE. */
#ifndef TOCSIN_JSON_H
#define TOCSIN_JSON_H

#include <tocsin/json_scan.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_JSON_DEPTH 64
#define TOCSIN_JSON_LEVELS 4 /* documents inside the outermost one */

/* What the functions return: 0 or more is good. */
#define TOCSIN_JSON_MORE (-1)   /* good so far, but it ends too early */
#define TOCSIN_JSON_BAD (-2)    /* not JSON: see 'error' and 'p' */
#define TOCSIN_JSON_HIDDEN (-3) /* can't be walked in place: see above */

/* Types of values: the byte that they begin with; '0' for any number. */
#define TOCSIN_JSON_STRING '"'
#define TOCSIN_JSON_NUMBER '0'
#define TOCSIN_JSON_OBJECT '{'
#define TOCSIN_JSON_ARRAY '['
#define TOCSIN_JSON_TRUE 't'
#define TOCSIN_JSON_FALSE 'f'
#define TOCSIN_JSON_NULL 'n'

struct tocsin_json {
    const char *p;     /* the next byte; of an error, the byte it is about */
    const char *end;   /* behind the last byte */
    const char *begin; /* the first byte */
    const char *error; /* a short reason, set with BAD, MORE and HIDDEN */
    uint32_t level;    /* 0: the document itself; 1: one inside a string */
    uint32_t unit;     /* bytes of a quote at this level: 1 << level */
    uint32_t depth;    /* containers that are open */
    uint32_t fresh;    /* the innermost has been entered, nothing read yet */
};

/* A value, or a key: the bytes between the quotes of a string, all bytes of
 * anything else. */
struct tocsin_json_text {
    const char *p;
    size_t n;
    int32_t type;    /* TOCSIN_JSON_STRING … */
    int32_t escaped; /* 1: a string with escapes of its own */
};

TOCSIN_JSON_INLINE void
tocsin_json_init(struct tocsin_json *r, const char *p, size_t n)
{
    r->p = r->begin = p;
    r->end = p + n;
    r->error = 0;
    r->level = 0;
    r->unit = 1;
    r->depth = 0;
    r->fresh = 0;
}

TOCSIN_JSON_COLD int
tocsin_json_bad(struct tocsin_json *r, const char *p, const char *error)
{
    r->p = p;
    r->error = error;
    return TOCSIN_JSON_BAD;
}

TOCSIN_JSON_COLD int
tocsin_json_more(struct tocsin_json *r)
{
    r->p = r->end;
    r->error = "it ends too early";
    return TOCSIN_JSON_MORE;
}

TOCSIN_JSON_COLD int
tocsin_json_hidden(struct tocsin_json *r, const char *p)
{
    r->p = p;
    r->error = "an escape hides the structure of an inner document";
    return TOCSIN_JSON_HIDDEN;
}

/* Skips white space; 0 where nothing is left. */
TOCSIN_JSON_INLINE int
tocsin_json_space(struct tocsin_json *r)
{
    const char *p = r->p;
    while (p < r->end && (unsigned char)*p <= ' ' &&
           (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    r->p = p;
    return p < r->end;
}

/* ------------------------------------------------------------- strings */

/* Four hexadecimal digits at p.  What stands there is looked at before more is
 * asked for: a quote there is wrong at once. */
TOCSIN_JSON_COLD int32_t
tocsin_json_unicode_digits(struct tocsin_json *r, const char *p)
{
    char digits[4] = {'0', '0', '0', '0'};
    const ptrdiff_t left = r->end - p;
    memcpy(digits, p, left < 4 ? (size_t)left : 4);
    const int32_t c = tocsin_json_hex4(digits);
    if (c < 0)
        return tocsin_json_bad(r, p, "\\u needs four hexadecimal digits");
    return left < 4 ? tocsin_json_more(r) : c;
}

/* The \u of a string, whose digits begin at p.  Returns the bytes behind p
 * that belong to it, those of the second half of a pair among them. */
TOCSIN_JSON_COLD int
tocsin_json_unicode(struct tocsin_json *r, const char *p)
{
    const int32_t c = tocsin_json_unicode_digits(r, p);
    if (c < 0xd800 || c > 0xdfff)
        return c < 0 ? (int)c : 4;
    const char *q = p + 4;
    for (uint32_t i = 0; i <= r->unit; i++, q++) {
        if (c > 0xdbff || (q < r->end && *q != (i < r->unit ? '\\' : 'u')))
            return tocsin_json_bad(r, p, "half of a surrogate pair");
        if (q == r->end)
            return tocsin_json_more(r);
    }
    const int32_t low = tocsin_json_unicode_digits(r, q);
    if (low >= 0 && (low < 0xdc00 || low > 0xdfff))
        return tocsin_json_bad(r, p, "half of a surrogate pair");
    return low < 0 ? (int)low : (int)(q + 4 - p);
}

/* Backslashes in a string, at *ret.  At level L, one of the string's own takes
 * 1 << L of them, and L > 0 has its quotes behind one less.  Returns 1 behind
 * an escape, 0 at the closing quote, and moves *ret behind either. */
TOCSIN_JSON_OUTLINE int
tocsin_json_escape(struct tocsin_json *r, const char **ret)
{
    const char *p = *ret;
    const uint32_t unit = r->unit;
    uint32_t k = 0;
    while (k < 2 * unit && p + k < r->end && p[k] == '\\')
        k++;
    if (k == 2 * unit) { /* an escaped backslash */
        *ret = p + k;
        return 1;
    }
    if (p + k == r->end)
        return tocsin_json_more(r);
    const char c = p[k];
    if (c == '"' && k == unit - 1) {
        *ret = p + unit;
        return 0;
    }
    if (c == '"' && k == 2 * unit - 1) {
        *ret = p + 2 * unit;
        return 1;
    }
    if (c == '"')
        return tocsin_json_bad(r, p, "the inner document ends in a string");
    if (k != unit)
        return tocsin_json_hidden(r, p);
    if (c == 'u') {
        int n = tocsin_json_unicode(r, p + unit + 1);
        if (n < 0)
            return n;
        *ret = p + unit + 1 + n;
        return 1;
    }
    if (c != '/' && c != 'b' && c != 'f' && c != 'n' && c != 'r' && c != 't')
        return tocsin_json_bad(r, p, "no such escape");
    *ret = p + unit + 1;
    return 1;
}

/* The string whose contents go on at p, where plain text has ended. */
TOCSIN_JSON_OUTLINE int
tocsin_json_string_rest(struct tocsin_json *r, const char *p,
                        struct tocsin_json_text *ret)
{
    int escaped = 0;
    for (;;) {
        p = tocsin_json_plain(p, r->end);
        if (p == r->end)
            return tocsin_json_more(r);
        const unsigned char c = (unsigned char)*p;
        if (r->unit == 1 && c == '\\' && r->end - p >= 2 &&
            (p[1] == '"' || p[1] == '\\')) {
            p += 2; /* by far the most frequent */
            escaped = 1;
        } else if (c == '\\' || c == '"') {
            const char *from = p;
            int more = tocsin_json_escape(r, &p);
            if (more < 0)
                return more;
            if (more == 0) {
                ret->p = r->p;
                ret->n = (size_t)(from - r->p);
                ret->type = TOCSIN_JSON_STRING;
                ret->escaped = escaped;
                r->p = p;
                return 0;
            }
            escaped = 1;
        } else if (c >= 0x80) {
            int n = tocsin_json_utf8(p, r->end);
            if (n <= 0)
                return n < 0 ? tocsin_json_bad(r, p, "not UTF-8")
                             : tocsin_json_more(r);
            p += n;
        } else {
            return tocsin_json_bad(r, p, "a control character in a string");
        }
    }
}

/* Takes the quote of this level; BAD with 'error' where there is none. */
TOCSIN_JSON_INLINE int
tocsin_json_quote(struct tocsin_json *r, const char *error)
{
    if (TOCSIN_JSON_LIKELY(r->unit == 1)) {
        if (*r->p != '"')
            return tocsin_json_bad(r, r->p, error);
        r->p++;
        return 0;
    }
    const char *p = r->p;
    uint32_t k = 0;
    while (p + k < r->end && k < r->unit && p[k] == '\\')
        k++;
    if (p + k == r->end)
        return tocsin_json_more(r);
    if (k == r->unit - 1 && p[k] == '"') {
        r->p += r->unit;
        return 0;
    }
    if (k == 0 || p[k] == '"')
        return tocsin_json_bad(r, p, error);
    return tocsin_json_hidden(r, p);
}

/* The rest of a string whose opening quote has been taken. */
TOCSIN_JSON_INLINE int
tocsin_json_contents(struct tocsin_json *r, struct tocsin_json_text *ret)
{
    const char *p = tocsin_json_plain(r->p, r->end);
    const uint32_t unit = r->unit;
    /* Most strings end where their plain text does. */
    if (TOCSIN_JSON_LIKELY(
            (unit == 1 && p < r->end && *p == '"') ||
            (unit == 2 && r->end - p >= 2 && p[0] == '\\' && p[1] == '"'))) {
        ret->p = r->p;
        ret->n = (size_t)(p - r->p);
        ret->type = TOCSIN_JSON_STRING;
        ret->escaped = 0;
        r->p = p + unit;
        return 0;
    }
    return tocsin_json_string_rest(r, p, ret);
}

/* A string, with the reader at its quote. */
TOCSIN_JSON_INLINE int
tocsin_json_string(struct tocsin_json *r, struct tocsin_json_text *ret,
                   const char *error)
{
    int bad = tocsin_json_quote(r, error);
    return bad < 0 ? bad : tocsin_json_contents(r, ret);
}

/* ---------------------------------------------------- numbers, literals */

TOCSIN_JSON_INLINE const char *
tocsin_json_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

TOCSIN_JSON_OUTLINE int
tocsin_json_number(struct tocsin_json *r, struct tocsin_json_text *ret)
{
    const char *p = r->p, *q;
    p += *p == '-';
    q = p;
    if (p < r->end && *p == '0')
        p++;
    else
        p = tocsin_json_digits(p, r->end);
    if (p > q && p < r->end && *p == '.') {
        q = ++p;
        p = tocsin_json_digits(p, r->end);
    }
    if (p > q && p < r->end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < r->end && (*p == '+' || *p == '-'))
            p++;
        q = p;
        p = tocsin_json_digits(p, r->end);
    }
    if (p == r->end && (p == q || r->depth > 0 || r->level > 0))
        return tocsin_json_more(r);
    if (p == q)
        return tocsin_json_bad(r, p, "a digit is missing");
    ret->p = r->p;
    ret->n = (size_t)(p - r->p);
    ret->type = TOCSIN_JSON_NUMBER;
    ret->escaped = 0;
    r->p = p;
    return 0;
}

TOCSIN_JSON_OUTLINE int
tocsin_json_literal(struct tocsin_json *r, struct tocsin_json_text *ret)
{
    const char *name = *r->p == 't' ? "true" : *r->p == 'f' ? "false" : "null";
    size_t n = 0;
    for (; name[n] != '\0'; n++) {
        if (r->p + n == r->end)
            return tocsin_json_more(r);
        if (r->p[n] != name[n])
            return tocsin_json_bad(r, r->p, "expected a value");
    }
    ret->p = r->p;
    ret->n = n;
    ret->type = *r->p;
    ret->escaped = 0;
    r->p += n;
    return 0;
}

/* ---------------------------------------------------------- containers */

/* The type of the next value, which is not taken: TOCSIN_JSON_STRING …. */
TOCSIN_JSON_INLINE int
tocsin_json_peek(struct tocsin_json *r)
{
    if (!tocsin_json_space(r))
        return tocsin_json_more(r);
    const char c = *r->p;
    if (c == '{' || c == '[' || c == 't' || c == 'f' || c == 'n')
        return c;
    if (c == (r->unit == 1 ? '"' : '\\'))
        return TOCSIN_JSON_STRING;
    if (c == '-' || (c >= '0' && c <= '9'))
        return TOCSIN_JSON_NUMBER;
    return tocsin_json_bad(r, r->p, "expected a value");
}

/* Takes the bracket that opens a container, '{' or '['. */
TOCSIN_JSON_INLINE int
tocsin_json_enter(struct tocsin_json *r, char bracket)
{
    if (!tocsin_json_space(r))
        return tocsin_json_more(r);
    if (*r->p != bracket)
        return tocsin_json_bad(r, r->p,
                               bracket == '{' ? "expected an object"
                                              : "expected an array");
    if (r->depth == TOCSIN_JSON_DEPTH)
        return tocsin_json_bad(r, r->p, "too deep");
    r->p++;
    r->depth++;
    r->fresh = 1;
    return 0;
}

/* Takes the comma, or the bracket that closes.  1: a member follows, 0: it
 * has been closed. */
TOCSIN_JSON_INLINE int
tocsin_json_step(struct tocsin_json *r, char bracket)
{
    if (!tocsin_json_space(r))
        return tocsin_json_more(r);
    const uint32_t fresh = r->fresh;
    r->fresh = 0;
    if (*r->p == bracket) {
        r->p++;
        r->depth--;
        return 0;
    }
    if (fresh)
        return 1;
    if (*r->p != ',')
        return tocsin_json_bad(r, r->p, "expected a comma or the end");
    r->p++;
    return tocsin_json_space(r) ? 1 : tocsin_json_more(r);
}

/* The next key of the object that was entered last, with its value next; 0
 * where the object has been closed.  The value must be taken before the next
 * call: by read, skip, enter, or enter_text and leave_text. */
TOCSIN_JSON_INLINE int
tocsin_json_next_key(struct tocsin_json *r, struct tocsin_json_text *ret)
{
    int more = tocsin_json_step(r, '}');
    if (more <= 0)
        return more;
    more = tocsin_json_string(r, ret, "expected a key");
    if (more < 0)
        return more;
    if (!tocsin_json_space(r))
        return tocsin_json_more(r);
    if (*r->p != ':')
        return tocsin_json_bad(r, r->p, "expected a colon");
    r->p++;
    return tocsin_json_space(r) ? 1 : tocsin_json_more(r);
}

/* 1 with the next element of the array that was entered last, still to be
 * taken; 0 where the array has been closed. */
TOCSIN_JSON_INLINE int
tocsin_json_next_element(struct tocsin_json *r)
{
    return tocsin_json_step(r, ']');
}

/* Takes a string, number or literal. */
TOCSIN_JSON_INLINE int
tocsin_json_scalar(struct tocsin_json *r, struct tocsin_json_text *ret)
{
    const int type = tocsin_json_peek(r);
    if (TOCSIN_JSON_LIKELY(type == TOCSIN_JSON_STRING))
        return tocsin_json_string(r, ret, "expected a value");
    if (type == TOCSIN_JSON_NUMBER)
        return tocsin_json_number(r, ret);
    return type < 0 ? type : tocsin_json_literal(r, ret);
}

/* Takes a container with all that it holds. */
TOCSIN_JSON_OUTLINE int
tocsin_json_skip_container(struct tocsin_json *r)
{
    const uint32_t outside = r->depth;
    uint64_t objects = 0; /* one bit a level: whether it is an object */
    struct tocsin_json_text text;
    int type = tocsin_json_peek(r);
    for (;;) {
        int more;
        if (type == '{' || type == '[') {
            more = tocsin_json_enter(r, (char)type);
            objects = objects << 1 | (type == '{');
        } else {
            more = type < 0 ? type : tocsin_json_scalar(r, &text);
        }
        if (more < 0)
            return more;
        for (;;) {
            more = objects & 1 ? tocsin_json_next_key(r, &text)
                               : tocsin_json_next_element(r);
            if (more != 0)
                break;
            if (r->depth == outside)
                return 0;
            objects >>= 1;
        }
        if (more < 0)
            return more;
        type = tocsin_json_peek(r);
    }
}

/* Takes a value of any type; a container's text is all of its bytes, as they
 * stand (in an inner document: escaped 'level' times). */
TOCSIN_JSON_INLINE int
tocsin_json_read(struct tocsin_json *r, struct tocsin_json_text *ret)
{
    const int type = tocsin_json_peek(r);
    if (TOCSIN_JSON_LIKELY(type != '{' && type != '['))
        return tocsin_json_scalar(r, ret);
    const char *p = r->p;
    int bad = tocsin_json_skip_container(r);
    if (bad < 0)
        return bad;
    ret->p = p;
    ret->n = (size_t)(r->p - p);
    ret->type = type;
    ret->escaped = 0;
    return 0;
}

TOCSIN_JSON_INLINE int
tocsin_json_skip(struct tocsin_json *r)
{
    struct tocsin_json_text text;
    return tocsin_json_read(r, &text);
}

/* The end of a document: nothing but white space may be left. */
TOCSIN_JSON_INLINE int
tocsin_json_finish(struct tocsin_json *r)
{
    if (tocsin_json_space(r))
        return tocsin_json_bad(r, r->p, "more text behind the value");
    return 0;
}

/* ------------------------------------------------------- inner documents */

/* The next value, a string, holds a document: makes 'inner' its reader.
 * 'outer' is not moved: where 'inner' fails with BAD or HIDDEN, read the
 * string as a value, unescape it, and read that. */
TOCSIN_JSON_INLINE int
tocsin_json_enter_text(struct tocsin_json *outer, struct tocsin_json *inner)
{
    *inner = *outer;
    if (outer->level == TOCSIN_JSON_LEVELS)
        return tocsin_json_hidden(inner, inner->p);
    int bad = tocsin_json_quote(inner, "expected a string");
    if (bad < 0)
        return bad;
    inner->level++;
    inner->unit *= 2;
    inner->depth = 0;
    inner->fresh = 0;
    return 0;
}

/* 'inner' must have reached the end of its document: 'outer' goes on behind
 * it. */
TOCSIN_JSON_INLINE int
tocsin_json_leave_text(struct tocsin_json *outer, struct tocsin_json *inner)
{
    if (!tocsin_json_space(inner))
        return tocsin_json_more(inner);
    inner->level--;
    inner->unit /= 2;
    int bad = tocsin_json_quote(inner, "more text behind the inner value");
    inner->level++;
    inner->unit *= 2;
    if (bad < 0)
        return bad;
    outer->p = inner->p;
    return 0;
}

#ifdef __cplusplus
}
#endif

#include <tocsin/json_value.h>

#endif
