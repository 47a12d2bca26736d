# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

# One a line: each comes with the part that it tests.
script_tests += %D%/api.sh
script_tests += %D%/backpressure.sh
script_tests += %D%/check-rules.sh
script_tests += %D%/commands.sh
script_tests += %D%/crash-kill.sh
script_tests += %D%/crash-kill-kafka.sh
script_tests += %D%/hostile-regex.sh
script_tests += %D%/kafka.sh
script_tests += %D%/kafka-alert.sh
script_tests += %D%/kafka-mock.sh
script_tests += %D%/notify.sh
script_tests += %D%/promtool.sh
EXTRA_DIST += %D%/promtool
script_tests += %D%/reload.sh
script_tests += %D%/reload-load.sh
script_tests += %D%/replay.sh
script_tests += %D%/run-drain.sh
script_tests += %D%/pack-fleet.sh
script_tests += %D%/pack-iothub.sh
script_tests += %D%/source-file.sh
script_tests += %D%/source-sim.sh
script_tests += %D%/test-rules.sh
EXTRA_DIST += %D%/test-rules
