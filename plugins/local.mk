# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

include %D%/lib/local.mk
include %D%/source_file/local.mk
if ENABLE_KAFKA
include %D%/source_kafka/local.mk
endif
include %D%/source_sim/local.mk
include %D%/source_null/local.mk
include %D%/decode_hub_logs/local.mk
include %D%/decode_null/local.mk
