# Reads folded events (see fold.awk) in their order; says of each run of the function "holder"
# whether it called "wait".  For a wait that is gone nothing runs later that could be watched: that
# the function ran and did not wait is what shows it.
#
# "returns" is set where the returns of the function are among the events: then a wait is its own
# between its call and its return, else where the function stands in the stack of the wait.
# "lacks" is what of both cannot be probed here.
# Exit status: 0 each run waited, 1 some did not, 2 none was seen.
# SPDX-License-Identifier: GPL-2.0-or-later

BEGIN { FS = "\t" }

# a task that none of the followed system calls came from is a stranger
$5 == "sys_enter" { known[$2] = 1; next }

$5 == "e_" holder && ($2 in known) {
	runs++
	run_of[$2] = runs
	task[runs] = $3
	next
}

$5 == "r_" holder { delete run_of[$2]; next }

$5 == "c_" wait && ($2 in run_of) {
	if (returns != "" || index("<" $7 "<", "<" holder "<"))
		waited[run_of[$2]] = 1
}

END {
	for (i = 1; i <= runs; i++) {
		line = holder "() ran in: task (" task[i] "): " (i in waited ? "it called " : "without ") wait "()"
		if (!(line in times))
			order[++lines] = line
		times[line]++
		if (!(i in waited))
			without++
	}
	for (i = 1; i <= lines; i++)
		printf "%5d x %s\n", times[order[i]], order[i]
	if (lacks != "") {
		print "result: not shown, " lacks " cannot be probed here"
		exit 2
	}
	if (!runs) {
		print "result: not shown, " holder "() did not run: the command does not reach it"
		exit 2
	}
	if (without) {
		print "result: LOST, " without " of " runs " runs of " holder "() went on without " wait "()"
		exit 1
	}
	print "result: in time, all " runs " runs of " holder "() waited: each called " wait "()"
}
