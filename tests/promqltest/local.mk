# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += %D%/promqltest
script_tests += %D%/conformance.sh
