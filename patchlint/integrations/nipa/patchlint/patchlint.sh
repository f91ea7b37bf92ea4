#!/usr/bin/env bash
# A test folder for NIPA: copy it into tests/patch/.  The patch under test is HEAD of the
# tree in the working directory; the result goes to DESC_FD, the exit status is 0, 250 for
# a warning, 1 for an error.
set -u
status=0
result=$(git format-patch --stdout -1 HEAD | patchlint check --tree . --format nipa -) || status=$?
echo "$result"
printf '%s\n' "${result%%$'\n'*}" >&"${DESC_FD:-1}"
[ "$status" -eq 2 ] && status=1
exit "$status"
