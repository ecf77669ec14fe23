"""Responses, server to client: a frozen dataclass and a table for each, by topic.

Every response up to version 176 has one, save those that nobody here can have a reason to send:
what TWS tells its linked windows and trusted programs (65 to 70), financial advisors (16),
subscribers of fundamentals (51) and of Wall Street Horizon (104, 105), holders of CFDs (91, 92)
and of exchange-for-physicals (47), and the details of bonds (18). The requests that would lead to
them are read all the same, and refused.
"""
