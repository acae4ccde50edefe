"""The page of a production incident: a control room on the server's side of the secret, and what is told after the reveal."""
