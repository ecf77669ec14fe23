"""The desk over HTTP: its routines, what it knows, and what happens, for whoever has the token.

The server is a task of the loop that owns the link to the broker: no loop, thread or process of its
own. Only `app`, `events_response`, `operations` and `server` import fastapi, starlette or uvicorn;
`service` loads them when somebody wants to be served.
"""
