"""Tables: tidy frames laid out for a reader."""
