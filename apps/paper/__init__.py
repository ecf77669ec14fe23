"""The paper gateway: a TWS simulator that any TWS client can talk to."""
