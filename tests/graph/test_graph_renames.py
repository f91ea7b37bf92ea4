"""Which identifiers of a series only got another name."""

from __future__ import annotations

import pytest
from graph_kit import pairs

from patchlint.graph.renames import renames


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("\tlamp->on = 1;\n", "\tlamp->lit = 1;\n", {"on": "lit"}),
        # a call that is another one is no rename, what it is defined as is one
        ("\tput(lamp);\n", "\tput_later(lamp);\n", {}),
        ("void put(int l)\n", "void put_one(int l)\n", {"put": "put_one"}),
        # another flag is another value, until it is defined by another name
        ("\tlamp_end(l, LAMP_SYNC);\n", "\tlamp_end(l, LAMP_ASYNC);\n", {}),
        ("\tbool wait = true;\n", "\tbool wait = false;\n", {}),
        (
            "#define LAMP_SYNC 1\n\tlamp_end(l, LAMP_SYNC);\n",
            "#define LAMP_WAIT 1\n\tlamp_end(l, LAMP_WAIT);\n",
            {"LAMP_SYNC": "LAMP_WAIT"},
        ),
        ("\tLAMP_SYNC,\n", "\tLAMP_WAIT,\n", {"LAMP_SYNC": "LAMP_WAIT"}),
        # one part of many words
        (
            "struct sess_x *to_sess_y(struct sess_z *s)\n",
            "struct path_x *to_path_y(struct path_z *s)\n",
            {"sess_x": "path_x", "to_sess_y": "to_path_y", "sess_z": "path_z"},
        ),
        ("\ta_b = c_d + e_f;\n", "\tg_h = i_j + k_l;\n", {}),
        # who is still there got no other name
        ("\ton = 1;\n\ton = 2;\n", "\tlit = 1;\n\ton = 2;\n", {}),
    ],
)
def test_a_word_that_stands_for_another_in_a_line_of_its_shape(before, after, found):
    assert renames(pairs(before, after)) == found
