# Reads the verdicts of judge.awk, prints them for people; the last line is the result.
# Exit status: 0 all was done before the return to user space, 1 something later, 2 nothing seen.
# SPDX-License-Identifier: GPL-2.0-or-later

BEGIN {
	FS = "\t"
	said["before-call-returns"] = "inside of the call"
	said["before-return-to-user"] = "in the same task, before its next system call"
	said["eventually"] = "eventually"
	said["ran"] = ""
}

{
	task = $7
	# of workers and their like only the kind tells
	sub(/-[0-9]+$/, "", task)
	sub(/\/.*/, "", task)
	if ($4 == "ran")
		line = $2 "() ran in: " $6 " (" task ")"
	else {
		line = $2 "() called in: " $3 "; " $5 "() ran in: " $6 " (" task "): " said[$4]
		all++
		if ($4 == "eventually") {
			late++
			if ($8 == "back")
				line = line ", after the caller was back in user space"
			else if ($8 == "inside")
				line = line ", this time before the caller was back; nothing waits for it"
		}
	}
	if ($8 == "inside" && $4 == "ran")
		line = line ", this time before the caller was back"
	else if ($8 == "back" && $4 == "ran")
		line = line ", after the caller was back in user space"
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
		printf "result: LATE, %d of %d last releases were not done before the return to user space\n", late, all
		exit 1
	}
	printf "result: in time, all %d last releases were done before the return to user space\n", all
}
