# SPDX-License-Identifier: Apache-2.0

# TOCSIN_PLUGIN(NAME, VAR, PKG_CONFIG_SPEC, WHAT)
# --enable-NAME=yes|no|auto for a part whose library may be missing: "yes"
# without the library is an error, "auto" takes what is there.  Sets VAR_CFLAGS
# and VAR_LIBS, the conditional ENABLE_<NAME>, HAVE_<NAME> in config.h, and
# enable_NAME to yes or no.
AC_DEFUN([TOCSIN_PLUGIN], [
  AC_ARG_ENABLE([$1],
    [AS_HELP_STRING([--enable-$1=yes|no|auto], [$4 (auto)])],
    [], [enable_$1=auto])
  AS_CASE([$enable_$1],
    [no], [],
    [yes], [PKG_CHECK_MODULES([$2], [$3])],
    [auto], [PKG_CHECK_MODULES([$2], [$3], [enable_$1=yes], [enable_$1=no])],
    [AC_MSG_ERROR([--enable-$1 takes yes, no or auto, not "$enable_$1"])])
  AS_IF([test "x$enable_$1" = xyes],
    [AC_DEFINE([HAVE_]m4_toupper([$1]), [1], [Define for $4.])])
  AM_CONDITIONAL([ENABLE_]m4_toupper([$1]), [test "x$enable_$1" = xyes])
])
