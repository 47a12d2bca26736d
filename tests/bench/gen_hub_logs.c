/* SPDX-License-Identifier: Apache-2.0 */
/* gen_hub_logs.c - hub logs for benchmarks: lines of JSON as a storage account
 * keeps them, or envelopes as an event hub does.  The same arguments give the
 * same bytes.
 *
 *     gen_hub_logs [-n RECORDS] [-d DEVICES] [-e ERRORS_PER_MILLE] [-s SEED]
 *                  [-b RECORDS_PER_ENVELOPE] [-o FILE] */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plugins/source_sim/fleet.h"

#define BLOCK ((size_t)1 << 20)

struct job {
    uint64_t records;
    uint64_t per_envelope; /* 0: lines */
    unsigned errors;
    FILE *out;
};

static int
flush(struct text *t, const struct job *job)
{
    size_t n = fwrite(t->p, 1, t->n, job->out);
    int r = n == t->n && !t->failed ? 0 : -1;
    t->n = 0;
    return r;
}

static int
generate(const struct fleet *f, const struct job *job)
{
    struct text t = {0};
    int r = 0;
    for (uint64_t i = 0; i < job->records && r == 0; i++) {
        uint64_t at = job->per_envelope ? i % job->per_envelope : 0;
        if (job->per_envelope)
            text_str(&t, at ? "," : "{\"records\":[");
        struct fleet_record rec;
        fleet_bench_record(f, i, job->errors, &rec);
        fleet_hub_record(f, &rec, &t);
        if (!job->per_envelope)
            text_str(&t, "\n");
        else if (at + 1 == job->per_envelope || i + 1 == job->records)
            text_str(&t, "]}\n");
        if (t.n >= BLOCK)
            r = flush(&t, job);
    }
    if (r == 0)
        r = flush(&t, job);
    text_fini(&t);
    return r;
}

int
main(int argc, char **argv)
{
    struct fleet f = {.seed = 1,
                      .devices = 50000,
                      .rate = 1000,
                      .time_scale = 1,
                      .start_us = 1777881600000000, /* 2026-05-04T08:00:00Z */
                      .hub = "contoso-fleet-westeurope-prod-01"};
    struct job job = {.records = 1000000, .errors = 20, .out = stdout};
    int opt;
    while ((opt = getopt(argc, argv, "n:d:e:s:b:o:")) != -1) {
        if (opt == 'n')
            job.records = strtoull(optarg, NULL, 10);
        else if (opt == 'd')
            f.devices = (uint32_t)strtoul(optarg, NULL, 10);
        else if (opt == 'e')
            job.errors = (unsigned)strtoul(optarg, NULL, 10);
        else if (opt == 's')
            f.seed = strtoull(optarg, NULL, 10);
        else if (opt == 'b')
            job.per_envelope = strtoull(optarg, NULL, 10);
        else if (opt == 'o')
            job.out = fopen(optarg, "w");
        else
            return 2;
    }
    if (!job.out || f.devices == 0)
        return 2;
    if (generate(&f, &job) < 0 || fclose(job.out) != 0) {
        fputs("gen_hub_logs: can't write\n", stderr);
        return 1;
    }
    return 0;
}
