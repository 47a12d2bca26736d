# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += \
	%D%/README.md \
	%D%/container/Containerfile \
	%D%/kubernetes/sidecar.yaml \
	%D%/plugin-template/Makefile \
	%D%/plugin-template/README.md \
	%D%/plugin-template/decode_words.c \
	%D%/plugin-template/installcheck.sh \
	%D%/systemd/tocsin.service
