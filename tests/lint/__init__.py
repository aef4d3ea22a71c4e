"""What sqlfluff's templater lacks of dbt's Jinja context; it reads this package by `library_path`."""

import json
from collections.abc import Callable
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context


class _Adapter:
    @staticmethod
    @pass_context
    def dispatch(context: Context, name: str) -> Callable[..., Any]:
        """The macro that the one engine of this project uses."""
        return context[f"default__{name}"]  # type: ignore[no-any-return]


adapter = _Adapter()
tojson = json.dumps
