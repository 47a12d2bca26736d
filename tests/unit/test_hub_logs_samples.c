/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder of hub logs on sample files: what Azure documents, and what is
 * expected of each (FILE.expected, as decoder_host.h writes it).
 *
 * TOCSIN_WRITE_EXPECTED=1 writes the expectations instead: read them. */
#include "config.h"

#include <dirent.h>
#include <string.h>

#include "tests/lib/decoder_host.h"
#include "tests/lib/unit.h"

#define PLUGIN "/plugins/decode_hub_logs/.libs/decode_hub_logs.so"
#define N_FILES 64

static char *files[N_FILES];
static size_t n_files;

/* Both texts, one behind the other. */
static char *
join(const char *a, const char *b)
{
    char *text = NULL;
    if (asprintf(&text, "%s%s", a, b) < 0)
        abort();
    return text;
}

static char *
in_tree(const char *variable, const char *path)
{
    const char *top = getenv(variable);
    return join(top != NULL ? top : ".", path);
}

static char *
read_file(const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s: %m", path);
    char *text = NULL;
    size_t room = 0;
    const ssize_t n = getdelim(&text, &room, EOF, f);
    ck_assert_msg(n >= 0, "%s: empty", path);
    fclose(f);
    *ret_n = (size_t)n;
    return text;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
list_files(const char *folder)
{
    char *path = in_tree("top_srcdir", folder);
    DIR *dir = opendir(path);
    if (dir == NULL) {
        free(path);
        return;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        const size_t n = strlen(e->d_name);
        if (n < 5 || strcmp(e->d_name + n - 5, ".json") != 0)
            continue;
        if (n_files == N_FILES)
            abort();
        files[n_files++] = join(path, e->d_name);
    }
    closedir(dir);
    free(path);
}

static void
open_decoder(struct decoder_host *d, uint32_t flags)
{
    char *path = in_tree("top_builddir", PLUGIN);
    ck_assert_int_eq(decoder_host_open(d, path, NULL, flags), 0);
    free(path);
}

static char *
as_message(const char *p, size_t n, uint32_t flags)
{
    struct decoder_host d;
    open_decoder(&d, flags);
    decoder_host_message(&d, p, n);
    char *text = decoder_host_take(&d);
    decoder_host_close(&d);
    return text;
}

static char *
as_stream(struct decoder_host *d, const char *p, size_t n, const size_t *cuts,
          size_t n_cuts)
{
    decoder_host_stream(d, p, n, cuts, n_cuts, 0);
    return decoder_host_take(d);
}

START_TEST(a_sample_gives_the_expected_records)
{
    size_t n, n_want;
    char *p = read_file(files[_i], &n);
    char *got =
        as_message(p, n, DECODER_TEXT | DECODER_OFFSETS | DECODER_FOREIGN);
    char *path = join(files[_i], ".expected");
    if (getenv("TOCSIN_WRITE_EXPECTED") != NULL) {
        FILE *f = fopen(path, "wb");
        ck_assert_ptr_nonnull(f);
        fputs(got, f);
        fclose(f);
    }
    char *want = read_file(path, &n_want);
    ck_assert_msg(strcmp(got, want) == 0, "%s\n%s", path, got);
    free(want);
    free(path);
    free(got);
    free(p);
}
END_TEST

START_TEST(a_sample_cut_anywhere_gives_the_same)
{
    const uint32_t flags = DECODER_TEXT | DECODER_OFFSETS;
    size_t n;
    char *p = read_file(files[_i], &n);
    char *want = as_message(p, n, flags);
    struct decoder_host d;
    open_decoder(&d, flags);
    for (size_t cut = 0; cut <= n; cut++) {
        char *got = as_stream(&d, p, n, &cut, 1);
        ck_assert_msg(strcmp(got, want) == 0, "%s cut at %zu:\n%s", files[_i],
                      cut, got);
        free(got);
    }
    decoder_host_close(&d);
    free(want);
    free(p);
}
END_TEST

START_TEST(a_sample_in_small_pieces_gives_the_same)
{
    const uint32_t flags = DECODER_TEXT | DECODER_OFFSETS;
    size_t n;
    char *p = read_file(files[_i], &n);
    char *want = as_message(p, n, flags);
    struct decoder_host d;
    open_decoder(&d, flags);
    size_t *cuts = malloc(n * sizeof *cuts);
    ck_assert_ptr_nonnull(cuts);
    for (size_t step = 1; step < 40; step += 19) {
        size_t n_cuts = 0;
        for (size_t at = step; at < n; at += step)
            cuts[n_cuts++] = at;
        char *got = as_stream(&d, p, n, cuts, n_cuts);
        ck_assert_msg(strcmp(got, want) == 0, "%s in pieces of %zu:\n%s",
                      files[_i], step, got);
        free(got);
    }
    free(cuts);
    decoder_host_close(&d);
    free(want);
    free(p);
}
END_TEST

/* The places of the records, from "event hub_logs TIME OFFSET+LENGTH". */
static size_t
places(const char *text, size_t ret[][2], size_t max)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, "event hub_logs ")) != NULL;
         p++) {
        ck_assert_uint_lt(n, max);
        ck_assert_int_eq(
            sscanf(p, "event hub_logs %*s %zu+%zu", &ret[n][0], &ret[n][1]), 2);
        n++;
    }
    return n;
}

START_TEST(a_record_alone_gives_the_same_as_in_its_envelope)
{
    size_t n, place[32][2];
    char *p = read_file(files[_i], &n);
    char *all = as_message(p, n, DECODER_TEXT);
    char *placed = as_message(p, n, DECODER_TEXT | DECODER_OFFSETS);
    const size_t n_records = places(placed, place, 32);
    char *joined = join("", "");
    for (size_t i = 0; i < n_records; i++) {
        char *one = as_message(p + place[i][0], place[i][1], DECODER_TEXT);
        char *longer = join(joined, one);
        free(joined);
        free(one);
        joined = longer;
    }
    ck_assert_str_eq(joined, all);
    free(joined);
    free(placed);
    free(all);
    free(p);
}
END_TEST

static Suite *
samples_suite(void)
{
    Suite *s = suite_create("hub_logs samples");
    TCase *tc = tcase_create("samples");
    list_files("/tests/data/iothub-logs/");
    list_files("/tests/data/iothub-metrics/");
    list_files("/tests/data/dps/");
    qsort(files, n_files, sizeof *files, by_name);
    const int n = (int)n_files;
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, a_sample_gives_the_expected_records, 0, n);
    tcase_add_loop_test(tc, a_sample_cut_anywhere_gives_the_same, 0, n);
    tcase_add_loop_test(tc, a_sample_in_small_pieces_gives_the_same, 0, n);
    tcase_add_loop_test(tc, a_record_alone_gives_the_same_as_in_its_envelope, 0,
                        n);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(samples_suite(), NULL);
}
