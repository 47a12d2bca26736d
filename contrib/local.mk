# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += \
	%D%/README.md \
	%D%/container/Containerfile \
	%D%/kubernetes/sidecar.yaml \
	%D%/systemd/tocsin.service
