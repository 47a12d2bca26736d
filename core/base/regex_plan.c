/* SPDX-License-Identifier: Apache-2.0 */
/* regex_plan.c - finds the expressions that are no more than a few texts. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/regex_priv.h"
#include "core/base/str.h"

static bool
is_special(char c)
{
    return strchr("\\.+*?()|[]{}^$", c) != NULL && c != '\0';
}

/* May follow a backslash and means itself then. */
static bool
is_punctuation(char c)
{
    return c > ' ' && c < 0x7f &&
           !((c >= '0' && c <= '9') ||
             (str_lower(c) >= 'a' && str_lower(c) <= 'z'));
}

static bool
is_quantifier(char c)
{
    return c == '*' || c == '+' || c == '?' || c == '{';
}

/* "(a|b)" and "(?:a|b)" without the outer group. */
static struct slice
without_group(struct slice s)
{
    size_t head = slice_starts_with(s, SLICE("(?:")) ? 3 : 1;
    if (s.n <= head || s.p[0] != '(' || s.p[s.n - 1] != ')')
        return s;
    struct slice inner = slice_new(s.p + head, s.n - head - 1);
    for (size_t i = 0; i < inner.n; i++) {
        char c = inner.p[i];
        if (c == '(' || c == ')' || c == '[' || c == '\\')
            return s; /* the last parenthesis may not be the first one's */
    }
    return head == 1 && inner.n > 0 && inner.p[0] == '?' ? s : inner;
}

/* ".*" or ".+" at the start of 's', which is moved past it. */
static enum regex_gap
take_gap(struct slice *s)
{
    enum regex_gap gap = slice_starts_with(*s, SLICE(".*"))   ? GAP_STAR
                         : slice_starts_with(*s, SLICE(".+")) ? GAP_PLUS
                                                              : GAP_NONE;
    if (gap != GAP_NONE)
        *s = slice_skip(*s, 2);
    return gap;
}

/* Plain characters and escaped punctuation at the start of 's', unescaped into
 * 'text', up to what is special; 's' is moved past them. */
static void
take_text(struct slice *s, char *text, size_t *ret_n)
{
    size_t n = 0, i = 0;
    while (i < s->n) {
        size_t start = i;
        char c = s->p[i++];
        if (c == '\\') {
            if (i == s->n || !is_punctuation(s->p[i]))
                c = '\0'; /* \d and the like */
            else
                c = s->p[i++];
        } else if (is_special(c)) {
            c = '\0';
        }
        if (c == '\0' || (i < s->n && is_quantifier(s->p[i]))) {
            i = start;
            break;
        }
        text[n++] = c;
    }
    *s = slice_skip(*s, i);
    *ret_n = n;
}

/* The quantifier of a character of several bytes is not its last byte's. */
static size_t
cut_partial_char(const char *text, size_t n)
{
    size_t end = n;
    while (end > 0 && ((unsigned char)text[end - 1] & 0xc0) == 0x80)
        end--;
    if (end == 0 || (unsigned char)text[end - 1] < 0xc0)
        return n; /* ends with ASCII, or is no text */
    unsigned char lead = (unsigned char)text[end - 1];
    size_t whole = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    return n - end + 1 == whole ? n : end - 1;
}

/* One alternative; 's' is moved behind its '|'.  False if it isn't simple. */
static bool
take_alt(struct slice *s, enum regex_mode mode, char *text,
         struct regex_alt *ret)
{
    struct regex_alt alt = {.text = {text, 0}};
    bool begins = mode == REGEX_FULL, ends = begins;
    if (!begins && slice_starts_with(*s, SLICE("^"))) {
        begins = true;
        *s = slice_skip(*s, 1);
        if (slice_starts_with(*s, SLICE(".")))
            return false; /* which stops at a newline */
    }
    alt.before = take_gap(s);
    take_text(s, text, &alt.text.n);
    alt.after = take_gap(s);
    if (!ends && slice_starts_with(*s, SLICE("$"))) {
        if (alt.after != GAP_NONE)
            return false;
        ends = true;
        *s = slice_skip(*s, 1);
    }
    if (s->n > 0 && s->p[0] != '|')
        return false;
    bool plus = alt.before == GAP_PLUS || alt.after == GAP_PLUS;
    /* A search finds "x" wherever ".*x.*" would, but not ".+x". */
    if (mode == REGEX_SEARCH && plus)
        return false;
    if (!begins)
        alt.before = GAP_STAR;
    if (!ends)
        alt.after = GAP_STAR;
    /* ".+.+" counts characters, not bytes. */
    if (alt.text.n == 0 && plus && alt.before != GAP_NONE &&
        alt.after != GAP_NONE)
        return false;
    /* U+FFFD also matches bytes that can't be read: not ours. */
    if (memmem(text, alt.text.n, "\xef\xbf\xbd", 3) != NULL)
        return false;
    *ret = alt;
    return true;
}

