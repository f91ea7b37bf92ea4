# Reads the text of tracefs' "trace" file; prints one line for each event:
#
#	number TAB pid TAB comm TAB level TAB event TAB info TAB frame<frame<...
#
# level is "t" for a task, "i" for an interrupt or softirq; frames go from the innermost
# outwards and begin with the probed function, where it is among them.
# SPDX-License-Identifier: GPL-2.0-or-later

function flush() {
	if (have)
		printf "%s\t%s\n", record, stack
	have = 0
	stack = ""
	frames = 0
}

/^ *=> / {
	if (!own)
		next
	name = $2
	sub(/[+\/].*/, "", name)
	sub(/\..*/, "", name)
	if (name !~ /^[A-Za-z_]/)
		next
	# what stands before the probed function is the machinery of the probe
	if (name == probed && !seen) {
		stack = ""
		frames = 0
		seen = 1
	}
	if (frames < 24) {
		stack = stack (frames ? "<" : "") name
		frames++
	}
	next
}

/^#/ || /^$/ { next }

# A stack belongs to the event right before it, if that is one that asks for a stack: triggers
# of probes that are not enabled write theirs as well.
/<stack trace>/ {
	own = have && !frames && event ~ /^[bcf]_/
	next
}

match($0, /-[0-9]+ +(\([^)]*\) +)?\[[0-9]+\] /) {
	flush()
	comm = substr($0, 1, RSTART - 1)
	sub(/^ +/, "", comm)
	gsub(/[ \t]/, "_", comm)
	pid = substr($0, RSTART + 1)
	sub(/ .*/, "", pid)
	rest = substr($0, RSTART + RLENGTH)
	split(rest, part, " ")
	flags = part[1]
	number = part[2]
	sub(/:$/, "", number)
	event = part[3]
	sub(/:$/, "", event)
	info = rest
	sub(/^[^:]*: *[^:]*: */, "", info)
	probed = info
	sub(/^\(/, "", probed)
	sub(/[+.].*/, "", probed)
	# of a probe only its place counts, of a system call only its number
	if (info ~ /^\(/)
		info = probed
	gsub(/\t/, " ", info)
	record = number "\t" pid "\t" comm "\t" (flags ~ /[sShHzZ]/ ? "i" : "t") "\t" event "\t" info
	have = 1
	own = 0
	seen = 0
	next
}

END { flush() }
