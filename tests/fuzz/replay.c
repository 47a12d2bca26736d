/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - runs a fuzz target on files, where libFuzzer is not linked. */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The copy is exactly as long as the file, so that a sanitizer sees a read
 * past its end. */
static int
replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return -errno;
    size_t size = 0, room = 4096;
    uint8_t *data = malloc(room);
    while (data) {
        size += fread(data + size, 1, room - size, f);
        if (size < room)
            break;
        room *= 2;
        uint8_t *more = realloc(data, room);
        if (!more)
            free(data);
        data = more;
    }
    int r = !data ? -ENOMEM : ferror(f) ? -EIO : 0;
    fclose(f);
    if (r == 0) {
        uint8_t *exact = malloc(size ? size : 1);
        if (exact) {
            memcpy(exact, data, size);
            LLVMFuzzerTestOneInput(exact, size);
            free(exact);
        }
    }
    free(data);
    return r;
}

int
main(int argc, char **argv)
{
    int status = 0;
    for (int i = 1; i < argc; i++) {
        int r = replay(argv[i]);
        if (r < 0) {
            fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
            status = 1;
        }
    }
    return status;
}
