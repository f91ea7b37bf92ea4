#!/bin/sh
@ABOUT@
#
# As root, on a machine that does nothing else (releases in kernel threads, work items and
# interrupts are seen whoever caused them); it needs tracefs and awk, nothing to install:
@USAGE@
# RUNS=10 is how often the reproducer goes round, SETTLE=2 for how many seconds the trace
# goes on after the command.
#
@STATUS@
#
@SUITES@
#
# SPDX-License-Identifier: GPL-2.0-or-later
set -u
RUNS=${RUNS:-10}
SETTLE=${SETTLE:-2}

# what leads to the release, the release, what ends it, and what it was moved into
entries='@ENTRIES@'
releases='@RELEASES@'
finals='@FINALS@'
callbacks='@CALLBACKS@'
# which of them are system calls, and what a kernel puts before the name of one
calls_in='@CALLS@'
prefixes='@PREFIXES@'
# the function that lost the promise: unless it runs nobody is acquitted
function='@FUNCTION@'
# whether the release is a wait of that function
waits='@WAITS@'
# whether the reproducer goes through it
own='@OWN@'

@REPRODUCER@

# which frames of a stack tell a context, and what ends which release
plan='@PLAN@'

# makes a line of each event in a trace
fold='@FOLD@'

# says of each release by when it was done
judge='@JUDGE@'

# tells it to people
tell='@TELL@'

# says of each run of a function whether it waited, and tells that
waited='@WAITED@'

cannot() {
	echo "cannot trace: $*" >&2
	exit 3
}

example=
if [ "${1:-}" = --example ] && command -v reproducer >/dev/null; then
	example=yes
	shift
fi
nothing='@NOTHING@'
if [ -n "$nothing" ] || { [ $# -eq 0 ] && [ -z "$own$example" ]; }; then
	echo "@DEMAND@" >&2
	exit 2
fi

tracing=
for place in /sys/kernel/tracing /sys/kernel/debug/tracing; do
	[ -e "$place/kprobe_events" ] || mount -t tracefs tracefs "$place" 2>/dev/null
	[ -e "$place/kprobe_events" ] && tracing=$place && break
done
[ -n "$tracing" ] || cannot "no tracefs with kprobe events (root? CONFIG_KPROBE_EVENTS?)"
[ -w "$tracing/kprobe_events" ] || cannot "$tracing/kprobe_events is not writable (root?)"

name=patchlint$$
probes=$tracing/instances/$name
calls=$tracing/instances/$name-calls
work=$(mktemp -d) || cannot "no temporary folder"

end() {
	trap - EXIT
	for instance in "$probes" "$calls"; do
		[ -d "$instance" ] || continue
		echo 0 >"$instance/tracing_on"
		echo 0 >"$instance/events/enable"
		rmdir "$instance"
	done
	grep "[:]$name/" "$tracing/kprobe_events" | sed 's/^[^:]*:\([^ ]*\).*/-:\1/' |
		while read -r line; do echo "$line" >>"$tracing/kprobe_events"; done
	rm -rf "$work"
}
trap end EXIT
trap 'exit 3' INT TERM HUP

mkdir "$probes" "$calls" || cannot "no instances in tracefs"
for instance in "$probes" "$calls"; do
	echo 0 >"$instance/tracing_on"
	# counts events over all instances and processors: what came first has the lower number
	echo counter >"$instance/trace_clock" || cannot "no trace clock 'counter'"
	echo 8192 >"$instance/buffer_size_kb"
done

# names FUNCTION: what it may be called in the kernel
names() {
	echo "$1"
	case " $calls_in " in
	*" $1 "*) for prefix in $prefixes; do echo "$prefix$1"; done ;;
	esac
}

# probe KIND TYPE FUNCTION...
probe() {
	kind=$1 type=$2
	shift 2
	for symbol in "$@"; do
		place=
		for one in $(names "$symbol"); do
			{ echo "$type:$name/${kind}_$symbol $one" >>"$tracing/kprobe_events"; } 2>/dev/null &&
				place=$one && break
		done
		if [ -z "$place" ]; then
			[ "$type" = p ] && unset_probes="$unset_probes $symbol()"
			continue
		fi
		set_probes=$((set_probes + 1))
		[ "$type" = p ] && [ "$kind" != e ] &&
			echo stacktrace >"$probes/events/$name/${kind}_$symbol/trigger"
	done
}
unset_probes= set_probes=0
probe e p $entries
probe c p $releases
probe r r64 $releases
probe f p $finals
[ -z "$waits" ] || probe r r64 $function
probe b p $callbacks
echo "kernel: $(uname -r)"
[ -z "$unset_probes" ] ||
	echo "cannot be probed (inlined, not loaded, or not in this kernel):$unset_probes"
[ "$set_probes" -gt 0 ] || cannot "none of the functions is in this kernel"

[ -e "$calls/events/raw_syscalls/sys_enter/enable" ] ||
	cannot "no event raw_syscalls:sys_enter (CONFIG_FTRACE_SYSCALLS)"
echo 1 >"$probes/events/$name/enable"
echo 1 >"$calls/events/raw_syscalls/sys_enter/enable"
echo 1 >"$calls/options/event-fork"

(
	# the first word of this process is its number: what it starts is followed from there
	sh -c 'echo $PPID' >"$calls/set_event_pid"
	echo 1 >"$calls/tracing_on"
	echo 1 >"$probes/tracing_on"
	if [ $# -gt 0 ]; then "$@"; else reproducer; fi
)
echo "command: ended with status $?"
sleep "$SETTLE"
for instance in "$probes" "$calls"; do
	echo 0 >"$instance/tracing_on"
	awk "$fold" "$instance/trace"
done | sort -n >"$work/events"
lost=$(cat "$probes"/per_cpu/cpu*/stats | awk '/^overrun/ { n += $2 } END { print n + 0 }')
[ "$lost" -eq 0 ] || echo "$lost events were lost: the buffer is too small for this command"
[ -z "${KEEP:-}" ] || cp "$work/events" "$KEEP"
if [ -n "$waits" ]; then
	lacks= returns=
	[ -d "$probes/events/$name/e_$function" ] || lacks="$function()"
	[ -d "$probes/events/$name/c_$releases" ] || lacks="$lacks${lacks:+ and }$releases()"
	[ ! -d "$probes/events/$name/r_$function" ] || returns=yes
	awk -v holder="$function" -v wait="$releases" -v returns="$returns" -v lacks="$lacks" \
		"$waited" "$work/events"
	exit
fi
echo "$plan" >"$work/plan"
awk "$judge" "$work/plan" "$work/events" >"$work/verdicts"
# releases that came by another way acquit nobody
way='e_.*'
[ -n "$entries" ] || way='c_.*'
[ -z "$function" ] || [ ! -d "$probes/events/$name/e_$function" ] || way=e_$function
came=$(awk -F'\t' -v way="^$way\$" '$5 ~ way { n++ } END { print n + 0 }' "$work/events")
astray=
# what another function's reproducer did shows nothing of one that cannot be probed
[ -z "$example" ] || [ "$way" = "e_$function" ] || came=0
[ "$came" -gt 0 ] || astray=${function:-what leads to the release}
# nor does a kernel in which nothing is that the release was moved into
lacks=
for symbol in $callbacks; do
	[ ! -d "$probes/events/$name/b_$symbol" ] || { lacks= && break; }
	lacks="$lacks${lacks:+ and }$symbol()"
done
awk -v astray="$astray" -v lacks="$lacks" "$tell" "$work/verdicts"
status=$?
exit "$status"
