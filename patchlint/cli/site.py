"""``patchlint site``: stores as static pages."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from patchlint.report.text import count

if TYPE_CHECKING:
    from patchlint.archive.site import Proof
    from patchlint.model.finding import Finding
    from patchlint.model.kernel import KernelFacts

EPILOG: Final = """\
examples:
  patchlint site block.db fsdevel.db --out public
  patchlint site *.db --out public --name "Late releases" --url https://example.org/late/

Each change has a page that keeps its name, and beside it the script of patchlint confirm
that shows it on a running kernel; lists, families, years and rules have pages too. There is
a search and a feed (feed.xml). The pages load nothing from elsewhere and can be read from a
disk or put on any web server.

exit status: 0, or 2 when a store could not be read or the folder not written"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``site``."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "stores", metavar="STORE", nargs="+", help="a store that patchlint scan wrote"
    )
    parser.add_argument(
        "--out", metavar="DIR", required=True, help="write there: new, empty, or an earlier site"
    )
    parser.add_argument("--name", default="patchlint", help="what the site is called")
    parser.add_argument(
        "--url",
        default="",
        metavar="URL",
        help="where it will stand; makes links of the feed whole",
    )
    parser.add_argument(
        "--link-url",
        default="",
        metavar="URL",
        help="where mails are read, %%s for the Message-ID (default: the setting link-url)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the site; 0, or 2 when a store could not be read or the folder not written."""
    from patchlint.archive import changes, publish, site
    from patchlint.archive.store import StoreError
    from patchlint.integrations.config import ConfigError, load_settings
    from patchlint.ruleset import record
    from patchlint.ruleset.load import RuleError, load

    for url in (arguments.url, arguments.link_url):
        if url and not url.startswith(("https://", "http://")):
            print(f"patchlint: {url} is no http or https URL", file=sys.stderr)
            return 2
    try:
        look = site.Look(
            name=" ".join(arguments.name.split()) or "patchlint",
            link=arguments.link_url or load_settings().one("link-url"),
            base=f"{arguments.url.rstrip('/')}/" if arguments.url else "",
        )
        found = changes.gather(arguments.stores)
        ruleset = load()
        pages = site.pages(found, ruleset, look, record.read(), partial(_proof, ruleset.kernel))
        number = publish.publish(pages, Path(arguments.out))
    except (StoreError, RuleError, ConfigError, publish.PublishError) as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    told = f"{count(len(found.changes), 'change')}, {count(number, 'file')}"
    print(f"{told}: {Path(arguments.out) / 'index.html'}")
    return 0


def _proof(kernel: KernelFacts, finding: Finding) -> Proof:
    from patchlint.archive.site import Proof
    from patchlint.confirm import claim, plan, script

    (claimed,) = claim.of_findings([finding])
    made = plan.make(claimed, kernel)
    return Proof(script.script(made), script.runs(made))
