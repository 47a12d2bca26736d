/* SPDX-License-Identifier: Apache-2.0 */
/* support.h - what the engine can evaluate, for the parser to refuse the
 * rest with its place. */
#ifndef TOCSIN_ENGINE_SUPPORT_H
#define TOCSIN_ENGINE_SUPPORT_H

struct lang_support;

const struct lang_support *engine_support(void);

#endif
