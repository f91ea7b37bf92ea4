# Reads the verdicts of judge.awk, prints them for people; the last line is the result.
# "astray" names what leads to the finding and was not seen to run, "lacks" what the release was
# moved into and cannot be probed: then nothing is acquitted.
# Exit status: 0 all was done before the return to user space, 1 something later, 2 nothing seen.
# SPDX-License-Identifier: GPL-2.0-or-later

BEGIN {
	FS = "\t"
	said["before-call-returns"] = "inside of the call"
	said["before-return-to-user"] = "in the same task, before its next system call"
	said["eventually"] = "eventually"
}

{
	task = $7
	# of workers and their like only the kind tells
	sub(/-[0-9]+$/, "", task)
	sub(/\/.*/, "", task)
	if ($4 == "ran")
		line = $2 "() ran in: " $6 " (" task ")"
	else if ($4 == "otherwise")
		line = $5 "() ran in: " $6 " (" task "), not by " $2 "()"
	else {
		all++
		line = $2 "() called in: " $3 "; " $5 "() ran in: " $6 " (" task "): " said[$4]
	}
	# what runs inside of a call in a worker is done when that returns, but who waits for it?
	away = $4 == "ran" || $4 == "eventually" || ($4 != "otherwise" && $3 != "task")
	if (away && $4 != "ran")
		late++
	if (away && $8 == "back")
		line = line ", after the caller was back in user space"
	else if (away && $8 == "inside")
		line = line ", this time before the caller was back; nothing seen waits for it"
	if (!(line in times))
		order[++lines] = line
	times[line]++
}

END {
	for (i = 1; i <= lines; i++)
		printf "%5d x %s\n", times[order[i]], order[i]
	if (!all) {
		print "result: no last release was seen; the command does not reach it, or its functions cannot be probed here"
		exit 2
	}
	if (late) {
		told = "result: LATE, " late " of " all " last releases were not done before the return to user space"
		if (astray != "")
			told = told ", but " astray " did not run: they came by another way"
		print told
		exit 1
	}
	if (astray != "") {
		printf "result: not shown, %d last releases were in time, but %s did not run: the command does not reach it\n", all, astray
		exit 2
	}
	told = "result: in time, all " all " last releases were done before the return to user space"
	if (lacks != "") {
		print told ", but " lacks " cannot be probed: is this the kernel with the patch?"
		exit 2
	}
	print told
}
