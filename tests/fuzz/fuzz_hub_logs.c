/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_hub_logs.c - the decoder of hub logs on any bytes: its host checks every
 * call against the contract, and a stream cut in pieces gives what it gives
 * whole.  The first two bytes say where it is cut, and how large the buffer
 * is. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/decoder_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
open_host(struct decoder_host *d)
{
    const uint32_t flags = DECODER_TEXT | DECODER_OFFSETS;
    if (decoder_host_open(d, NULL, tocsin_plugin_v1(), flags) < 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct decoder_host d;
    const char *p = (const char *)data + 2;
    const size_t n = size - 2;
    const size_t cuts[] = {n * data[0] / 256, n * data[0] / 256 + data[1] % 8,
                           n * data[1] / 256 + n / 2};

    open_host(&d);
    decoder_host_message(&d, p, n);
    free(decoder_host_take(&d));
    decoder_host_close(&d);

    open_host(&d);
    decoder_host_stream(&d, p, n, NULL, 0, 0);
    char *whole = decoder_host_take(&d);
    /* The instance has seen it all: what it guesses must not change that. */
    decoder_host_stream(&d, p, n, cuts, 3, 0);
    char *pieces = decoder_host_take(&d);
    if (strcmp(whole, pieces) != 0) {
        fprintf(stderr, "whole:\n%s\nin pieces:\n%s\n", whole, pieces);
        abort();
    }
    free(whole);
    free(pieces);
    decoder_host_stream(&d, p, n, NULL, 0, 16 + data[1]);
    free(decoder_host_take(&d));
    decoder_host_close(&d);
    return 0;
}
