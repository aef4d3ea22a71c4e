"""What people type: the command line, and what its commands show."""
