/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_printf.c - Go's fmt.Sprintf, with what it prints for misuse. */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/str.h"
#include "core/lang/lexer.h"
#include "core/lang/tmpl.h"

#define WIDTH_MAX 10000 /* what Go allows is a million */

struct verb {
    bool minus, plus, sharp, space, zero;
    bool has_width, has_precision;
    int width, precision;
    char c;
    struct slice text; /* the verb's character, which may be beyond ASCII */
};

/* --- padding ------------------------------------------------------------- */

static void
pad(struct buf *b, const struct verb *v, struct slice s)
{
    size_t n = utf8_count(s);
    size_t fill =
        v->has_width && (size_t)v->width > n ? (size_t)v->width - n : 0;
    if (v->minus)
        (void)buf_append_slice(b, s);
    for (size_t i = 0; i < fill && buf_error(b) == 0; i++)
        (void)buf_putc(b, v->zero && !v->minus ? '0' : ' ');
    if (!v->minus)
        (void)buf_append_slice(b, s);
}

/* Zeros go between the sign and the digits. */
static void
pad_number(struct buf *b, const struct verb *v, struct slice s)
{
    bool sign = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+' || s.p[0] == ' ');
    if (!v->zero || v->minus || !sign || !v->has_width) {
        pad(b, v, s);
        return;
    }
    struct verb rest = *v;
    rest.width--;
    (void)buf_putc(b, s.p[0]);
    pad(b, &rest, slice_skip(s, 1));
}

/* --- numbers ------------------------------------------------------------- */

static void
format_int(struct buf *b, const struct verb *v, int64_t i, unsigned base,
           bool upper)
{
    static const char lower_digits[] = "0123456789abcdef";
    static const char upper_digits[] = "0123456789ABCDEF";
    const char *digits = upper ? upper_digits : lower_digits;
    char text[160];
    size_t n = sizeof text;
    uint64_t u = i < 0 ? -(uint64_t)i : (uint64_t)i;
    size_t least = v->has_precision ? MIN((size_t)v->precision, (size_t)80) : 1;
    for (; u > 0 || sizeof text - n < least; u /= base)
        text[--n] = digits[u % base];
    if (v->sharp && base == 16) {
        text[--n] = upper ? 'X' : 'x';
        text[--n] = '0';
    } else if (v->sharp && base == 8) {
        text[--n] = '0';
    } else if (v->sharp && base == 2) {
        text[--n] = 'b';
        text[--n] = '0';
    }
    if (i < 0)
        text[--n] = '-';
    else if (v->plus || v->space)
        text[--n] = v->plus ? '+' : ' ';
    struct verb plain = *v;
    plain.zero = v->zero && !v->has_precision;
    pad_number(b, &plain, slice_new(text + n, sizeof text - n));
}

/* C's exponents and digits are Go's; infinities and %g without digits aren't.
 */
static size_t
float_text(double f, char c, int precision, char *text, size_t size)
{
    if (isnan(f))
        return (size_t)snprintf(text, size, "NaN");
    if (isinf(f))
        return (size_t)snprintf(text, size, f > 0 ? "+Inf" : "-Inf");
    if (precision < 0 && (c == 'g' || c == 'G')) {
        size_t n = str_format_double(f, STR_DOUBLE_GO_G, text);
        for (size_t i = 0; c == 'G' && i < n; i++)
            text[i] = text[i] == 'e' ? 'E' : text[i];
        return n;
    }
    precision = precision < 0 ? 6 : precision;
    int n = c == 'e'   ? snprintf(text, size, "%.*e", precision, f)
            : c == 'E' ? snprintf(text, size, "%.*E", precision, f)
            : c == 'g' ? snprintf(text, size, "%.*g", precision, f)
            : c == 'G' ? snprintf(text, size, "%.*G", precision, f)
                       : snprintf(text, size, "%.*f", precision, f);
    return n < 0 ? 0 : MIN((size_t)n, size - 1);
}

