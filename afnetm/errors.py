"""The one exception for what the user can mend."""


class UserError(Exception):
    """Bad input: the message is one line that names the thing, its value and what is allowed.

    The command line prints it and exits with code 2; everything else is a bug and keeps its traceback.
    """

    def __init__(self, message: str) -> None:
        # One line whatever somebody's file or another library put into it.
        super().__init__("".join(letter if letter.isprintable() else " " for letter in message))
