/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_syntax.c - what is wrong with a text that is no YAML, in words that
 * help. */
#include "config.h"

#include "core/config/yaml_priv.h"

#include "core/base/str.h"

enum at { AT_PROBLEM, AT_CONTEXT };

/* libyaml's words and ours.  The first row that fits is taken. */
static const struct row {
    const char *problem; /* part of libyaml's problem */
    const char *context; /* part of its context, or NULL */
    enum at at;
    const char *message;
    const char *hint;
} rows[] = {
    {"mapping values are not allowed", NULL, AT_PROBLEM,
     "\": \" can't stand here",
     "quote the value if the colon is part of it, or check the indentation"},
    {"could not find expected ':'", NULL, AT_CONTEXT, "this key has no \":\"",
     "write \"key: value\", and check the indentation"},
    {"block sequence entries are not allowed", NULL, AT_PROBLEM,
     "a list item (\"- \") can't stand here",
     "begin the list on a line of its own below its key"},
    {"mapping keys are not allowed", NULL, AT_PROBLEM, "a key can't stand here",
     "check the indentation"},
    {"found unexpected end of stream", "quoted scalar", AT_CONTEXT,
     "this quoted text has no end", "add the closing quote"},
    {"found unexpected document indicator", "quoted scalar", AT_CONTEXT,
     "this quoted text has no end", "add the closing quote"},
    {"found unknown escape character", NULL, AT_PROBLEM,
     "unknown escape in double quotes",
     "in single quotes a backslash is only a backslash"},
    {"did not find expected hexdecimal number", NULL, AT_PROBLEM,
     "hexadecimal digits are missing in this escape",
     "in single quotes a backslash is only a backslash"},
    {"invalid Unicode character escape", NULL, AT_PROBLEM,
     "this escape is no Unicode character", NULL},
    {"did not find expected ',' or ']'", NULL, AT_PROBLEM,
     "expected \",\" or \"]\" here",
     "is a bracket or a comma missing further up?"},
    {"did not find expected ',' or '}'", NULL, AT_PROBLEM,
     "expected \",\" or \"}\" here",
     "is a brace or a comma missing further up?"},
    {"did not find expected '-' indicator", NULL, AT_PROBLEM,
     "expected another list item (\"- \") here", "check the indentation"},
    {"did not find expected key", NULL, AT_PROBLEM, "expected another key here",
     "check the indentation"},
    {"did not find expected node content", NULL, AT_PROBLEM,
     "expected a value here",
     "is a bracket, a brace or a quote open further up?"},
    {"did not find expected <document start>", NULL, AT_PROBLEM,
     "expected the end of the file here",
     "check the indentation and the braces further up"},
    {"tab character where an indentation space", NULL, AT_PROBLEM,
     "a tab stands where spaces must indent", "indent with spaces"},
    {"tab character that violates indentation", NULL, AT_PROBLEM,
     "a tab stands where spaces must indent", "indent with spaces"},
    {"indentation indicator equal to 0", NULL, AT_PROBLEM,
     "a block of text can't be indented by 0",
     "write \"|\" alone, or \"|\" and a number from 1 to 9"},
    {"did not find expected comment or line break", "block scalar", AT_PROBLEM,
     "nothing may follow \"|\" or \">\" on its line",
     "begin the text on the next line"},
    {"did not find expected alphabetic", "alias", AT_CONTEXT,
     "\"*\" begins an alias, and no name follows", "quote the value"},
    {"did not find expected alphabetic", "anchor", AT_CONTEXT,
     "\"&\" begins an anchor, and no name follows", "quote the value"},
    {"", "while scanning an alias", AT_CONTEXT,
     "\"*\" begins an alias, and what follows is no name", "quote the value"},
    {"", "while scanning an anchor", AT_CONTEXT,
     "\"&\" begins an anchor, and what follows is no name", "quote the value"},
    {"", "tag", AT_CONTEXT, "\"!\" begins a tag, and what follows is none",
     "quote the value"},
    {"undefined tag handle", NULL, AT_PROBLEM,
     "\"!\" begins a tag, and this one is not declared", "quote the value"},
    {"", "directive", AT_PROBLEM,
     "\"%\" at the start of a line begins a directive",
     "remove the line: no directive is needed"},
    {"directive", NULL, AT_PROBLEM, "bad directive",
     "remove the line: no directive is needed"},
    {"incompatible YAML document", NULL, AT_PROBLEM,
     "this version of YAML is not known",
     "remove the line: no directive is needed"},
};

