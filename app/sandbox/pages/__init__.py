"""The web page of the sandbox: plain HTML made on the server, no script."""
