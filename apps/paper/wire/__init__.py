"""Sans-I/O codec of the TWS wire protocol, from the server's side."""