static bool
contains(const char *text, const char *part)
{
    return text != NULL && strstr(text, part) != NULL;
}

static const struct row *
find_row(const yaml_parser_t *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (contains(p->problem, rows[i].problem) &&
            (rows[i].context == NULL || contains(p->context, rows[i].context)))
            return &rows[i];
    return NULL;
}

static struct where
mark_where(const struct yaml_syntax *s, const yaml_mark_t *mark)
{
    return (struct where){.file = s->doc->path,
                          .line = s->first_line + (uint32_t)mark->line,
                          .column = (uint32_t)mark->column + 1};
}

/* The byte under the problem's mark, or 0 at the end of a line. */
static char
problem_char(const struct yaml_syntax *s)
{
    uint32_t line = s->first_line + (uint32_t)s->parser->problem_mark.line;
    size_t start = yaml_line_start(s->doc->text, line);
    struct slice rest = yaml_line_at(s->doc->text, start);
    for (size_t i = s->parser->problem_mark.column; i > 0 && rest.n > 0; i--) {
        uint32_t cp;
        int n = utf8_decode(rest, &cp);
        rest = slice_skip(rest, n < 1 ? 1 : (size_t)n);
    }
    return rest.n == 0 ? 0 : rest.p[0];
}

static void
bad_start(const struct yaml_syntax *s, struct errlist *errs)
{
    struct where w = mark_where(s, &s->parser->problem_mark);
    char c = problem_char(s);
    if (c == '\t') {
        errlist_error(errs, &w, "a tab stands where spaces must indent");
        errlist_hint(errs, "indent with spaces");
        return;
    }
    errlist_error(errs, &w, "a value can't begin with \"%c\"", c);
    errlist_hint(errs, "quote the value");
}

/* What was open when the error came says more than the error. */
static bool
flow_hint(const struct yaml_syntax *s, const struct where *w,
          struct errlist *errs)
{
    const yaml_parser_t *p = s->parser;
    bool list = contains(p->context, "flow sequence");
    uint32_t line = s->first_line + (uint32_t)p->context_mark.line;
    if ((!list && !contains(p->context, "flow mapping")) || line == w->line)
        return false;
    errlist_hint(errs, "the \"%c\" in line %u is still open", list ? '[' : '{',
                 line);
    return true;
}

void
yaml_syntax_error(const struct yaml_syntax *s, struct errlist *errs)
{
    const yaml_parser_t *p = s->parser;
    if (contains(p->problem, "cannot start any token")) {
        bad_start(s, errs);
        return;
    }
    char c = problem_char(s);
    if (contains(p->problem, "did not find expected key") &&
        (c == ']' || c == '}')) {
        struct where w = mark_where(s, &p->problem_mark);
        errlist_error(errs, &w, "\"%c\" without \"%c\"", c,
                      c == ']' ? '[' : '{');
        return;
    }
    const struct row *row = find_row(p);
    if (row == NULL) {
        struct where w = mark_where(s, &p->problem_mark);
        errlist_error(errs, &w, "%s",
                      p->problem != NULL ? p->problem : "no YAML");
        if (p->context != NULL)
            errlist_hint(errs, "%s", p->context);
        return;
    }
    bool use_context = row->at == AT_CONTEXT && p->context != NULL;
    struct where w =
        mark_where(s, use_context ? &p->context_mark : &p->problem_mark);
    errlist_error(errs, &w, "%s", row->message);
    /* A missing quote shows where the next one is met. */
    if (s->last != NULL && !use_context && s->last->end_line == w.line &&
        s->last->line < w.line &&
        (s->last->style == YAML_SINGLE_QUOTED ||
         s->last->style == YAML_DOUBLE_QUOTED))
        errlist_hint(errs,
                     "quoted text ends here that began in line %u: is a "
                     "quote missing there?",
                     s->last->line);
    else if (!flow_hint(s, &w, errs) && row->hint != NULL)
        errlist_hint(errs, "%s", row->hint);
}

