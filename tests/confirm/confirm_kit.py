"""A plan and the awks of this machine, for tests of ``patchlint confirm``."""

from __future__ import annotations

import shutil

#: awks that differ in much: whatever of them is here has to agree
AWKS = [
    words.split()
    for words in ("awk", "busybox awk", "mawk", "gawk", "original-awk")
    if shutil.which(words.split()[0])
]
PLAN = """\
frame process_one_work workqueue
frame rcu_do_batch rcu-callback
frame task_work_run task
frame do_exit task
frame kthread kthread
final lamp_put lamp_out
final shade_del shade_del
"""
