# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

include %D%/base.mk
include %D%/record.mk
include %D%/journal.mk
include %D%/config.mk
include %D%/kafka.mk
include %D%/lang.mk
include %D%/engine.mk
include %D%/notify.mk
include %D%/host.mk
include %D%/run.mk
include %D%/http.mk
include %D%/cmd.mk
include %D%/sim.mk
include %D%/decode.mk