void
tmpl_format_g(struct buf *b, double v, int digits)
{
    char text[STR_DOUBLE_MAX];
    size_t n = float_text(v, 'g', digits, text, sizeof text);
    (void)buf_append(b, text, n);
}

/* "0x1.8p+00": C's but for the digits of the exponent. */
static size_t
hex_float(double f, char c, int precision, char *text, size_t size)
{
    int n = precision < 0 ? snprintf(text, size, "%a", f)
                          : snprintf(text, size, "%.*a", precision, f);
    char *sign = n > 0 ? strchr(text, 'p') : NULL;
    if (sign != NULL && strlen(sign) == 3) {
        sign[4] = '\0';
        sign[3] = sign[2];
        sign[2] = '0';
        n++;
    }
    for (int i = 0; c == 'X' && i < n; i++)
        if ((text[i] >= 'a' && text[i] <= 'f') || text[i] == 'x' ||
            text[i] == 'p')
            text[i] = (char)(text[i] - 32);
    return n < 0 ? 0 : (size_t)n;
}

static void
format_float(struct buf *b, const struct verb *v, double f, char c)
{
    char text[1500];
    char *start = text + 1;
    int precision = v->has_precision ? MIN(v->precision, 1000) : -1;
    if (c == 'F')
        c = 'f';
    bool finite = isfinite(f);
    bool hex = finite && (c == 'x' || c == 'X');
    size_t n = hex ? hex_float(f, c, precision, start, sizeof text - 8)
                   : float_text(f, c, precision, start, sizeof text - 1);
    bool signed_text = *start == '-' || *start == '+';
    if (!signed_text && (v->plus || v->space)) {
        *--start = v->plus ? '+' : ' ';
        n++;
    }
    struct verb plain = *v;
    plain.zero = v->zero && finite;
    pad_number(b, &plain, slice_new(start, n));
}

/* --- texts --------------------------------------------------------------- */

static struct slice
cut(const struct verb *v, struct slice s)
{
    if (!v->has_precision)
        return s;
    size_t n = 0;
    for (int i = 0; i < v->precision && n < s.n; i++) {
        uint32_t cp;
        int len = utf8_decode(slice_skip(s, n), &cp);
        n += len > 0 ? (size_t)len : 1;
    }
    return slice_new(s.p, n);
}

static void
format_hex(struct buf *b, const struct verb *v, struct slice s, bool upper)
{
    AUTO_FINI(buf) text = BUF_INIT(TMPL_OUTPUT_MAX);
    if (v->has_precision && (size_t)v->precision < s.n)
        s.n = (size_t)v->precision;
    for (size_t i = 0; i < s.n; i++) {
        (void)buf_append_str(&text, v->space && i > 0 ? " " : "");
        if (v->sharp && (v->space || i == 0))
            (void)buf_append_str(&text, upper ? "0X" : "0x");
        (void)buf_printf(&text, upper ? "%02X" : "%02x",
                         (unsigned)(unsigned char)s.p[i]);
    }
    pad(b, v, buf_slice(&text));
}

static bool
format_string(struct buf *b, const struct verb *v, struct slice s)
{
    AUTO_FINI(buf) text = BUF_INIT(TMPL_OUTPUT_MAX);
    switch (v->c) {
    case 'v':
    case 's':
        pad(b, v, cut(v, s));
        return true;
    case 'q':
        s = cut(v, s);
        if (v->sharp && memchr(s.p, '`', s.n) == NULL && s.n > 0)
            (void)buf_printf(&text, "`%.*s`", SLICE_FMT(s));
        else
            literal_quote(&text, s);
        pad(b, v, buf_slice(&text));
        return true;
    case 'x':
    case 'X':
        format_hex(b, v, s, v->c == 'X');
        return true;
    default:
        return false;
    }
}

