# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md
# script_tests += %D%/x.sh
script_tests += %D%/kafka.sh
script_tests += %D%/source-file.sh
