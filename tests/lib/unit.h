/* SPDX-License-Identifier: Apache-2.0 */
/* unit.h - the end of every unit test: runs the suites and prints TAP.
 *
 *     int main(void) { return unit_main(window_suite(), NULL); }
 */
#ifndef TOCSIN_TESTS_UNIT_H
#define TOCSIN_TESTS_UNIT_H
#include <check.h>
#include <stdarg.h>
#include <stdlib.h>

/* Takes suites, the last argument NULL, and owns them. */
__attribute__((sentinel)) static inline int
unit_main(Suite *first, ...)
{
    SRunner *sr = srunner_create(first);
    va_list ap;
    va_start(ap, first);
    for (Suite *s = va_arg(ap, Suite *); s; s = va_arg(ap, Suite *))
        srunner_add_suite(sr, s);
    va_end(ap);
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
