#!/bin/sh
# Checks the model of consensus with spin (Debian package `spin`) and gcc: sh bench/consensus/check.sh [VIEWS]
# The sound model must pass, each broken one must fail.
set -eu
views=${1:-3}
model=$(cd "$(dirname "$0")" && pwd)/simplex.pml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
status=0
for broken in NONE FORGETS ANY_PARENT GIVES_UP_TOO_MUCH NO_REPROPOSE LOW_QUORUM \
  FINALIZE_AFTER_NULLIFY NO_JUSTIFICATION; do
  spin -a -DVIEWS="$views" -D$broken "$model" >/dev/null
  gcc -O2 -DSAFETY -DMEMLIM=4096 -o pan pan.c
  ./pan -m100000 >out
  states=$(sed -n 's/ *\([0-9.e+]*\) states, stored.*/\1/p' out)
  errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' out)
  if grep -q 'max search depth too small\|out of memory' out; then errors=unfinished; fi
  if [ $broken = NONE ]; then expected=0; else expected=1; fi
  if [ "$errors" = $expected ]; then verdict=ok; else verdict=WRONG; status=1; fi
  echo "$verdict  $broken: $errors errors in $states states, $views views"
done
exit $status