static bool
format_integer(struct buf *b, const struct verb *v, int64_t i)
{
    char text[16];
    AUTO_FINI(buf) quoted = BUF_INIT(64);
    uint32_t cp = i < 0 || i > 0x10ffff ? 0xfffd : (uint32_t)i;
    size_t n = utf8_encode(cp, text);
    switch (v->c) {
    case 'v':
    case 'd':
        format_int(b, v, i, 10, false);
        return true;
    case 'b':
        format_int(b, v, i, 2, false);
        return true;
    case 'o':
        format_int(b, v, i, 8, false);
        return true;
    case 'x':
    case 'X':
        format_int(b, v, i, 16, v->c == 'X');
        return true;
    case 'c':
        pad(b, v, slice_new(text, n));
        return true;
    case 'q':
        (void)buf_printf(&quoted,
                         cp == '\'' || cp == '\\' ? "'\\%.*s'" : "'%.*s'",
                         (int)n, text);
        pad(b, v, buf_slice(&quoted));
        return true;
    case 'U':
        (void)buf_printf(&quoted, "U+%04" PRIX64, (uint64_t)i);
        pad(b, v, buf_slice(&quoted));
        return true;
    default:
        return false;
    }
}

/* --- verbs --------------------------------------------------------------- */

static bool
format_value(struct buf *b, const struct verb *v, const struct tval *arg)
{
    AUTO_FINI(buf) text = BUF_INIT(TMPL_OUTPUT_MAX);
    switch (arg->kind) {
    case TV_FLOAT:
        if (v->c == 'v')
            format_float(b, v, arg->f, 'g');
        else if (strchr("eEfFgGxX", v->c) != NULL)
            format_float(b, v, arg->f, v->c);
        else
            return false;
        return true;
    case TV_INT:
        return format_integer(b, v, arg->i);
    case TV_STRING:
        return format_string(b, v, arg->s);
    case TV_BOOL:
        if (v->c != 'v' && v->c != 't')
            return false;
        pad(b, v, arg->b ? SLICE("true") : SLICE("false"));
        return true;
    case TV_NIL:
    case TV_NONE:
        if (v->c != 'v')
            return false;
        pad(b, v, SLICE("<nil>"));
        return true;
    default:
        if (v->c != 'v' && v->c != 's')
            return false;
        tval_print(&text, arg);
        pad(b, v, buf_slice(&text));
        return true;
    }
}

/* "%!d(float64=1.5)" */
static void
bad_verb(struct buf *b, const struct verb *v, const struct tval *arg)
{
    (void)buf_printf(b, "%%!%.*s(", SLICE_FMT(v->text));
    if (arg->kind == TV_NIL || arg->kind == TV_NONE) {
        (void)buf_append_str(b, "<nil>)");
        return;
    }
    (void)buf_printf(b, "%s=", tval_type_name(arg));
    struct verb plain = *v; /* the width stays */
    plain.c = 'v';
    (void)format_value(b, &plain, arg);
    (void)buf_putc(b, ')');
}

struct printer {
    struct buf *b;
    struct slice format;
    size_t pos;
    const struct tval *args;
    size_t n, next;
    bool reordered, good_index;
};

static char
peek(const struct printer *p)
{
    return p->pos < p->format.n ? p->format.p[p->pos] : '\0';
}

static bool
read_int(struct printer *p, int *ret_v)
{
    int v = 0;
    bool any = false;
    for (; peek(p) >= '0' && peek(p) <= '9'; p->pos++) {
        v = MIN(v * 10 + (peek(p) - '0'), WIDTH_MAX);
        any = true;
    }
    *ret_v = v;
    return any;
}

/* "[2]": the argument that comes next. */
static void
read_index(struct printer *p)
{
    if (peek(p) != '[')
        return;
    size_t start = ++p->pos;
    int index;
    p->reordered = true;
    bool ok = read_int(p, &index) && peek(p) == ']';
    if (!ok) {
        const char *close =
            memchr(p->format.p + start, ']', p->format.n - start);
        p->pos = close != NULL ? (size_t)(close - p->format.p) + 1 : start;
        p->good_index = false;
        return;
    }
    p->pos++;
    if (index >= 1 && (size_t)index <= p->n)
        p->next = (size_t)index - 1;
    else
        p->good_index = false;
}

