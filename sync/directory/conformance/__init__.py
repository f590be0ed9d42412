"""Whether a server keeps to the protocol: what is asked, and what is found."""
