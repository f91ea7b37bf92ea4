"""The shape of a known part of a C file: what it closes, what it leaves open."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from patchlint.patch.ctokens import scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.patch.ctokens import Inside, Token

Lead = Literal["empty", "inside", "header", "tail"]
Boundary = Literal["", "close", "open", "top"]
Scope = Literal["lead", "file", "function", "init", "struct", "enum", "pending"]
Bracket = Literal[
    "block", "do", "expression", "init", "struct", "enum", "call", "test", "for", "index"
]

CONDITIONAL = "#if 1"
END_CONDITIONAL = "#endif"

SWITCH = "switch (1) {"
"""Opens a block that may or may not run.  A bare block always runs: a return at its end would
be read as a condition of all that follows it."""

#: tokens that the test of a do loop may have
_LONGEST_TEST = 2000
_CONTROL = frozenset({"if", "while", "switch"})
_AGGREGATES = frozenset({"struct", "union", "enum"})
_BINARY = frozenset(
    {
        "&&",
        "||",
        "=",
        "+=",
        "-=",
        "*=",
        "/=",
        "%=",
        "&=",
        "|=",
        "^=",
        "<<=",
        ">>=",
        "==",
        "!=",
        "<",
        ">",
        "<=",
        ">=",
        "?",
        "|",
        "^",
        "/",
        "%",
        "<<",
        ">>",
        ",",
        "->",
        ":",
        "+",
    }
)
#: words and signs of statements alone
_ACTING = frozenset({"if", "for", "while", "do", "switch", "case", "return", "goto", "break", "="})
_NO_OPERAND = frozenset({")", "]", "word", "number", "string", "++", "--", "}"})
_ALPHA = re.compile(r"[A-Za-z_$]")
_CLOSES = {")": "(", "]": "[", "}": "{"}


class Shape(Struct, frozen=True):
    """What a stretch of known lines needs before and after it.

    ``lead`` says where it begins: ``empty`` shows no code before the first file-scope line
    (or none at all); ``inside`` a body; ``header`` a function's parameter list (or between it
    and ``{``); ``tail`` the end of a file-scope declaration.  ``boundary`` is what ends that
    lead.  ``content`` is the kind of body that the lead looks like.  ``openers`` are the
    tokens to put before it, outermost first, without the scope's own header; ``tail`` those
    after it, down to the level of the scope that stays open, which is ``scope``: the lead's
    own, none (``file``), a known one, or a header whose body does not show (``pending``).
    ``list_tail`` is the tail in a list of enumerators or initializers;
    ``as_body`` is the tail that turns a pending header into an open body.
    ``names`` are the lines that git may name as section of later hunks in that scope;
    ``conditionals`` counts the preprocessor conditionals around it that are still open.
    ``outer`` counts those that end in the part, but began before its scope did.
    ``named_end`` says that more than ``}`` ends the lead's body, as with no function;
    ``depth`` is how many unseen blocks of a function its indentation shows around it.
    ``members`` says that the part begins and ends among initializers;
    ``listing`` says that the part can be the end of a parameter list and nothing more;
    ``comma`` that a list which goes on after ``list_tail`` needs one; ``unended`` that no
    semicolon ends the lead's declaration, as in a macro's body.
    """

    lead: Lead
    boundary: Boundary
    content: Scope
    openers: tuple[str, ...]
    tail: tuple[str, ...]
    list_tail: tuple[str, ...]
    as_body: tuple[str, ...]
    scope: Scope
    names: tuple[str, ...]
    begins: Inside
    ends: Inside
    header_closers: int
    bare_name: bool
    conditionals: int
    outer: int
    named_end: bool
    depth: int
    members: bool
    listing: bool
    comma: bool
    unended: bool


class _Open(Struct):
    """An opening bracket that is not closed yet."""

    char: str
    kind: Bracket
    before: str
    semicolons: int = 0


class _Level(Struct):
    """What the present level of the lead has shown."""

    case: bool = False
    member: bool = False
    quoted: bool = False
    colon: bool = False
    listed: bool = False
    semicolons: int = 0
    ifs: int = 0
    empty: bool = True
    depth: int = 0

    def indent(self, tabs: int, before: str) -> None:
        """Note how far a line is indented; one that goes on with a statement tells nothing."""
        if tabs and before in {"", ";", "{", "}", ":"}:
            self.depth = min(tabs, self.depth) if self.depth else tabs


class _Walk(Struct):
    """One pass over the tokens."""

    tokens: Sequence[Token]
    stack: list[_Open] = field(default_factory=list)
    level: _Level = field(default_factory=_Level)
    openers: list[str] = field(default_factory=list)
    lead_open: bool = True
    boundary: Boundary = ""
    code: bool = False
    header_closers: int = 0
    before_paren: str = ""
    at: int = 0
    declaration: int = 0
    header_row: int = 0
    conditionals: list[tuple[int, int]] = field(default_factory=list)
    prefix: str = ""
    content: Scope = "function"
    typed: bool = False
    named_end: bool = False
    #: whether the lead shows a statement, as no list of members has one
    acts: bool = False
    questions: int = 0
    outer: int = 0
    unended: bool = False

    def run(self) -> None:
        """Walk all tokens."""
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind == "directive":
                self.directive(token.text)
            else:
                self.token(token)
                self.code = self.code or self.lead_open
                self.level.empty = False
            self.at += 1

    # -- looking around -----------------------------------------------------------------

    def near(self, step: int) -> str:
        """Return the text of the code token ``step`` tokens on, empty at either end."""
        index = self.at + step
        while 0 <= index < len(self.tokens) and self.tokens[index].kind == "directive":
            index += 1 if step > 0 else -1
        return self.tokens[index].text if 0 <= index < len(self.tokens) else ""

    def ends_do(self) -> bool:
        """Whether ``while`` after the present ``}`` ends a do loop."""
        depth = 0
        for token in self.tokens[self.at + 2 : self.at + 2 + _LONGEST_TEST]:
            depth += (token.text == "(") - (token.text == ")")
            if not depth and token.text != ")":
                return token.text == ";"
        return True

    def names_follow(self) -> bool:
        """Whether the line of the present ``}`` goes on, as a function's end does not."""
        here = self.tokens[self.at]
        return any(token.row == here.row for token in self.tokens[self.at + 1 : self.at + 2])

    # -- preprocessor -------------------------------------------------------------------

    def directive(self, word: str) -> None:
        """Take in a conditional directive; all others mean nothing here."""
        if word in {"if", "ifdef", "ifndef"}:
            self.conditionals.append((len(self.stack), len(self.openers)))
        elif word in {"else", "elif"}:
            self.other_branch()
        elif word == "endif":
            if self.conditionals:
                self.conditionals.pop()
            else:
                self.missing_conditional()

    def other_branch(self) -> None:
        """Count brackets of one branch only: the next begins where the first began."""
        if self.conditionals:
            depth, openers = self.conditionals[-1]
            if len(self.openers) == openers and len(self.stack) > depth:
                del self.stack[depth:]
        else:
            self.missing_conditional()
            self.conditionals.append((len(self.stack), len(self.openers)))

    def missing_conditional(self) -> None:
        """Note a conditional that begins before the part."""
        if self.lead_open:
            self.openers.append(CONDITIONAL)
        else:
            self.outer += 1

    # -- tokens -------------------------------------------------------------------------

    def token(self, token: Token) -> None:
        """Take in a code token."""
        if token.first:
            self.column_zero(token)
        text = token.text
        if token.indent >= 0 and not self.stack and self.lead_open:
            self.level.indent(token.indent, self.near(-1))
        if text in {"(", "[", "{"}:
            self.open(token)
        elif text in _CLOSES:
            self.close(token)
        elif text == ";":
            self.semicolon()
        elif not self.stack:
            self.word(text)
        self.acts = self.acts or (self.lead_open and self.acting(text))
        if text in {"?", ":"}:
            self.questions = max(0, self.questions + (1 if text == "?" else -1))
        elif text in {";", "{", "}"}:
            self.questions = 0

    def acting(self, text: str) -> bool:
        """Whether a token stands in no member's declaration.

        A lower-case word with plain brackets behind it is taken for a call: an approximation,
        which takes a struct for a function where a macro of such a name declares a member.
        """
        if text in _ACTING or text == "->":
            return not self.stack or text == "->"
        called = text == "(" and len(self.stack) == 1 and self.near(1) != "*"
        return (
            called
            and self.near(-2) in {"", ";", "{", "}", ":"}
            and self.near(-1).islower()
            and self.near(-1).replace("_", "a").isalnum()
        )

    def column_zero(self, token: Token) -> None:
        """See whether a token in column 0 begins something at file scope."""
        if self.stack or token.kind != "word":
            return
        if self.near(1) == ":":
            return
        if self.lead_open:
            self.unended = self.near(-1) not in {"", ";", "}"}
            self.leave("top")
        row = token.row
        if self.complete_before():
            self.declaration = self.at
        self.header_row = row

    def complete_before(self) -> bool:
        """Whether the declaration before the present token looks finished."""
        words = [token.text for token in self.tokens[self.declaration : self.at]]
        return not words or words[-1] in {";", "}"} or (words[-1] == ")" and "(" in words)

    def leave(self, boundary: Boundary) -> None:
        """Note that the lead ends here, at file scope."""
        self.lead_open = False
        self.boundary = boundary
        self.content = self.looks()
        self.declaration = self.at
        self.header_row = self.tokens[self.at].row

    def looks(self) -> Scope:
        """Return what kind of body the present level of the lead is."""
        if self.level.member:
            return "init"
        if self.level.listed and not self.level.semicolons:
            return "enum"
        return "function"

    def semicolon(self) -> None:
        """Count a statement's end."""
        if self.stack:
            self.stack[-1].semicolons += 1
            return
        self.level.semicolons += 1
        if not self.lead_open:
            self.declaration = self.at + 1

    def word(self, text: str) -> None:
        """Note what the present level of the lead shows."""
        if not self.lead_open:
            return
        level = self.level
        level.quoted = level.quoted or (level.empty and text == '"')
        level.colon = level.colon or (text == ":" and not self.questions)
        if level.empty and not self.openers and text in _BINARY | {"else"}:
            self.first_word(text)
        elif text == "if":
            level.ifs += 1
        elif text == "else":
            if not level.ifs and not self.openers and level.semicolons <= 1:
                self.prefix = "if (1)"
            level.ifs = max(0, level.ifs - 1)
        elif text == "case" or (text == "default" and self.near(1) == ":"):
            level.case = True
        elif text == "." and self.near(2) in {"=", "."} and self.near(-1) in {"", ",", "{", "}"}:
            level.member = True
        elif text == ",":
            level.listed = True

    def first_word(self, text: str) -> None:
        """Note that the part begins in the middle of a statement."""
        if text == "else":
            self.prefix = "if (1) ;"
        elif text == ":":
            self.prefix = "__gap ? __gap"
        else:
            self.prefix = "__gap"

    def open(self, token: Token) -> None:
        """Push an opening bracket."""
        before = self.near(-1)
        if token.text == "{" and token.first and not self.stack and self.lead_open:
            self.leave("open")
            self.declaration = 0
        kind: Bracket
        if token.text == "[":
            kind = "index"
        elif token.text == "(":
            kind = "for" if before == "for" else "test" if before in _CONTROL else "call"
        else:
            kind = self.brace(before)
        self.stack.append(_Open(token.text, kind, before))

    def brace(self, before: str) -> Bracket:
        """Return what an opening brace opens."""
        parent = self.stack[-1].kind if self.stack else ""
        listed = before in {"{", ","} and parent in {"init", "enum"}
        if before == "=" or listed or (before == ")" and self.literal()):
            return "init"
        if before in {"(", "do"}:
            return "do" if before == "do" else "expression"
        if before == ")":
            return "block"
        for step in (-1, -2):
            word = self.near(step)
            if word in _AGGREGATES:
                return "enum" if word == "enum" else "struct"
        if not self.stack and not self.lead_open:
            return self.declared_brace()
        return "block"

    def literal(self) -> bool:
        """Whether the parentheses just closed are the type of a compound literal."""
        plain = _ALPHA.match(self.before_paren) and self.before_paren not in {"return", "sizeof"}
        return bool(self.stack) and not plain

    def declared_brace(self) -> Bracket:
        """Return what a brace at file scope opens, by the declaration before it."""
        words = {token.text for token in self.tokens[self.declaration : self.at]}
        if "(" not in words:
            if "=" in words:
                return "init"
            if "enum" in words:
                return "enum"
            if words & _AGGREGATES:
                return "struct"
        return "block"

    def close(self, token: Token) -> None:
        """Pop a closing bracket, or note that its opener is missing."""
        if token.text == "}" and token.first and self.stack:
            del self.stack[0 if self.lead_open else 1 :]
        if self.stack:
            self.pop(token.text)
        elif self.lead_open:
            self.missing(token)
        if not self.stack and not self.lead_open and token.text == "}":
            self.declaration = self.at + 1

    def pop(self, closer: str) -> None:
        """Pop the bracket that ``closer`` closes; brackets that do not pair are dropped."""
        wanted = _CLOSES[closer]
        depth = len(self.stack) - 1
        while depth >= 0 and self.stack[depth].char != wanted:
            depth -= 1
        if depth < 0:
            return
        self.before_paren = self.stack[depth].before
        del self.stack[depth:]

    def missing(self, token: Token) -> None:
        """Note an opener that stands before the part."""
        after = self.near(1)
        if token.text == "}":
            if token.first:
                self.leave("close")
                self.named_end = self.names_follow() and not self.acts
                if self.content == "function" and self.named_end:
                    self.content = "struct"
                return
            self.openers.append(self.missing_brace(after))
        elif token.text == ")" and token.first:
            self.header_closers += 1
            self.leave("top")
        elif token.text == ")":
            self.header_closers += 1
            self.before_paren = "__gap"
            self.openers.append(self.missing_paren(after))
        else:
            self.openers.append("__gap[")
        fresh = token.text == "}"
        if fresh:
            self.level = _Level(empty=False, member=after == ",")
        if fresh and after == "else":
            self.level.ifs = 1

    def missing_brace(self, after: str) -> str:
        """Return the opener of a brace that closes here."""
        if self.level.case:
            return SWITCH
        if after == "else":
            return "if (1) {"
        if after == "while" and self.ends_do():
            return "do {"
        statements = self.level.semicolons > 0
        if after == ")":
            return "({" if statements else "(struct __gap){"
        if after == ",":
            return "{"
        return SWITCH if statements or after != ";" else "struct __gap __gap = {"

    def missing_paren(self, after: str) -> str:
        """Return the opener of a parenthesis that closes here."""
        if self.level.semicolons and after not in {";", ")", ","}:
            missing = max(0, 2 - self.level.semicolons)
            self.level.semicolons = 0
            return "for (" + ";" * missing
        word = _ALPHA.match(after)
        if self.level.quoted and self.level.colon:
            return "asm("
        if after == "{" or word:
            return "if ("
        return "__gap("

    # -- the end ------------------------------------------------------------------------

    def closing(self, keep: int, inside: Bracket = "block") -> tuple[str, ...]:
        """Return what closes all brackets but the outermost ``keep``, in chunks of a line.

        ``inside`` is what the part stands in when no bracket of its own says it.
        """
        marks = [depth for depth, _ in self.conditionals if depth >= keep]
        chunks: list[str] = []
        text: list[str] = []
        previous = self.last_token()
        if self.questions:
            text.append("" if _is_operand(previous) else "__gap")
            text += [": __gap"] * self.questions
            previous = "word"
        stack = self.stack
        for depth in range(len(stack), keep, -1):
            while marks and marks[-1] >= depth:
                previous = self.flush(chunks, text, previous, stack[depth - 1].kind)
                marks.pop()
            previous = self.close_one(text, previous, stack[depth - 1])
        if keep and keep <= len(stack):
            inside = stack[keep - 1].kind
        while marks:
            previous = self.flush(chunks, text, previous, inside)
            marks.pop()
        text.append("__gap;" if self.typed else self.finish(previous, inside))
        joined = " ".join(word for word in text if word)
        return (*chunks, joined) if joined else tuple(chunks)

    def flush(self, chunks: list[str], text: list[str], previous: str, kind: Bracket) -> str:
        """End a line of closers before the end of a conditional."""
        text.append(self.finish(previous, kind))
        joined = " ".join(word for word in text if word)
        if joined:
            chunks.append(joined)
        text.clear()
        chunks.append(END_CONDITIONAL)
        return ";"

    def last_token(self) -> str:
        """Return the text of the last code token, its kind for an operand."""
        for token in reversed(self.tokens):
            if token.kind == "directive":
                continue
            return token.text if token.kind in {"word", "op"} else token.kind
        return ""

    def close_one(self, text: list[str], previous: str, bracket: _Open) -> str:
        """Append what closes ``bracket``; return the token that then stands last."""
        if bracket.char != "{":
            text.append(self.finish_list(previous, bracket))
            text.append(")" if bracket.char == "(" else "]")
            return ")"
        text.append(self.finish(previous, bracket.kind))
        text.append("}")
        if bracket.kind == "do":
            text.append("while (0);")
            return ";"
        return ";" if bracket.kind == "block" else ")"

    @staticmethod
    def finish_list(previous: str, bracket: _Open) -> str:
        """Return what completes the inside of parentheses or of an index."""
        semicolons = ";" * max(0, 2 - bracket.semicolons) if bracket.kind == "for" else ""
        operand = ""
        if previous in {"(", "["}:
            operand = "1" if bracket.kind in {"test", "index"} else ""
        elif previous == ";" or _is_operand(previous):
            operand = ""
        else:
            operand = "__gap"
        return operand + semicolons

    @staticmethod
    def finish(previous: str, kind: Bracket) -> str:
        """Return what completes the statement, initializer or member before a ``}``."""
        if previous in {"", ";", "{", "}"}:
            return ""
        if kind in {"init", "enum"}:
            return "" if previous == "," or _is_operand(previous) else "0"
        words = {
            "else": ";",
            "do": "; while (0);",
            "return": ";",
            "break": ";",
            "continue": ";",
            "default": ": ;",
            "case": "0: ;",
            ":": ";",
        }
        if previous in words:
            return words[previous]
        return ";" if _is_operand(previous) and previous not in _AGGREGATES else "__gap;"


