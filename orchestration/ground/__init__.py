"""What all stand on: settings, the home folder, its lock, alerts, progress, what a machine does to files."""
