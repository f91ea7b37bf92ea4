"""Parses C.  The only module that knows tree-sitter; what leaves it are nodes by kind."""

from __future__ import annotations

from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import TYPE_CHECKING, Final

from tree_sitter import Language, Node, Parser, Query, QueryCursor

from patchlint.model import budget

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Node", "captures", "parse"]

#: What facts are read from, by capture name.  All other nodes are passed over in C code.
_QUERY: Final = """
(function_definition) @function
(call_expression) @call
(if_statement) @if
(switch_statement) @switch
(case_statement) @case
(conditional_expression) @ternary
(binary_expression operator: ["&&" "||"]) @logic
[(while_statement) (for_statement) (do_statement)] @loop
[(return_statement) (goto_statement) (break_statement) (continue_statement)] @leave
(labeled_statement) @label
(assignment_expression) @assign
(update_expression) @update
(expression_statement (call_expression) @statement)
(expression_statement (cast_expression (call_expression) @statement))
(return_statement (call_expression) @statement)
(declaration) @declaration
(init_declarator value: (initializer_list)) @object
(compound_literal_expression) @literal
(initializer_pair) @pair
(struct_specifier body: (_)) @struct
(union_specifier body: (_)) @struct
(type_definition) @typedef
(preproc_function_def) @macro
[(preproc_if) (preproc_ifdef) (preproc_elif) (preproc_elifdef)] @config
"""


#: Time grows with the square of the depth; the deepest code in a kernel has some hundreds.
_DEPTH: Final = 1500
#: What looks for captures asks at each node whether a named one follows, and looks at all
#: that follow up to there: in the rubble of an error, at this many a hundredth of a second.
_TOKENS: Final = 2500


@lru_cache(maxsize=1)
def _language() -> tuple[Language, Query]:
    language = Language(_grammar().language())
    return language, Query(language, _QUERY)


def _grammar() -> ModuleType:
    """Import the grammar's binding without the package around it.

    The package brings importlib.resources along for its query files, which nobody reads
    here: a twelfth of a short check.
    """
    package = PathFinder.find_spec("tree_sitter_c")
    if package is not None:
        folders = package.submodule_search_locations
        binding = PathFinder.find_spec("tree_sitter_c._binding", folders)
        if binding is not None and binding.loader is not None:
            module = module_from_spec(binding)
            binding.loader.exec_module(module)
            return module
    import tree_sitter_c  # not found as files: as it is imported otherwise

    return tree_sitter_c


#: The parser tells of itself after each hundred of its steps.  Kernel code takes some ten of
#: these a kilobyte; how it gets over errors may take time that grows with their square.
_FEWEST: Final = 500
_A_KILOBYTE: Final = 100
_CHUNK: Final = 1 << 16
#: It comes back for text that it had when it looks for the end of something; for kernel code
#: it is handed less than twice the text.  What it was handed some versions never let go.
_AGAIN: Final = 16


def parse(text: bytes) -> Node | None:
    """Parse ``text`` from scratch and give the root.  Never raises on any bytes.

    None when that takes ten times the steps, or the text, that so much code takes: the parser
    gave up.  Both are counted, so that the answer is the same on any machine; only a budget of
    time that is in force and at its end is another reason to give up.
    """
    left = _FEWEST + len(text) * _A_KILOBYTE // 1024
    handed = _AGAIN * max(len(text), _CHUNK)
    force = budget.current()

    def stop(_offset: int, _error: bool) -> bool:
        nonlocal left
        left -= 1
        return left < 0 or handed < 0 or not force.allows()

    def read(offset: int, _point: object) -> bytes:
        nonlocal handed
        chunk = text[offset : offset + _CHUNK]
        if parsed:  # who asks for the text of a node now gets it
            return chunk
        handed -= len(chunk)
        return chunk if handed >= 0 else b""

    parsed = False
    try:
        root = Parser(_language()[0]).parse(read, progress_callback=stop).root_node
    except ValueError:  # it was stopped
        return None
    parsed = True
    # without the text that it wanted it may have come to an end of its own
    return root if handed >= 0 and not _is_rubble(root) else None


def _is_rubble(root: Node) -> bool:
    """Whether the parser left more bare tokens beside each other than any code has.

    Counted in nodes that have errors alone: no rule of the grammar makes a node of so many.
    """
    nodes = [root]
    for node in nodes:
        if not node.has_error or node.descendant_count <= _TOKENS:
            continue
        if node.child_count - node.named_child_count > _TOKENS:
            return True
        nodes += node.children
    return False


def captures(root: Node) -> dict[str, list[Node]]:
    """Give the nodes of the kinds that facts are read from, in no certain order.

    Nodes deeper in the tree than any real code is are passed over.
    """
    cursor = QueryCursor(_language()[1])
    cursor.set_max_start_depth(_DEPTH)
    return cursor.captures(root)