def _is_operand(previous: str) -> bool:
    """Whether a token can end an expression."""
    return previous in _NO_OPERAND or bool(_ALPHA.match(previous) and previous != "goto")


@lru_cache(maxsize=8192)
def shape_of(texts: tuple[str, ...]) -> Shape:
    """Return the shape of consecutive lines.  Never raises, whatever the lines are."""
    found = scan(texts)
    walk = _Walk(found.tokens)
    walk.run()
    if walk.lead_open:
        walk.content = walk.looks()
    lead = _lead(walk)
    scope, keep = _scope(walk)
    extra: tuple[str, ...] = ()
    openers = list(walk.openers)
    if walk.prefix:
        openers.insert(0, walk.prefix)
    if lead == "inside" and walk.lead_open and walk.level.case:
        openers.append(SWITCH)
        extra = ("}",)
    list_tail = walk.closing(keep, "init")
    outer = walk.outer
    if lead in {"empty", "header"}:
        outer += openers.count(CONDITIONAL)
        openers = []
    as_body = walk.closing(keep)
    listing = _is_listing(walk)
    if scope == "pending" or listing:
        as_body = (*_declarator_end(walk), "{")
    start = walk.header_row if scope != "lead" else 0
    names = tuple(text.rstrip() for text in texts[start:] if _ALPHA.match(text))
    return Shape(
        lead=lead,
        boundary=walk.boundary,
        content=walk.content,
        openers=tuple(reversed(openers)),
        tail=(*walk.closing(keep), *extra),
        list_tail=list_tail,
        as_body=as_body,
        scope=scope,
        names=names if scope != "file" else (),
        begins=found.begins,
        ends=found.ends,
        header_closers=walk.header_closers,
        bare_name=_bare_name(found.tokens),
        conditionals=sum(depth < keep or scope == "pending" for depth, _ in walk.conditionals),
        outer=outer,
        named_end=walk.named_end,
        depth=max(0, walk.level.depth - 1) if walk.lead_open else 0,
        members=walk.lead_open and walk.level.member,
        listing=listing,
        comma=bool(list_tail) or walk.last_token() not in {"", ",", "{"},
        unended=walk.unended,
    )


