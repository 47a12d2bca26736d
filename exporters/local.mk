# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

if ENABLE_WEBHOOK
include %D%/export_webhook/local.mk
endif
include %D%/export_stdout/local.mk
include %D%/export_null/local.mk