static void
read_flags(struct printer *p, struct verb *v)
{
    for (;; p->pos++) {
        switch (peek(p)) {
        case '-':
            v->minus = true;
            break;
        case '+':
            v->plus = true;
            break;
        case '#':
            v->sharp = true;
            break;
        case ' ':
            v->space = true;
            break;
        case '0':
            v->zero = true;
            break;
        default:
            return;
        }
    }
}

/* A '*': the number is an argument. */
static bool
star(struct printer *p, int *ret_v)
{
    p->pos++;
    const struct tval *arg = p->next < p->n ? &p->args[p->next] : NULL;
    p->next += arg != NULL;
    if (arg == NULL || arg->kind != TV_INT || arg->i > WIDTH_MAX ||
        arg->i < -WIDTH_MAX)
        return false;
    *ret_v = (int)arg->i;
    return true;
}

static void
read_width(struct printer *p, struct verb *v)
{
    read_index(p);
    if (peek(p) == '*') {
        v->has_width = star(p, &v->width);
        if (!v->has_width)
            (void)buf_append_str(p->b, "%!(BADWIDTH)");
        if (v->has_width && v->width < 0) {
            v->minus = true;
            v->width = -v->width;
        }
    } else {
        v->has_width = read_int(p, &v->width);
    }
    if (peek(p) != '.')
        return;
    p->pos++;
    read_index(p);
    v->has_precision = true;
    if (peek(p) == '*') {
        v->has_precision = star(p, &v->precision) && v->precision >= 0;
        if (!v->has_precision)
            (void)buf_append_str(p->b, "%!(BADPREC)");
    } else {
        (void)read_int(p, &v->precision);
    }
}

static void
print_verb(struct printer *p)
{
    struct verb v = {0};
    p->good_index = true;
    read_flags(p, &v);
    read_width(p, &v);
    read_index(p);
    if (p->pos >= p->format.n) {
        (void)buf_append_str(p->b, "%!(NOVERB)");
        return;
    }
    uint32_t cp;
    int len = utf8_decode(slice_skip(p->format, p->pos), &cp);
    v.c = peek(p);
    v.text = slice_new(p->format.p + p->pos, len > 0 ? (size_t)len : 1);
    p->pos += v.text.n;
    if (v.c == '%') {
        (void)buf_putc(p->b, '%');
        return;
    }
    if (!p->good_index || p->next >= p->n) {
        (void)buf_printf(p->b, "%%!%.*s(%s)", SLICE_FMT(v.text),
                         p->good_index ? "MISSING" : "BADINDEX");
        return;
    }
    const struct tval *arg = &p->args[p->next++];
    if (v.c == 'T') {
        v.c = 's';
        (void)format_string(p->b, &v, slice_from_str(tval_type_name(arg)));
        return;
    }
    if (!format_value(p->b, &v, arg))
        bad_verb(p->b, &v, arg);
}

void
tmpl_printf(struct buf *b, struct slice format, const struct tval *args,
            size_t n)
{
    struct printer p = {.b = b, .format = format, .args = args, .n = n};
    while (p.pos < format.n && buf_error(b) == 0) {
        if (format.p[p.pos] != '%') {
            (void)buf_putc(b, format.p[p.pos++]);
            continue;
        }
        p.pos++;
        print_verb(&p);
    }
    if (p.reordered || p.next >= n)
        return;
    (void)buf_append_str(b, "%!(EXTRA ");
    for (size_t i = p.next; i < n; i++) {
        const struct tval *arg = &args[i];
        (void)buf_append_str(b, i > p.next ? ", " : "");
        if (arg->kind != TV_NIL && arg->kind != TV_NONE)
            (void)buf_printf(b, "%s=", tval_type_name(arg));
        tval_print(b, arg);
    }
    (void)buf_putc(b, ')');
}