def _lead(walk: _Walk) -> Lead:
    """Return where the part begins."""
    if walk.boundary == "open":
        return "header"
    if walk.boundary == "close" or (walk.lead_open and walk.code):
        return "inside"
    return "tail" if walk.code else "empty"


def _scope(walk: _Walk) -> tuple[Scope, int]:
    """Return the scope at the end of the part, and how many brackets belong to it."""
    if walk.lead_open:
        return "lead", 0
    if walk.stack and walk.stack[0].char == "{":
        kind = walk.stack[0].kind
        if kind == "init" or kind == "struct" or kind == "enum":  # noqa: PLR1714 - for mypy
            return kind, 1
        return "function", 1
    left = [token.text for token in walk.tokens[walk.declaration :] if token.kind != "directive"]
    if "(" in left:
        return "pending", 0
    walk.typed = bool(left) and left[-1] != ")"
    return "file", 0


def _is_listing(walk: _Walk) -> bool:
    """Whether the part can be the last lines of a parameter list."""
    if not walk.lead_open or walk.header_closers != 1 or len(walk.openers) != 1 or walk.stack:
        return False
    words = 0
    for token in walk.tokens[:-1]:
        if token.kind == "word":
            words += 1
        elif token.text == "," and words > 1:
            words = 0
        elif token.text != "*":
            return False
    return words > 1 and walk.tokens[-1].text == ")"


def _declarator_end(walk: _Walk) -> tuple[str, ...]:
    """Return what closes a header's open parameter list."""
    text: list[str] = []
    previous = walk.last_token()
    for bracket in reversed(walk.stack):
        previous = walk.close_one(text, previous, bracket)
    return (" ".join(text),) if text else ()


def _bare_name(tokens: Sequence[Token]) -> bool:
    """Whether the part begins with a function's name whose type stands on the line before."""
    start = [token for token in tokens[:2] if token.kind != "directive"]
    return len(start) > 1 and start[0].first and start[0].kind == "word" and start[1].text == "("
