"""``aexp mcp``: the relay and the sandboxes as tools of the Model Context Protocol.

The only room that knows the SDK. Nothing in it can approve, reject, grant, trust or change a setting.
"""
