"""How configuration is read: an unknown key, a wrong type or a number out of range is an error, never a guess."""

from pydantic import ConfigDict

#: Set as ``__pydantic_config__`` on plain dataclasses that are read from suites, so that pydantic checks them so.
STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
