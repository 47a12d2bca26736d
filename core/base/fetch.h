/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.h - asks for memory before it is needed.
 *
 * Worth it where many objects in random places are visited one after another:
 * the processor then waits for several of them at once.  Thread: any. */
#ifndef TOCSIN_BASE_FETCH_H
#define TOCSIN_BASE_FETCH_H

/* The line of the cache at 'p', which may point anywhere.  (The empty asm: a
 * function that does nothing but prefetch has no effect in gcc's eyes, which
 * then drops the calls of it.) */
static inline void
fetch(const void *p)
{
    __builtin_prefetch(p);
    __asm__ volatile("");
}

#endif
