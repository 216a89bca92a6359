"""The one exception of the module: why a host is left as it is."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


class Refused(Exception):
    """Nothing more is done on this host.

    reason is one word that the operator knows (internal/ansible/reason.go);
    the message says what is wrong and what a person can do.
    """

    def __init__(self, reason, message):
        super(Refused, self).__init__(message)
        self.reason = reason