static int
slice_order(const void *pa, const void *pb)
{
    struct slice a, b;
    memcpy(&a, pa, sizeof a);
    memcpy(&b, pb, sizeof b);
    return slice_cmp(a, b);
}

static int
plan_texts(struct arena *a, struct regex_plan *plan)
{
    for (size_t i = 0; i < plan->n; i++)
        if (plan->alts[i].before != GAP_NONE || plan->alts[i].after != GAP_NONE)
            return 0;
    plan->texts = arena_new_array(a, struct slice, plan->n);
    if (plan->texts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < plan->n; i++)
        plan->texts[i] = plan->alts[i].text;
    qsort(plan->texts, plan->n, sizeof *plan->texts, slice_order);
    size_t kept = 1;
    for (size_t i = 1; i < plan->n; i++)
        if (!slice_eq(plan->texts[i], plan->texts[kept - 1]))
            plan->texts[kept++] = plan->texts[i];
    plan->n_texts = kept;
    return 0;
}

static int
plan_alts(struct slice s, enum regex_mode mode, struct arena *a,
          struct regex_plan *plan)
{
    size_t n = 1;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '|';
    struct regex_alt *alts = arena_new_array(a, struct regex_alt, n);
    char *text = (char *)arena_alloc(a, s.n + 1);
    if (alts == NULL || text == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (!take_alt(&s, mode, text, &alts[i]))
            return 0;
        text += alts[i].text.n;
        if (s.n == 0) { /* fewer than bars: some were escaped */
            plan->alts = alts;
            plan->n = i + 1;
            return plan_texts(a, plan);
        }
        s = slice_skip(s, 1);
    }
    return 0;
}

/* The text before the first thing that isn't one, if there is one way only. */
static int
plan_prefix(struct slice s, struct arena *a, struct regex_plan *plan)
{
    if (memchr(s.p, '|', s.n) != NULL)
        return 0;
    char *text = (char *)arena_alloc(a, s.n + 1);
    if (text == NULL)
        return -ENOMEM;
    size_t n;
    take_text(&s, text, &n);
    n = cut_partial_char(text, n);
    if (memmem(text, n, "\xef\xbf\xbd", 3) == NULL)
        plan->prefix = slice_new(text, n);
    return 0;
}

int
regex_plan(struct slice pattern, enum regex_mode mode, struct arena *a,
           struct regex_plan *ret)
{
    *ret = (struct regex_plan){0};
    int r = plan_alts(without_group(pattern), mode, a, ret);
    if (r == 0 && mode == REGEX_FULL && pattern.n > 0)
        r = plan_prefix(pattern, a, ret);
    return r;
}

static bool
alt_match(const struct regex_alt *alt, struct slice s)
{
    size_t n = alt->text.n;
    size_t before = alt->before == GAP_PLUS, after = alt->after == GAP_PLUS;
    if (s.n < n + before + after)
        return false;
    if (alt->before == GAP_NONE)
        return slice_starts_with(s, alt->text) &&
               (alt->after != GAP_NONE || s.n == n);
    if (alt->after == GAP_NONE)
        return slice_ends_with(s, alt->text);
    return n == 0 ||
           memmem(s.p + before, s.n - before - after, alt->text.p, n) != NULL;
}

bool
regex_plan_match(const struct regex_plan *plan, struct slice s)
{
    if (plan->texts != NULL)
        return bsearch(&s, plan->texts, plan->n_texts, sizeof s, slice_order) !=
               NULL;
    for (size_t i = 0; i < plan->n; i++)
        if (alt_match(&plan->alts[i], s))
            return true;
    return false;
}