/* Does the line look like a key at the left edge? */
static bool
begins_section(struct slice line)
{
    if (line.n == 0 || strchr(" \t#-{}[],'\"%&*!|>@`?:", line.p[0]) != NULL)
        return false;
    const char *colon = memchr(line.p, ':', line.n);
    if (colon == NULL)
        return false;
    size_t after = (size_t)(colon - line.p) + 1;
    return after == line.n || line.p[after] == ' ';
}

bool
yaml_syntax_resume(const struct yaml_syntax *s, size_t *ret_byte,
                   uint32_t *ret_line)
{
    const yaml_parser_t *p = s->parser;
    struct slice text = s->doc->text;
    uint32_t line = s->first_line + (uint32_t)p->problem_mark.line;
    size_t start = yaml_line_start(text, line);
    if (start >= text.n && p->context != NULL) {
        line = s->first_line + (uint32_t)p->context_mark.line;
        start = yaml_line_start(text, line);
    }
    while (start < text.n) {
        const char *nl = memchr(text.p + start, '\n', text.n - start);
        if (nl == NULL)
            return false;
        start = (size_t)(nl - text.p) + 1;
        line++;
        if (begins_section(yaml_line_at(text, start))) {
            *ret_byte = start;
            *ret_line = line;
            return true;
        }
    }
    return false;
}

/* -------------------------------------------------------------- bytes */

struct bad_byte {
    const char *message, *hint;
};

static bool
bad_character(uint32_t cp, struct bad_byte *ret)
{
    if (cp == 0)
        *ret = (struct bad_byte){"a NUL byte", "is this a text file?"};
    else if ((cp < 0x20 && cp != '\t' && cp != '\n') ||
             (cp >= 0x7f && cp < 0xa0 && cp != 0x85))
        *ret = (struct bad_byte){
            "a control character",
            "remove it, or write it as an escape in double quotes"};
    else if (cp == 0x85 || cp == 0x2028 || cp == 0x2029)
        *ret = (struct bad_byte){
            "a line separator that is no newline",
            "remove it, or write it as an escape in double quotes"};
    else if (cp == 0xfeff)
        *ret = (struct bad_byte){"a byte order mark",
                                 "save the file as UTF-8 without one"};
    else if (cp == 0xfffe || cp == 0xffff)
        *ret = (struct bad_byte){"a character that Unicode does not have",
                                 "remove it"};
    else
        return false;
    return true;
}

/* The first byte that must not be there, or text.n. */
static size_t
find_bad(struct slice text, struct bad_byte *ret)
{
    for (size_t i = 0; i < text.n;) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t') {
            i++;
            continue;
        }
        if (c == '\r' && i + 1 < text.n && text.p[i + 1] == '\n') {
            i += 2;
            continue;
        }
        uint32_t cp;
        int n = utf8_decode(slice_skip(text, i), &cp);
        if (n <= 0) {
            *ret = (struct bad_byte){"a byte that is no UTF-8",
                                     "save the file as UTF-8"};
            return i;
        }
        if (c == '\r')
            *ret = (struct bad_byte){"a carriage return without a newline",
                                     "end lines with a newline"};
        if (c == '\r' || bad_character(cp, ret))
            return i;
        i += (size_t)n;
    }
    return text.n;
}

int
yaml_check_bytes(const struct yaml_doc *doc, struct errlist *errs)
{
    struct slice text = doc->text;
    struct where w = {.file = doc->path, .line = 1, .column = 1};
    const char *b = text.p;
    if (text.n >= 2 &&
        (memcmp(b, "\xff\xfe", 2) == 0 || memcmp(b, "\xfe\xff", 2) == 0 ||
         (b[0] == 0) != (b[1] == 0))) {
        errlist_error(errs, &w, "this is UTF-16");
        errlist_hint(errs, "save the file as UTF-8");
        return -EINVAL;
    }
    struct bad_byte bad;
    size_t at = find_bad(text, &bad);
    if (at == text.n)
        return 0;
    size_t line_start = 0;
    for (size_t i = 0; i < at; i++)
        if (b[i] == '\n') {
            w.line++;
            line_start = i + 1;
        }
    struct slice line = slice_new(b + line_start, at - line_start);
    w.column = err_column(line, line.n);
    errlist_error(errs, &w, "%s", bad.message);
    errlist_hint(errs, "%s", bad.hint);
    return -EINVAL;
}
