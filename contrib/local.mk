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

# Proves that a plugin out of tree builds against what was installed, loads,
# and works.
installcheck_targets += installcheck-plugin-template
installcheck-plugin-template:
	$(SHELL) $(srcdir)/%D%/plugin-template/installcheck.sh \
		$(srcdir)/%D%/plugin-template \
		"$(DESTDIR)$(bindir)/tocsin" "$(DESTDIR)$(pkgconfigdir)" "$(CC)"
.PHONY: installcheck-plugin-template
