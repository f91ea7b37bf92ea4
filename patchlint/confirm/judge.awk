# Reads a plan, then folded events (see fold.awk) in their order; says by when each release
# was done.  The plan is lines of words:
#
#	frame FUNCTION CONTEXT		what is below this frame runs in that context
#	final RELEASE FUNCTION		the release is done when this function runs; where both
#					are the same, when it returns
#	everyone			every task is followed from its birth on: none is a stranger
#
# Events: c_F a release is called, r_F it returns, f_F a final function runs, e_F what leads
# to it is called, b_F the callback that it was moved into, sys_enter the task's next system
# call, tracing_mark_write "begin|end|done NAME" around a workload.
# Prints, a line for each release that was the last one:
#
#	workload TAB release TAB called in TAB by TAB final TAB done in TAB task TAB caller TAB frames
#
# "by" is a guarantee, or "ran" for a callback; "caller" says whether the task that came by
# an e_F was "back" in user space by then, "inside" still, or "-" when none came by.
#
# The judgement rests on nesting, contexts and order, never on time:
# before-call-returns	the final function runs inside of the release
# before-return-to-user	it runs in the calling task, before that task's next system call
# eventually		neither: in another context
# otherwise		in a task that did not call the release since its last system call: what
#			ended here was let go by another way
# SPDX-License-Identifier: GPL-2.0-or-later

BEGIN { FS = OFS = "\t" }

# The context of an event, by its innermost telling frame.
function context(level, frames,    part, n, i) {
	n = split(frames, part, "<")
	for (i = 1; i <= n; i++)
		if (part[i] in frame)
			return frame[part[i]]
	return level == "i" ? "interrupt" : "task"
}

function forget(    key) {
	for (key in open_call)
		delete open_call[key]
	for (key in depth)
		delete depth[key]
	calls = 0
}

# The call that a final function ends, 0 when there was none; sets "by".
function ended(release, pid, level, where, frames,    i, key) {
	# inside of it: the innermost one that is open in this task, or one of the frames
	key = pid SUBSEP level
	for (i = depth[key]; i > 0; i--)
		if (call_of[open_call[key, i]] == release) {
			by = "before-call-returns"
			return open_call[key, i]
		}
	if (index("<" frames "<", "<" release "<"))
		for (i = calls; i > 0; i--)
			if (call_of[i] == release && call_pid[i] == pid) {
				by = "before-call-returns"
				return i
			}
	# after it, in the task that called it and before its next system call
	if (where == "task")
		for (i = calls; i > 0; i--)
			if (call_of[i] == release && call_pid[i] == pid && call_in[i] == "task" \
			    && call_turn[i] == turn[pid] && !done[i]) {
				by = "before-return-to-user"
				return i
			}
	# a task ends its own; in another context most likely what was not called in a task
	by = where == "task" ? "otherwise" : "eventually"
	for (i = calls; i > 0; i--)
		if (call_of[i] == release && !done[i] && call_in[i] != "task")
			return i
	for (i = calls; i > 0; i--)
		if (call_of[i] == release && !done[i])
			return i
	return 0
}

function caller() {
	if (!entry_pid)
		return "-"
	return turn[entry_pid] == entry_turn ? "inside" : "back"
}

FNR == NR {
	split($0, word, " ")
	if (word[1] == "frame")
		frame[word[2]] = word[3]
	else if (word[1] == "everyone")
		everyone = 1
	else if (word[1] == "final")
		if (word[2] == word[3])
			itself[word[2]] = 1
		else
			releases[word[3]] = releases[word[3]] " " word[2]
	next
}

$5 == "tracing_mark_write" {
	split($6, word, " ")
	if (word[1] == "begin") {
		forget()
		workload = word[2]
	} else if (word[1] == "done") {
		workload = ""
	}
	next
}

$5 == "sys_enter" {
	turn[$2]++
	next
}

{
	kind = substr($5, 1, 2)
	name = substr($5, 3)
}

kind == "e_" {
	if ($2 in turn) {
		entry_pid = $2
		entry_turn = turn[$2]
	}
	next
}

kind == "b_" {
	print workload, name, "-", "ran", name, context($4, $7), $3 "-" $2, caller(), $7
	next
}

kind == "c_" {
	where = context($4, $7)
	# a task that none of the followed system calls came from is a stranger
	if (where == "task" && !everyone && !($2 in turn))
		next
	calls++
	call_of[calls] = name
	call_pid[calls] = $2
	call_turn[calls] = turn[$2]
	call_in[calls] = where
	call_frames[calls] = $7
	done[calls] = 0
	key = $2 SUBSEP $4
	open_call[key, ++depth[key]] = calls
	next
}

kind == "r_" {
	key = $2 SUBSEP $4
	# what returns is on top, unless a return was missed
	for (i = depth[key]; i > 0; i--) {
		one = open_call[key, i]
		if (call_of[one] != name)
			continue
		depth[key] = i - 1
		# a function that does all of the work itself has done it when it returns
		if (name in itself)
			print workload, name, call_in[one], "before-call-returns", name, \
				call_in[one], $3 "-" $2, caller(), call_frames[one]
		break
	}
	next
}

kind == "f_" {
	where = context($4, $7)
	if (where == "task" && !everyone && !($2 in turn))
		next
	n = split(releases[name], of, " ")
	for (j = 1; j <= n; j++) {
		one = ended(of[j], $2, $4, where, $7)
		if (!one)
			continue
		if (by != "otherwise")
			done[one] = 1
		print workload, of[j], call_in[one], by, name, where, $3 "-" $2, caller(), $7
	}
}
