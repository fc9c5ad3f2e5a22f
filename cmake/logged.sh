#!/bin/sh
# logged.sh LOG COMMAND...: runs the command with its output in LOG; shows LOG where the command fails.
log="$1"
shift
"$@" > "$log" 2>&1 && exit 0
status=$?
echo "failed ($status): $*" >&2
cat "$log" >&2
exit "$status"
