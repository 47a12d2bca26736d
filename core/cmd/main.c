/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the program's entry. */
#include "config.h"

#include <stdio.h>

int
main(void)
{
    puts("tocsin " PACKAGE_VERSION ": a monitoring and alerting collector");
    return 0;
}
