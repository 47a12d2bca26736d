/* SPDX-License-Identifier: Apache-2.0 */
/* notes.h - log lines of any thread, kept until the host's thread takes them.
 *
 * Bounded: what does not fit is counted.  A secret never gets in. */
#ifndef TOCSIN_SOURCE_KAFKA_NOTES_H
#define TOCSIN_SOURCE_KAFKA_NOTES_H
#include <pthread.h>
#include <stddef.h>

#define NOTES_MAX 32
#define NOTE_SIZE 400

struct note {
    int level;
    char text[NOTE_SIZE];
};

struct notes {
    pthread_mutex_t lock;
    const char *secret; /* borrowed; may be NULL */
    size_t n;
    size_t dropped;
    struct note items[NOTES_MAX];
};

void notes_init(struct notes *notes, const char *secret);
void notes_fini(struct notes *notes);
__attribute__((format(printf, 3, 4))) void
notes_add(struct notes *notes, int level, const char *format, ...);
/* Takes the oldest.  Returns 1, or 0 where there is none. */
int notes_take(struct notes *notes, struct note *ret);
/* Overwrites the secret, wherever it stands in the text. */
void notes_scrub(const struct notes *notes, char *text);

#endif
