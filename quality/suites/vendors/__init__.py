"""What gate 2 expects of a vendor's parsed rows, in a module of the vendor's name; none is needed."""
