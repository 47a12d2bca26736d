# SPDX-License-Identifier: Apache-2.0

# TOCSIN_APPEND_CFLAGS(VARIABLE, FLAGS)
# Appends each flag that the compiler takes without a warning.
AC_DEFUN([TOCSIN_APPEND_CFLAGS], [
  for tocsin_flag in m4_normalize([$2]); do
    AC_MSG_CHECKING([whether $CC takes $tocsin_flag])
    tocsin_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $tocsin_flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
      [AC_MSG_RESULT([yes])
       $1="${$1:+$$1 }$tocsin_flag"],
      [AC_MSG_RESULT([no])])
    CFLAGS=$tocsin_save_CFLAGS
  done
])

# TOCSIN_NEED_CLEANUP
# Stops where the cleanup attribute does not work.
AC_DEFUN([TOCSIN_NEED_CLEANUP], [
  AC_MSG_CHECKING([for __attribute__((cleanup))])
  AC_LINK_IFELSE([AC_LANG_SOURCE([[
    static int gone;
    static void bye(int *p) { gone = *p; }
    int main(void) {
      { __attribute__((cleanup(bye))) int x = 1; (void)x; }
      return gone - 1;
    }]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([the compiler has no cleanup attribute: use gcc or clang])])
])
