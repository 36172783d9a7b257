"""Directives that put what is made from the code into a page: ``suite-keys``, ``axis-keys``, and so on."""

from collections.abc import Callable

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def _directive(make: Callable[[], str]) -> type[SphinxDirective]:
    class Made(SphinxDirective):
        def run(self) -> list[nodes.Node]:
            return self.parse_text_to_nodes(make(), allow_section_headings=True)

    return Made


def _suites() -> str:
    from key_reference import suite_reference

    return suite_reference()


def _axes() -> str:
    from key_reference import axis_reference

    return axis_reference()


def _methods() -> str:
    from key_reference import method_reference

    return method_reference()


def _commands() -> str:
    from command_reference import command_reference

    return command_reference()


def setup(app: Sphinx) -> dict[str, bool]:
    """Registers the directives; the code is imported by a page that has one."""
    for name, make in (
        ("suite-keys", _suites),
        ("axis-keys", _axes),
        ("method-keys", _methods),
        ("command-reference", _commands),
    ):
        app.add_directive(name, _directive(make))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
