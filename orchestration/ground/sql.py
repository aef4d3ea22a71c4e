"""Names and texts inside SQL, where no parameter can stand."""


def quoted_name(identifier: str) -> str:
    """A name as SQL, whatever is in it."""
    return '"' + identifier.replace('"', '""') + '"'


def quoted_text(value: object) -> str:
    """A text as SQL, whatever is in it."""
    return "'" + str(value).replace("'", "''") + "'"
