/* SPDX-License-Identifier: Apache-2.0 */
/* lex.c - brackets and quotes alone: finds the end of a value that is not
 * JSON, but is sound enough to have one. */
#include "config.h"

#include "hub_logs.h"

/* A byte inside a string; 0 where no JSON has it. */
static int
string_byte(struct lex *lex, unsigned char c)
{
    if (c < 0x20)
        return 0;
    if (lex->escape)
        lex->escape = 0;
    else if (c == '\\')
        lex->escape = 1;
    else if (c == '"')
        lex->in_string = 0;
    return 1;
}

static int
is_blank_or_word(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' ||
           c == ':' || c == '+' || c == '-' || c == '.' ||
           (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

enum lex_result
lex_run(struct lex *lex, const char *p, size_t n, size_t *ret_used)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)p[i];
        *ret_used = i;
        if (lex->in_string) {
            if (!string_byte(lex, c))
                return LEX_UNSOUND;
        } else if (c == '"') {
            lex->in_string = 1;
        } else if (c == '{' || c == '[') {
            if (lex->depth == TOCSIN_JSON_DEPTH)
                return LEX_UNSOUND;
            lex->objects = lex->objects << 1 | (c == '{');
            lex->depth++;
        } else if (c == '}' || c == ']') {
            if (lex->depth == 0 || (lex->objects & 1) != (c == '}'))
                return LEX_UNSOUND;
            lex->objects >>= 1;
            if (--lex->depth == 0) {
                *ret_used = i + 1;
                return LEX_DONE;
            }
        } else if (!is_blank_or_word(c)) {
            return LEX_UNSOUND;
        }
    }
    *ret_used = n;
    return LEX_MORE;
}
