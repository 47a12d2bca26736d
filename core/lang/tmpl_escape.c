/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_escape.c - html, js, urlquery. */
#include "config.h"

#include "core/base/str.h"
#include "core/lang/tmpl.h"

void
tmpl_escape_html(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '"':
            (void)buf_append_str(b, "&#34;");
            break;
        case '\'':
            (void)buf_append_str(b, "&#39;");
            break;
        case '&':
            (void)buf_append_str(b, "&amp;");
            break;
        case '<':
            (void)buf_append_str(b, "&lt;");
            break;
        case '>':
            (void)buf_append_str(b, "&gt;");
            break;
        case '\0':
            (void)buf_append_str(b, "\xef\xbf\xbd");
            break;
        default:
            (void)buf_putc(b, s.p[i]);
            break;
        }
    }
}

void
tmpl_escape_js(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        const char c = s.p[i];
        if (c == '\\' || c == '\'' || c == '"')
            (void)buf_printf(b, "\\%c", c);
        else if (c == '<' || c == '>' || c == '&' || c == '=' ||
                 (unsigned char)c < 0x20)
            (void)buf_printf(b, "\\u%04X", (unsigned)(unsigned char)c);
        else
            (void)buf_putc(b, c);
    }
}

void
tmpl_escape_query(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        const char c = s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                     (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
                     c == '.' || c == '~';
        if (plain)
            (void)buf_putc(b, c);
        else if (c == ' ')
            (void)buf_putc(b, '+');
        else
            (void)buf_printf(b, "%%%02X", (unsigned)(unsigned char)c);
    }
}

bool
tmpl_unescape_query(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned v = 0;
        if (s.p[i] != '%') {
            (void)buf_putc(b, s.p[i] == '+' ? ' ' : s.p[i]);
            continue;
        }
        for (size_t k = i + 1; k <= i + 2; k++) {
            char c = k < s.n ? str_lower(s.p[k]) : '\0';
            bool digit = c >= '0' && c <= '9';
            if (!digit && !(c >= 'a' && c <= 'f'))
                return false;
            v = v * 16 + (unsigned)(digit ? c - '0' : c - 'a' + 10);
        }
        (void)buf_putc(b, (char)v);
        i += 2;
    }
    return true;
}
