"""A kernel in little: what the index must know stands in a few files of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.model.kernel import Macro, Source
from patchlint.patch.trees import FolderTree

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = Source("test", "test")
MACROS = (
    Macro(r"SYSCALL_DEFINE\d", "syscall", regex=True, source=SOURCE),
    Macro("__init", "blank", regex=False, source=SOURCE),
    Macro("__user", "blank", regex=False, source=SOURCE),
    Macro("__releases", "blank-call", regex=False, source=SOURCE),
    Macro("DEFINE_HANDLER", "header", regex=False, source=SOURCE),
)

FILES = {
    "include/linux/thing.h": b"""\
struct thing;
void thing_put(struct thing *thing);
static inline void thing_done(struct thing *thing) { thing_put(thing); }
#define thing_drop(t) do { \\
\tif (t) \\
\t\tthing_put(t); \\
} while (0)
#define thing_release thing_put
#define THING_MAX 4
""",
    "fs/thing.c": b"""\
/* thing_put(in_comment); */
static const char *text = "thing_put(in_string)";

static void free_thing(struct work_struct *work)
{
\tthing_free(container_of(work, struct thing, work));
}

void thing_put(struct thing *thing)
{
\tINIT_WORK(&thing->work, free_thing);
\tif (thing->count == 0)
\t\tqueue_work(thing_wq, &thing->work);
}
EXPORT_SYMBOL(thing_put);

#if 0
void never(void)
{
\tthing_put(0);
}
#else
void always(void)
{
\tthing_put(0);
}
#endif

static int __init thing_init(void)
__releases(lock)
{
\tregister_thing(&thing_ops, thing_later);
\treturn 0;
}
module_init(thing_init)

SYSCALL_DEFINE2(thing, char __user *, name, int, flags)
{
\treturn do_thing(name, flags);
}

DEFINE_HANDLER(thing_handler)
{
\tdo_thing(0, 0);
}

static
int do_thing(const char *name,
\t     int flags)
{
\tstruct walk walk = { .actor = thing_actor, };

\twalk.done = thing_done_cb;
\tthing_release(flags);
\tname->put(name);
\treturn flags ? thing_cmp : flags;
}
""",
    "fs/user.c": b"""\
static void thing_free(struct thing *thing) {
\tkfree(thing);
}

static int user_release(struct inode *inode, struct file *file)
{
\tthing_put(file->private_data);
\tthing_done(0);
\tthing_drop(0);
\treturn 0;
}

const struct file_operations user_fops[] __read_mostly = {
\t[0] = {
\t\t.owner = THIS_MODULE,
\t\t.release = user_release, .llseek = &no_llseek,
\t},
};

static const int table[] = { 1, 2,
\t3 };
static struct cmd cmds[] = {
\t{ "put", thing_put },
};
static void (*hook)(struct thing *) = thing_put;
static DECLARE_WORK(user_work, user_release);
""",
    "fs/twin.c": b"""\
static void thing_put(struct thing *thing)
{
\tkfree(thing);
}

void twin(void)
{
\tthing_put(0);
}
""",
    "arch/one/a.c": b"void arch_thing(void)\n{\n\tthing_put(0);\n}\n",
    "arch/two/a.c": b"void arch_thing(void)\n{\n}\nvoid two(void)\n{\n\tarch_thing();\n}\n",
    "tools/test.c": b"int main(void)\n{\n\tthing_put(0);\n\treturn 0;\n}\n",
}


def folder_tree(folder: Path, files: dict[str, bytes] | None = None) -> FolderTree:
    """Write the files and give the folder as a tree."""
    for name, content in (FILES if files is None else files).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return FolderTree(folder)
