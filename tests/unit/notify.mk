# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += tests/data/alerts

unit_tests += %D%/test_route.t
%C%_test_route_t_SOURCES = %D%/test_route.c %D%/notify_script.c \
	%D%/notify_script.h

unit_tests += %D%/test_stdout.t
%C%_test_stdout_t_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%C%_test_stdout_t_LDADD = exporters/export_stdout/libstdout.la $(LDADD) \
	$(JANSSON_LIBS)

unit_tests += %D%/test_notifier.t
%C%_test_notifier_t_SOURCES = %D%/test_notifier.c %D%/notify_script.c \
	%D%/notify_script.h

if ENABLE_WEBHOOK
unit_tests += %D%/test_webhook.t
%C%_test_webhook_t_SOURCES = %D%/test_webhook.c %D%/notify_script.c \
	%D%/notify_script.h %D%/web_server.c %D%/web_server.h
%C%_test_webhook_t_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(MHD_CFLAGS) \
	$(CRYPTO_CFLAGS)
%C%_test_webhook_t_LDADD = exporters/export_webhook/libwebhook.la $(LDADD) \
	$(JANSSON_LIBS) $(MHD_LIBS) $(CRYPTO_LIBS)
endif
