"""What a state takes over from another one is what reading it would have given."""

from __future__ import annotations

import difflib

from hypothesis import given
from hypothesis import strategies as st

from patchlint.model.image import Image
from patchlint.ruleset.load import load
from patchlint.syntax import shared
from patchlint.syntax.facts import extract

MACROS = load(cached=False).kernel.macros

PUT = """\
static void
lamp_put(struct lamp *lamp)
{
	if (!lamp)
		return;
	if (lamp->lit) {
		fput(lamp->file);
	} else {
		lamp->owner = NULL;
		goto out;
	}
	lamp_free(lamp);
out:
	kfree(lamp);
}
"""
BLOCKS = [
    PUT,
    "#include <linux/lamp.h>\n",
    "struct lamp {\n\tstruct file *file;\n\tint lit;\n};\n",
    "SYSCALL_DEFINE1(lamp, int, fd)\n{\n\tlamp_put(lamp_get(fd));\n\treturn 0;\n}\n",
    "static const struct file_operations ops = {\n\t.release = lamp_release,\n};\n",
    "static int lamp_set(void)\n{\n\tstruct ops o = { .release = lamp_put };\n\n\tuse(&o);\n}\n",
    "DEB(\nstatic void lamp_log(struct lamp *lamp)\n{\n\tprintk(lamp->name);\n}\n)\n",
    "#define lamp_all(l) do { lamp_put(l); } while (0)\n",
    "int lamp_old(void)\n{\n\textern int new(void);\n#ifdef A\n\treturn new();\n#endif\n}\n",
    "DEFINE_FREE(lamp, struct lamp *, lamp_put(_T))\n",
    "void lamp_scope(void)\n{\n\tstruct lamp *l __free(lamp) = lamp_get(1);\n\n\tlamp_use(l);\n}\n",
    "EXPORT_SYMBOL(lamp_put);\n",
    "/* a comment\n * of two lines\n */\n",
    "void lamp_bad(void)\n{\n\tif (x {\n}\n",
    "\n",
]


def image(blocks):
    text = "".join(blocks).encode()
    return Image("fs/lamp.c", text, ((1, text.count(b"\n") + 1),), whole=True)


def beside(here, there):
    """The facts of ``here`` with the help of ``there``, and what is read of it alone."""
    old, new = there.text.split(b"\n"), here.text.split(b"\n")
    kept = {}
    for a, b, size in difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        kept.update({a + at + 1: b + at + 1 for at in range(size)})
    known = extract(there, MACROS)
    return shared.extract_beside(here, there, known, kept, MACROS), extract(here, MACROS)


PARTS = st.lists(st.sampled_from(BLOCKS), max_size=9)


@given(PARTS, PARTS, PARTS)
def test_it_is_what_is_read_of_the_state_alone(common, before, after):
    taken, read = beside(image([*after, *common]), image([*before, *common]))
    assert taken == read


def test_what_stands_is_not_parsed_again(monkeypatch):
    there, here = image([PUT, BLOCKS[3]]), image([BLOCKS[2], PUT, BLOCKS[3].replace("0", "1")])
    texts = []

    def seen(path, text, macros):
        texts.append(text)
        return read(path, text, macros)

    read = shared.extract_text
    monkeypatch.setattr(shared, "extract_text", seen)
    taken, alone = beside(here, there)
    assert taken == alone
    assert [function.name for function in taken.functions] == ["lamp_put", "lamp"]
    assert len(texts) == 1
    assert b"lamp_free" not in texts[0]
    assert b"return 1" in texts[0]
