"""Bytes in, series out: how mails are read, decoded, and put in order."""
