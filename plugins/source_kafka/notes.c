/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/plugin.h>

#include "plugins/source_kafka/notes.h"

void
notes_init(struct notes *notes, const char *secret)
{
    pthread_mutex_init(&notes->lock, NULL);
    notes->secret = secret && *secret ? secret : NULL;
    notes->n = notes->dropped = 0;
}

void
notes_fini(struct notes *notes)
{
    pthread_mutex_destroy(&notes->lock);
}

void
notes_scrub(const struct notes *notes, char *text)
{
    if (!notes->secret)
        return;
    for (char *p = text; (p = strstr(p, notes->secret)) != NULL;)
        memset(p, '*', strlen(notes->secret));
}

void
notes_add(struct notes *notes, int level, const char *format, ...)
{
    struct note note = {.level = level};
    va_list ap;
    va_start(ap, format);
    vsnprintf(note.text, sizeof note.text, format, ap);
    va_end(ap);
    notes_scrub(notes, note.text);
    pthread_mutex_lock(&notes->lock);
    if (notes->n < NOTES_MAX)
        notes->items[notes->n++] = note;
    else
        notes->dropped++;
    pthread_mutex_unlock(&notes->lock);
}

int
notes_take(struct notes *notes, struct note *ret)
{
    int found = 1;
    pthread_mutex_lock(&notes->lock);
    if (notes->n > 0) {
        *ret = notes->items[0];
        notes->n--;
        memmove(&notes->items[0], &notes->items[1],
                notes->n * sizeof notes->items[0]);
    } else if (notes->dropped > 0) {
        ret->level = TOCSIN_LOG_WARN;
        snprintf(ret->text, sizeof ret->text, "%zu more lines dropped",
                 notes->dropped);
        notes->dropped = 0;
    } else {
        found = 0;
    }
    pthread_mutex_unlock(&notes->lock);
    return found;
}
