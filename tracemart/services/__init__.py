"""What `./run demo` and `./run up` start on one machine."""
