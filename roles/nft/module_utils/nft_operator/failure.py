"""How the module says that it could not do its work."""


class Failure(Exception):
    """A reason in one word, for machines, and a message, for people.

    The message says what is wrong and what to do. It holds no secrets.
    """

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason
        self.message = message
